/**
 * Work that lost its worker goes on in the next command that works, when no living worker would do it. Bounded: a command takes
 * up what was begun and broken off, never what merely waits, and a few runs at most.
 */
import { asSluiceError } from '../lib/error.ts'
import { readInterrupted, type InterruptedRow } from '../state/claim.ts'
import { appendLog } from '../state/log.ts'
import { hashesOf, inTransaction, type EngineContext } from './context.ts'
import type { RunId } from './engine.ts'

/** How many runs one command takes up. */
export const atMost = 4

export interface TakingUp {
  /**
   * Looks for broken-off runs and begins to see to each, beside the caller's own. False: one of the caller's own flow goes on,
   * and its own run is to find what that one did.
   */
  look(): Promise<boolean>
  /** Resolves when all that was taken up has ended. */
  ended(): Promise<void>
}

/** `see` does a run, or waits until somebody has done it. Said in the log of the caller's own run. */
export function takingUp(
  engine: EngineContext,
  own: { readonly id: RunId; readonly flow: string },
  see: (id: RunId) => Promise<void>,
): TakingUp {
  const { state, leases } = engine
  const taken = new Map<RunId, Promise<void>>()
  const same = new Set<RunId>()
  const take = (row: InterruptedRow): void => {
    engine.takenUp.add(row.id)
    if (row.flow === own.flow) same.add(row.id)
    const seen = (async () => {
      try {
        await narrate(engine, own.id, row)
        await see(row.id)
      } catch (thrown) {
        const { summary, why } = asSluiceError(thrown)
        engine.log('warn', `run ${row.id} of ${row.flow} was taken up and not done: ${summary}`, { why })
      } finally {
        engine.takenUp.delete(row.id)
        same.delete(row.id)
      }
    })()
    taken.set(row.id, seen)
  }
  return {
    look: async () => {
      const found = await readInterrupted(state.db, state, { flows: hashesOf(engine.flows), freshMs: leases.leaseMs })
      for (const row of found) {
        // What another command of this process has taken up is its own.
        if (row.id === own.id || engine.takenUp.has(row.id) || taken.has(row.id) || taken.size >= atMost) continue
        take(row)
      }
      return same.size === 0
    },
    ended: async () => {
      await Promise.all(taken.values())
    },
  }
}

async function narrate(engine: EngineContext, own: RunId, row: InterruptedRow): Promise<void> {
  const message = `took up run ${row.id} of ${row.flow}, interrupted at ${row.interrupted_at.toISOString()}`
  await inTransaction(engine, async (tx) => {
    await appendLog(tx, engine.state, own, [{ attempt: null, level: 'warn', message, fields: {} }])
    await engine.bell.ring(tx, { topic: 'run', run: own })
  })
}
