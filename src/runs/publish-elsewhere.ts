/**
 * Publishing into a database that is not the state's: two commits, first there, then here.
 *
 *     here:  a publication begins (its id and its store), for who holds the lease
 *     there: begin ──> fence (a later attempt? LEASE_LOST) ──> lease asked here ──> apply ──> id and result ──> commit
 *     here:  slice done
 *
 * Who was overtaken cannot pass the fence, since the later attempt's number stands there; who is overtaken while inside makes
 * the later one wait for the row. When a worker ends between the two commits, the next attempt finds here that a publication
 * had begun, looks there whether it was committed, and records it (`recover`): nothing is published twice, nothing is lost.
 */
import { v4 as uuid } from 'uuid'
import type { SliceKey, SliceRef } from '../flows/flow.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Database } from '../lib/sql.ts'
import { isLive } from '../state/attempt.ts'
import {
  ensurePublications,
  fencePublication,
  readPublication,
  writePublication,
  type Publisher,
} from '../state/publication.ts'
import {
  beginPublishing,
  forgetPublishing,
  leaseSlices,
  type Published,
  type Publishing,
  type SliceRow,
} from '../state/slice.ts'
import type { Claimed } from './claim.ts'
import { inTransaction, limitIdleness, type EngineContext } from './context.ts'
import { leaseLost } from './finish.ts'
import { published, record, type Apply } from './published.ts'

export async function publishElsewhere(
  engine: EngineContext,
  claimed: Claimed,
  signal: AbortSignal,
  slice: SliceRef,
  target: Database,
  apply: Apply,
): Promise<void> {
  const { state } = engine
  const by = publisher(claimed, slice.key)
  const table = await ensurePublications(target)
  const publishing: Publishing = { store: target.store, publication: uuid() }
  const begun = await beginPublishing(state.db, state, by.flow, by.slice, claimed.token, publishing)
  if (begun === 0) throw leaseLost(claimed.run.id)
  const done = await target.transaction(async (tx) => {
    await limitIdleness(tx, engine.leases)
    if ((await fencePublication(tx, table, state, by)) === 0) throw leaseLost(claimed.run.id)
    if (!(await isLive(state.db, state, claimed.token))) throw leaseLost(claimed.run.id)
    await failpoint('publish:fenced')
    const result = published(claimed, await apply(tx))
    await failpoint('publish:applied')
    signal.throwIfAborted()
    if (!(await isLive(state.db, state, claimed.token))) throw leaseLost(claimed.run.id)
    await writePublication(tx, table, state, by, { publication: publishing.publication, result })
    await failpoint('publish:before-commit')
    return result
  })
  await failpoint('publish:between-commits')
  await inTransaction(engine, async (tx) => {
    await record(tx, engine, claimed, slice.key, done)
  })
}

/**
 * Settles the publications of the flow that an earlier attempt has begun elsewhere and not recorded. Called before anybody
 * plans, so that plans go by what readers see. True if something was recorded.
 */
export async function recover(engine: EngineContext, claimed: Claimed, slices: readonly SliceRow[]): Promise<boolean> {
  const { state } = engine
  let recorded = false
  for (const slice of slices) {
    if (slice.publishing === null) continue
    const { publishing } = slice
    // Seldom more than one.
    const done = await settle(engine, claimed, slice, publishing)
    await inTransaction(engine, async (tx) => {
      if (done === null) await forgetPublishing(tx, state, claimed.flow.name, slice.key, publishing)
      // The key was written by a kind, as a SliceKey.
      else await record(tx, engine, claimed, slice.key as SliceKey, done)
    })
    recorded ||= done !== null
  }
  return recorded
}

/** What was committed of it; null: nothing. Afterwards its attempt can no longer commit. */
async function settle(
  engine: EngineContext,
  claimed: Claimed,
  slice: SliceRow,
  publishing: Publishing,
): Promise<Published | null> {
  const { state } = engine
  const target = await engine.stores.database(publishing.store)
  const leased = await inTransaction(engine, (tx) => leaseSlices(tx, state, claimed.flow.name, claimed.token, [slice]))
  if (leased === 0) throw leaseLost(claimed.run.id)
  const table = await ensurePublications(target)
  const row = await target.transaction(async (tx) => {
    await limitIdleness(tx, engine.leases)
    if ((await fencePublication(tx, table, state, publisher(claimed, slice.key))) === 0) throw leaseLost(claimed.run.id)
    return await readPublication(tx, table, state, claimed.flow.name, slice.key)
  })
  if (row === undefined || row.publication !== publishing.publication) return null
  // Written by `publishElsewhere`, as a Published; JSON has no dates.
  const done = row.result as Published & { readonly asOf: string; readonly dueAt: string | null }
  return { ...done, asOf: new Date(done.asOf), dueAt: done.dueAt === null ? null : new Date(done.dueAt) }
}

function publisher(claimed: Claimed, slice: string): Publisher {
  return {
    flow: claimed.flow.name,
    slice,
    run: claimed.run.id,
    attempt: claimed.attempt,
    token: claimed.token,
    ordinal: claimed.ordinal,
  }
}
