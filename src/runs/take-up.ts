/**
 * Work that lost its worker goes on in the next command that works, when no living worker would do it. Bounded: a command takes
 * up what was begun and broken off, and a few runs at a time; what merely waits only where a backfill gives way to it, and would for
 * ever. What becomes of it then: taken-up.ts.
 */
import { asSluiceError } from '../lib/error.ts'
import { readLeft, type LeftRow } from '../state/claim.ts'
import { appendLog } from '../state/log.ts'
import { readRunsById, type RunRow } from '../state/run.ts'
import { hashesOf, inTransaction, type EngineContext } from './context.ts'
import type { RunId } from './engine.ts'
import { yields } from './taken-up.ts'

/** How many runs a process has taken up at most at any time, but for what a backfill gives way to. */
export const atMost = 4

/** Sees to a run until it has ended or the signal is aborted; `begun` is called when an attempt of it begins here. */
export type See = (id: RunId, signal: AbortSignal, begun: () => Promise<void>) => Promise<void>

/**
 * Looks for runs that were left and begins to see to each, beside the caller's own: of its flow those that it waits for (`before`), or
 * any. Said in the log of the own run while that goes on.
 */
export async function takeUp(
  engine: EngineContext,
  own: Pick<RunRow, 'id' | 'flow' | 'backfill'>,
  see: See,
  which: 'before' | 'any',
): Promise<void> {
  const { state, leases, takenUp } = engine
  const before = which === 'before'
  const ahead = before && own.backfill !== null ? own.flow : null
  const found = await readLeft(state.db, state, { flows: hashesOf(engine.flows), freshMs: leases.leaseMs, ahead })
  for (const row of found) {
    // What slices wait for is taken up though these fill all places.
    if (takenUp.has(row.id) || (takenUp.size >= atMost && !(before && yields(own, row)))) continue
    if (before && (row.flow !== own.flow || yields(row, own))) continue
    takenUp.take(row.id, row, async (signal) => {
      try {
        await see(row.id, signal, () => narrate(engine, own.id, row))
      } catch (thrown) {
        const { summary, why } = asSluiceError(thrown)
        engine.log('warn', `run ${row.id} of ${row.flow} was taken up and not done: ${summary}`, { why })
      }
    })
  }
}

async function narrate(engine: EngineContext, own: RunId, row: LeftRow): Promise<void> {
  const why =
    row.interrupted_at === null ? 'which comes before a backfill' : `interrupted at ${row.interrupted_at.toISOString()}`
  const message = `took up run ${row.id} of ${row.flow}, ${why}`
  await inTransaction(engine, async (tx) => {
    await appendLog(tx, engine.state, own, [{ attempt: null, level: 'warn', message, fields: {} }])
    await engine.bell.ring(tx, { topic: 'log', run: own })
  })
}

/** Hands back what was taken up and is not done, and says in one line what it was and how it goes on. */
export async function handBack(engine: Pick<EngineContext, 'state' | 'takenUp' | 'log'>): Promise<void> {
  const { state, takenUp, log } = engine
  const released = await takenUp.handBack()
  if (released.length === 0) return
  const left = (await readRunsById(state.db, state, released)).filter(({ outcome }) => outcome === null)
  if (left.length === 0) return
  const runs = left.map(({ id, flow }) => `run ${id} of ${flow}`).join(', ')
  const flows = [...new Set(left.map(({ flow }) => flow))].join(' ')
  log('warn', `left unfinished: ${runs}; \`sluice run ${flows}\` or \`sluice up\` goes on`, {
    runs: left.map(({ id }) => id),
  })
}
