/**
 * What keeps a backfill going: whenever a run of one ends, in the same transaction, the next slices become runs, at most `atOnce` of
 * them unfinished. So a process that is killed anywhere leaves nothing to remember: the run that it had goes on elsewhere, and its
 * end begins the next.
 *
 * Locks are taken in one order: run, then slice, then backfill. Who holds a backfill never waits for a run.
 */
import type { FlowName, SliceKey } from '../flows/flow.ts'
import { asSluiceError } from '../lib/error.ts'
import type { Session } from '../lib/sql.ts'
import {
  beginSlice,
  endSlices,
  lockBackfill,
  readIdle,
  readNextSlices,
  readOpenSlices,
  readStrayRuns,
  readTallies,
  writeBackfillState,
  type BackfillRow,
} from '../state/backfill.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { RunOutcome, RunRequest } from './engine.ts'
import { recordRequest } from './request.ts'

type Feeder = Pick<EngineContext, 'state' | 'queue' | 'bell'>

/** A run has ended, in this transaction: its slices are told, and the backfills that they are of go on. */
export async function runEnded(tx: Session, engine: Feeder, run: string, outcome: RunOutcome): Promise<void> {
  for (const id of await endSlices(tx, engine.state, run, outcome)) await feed(tx, engine, id)
}

/** Begins as many slices as may be begun; ends the backfill when none is left. */
export async function feed(tx: Session, engine: Feeder, id: string): Promise<void> {
  const { state } = engine
  const backfill = await lockBackfill(tx, state, id)
  if (backfill === undefined) return
  const open = (await readOpenSlices(tx, state, id)).length
  const free = backfill.state === 'running' ? Math.max(0, backfill.request.atOnce - open) : 0
  const next = free === 0 ? [] : await readNextSlices(tx, state, id, free)
  for (const key of next) {
    const { id: run } = await recordRequest(
      tx,
      engine,
      {
        operation: 'apply',
        // Both were parsed before they were written.
        flow: backfill.flow as FlowName,
        slices: [key as SliceKey],
        options: workOf(backfill.request),
        trigger: 'backfill',
        requestedBy: backfill.requested_by,
      },
      { backfill: id },
    )
    await beginSlice(tx, state, id, key, run)
  }
  if (open === 0 && next.length === 0) await conclude(tx, engine, backfill)
  await engine.bell.ring(tx, { topic: 'backfill', backfill: id, flow: backfill.flow })
}

/** What a run of one of its slices is told: the range goes along where it may end within the slice. Pure. */
function workOf({ force, from, to, clear, cut }: BackfillRow['request']): RunRequest['options'] {
  return { force, ...(cut === true ? { from, to } : {}), ...(clear === true ? { clear } : {}) }
}

async function conclude(tx: Session, { state }: Feeder, backfill: BackfillRow): Promise<void> {
  if (backfill.state !== 'running' && backfill.state !== 'paused') return
  const tallies = await readTallies(tx, state, [backfill.id])
  const has = (what: string): boolean => tallies.some((tally) => tally.state === what)
  if (has('waiting') || has('running')) return
  const end = has('failed') ? 'failed' : has('cancelled') ? 'cancelled' : 'done'
  await writeBackfillState(tx, state, backfill.id, { state: end, finished: true, stopped: null })
}

/**
 * What the end of a run should have begun and did not: a slice that joined a run which ended at that moment, a backfill that has
 * nothing begun. Done by every worker now and then.
 */
export async function settleBackfills(engine: EngineContext): Promise<void> {
  const { state } = engine
  for (const { run, outcome } of await readStrayRuns(state.db, state)) {
    await engine.queue()
    // Read from a run's row.
    await inTransaction(engine, (tx) => runEnded(tx, engine, run, outcome as RunOutcome))
  }
  for (const id of await readIdle(state.db, state)) {
    await engine.queue()
    await inTransaction(engine, (tx) => feed(tx, engine, id)).catch((thrown: unknown) => {
      const { summary, why } = asSluiceError(thrown)
      engine.log('warn', `backfill ${id} does not go on: ${summary}`, { why })
    })
  }
}
