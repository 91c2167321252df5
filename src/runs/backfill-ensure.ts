/**
 * Sees to it that a backfill is done, and shows how it goes. What is done of it is done run by run, each as `ensure` does it: by a
 * living worker of the project, or here.
 *
 *     running ──> see to what is begun; when a run ends, the next ones are (see backfill-feed.ts) ──> look again
 *     paused  ──> what is at work is seen to its end ──> back
 *     done | failed | cancelled, nothing of it at work ──> back
 */
import { readBackfill, readOpenSlices, readTallies, type BackfillRow } from '../state/backfill.ts'
import { settleBackfills } from './backfill-feed.ts'
import type { BackfillEvent, BackfillId, BackfillRecord } from './backfills.ts'
import type { State } from '../state/state.ts'
import type { SliceKey } from '../flows/flow.ts'
import { Waiter } from './bell.ts'
import type { EngineContext } from './context.ts'
import type { RunId } from './engine.ts'
import { ensure } from './ensure.ts'

const lookMs = 1000
/** What nobody told is looked for so often: a worker does the same. */
const settleMs = 5000

interface Standing {
  /** Slices that are begun and have not ended. */
  readonly open: readonly { readonly key: string; readonly run: RunId }[]
  /** Nothing of it goes on unless somebody lets it. */
  readonly over: boolean
}

/** Resolves when nothing of it goes on any more, or when the signal told it to stop. */
export async function ensureBackfill(
  engine: EngineContext,
  id: BackfillId,
  version: string,
  signal?: AbortSignal,
): Promise<void> {
  const waiter = new Waiter()
  const stop = new AbortController()
  const tell = (): void => {
    stop.abort()
    waiter.wake()
  }
  signal?.addEventListener('abort', tell)
  if (signal?.aborted === true) tell()
  const seen = new Map<RunId, Promise<void>>()
  const ended = new Set<RunId>()
  const faults: unknown[] = []
  using _listening = await heard(engine, id, waiter)
  let settled = performance.now()
  try {
    while (!stop.signal.aborted && faults.length === 0) {
      const { open, over } = await standing(engine, id)
      if (over) break
      for (const { run } of open) {
        if (seen.has(run)) continue
        const seeing = ensure(engine, run, version, stop.signal)
          .catch((thrown: unknown) => void faults.push(thrown))
          .finally(() => {
            ended.add(run)
            waiter.wake()
          })
        seen.set(run, seeing)
      }
      // It joined a run that ended at that moment, or what should have begun the next slices was interrupted.
      if (open.some(({ run }) => ended.has(run)) || performance.now() > settled + settleMs) {
        settled = performance.now()
        await settleBackfills(engine)
      }
      await waiter.wait(lookMs, stop.signal)
    }
  } finally {
    signal?.removeEventListener('abort', tell)
    // What waits, of a backfill that is paused, waits for whoever resumes it; what was refused here is refused again.
    stop.abort()
    await Promise.all(seen.values())
  }
  if (faults.length > 0) throw faults[0]
}

/** See `Backfills.follow`. */
export async function* followBackfill(
  engine: EngineContext,
  id: BackfillId,
  get: (id: BackfillId) => Promise<BackfillRecord>,
  signal?: AbortSignal,
): AsyncGenerator<BackfillEvent, void, undefined> {
  const waiter = new Waiter()
  using _listening = await heard(engine, id, waiter)
  const told = new Set<RunId>()
  while (signal?.aborted !== true) {
    // Its standing first: what is over then is over in the record, too.
    const { open, over } = await standing(engine, id)
    const backfill = await get(id)
    for (const { key, run } of open) {
      if (told.has(run)) continue
      told.add(run)
      yield { tag: 'begun', slice: key as SliceKey, run } // planned by a kind
    }
    yield { tag: over ? 'finished' : 'progress', backfill }
    if (over) return
    await waiter.wait(lookMs, signal)
  }
}

async function standing({ state }: EngineContext, id: BackfillId): Promise<Standing> {
  const row = await readBackfill(state.db, state, id)
  if (row === undefined) return { open: [], over: true }
  const open = await readOpenSlices(state.db, state, id)
  return { open, over: await isOver(state, row, open.length) }
}

/** Of a paused one nothing begins, so that what is begun may wait for long; of one that has ended, all runs end soon. */
async function isOver(state: State, { id, state: is }: BackfillRow, open: number): Promise<boolean> {
  switch (is) {
    case 'running':
      return false
    case 'paused':
      // All of its slices are looked at, which is not for every look.
      return open === 0 || !(await readTallies(state.db, state, [id])).some((tally) => tally.state === 'running')
    case 'done':
    case 'failed':
    case 'cancelled':
      return open === 0
  }
}

function heard({ bell }: EngineContext, id: BackfillId, waiter: Waiter): Promise<Disposable> {
  return bell.on((ring) => {
    if (ring.topic === 'lost' || (ring.topic === 'backfill' && ring.backfill === id)) waiter.wake()
  })
}
