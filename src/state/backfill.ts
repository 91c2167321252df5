import { join, sql, type Query, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface BackfillRow extends Row {
  readonly id: string
  readonly flow: string
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled'
  readonly request: {
    readonly from: string | null
    readonly to: string | null
    readonly force: boolean
    /** Left out: of before there were any. */
    readonly grain?: string | null
    readonly clear?: boolean
    /** The range begins or ends within a slice. */
    readonly cut?: boolean
    readonly atOnce: number
  }
  readonly requested_at: Date
  readonly requested_by: string
  readonly finished_at: Date | null
  readonly stopped_by: string | null
  readonly stopped_reason: string | null
}

const columns: Query = sql`b.id, b.flow, b.state, b.request, b.requested_at, b.requested_by, b.finished_at, b.stopped_by, b.stopped_reason`

export interface NewBackfill {
  readonly id: string
  readonly flow: string
  readonly request: BackfillRow['request']
  readonly requestedBy: string
  readonly slices: readonly { readonly key: string; readonly ordinal: number }[]
}

export async function insertBackfill(tx: Sql, state: State, backfill: NewBackfill): Promise<void> {
  await tx.run(sql`
    insert into ${state.t('backfill')} (project, id, flow, request, requested_at, requested_by)
    values (${state.project}, ${backfill.id}, ${backfill.flow}, ${JSON.stringify(backfill.request)}::jsonb, ${state.now}, ${backfill.requestedBy})`)
  await tx.run(sql`
    insert into ${state.t('backfill_slice')} (project, backfill, key, ordinal)
    select ${state.project}, ${backfill.id}, n.key, n.ordinal
    from jsonb_to_recordset(${JSON.stringify(backfill.slices)}::jsonb) as n (key text, ordinal bigint)`)
}

/** Locks it until the transaction ends: who begins its slices, and who changes its state, do so one after the other. */
export async function lockBackfill(tx: Sql, state: State, id: string): Promise<BackfillRow | undefined> {
  return await tx.maybe<BackfillRow>(sql`
    select ${columns} from ${state.t('backfill')} b where b.project = ${state.project} and b.id = ${id}::uuid for update`)
}

export async function readBackfill(db: Sql, state: State, id: string): Promise<BackfillRow | undefined> {
  return await db.maybe<BackfillRow>(sql`
    select ${columns} from ${state.t('backfill')} b where b.project = ${state.project} and b.id = ${id}::uuid`)
}

/** The newest three that begin or end with it: enough to tell whether it fits only one. */
export async function findBackfills(db: Sql, state: State, abbreviation: string): Promise<readonly BackfillRow[]> {
  return await db.all<BackfillRow>(sql`
    select ${columns} from ${state.t('backfill')} b
    where b.project = ${state.project}
      and (starts_with(b.id::text, ${abbreviation}) or right(b.id::text, ${abbreviation.length}) = ${abbreviation})
    order by b.requested_at desc limit 3`)
}

export interface BackfillFilter {
  readonly flow?: string
  readonly states?: readonly string[]
}

function conditions(state: State, { flow, states }: BackfillFilter): Query {
  return join(
    [
      sql`b.project = ${state.project}`,
      ...(flow === undefined ? [] : [sql`b.flow = ${flow}`]),
      ...(states === undefined ? [] : [sql`b.state = any(${states}::text[])`]),
    ],
    ' and ',
  )
}

/** Newest first, after the one named; undefined when that is not there any more. */
export async function readBackfills(
  db: Sql,
  state: State,
  page: BackfillFilter & { readonly limit: number; readonly before?: string },
): Promise<readonly BackfillRow[] | undefined> {
  const { before, limit } = page
  const place =
    before === undefined
      ? sql``
      : sql`and (b.requested_at, b.id) < (
        select p.requested_at, p.id from ${state.t('backfill')} p where p.project = ${state.project} and p.id = ${before}::uuid)`
  const found = await db.all<BackfillRow>(sql`
    select ${columns} from ${state.t('backfill')} b where ${conditions(state, page)} ${place}
    order by b.requested_at desc, b.id desc limit ${limit}`)
  if (found.length > 0 || before === undefined) return found
  return (await readBackfill(db, state, before)) === undefined ? undefined : found
}

export async function countBackfills(db: Sql, state: State, filter: BackfillFilter): Promise<number> {
  const { count } = await db.one<{ count: number }>(
    sql`select count(*)::integer as count from ${state.t('backfill')} b where ${conditions(state, filter)}`,
  )
  return count
}

/** The state, with who stopped it; `finished` says whether it ends now. */
export async function writeBackfillState(
  tx: Sql,
  state: State,
  id: string,
  to: {
    readonly state: BackfillRow['state']
    readonly finished: boolean
    readonly stopped: { readonly by: string; readonly reason: string | null } | null
  },
): Promise<void> {
  await tx.run(sql`
    update ${state.t('backfill')} set state = ${to.state}, finished_at = case when ${to.finished}::boolean then ${state.now} end,
      stopped_by = ${to.stopped?.by ?? null}, stopped_reason = ${to.stopped?.reason ?? null}
    where project = ${state.project} and id = ${id}::uuid`)
}

export async function cancelBackfillsOf(
  tx: Sql,
  state: State,
  flow: string,
  by: string,
  reason: string,
): Promise<void> {
  await tx.run(sql`
    update ${state.t('backfill')} set state = 'cancelled', finished_at = ${state.now}, stopped_by = ${by}, stopped_reason = ${reason}
    where project = ${state.project} and flow = ${flow} and state in ('running', 'paused')`)
}

/** What became of a slice of a backfill: `b` the backfill, `s` the slice. What a cancelled one has not begun is cancelled. */
const sliceState = (state: State): Query => sql`case
  when s.outcome is not null then s.outcome
  when s.run is null then case when b.state = 'cancelled' then 'cancelled' else 'waiting' end
  when exists (select from ${state.t('attempt')} a where a.project = s.project and a.run = s.run and a.outcome is null) then 'running'
  else 'waiting' end`

export interface TallyRow extends Row {
  readonly backfill: string
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'skipped'
  readonly count: number
}

/** Slices of these backfills by what became of them. */
export async function readTallies(db: Sql, state: State, ids: readonly string[]): Promise<readonly TallyRow[]> {
  return await db.all<TallyRow>(sql`
    select t.backfill, t.state, count(*)::integer as count from (
      select s.backfill, ${sliceState(state)} as state
      from ${state.t('backfill_slice')} s join ${state.t('backfill')} b on b.project = s.project and b.id = s.backfill
      where s.project = ${state.project} and s.backfill = any(${ids}::uuid[])) t
    group by t.backfill, t.state`)
}

/** How its last slices went: from the oldest of the newest `count` ends to now. */
export async function readPace(
  db: Sql,
  state: State,
  id: string,
  count: number,
): Promise<{ readonly ended: number; readonly ms: number | null }> {
  return await db.one<{ ended: number; ms: number | null }>(sql`
    select count(*)::integer as ended, (extract(epoch from ${state.now} - min(e.finished_at)) * 1000)::float8 as ms from (
      select s.finished_at from ${state.t('backfill_slice')} s
      where s.project = ${state.project} and s.backfill = ${id}::uuid and s.outcome is not null
      order by s.finished_at desc limit ${count}) e`)
}

export interface BackfillSliceRow extends Row {
  readonly key: string
  readonly ordinal: number
  readonly state: TallyRow['state']
  readonly run: string | null
}

/** In the order in which they are done, after the slice named; undefined when the backfill has no such slice. */
export async function readBackfillSlices(
  db: Sql,
  state: State,
  id: string,
  page: { readonly states?: readonly string[]; readonly limit: number; readonly after?: string },
): Promise<readonly BackfillSliceRow[] | undefined> {
  const { states, limit, after } = page
  const standing = (key: string): Query => sql`
    from ${state.t('backfill_slice')} p where p.project = ${state.project} and p.backfill = ${id}::uuid and p.key = ${key}`
  const place = after === undefined ? sql`` : sql`and (s.ordinal, s.key) < (select p.ordinal, p.key ${standing(after)})`
  const wanted = states === undefined ? sql`` : sql`and ${sliceState(state)} = any(${states}::text[])`
  const found = await db.all<BackfillSliceRow>(sql`
    select s.key, s.ordinal::float8 as ordinal, ${sliceState(state)} as state, s.run
    from ${state.t('backfill_slice')} s join ${state.t('backfill')} b on b.project = s.project and b.id = s.backfill
    where s.project = ${state.project} and s.backfill = ${id}::uuid ${place} ${wanted}
    order by s.ordinal desc, s.key desc limit ${limit}`)
  if (found.length > 0 || after === undefined) return found
  return (await db.maybe(sql`select 1 ${standing(after)}`)) === undefined ? undefined : found
}

/** The next slices that have not been begun, in order. The backfill must be locked. */
export async function readNextSlices(tx: Sql, state: State, id: string, limit: number): Promise<readonly string[]> {
  const rows = await tx.all<{ key: string }>(sql`
    select s.key from ${state.t('backfill_slice')} s
    where s.project = ${state.project} and s.backfill = ${id}::uuid and s.run is null
    order by s.ordinal desc, s.key desc limit ${limit}`)
  return rows.map(({ key }) => key)
}

/** Slices that were begun and have not ended. The backfill must be locked. */
export async function readOpenSlices(
  tx: Sql,
  state: State,
  id: string,
): Promise<readonly { readonly key: string; readonly run: string }[]> {
  return await tx.all<{ key: string; run: string }>(sql`
    select s.key, s.run from ${state.t('backfill_slice')} s
    where s.project = ${state.project} and s.backfill = ${id}::uuid and s.run is not null and s.outcome is null`)
}

/** The slice is done by that run. The backfill must be locked. */
export async function beginSlice(tx: Sql, state: State, id: string, key: string, run: string): Promise<void> {
  await tx.run(sql`
    update ${state.t('backfill_slice')} set run = ${run}::uuid, outcome = null, finished_at = null
    where project = ${state.project} and backfill = ${id}::uuid and key = ${key}`)
}

/** Writes what became of the run to every slice that it was begun for; the backfills concerned. */
export async function endSlices(tx: Sql, state: State, run: string, outcome: string): Promise<readonly string[]> {
  const rows = await tx.all<{ backfill: string }>(sql`
    update ${state.t('backfill_slice')} set outcome = ${outcome}, finished_at = ${state.now}
    where project = ${state.project} and run = ${run}::uuid and outcome is null
    returning backfill`)
  return [...new Set(rows.map(({ backfill }) => backfill))]
}

/** Takes back what failed or was cancelled, so that it is begun again; how many. The backfill must be locked. */
export async function resetSlices(tx: Sql, state: State, id: string): Promise<number> {
  return await tx.run(sql`
    update ${state.t('backfill_slice')} set run = null, outcome = null, finished_at = null
    where project = ${state.project} and backfill = ${id}::uuid and outcome in ('failed', 'cancelled')`)
}

/** A run is tried again by another: the slice that it was of goes with it. The backfills concerned. */
export async function moveSlices(tx: Sql, state: State, from: string, to: string): Promise<readonly string[]> {
  const rows = await tx.all<{ backfill: string }>(sql`
    update ${state.t('backfill_slice')} set run = ${to}::uuid, outcome = null, finished_at = null
    where project = ${state.project} and run = ${from}::uuid and outcome in ('failed', 'cancelled')
    returning backfill`)
  return [...new Set(rows.map(({ backfill }) => backfill))]
}

/** Runs that have ended without their slice being told: whoever begins a slice may join a run that ends at that moment. */
export async function readStrayRuns(
  db: Sql,
  state: State,
): Promise<readonly { readonly run: string; readonly outcome: string }[]> {
  return await db.all<{ run: string; outcome: string }>(sql`
    select distinct r.id as run, r.outcome from ${state.t('backfill_slice')} s
      join ${state.t('run')} r on r.project = s.project and r.id = s.run
    where s.project = ${state.project} and s.outcome is null and s.run is not null and r.outcome is not null`)
}

/** Running backfills of which nothing is begun: what should have gone on was interrupted. */
export async function readIdle(db: Sql, state: State): Promise<readonly string[]> {
  const rows = await db.all<{ id: string }>(sql`
    select b.id from ${state.t('backfill')} b
    where b.project = ${state.project} and b.state = 'running' and not exists (
      select from ${state.t('backfill_slice')} s
      where s.project = b.project and s.backfill = b.id and s.run is not null and s.outcome is null)
    order by b.requested_at`)
  return rows.map(({ id }) => id)
}
