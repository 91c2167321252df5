/**
 * Publishing one slice: what readers see and the record that it is done become true together, and only for the attempt that
 * holds the slice's lease.
 *
 * In the state's own database that is one transaction:
 *
 *     begin ──> fence ──> apply ──> record ──> commit
 *                 └ 0 rows: LEASE_LOST   └ 0 rows: LEASE_LOST      any rejection: rollback, nothing has happened
 *
 * The fence locks the slice's row, so that from there on nobody can take the slice over before this is decided. A worker that
 * is stopped inside is idle in a transaction: the server ends that session by itself, before the lease is over, and gives
 * the locks back.
 *
 * In another database see `publish-elsewhere.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PublishedSlice, SliceRef } from '../flows/flow.ts'
import { SluiceError, asSluiceError } from '../lib/error.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Database, Session } from '../lib/sql.ts'
import { fenceAttempt } from '../state/attempt.ts'
import { fenceSlice, finishSlices, leaseSlices } from '../state/slice.ts'
import type { Claimed } from './claim.ts'
import { limitIdleness, type EngineContext } from './context.ts'
import { leaseLost } from './finish.ts'
import { publishElsewhere } from './publish-elsewhere.ts'
import { published, record, type Apply } from './published.ts'

export async function publish(
  engine: EngineContext,
  claimed: Claimed,
  signal: AbortSignal,
  slice: SliceRef,
  target: Database | null,
  apply: Apply,
): Promise<void> {
  const { state } = engine
  const here = target === null || target === state.db || target.store === state.db.store
  await failpoint('publish:before-begin')
  await retryLocked(claimed, signal, async () => {
    if (here) await publishHere(engine, claimed, signal, slice, target ?? state.db, apply)
    else await publishElsewhere(engine, claimed, signal, slice, target, apply)
  })
  await failpoint('publish:after-commit')
}

async function publishHere(
  engine: EngineContext,
  claimed: Claimed,
  signal: AbortSignal,
  slice: SliceRef,
  db: Database,
  apply: Apply,
): Promise<void> {
  const { state } = engine
  await db.transaction(async (tx) => {
    await limitIdleness(tx, engine.leases)
    if ((await fenceSlice(tx, state, claimed.flow.name, slice.key, claimed.token)) === 0)
      throw leaseLost(claimed.run.id)
    await failpoint('publish:fenced')
    const result = await apply(tx)
    await failpoint('publish:applied')
    signal.throwIfAborted()
    await record(tx, engine, claimed, slice.key, published(claimed, result))
    await failpoint('publish:before-commit')
  })
}

/**
 * Publishes several slices of the state's own database in one transaction. The fence is the attempt itself, which nobody can end before
 * the transaction does; the slices are leased when it is known which they are.
 */
export async function publishAll(
  engine: EngineContext,
  claimed: Claimed,
  signal: AbortSignal,
  apply: (tx: Session) => Promise<readonly PublishedSlice[]>,
): Promise<void> {
  const { state } = engine
  const flow = claimed.flow.name
  await failpoint('publish:before-begin')
  await retryLocked(claimed, signal, async () => {
    await state.db.transaction(async (tx) => {
      await limitIdleness(tx, engine.leases)
      if (!(await fenceAttempt(tx, state, claimed.token))) throw leaseLost(claimed.run.id)
      await failpoint('publish:fenced')
      const done = await apply(tx)
      await failpoint('publish:applied')
      signal.throwIfAborted()
      const slices = done.map(({ slice }) => slice)
      if ((await leaseSlices(tx, state, flow, claimed.token, slices)) < slices.length) throw leaseLost(claimed.run.id)
      const results = done.map(({ slice, result }) => ({ key: slice.key, ...published(claimed, result) }))
      if ((await finishSlices(tx, state, flow, claimed.token, results)) < results.length)
        throw leaseLost(claimed.run.id)
      await engine.bell.ring(tx, { topic: 'slice', flow })
      await failpoint('publish:before-commit')
    })
  })
  await failpoint('publish:after-commit')
}

/** Tries again while the short lock is not to be had, for as long as the flow's `publishTimeout`. */
async function retryLocked(claimed: Claimed, signal: AbortSignal, attempt: () => Promise<void>): Promise<void> {
  const { publishTimeout } = claimed.flow.timing
  const begun = performance.now()
  for (let tries = 1; ; tries += 1) {
    try {
      signal.throwIfAborted()
      // One after the other is the point.
      return await attempt()
    } catch (thrown) {
      const error = asSluiceError(thrown)
      if (error.code !== 'PUBLISH_LOCKED') throw thrown
      const waited = performance.now() - begun
      const pause = pauseBefore(tries, Math.random())
      if (waited + pause > publishTimeout) throw blocked(claimed, error, tries, waited)
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }
}

/** Milliseconds before the next try: growing, and never the same for two who wait for one another. Pure. */
export function pauseBefore(tries: number, random: number): number {
  return Math.round(Math.min(5000, 50 * 1.6 ** tries) * (0.5 + random / 2))
}

function blocked({ flow }: Claimed, error: SluiceError, tries: number, waitedMs: number): SluiceError {
  return new SluiceError('PUBLISH_BLOCKED', `${flow.name} could not be published: its table was in use throughout`, {
    why: `${tries} tries in ${Math.round(waitedMs / 1000)} s; the last one: ${error.why}`,
    fix: 'end the transaction that holds the table open (pg_stat_activity names it), or raise `publishTimeout`; the old content still serves',
    where: { flow: flow.name, ...error.where },
    cause: error,
  })
}
