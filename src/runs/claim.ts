import { v4 as uuid } from 'uuid'
import type { Flow } from '../flows/flow.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Session } from '../lib/sql.ts'
import { insertAttempt } from '../state/attempt.ts'
import { lockClaims, readCandidates, readLive, type CandidateRow } from '../state/claim.ts'
import { readRun, tryLockWaiting, type RunRow } from '../state/run.ts'
import { hashesOf, inTransaction, type EngineContext } from './context.ts'

/** An attempt that this process has begun, and the lease it works under. */
export interface Claimed {
  readonly run: RunRow
  readonly flow: Flow
  readonly worker: string
  readonly attempt: number
  /** Who holds this token may write; when the lease is over, nobody with it can. */
  readonly token: string
  /** Later attempts have larger ones, over all workers. */
  readonly ordinal: string
  /** The run's "now", the same for each of its attempts. */
  readonly now: Date
}

/**
 * Takes a run and its lease, in one transaction; null when none of those asked for can begin now.
 *
 * - `queue`: what is at the head of the queue.
 * - `waiting`: whatever waits, with or without a job.
 * - an id: this run and no other.
 *
 * `live`: nothing of a backfill.
 */
export async function claim(
  engine: EngineContext,
  worker: string,
  which: 'queue' | 'waiting' | { readonly id: string },
  { live = false }: { readonly live?: boolean } = {},
): Promise<Claimed | null> {
  const queue = await engine.queue()
  const { state } = engine
  const claimed = await inTransaction(engine, async (tx) => {
    await lockClaims(tx, state)
    const ids = which === 'waiting' ? null : which === 'queue' ? await queue.take(tx, 20) : [which.id]
    if (ids?.length === 0) return null
    const candidates = await readCandidates(tx, state, { ids, flows: hashesOf(engine.flows), live })
    const chosen = await lockChosen(tx, engine, candidates)
    if (chosen === null) return null
    const token = uuid()
    const begun = await insertAttempt(tx, state, { run: chosen.run.id, worker, token, leaseMs: engine.leases.leaseMs })
    if (which !== 'queue') await queue.drop(tx, chosen.run.id)
    await engine.bell.ring(tx, { topic: 'run', run: chosen.run.id, flow: chosen.run.flow })
    const run = await readRun(tx, state, chosen.run.id)
    if (run === undefined) throw new Error('the run that was just claimed is not there')
    await failpoint('claim:before-commit')
    return { run, flow: chosen.flow, worker, attempt: begun.n, token, ordinal: begun.ordinal, now: begun.frozen_at }
  })
  if (claimed !== null) await failpoint('claim:after-commit')
  return claimed
}

/**
 * Whoever cancels or requests a run holds its row and wants its job next, which this transaction may have taken: it is left to
 * them, and the next candidate looked at. Waiting for the row would be a deadlock.
 */
async function lockChosen(
  tx: Session,
  { state, flows, storeLimits }: EngineContext,
  candidates: readonly CandidateRow[],
): Promise<ReturnType<typeof choose>> {
  if (candidates.length === 0) return null
  const live = await readLive(tx, state)
  for (let left = candidates; ;) {
    const chosen = choose(left, live, flows, storeLimits)
    if (chosen === null || (await tryLockWaiting(tx, state, chosen.run.id))) return chosen
    left = left.filter((run) => run !== chosen.run)
  }
}

/**
 * The most urgent run that can begin now: its flow is known here, no live run of the flow may touch the same slices, and
 * each of its stores has a place left: a backfill leaves the last one to live work, where there are several. The others wait. Pure.
 */
export function choose(
  candidates: readonly CandidateRow[],
  live: readonly CandidateRow[],
  flows: ReadonlyMap<string, Flow>,
  limits: Readonly<Record<string, number>>,
): { readonly run: CandidateRow; readonly flow: Flow } | null {
  for (const run of candidates) {
    const flow = flows.get(run.flow)
    if (flow === undefined) continue
    if (live.some((other) => other.id === run.id || collides(run, other))) continue
    const full = flow.stores.some((store) => {
      const limit = limits[store]
      if (limit === undefined) return false
      const places = run.trigger === 'backfill' ? Math.max(1, limit - 1) : limit
      return live.filter((other) => flows.get(other.flow)?.stores.includes(store)).length >= places
    })
    if (!full) return { run, flow }
  }
  return null
}

/** Two runs that bring slices up to date must not work on the same one; no list means that it could be any. */
function collides(run: CandidateRow, other: CandidateRow): boolean {
  if (run.flow !== other.flow || run.operation !== 'apply' || other.operation !== 'apply') return false
  if (run.slices === null || other.slices === null) return true
  return run.slices.some((key) => other.slices?.includes(key))
}
