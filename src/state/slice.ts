import { sql, type Row, type Session, type Sql, type Query } from '../lib/sql.ts'
import { fenceAttempt } from './attempt.ts'
import type { State } from './state.ts'

/** A row of `slice`, as read. */
export interface SliceRow extends Row {
  readonly key: string
  readonly ordinal: number
  readonly span: unknown
  readonly state: 'missing' | 'dirty' | 'running' | 'done' | 'failed' | 'frozen'
  readonly definition_hash: string | null
  readonly source_mark: unknown
  readonly due_at: Date | null
  readonly as_of: Date | null
  readonly rows: number | null
  /** A publication elsewhere of which it is not known whether it was committed. */
  readonly publishing: Publishing | null
}

export interface Publishing {
  readonly store: string
  readonly publication: string
}

export async function readSlices(db: Sql, state: State, flow: string): Promise<readonly SliceRow[]> {
  return await db.all<SliceRow>(sql`
    select key, ordinal::float8 as ordinal, span, state, definition_hash, source_mark, due_at, as_of, rows::float8 as rows, publishing
    from ${state.t('slice')} where project = ${state.project} and flow = ${flow} order by ordinal`)
}

/**
 * Takes the leases of all these slices for one attempt, creating what is missing. The number taken: fewer than asked for when
 * another live attempt holds one, or this one does not live; then the caller rolls back. Waits for a publication of them that is
 * under way. Nobody ends the attempt before the transaction does.
 */
export async function leaseSlices(
  tx: Session,
  state: State,
  flow: string,
  token: string,
  slices: readonly {
    readonly key: string
    readonly ordinal: number
    readonly span: unknown
    readonly period?: { readonly from: Date; readonly to: Date }
  }[],
): Promise<number> {
  if (!(await fenceAttempt(tx, state, token))) return 0
  return await tx.run(sql`
    insert into ${state.t('slice')} as s (project, flow, key, ordinal, span, period_from, period_to, state, lease_token)
    select ${state.project}, ${flow}, n.key, n.ordinal, n.span, (n.period ->> 'from')::timestamptz, (n.period ->> 'to')::timestamptz,
      'running', ${token}::uuid
    from jsonb_to_recordset(${JSON.stringify(slices)}::jsonb) as n (key text, ordinal bigint, span jsonb, period jsonb)
    order by n.key
    on conflict (project, flow, key) do update
      set ordinal = excluded.ordinal, span = excluded.span, state = 'running', lease_token = excluded.lease_token,
        period_from = coalesce(excluded.period_from, s.period_from), period_to = coalesce(excluded.period_to, s.period_to)
      where s.lease_token is null or s.lease_token = excluded.lease_token or not exists (
        select from ${state.t('attempt')} a
        where a.project = s.project and a.lease_token = s.lease_token and a.outcome is null and a.lease_until > ${state.now})`)
}

/** The fence: the slice `s` is held by this attempt, and the attempt lives. */
function held(state: State, flow: string, key: string, token: string): Query {
  return sql`s.project = ${state.project} and s.flow = ${flow} and s.key = ${key} and s.lease_token = ${token} and exists (
      select from ${state.t('attempt')} a
      where a.project = s.project and a.lease_token = s.lease_token and a.outcome is null and a.lease_until > ${state.now})`
}

/** Locks the slice if this attempt holds it and lives. 0: it does not, and must not write. */
export async function fenceSlice(tx: Sql, state: State, flow: string, key: string, token: string): Promise<number> {
  return await tx.run(sql`
    update ${state.t('slice')} s set state = 'running'
    where ${held(state, flow, key, token)}`)
}

/** Records that a publication elsewhere begins; the fence as `fenceSlice`. */
export async function beginPublishing(
  db: Sql,
  state: State,
  flow: string,
  key: string,
  token: string,
  publishing: Publishing,
): Promise<number> {
  return await db.run(sql`
    update ${state.t('slice')} s set publishing = ${JSON.stringify(publishing)}::jsonb
    where ${held(state, flow, key, token)}`)
}

/** It is known that this publication did not happen. */
export async function forgetPublishing(
  db: Sql,
  state: State,
  flow: string,
  key: string,
  publishing: Publishing,
): Promise<void> {
  await db.run(sql`
    update ${state.t('slice')} set publishing = null
    where project = ${state.project} and flow = ${flow} and key = ${key} and publishing = ${JSON.stringify(publishing)}::jsonb`)
}

export interface Published {
  readonly run: string
  readonly definitionHash: string
  readonly sourceMark: unknown
  readonly asOf: Date
  readonly rows: number
  readonly changes: object | null
  /** The due time that this content answers to; a manual run answers to none. */
  readonly dueAt: Date | null
}

/** Records what readers see from now on. 0: the lease is gone. */
export async function finishSlice(
  tx: Sql,
  state: State,
  flow: string,
  key: string,
  token: string,
  done: Published,
): Promise<number> {
  return await tx.run(sql`
    update ${state.t('slice')} s set state = 'done', definition_hash = ${done.definitionHash}, source_mark = ${JSON.stringify(done.sourceMark)}::jsonb,
      due_at = greatest(s.due_at, ${done.dueAt}), as_of = ${done.asOf}, rows = ${done.rows},
      changes = ${done.changes === null ? null : JSON.stringify(done.changes)}::jsonb, run = ${done.run}, published_at = ${state.now}, publishing = null
    where ${held(state, flow, key, token)}`)
}

/** The same for several slices at once; how many of them this attempt held. */
export async function finishSlices(
  tx: Sql,
  state: State,
  flow: string,
  token: string,
  done: readonly (Published & { readonly key: string })[],
): Promise<number> {
  return await tx.run(sql`
    update ${state.t('slice')} s set state = 'done', definition_hash = n."definitionHash", source_mark = n."sourceMark",
      due_at = greatest(s.due_at, n."dueAt"), as_of = n."asOf", rows = n.rows, changes = nullif(n.changes, 'null'::jsonb),
      run = n.run, published_at = ${state.now}, publishing = null
    from jsonb_to_recordset(${JSON.stringify(done)}::jsonb) as n (key text, "definitionHash" text, "sourceMark" jsonb, "dueAt" timestamptz,
      "asOf" timestamptz, rows bigint, changes jsonb, run uuid)
    where s.project = ${state.project} and s.flow = ${flow} and s.key = n.key and s.lease_token = ${token} and exists (
      select from ${state.t('attempt')} a
      where a.project = s.project and a.lease_token = s.lease_token and a.outcome is null and a.lease_until > ${state.now})`)
}

/** An unchanged source was looked at: the slices' content answers to this due time, too. */
export async function confirmSlices(
  tx: Sql,
  state: State,
  flow: string,
  keys: readonly string[],
  dueAt: Date,
): Promise<void> {
  await tx.run(sql`
    update ${state.t('slice')} set due_at = greatest(due_at, ${dueAt})
    where project = ${state.project} and flow = ${flow} and key = any(${keys}::text[]) and state = 'done'`)
}

/** What stands in these slices is not what their definition says: the next run redoes them, whatever the source's mark. */
export async function dirtySlices(db: Sql, state: State, flow: string, keys: readonly string[]): Promise<number> {
  return await db.run(sql`
    update ${state.t('slice')} set state = 'dirty', definition_hash = null
    where project = ${state.project} and flow = ${flow} and key = any(${keys}::text[]) and state = 'done'`)
}

/** Gives an attempt's slices back. What it did not finish is failed, or what it was before. */
export async function releaseSlices(tx: Sql, state: State, token: string, failed: boolean): Promise<void> {
  await tx.run(sql`
    update ${state.t('slice')} set lease_token = null, state = case
      when state <> 'running' then state
      when ${failed}::boolean then 'failed'
      when published_at is null then 'missing'
      else 'done' end
    where project = ${state.project} and lease_token = ${token}`)
}

/** Locks an attempt's slices; false when a publication holds one of them just now. */
export async function lockSlices(tx: Sql, state: State, token: string): Promise<boolean> {
  const found = await tx.one<{ free: boolean }>(sql`
    with locked as (
      select key from ${state.t('slice')} where project = ${state.project} and lease_token = ${token} for update skip locked
    )
    select (select count(*) from locked) = (
      select count(*) from ${state.t('slice')} where project = ${state.project} and lease_token = ${token}) as free`)
  return found.free
}

/** What a run has published, over all its attempts. */
export async function readPublished(
  db: Sql,
  state: State,
  flow: string,
  run: string,
): Promise<{ slices: number; rows: number | null; changes: Readonly<Record<string, number>> | null }> {
  return await db.one<{ slices: number; rows: number | null; changes: Readonly<Record<string, number>> | null }>(sql`
    select count(*)::integer as slices, sum(rows)::float8 as rows,
      case when count(changes) > 0 then jsonb_build_object(
        'inserted', sum((changes ->> 'inserted')::bigint), 'changed', sum((changes ->> 'changed')::bigint),
        'deleted', sum((changes ->> 'deleted')::bigint), 'unchanged', sum((changes ->> 'unchanged')::bigint)) end as changes
    from ${state.t('slice')} where project = ${state.project} and flow = ${flow} and run = ${run}`)
}
