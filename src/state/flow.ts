import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface FlowRow extends Row {
  readonly name: string
  readonly kind: string
  readonly definition_hash: string
  readonly version: number
  readonly paused_at: Date | null
  readonly paused_by: string | null
  readonly paused_reason: string | null
}

export interface NewFlow {
  readonly name: string
  readonly kind: string
  readonly definition: unknown
  readonly definition_hash: string
}

/** The flows that stand as they are given here, names only: equal definition, not removed. */
export async function readUnchanged(
  db: Sql,
  state: State,
  flows: readonly NewFlow[],
): Promise<{ same: number; standing: number }> {
  return await db.one<{ same: number; standing: number }>(sql`
    select count(*)::integer as standing, count(n.name)::integer as same
    from ${state.t('flow')} f
      left join jsonb_to_recordset(${JSON.stringify(flows)}::jsonb) as n (name text, kind text, definition jsonb, definition_hash text)
        on n.name = f.name and n.kind = f.kind and n.definition = f.definition and n.definition_hash = f.definition_hash
    where f.project = ${state.project} and f.origin = 'file' and f.removed_at is null`)
}

/** Flows that are registered with another definition than the one given. `flows`: name → definition hash. */
export async function readRedefined(
  db: Sql,
  state: State,
  flows: Readonly<Record<string, string>>,
): Promise<readonly { readonly name: string; readonly definition_hash: string }[]> {
  return await db.all<{ name: string; definition_hash: string }>(sql`
    select name, definition_hash from ${state.t('flow')}
    where project = ${state.project} and removed_at is null and definition_hash <> (${JSON.stringify(flows)}::jsonb ->> name)
    order by name`)
}

/** One registration at a time in a project. */
export async function lockFlows(tx: Sql, state: State): Promise<void> {
  await tx.run(
    sql`select pg_advisory_xact_lock(hashtextextended(${`sluice flows ${state.schema} ${state.project}`}, 0))`,
  )
}

/**
 * Writes the flows of the config; what changed gets a new version, and what is no longer there is marked as removed. A name that
 * was made in the console is the file's from now on; its versions stay.
 */
export async function writeFlows(tx: Sql, state: State, flows: readonly NewFlow[]): Promise<void> {
  const given = sql`jsonb_to_recordset(${JSON.stringify(flows)}::jsonb) as n (name text, kind text, definition jsonb, definition_hash text)`
  await tx.run(sql`
    insert into ${state.t('flow')} as f (project, name, kind, definition, definition_hash)
    select ${state.project}, n.name, n.kind, n.definition, n.definition_hash from ${given}
    on conflict (project, name) do update set kind = excluded.kind, definition = excluded.definition,
      definition_hash = excluded.definition_hash, removed_at = null, origin = 'file',
      version = f.version + case when f.definition = excluded.definition and f.definition_hash = excluded.definition_hash
        and f.origin = 'file' then 0 else 1 end`)
  await tx.run(sql`
    insert into ${state.t('flow_version')} (project, flow, version, kind, definition, definition_hash, created_at, created_by)
    select f.project, f.name, f.version, f.kind, f.definition, f.definition_hash, ${state.now}, 'config'
    from ${state.t('flow')} f where f.project = ${state.project} and f.origin = 'file'
    on conflict (project, flow, version) do nothing`)
  await tx.run(sql`
    update ${state.t('flow')} set removed_at = ${state.now}
    where project = ${state.project} and origin = 'file' and removed_at is null and name <> all(${flows.map((flow) => flow.name)}::text[])`)
}

export async function readFlow(db: Sql, state: State, name: string): Promise<FlowRow | undefined> {
  return await db.maybe<FlowRow>(sql`
    select name, kind, definition_hash, version, paused_at, paused_by, paused_reason
    from ${state.t('flow')} where project = ${state.project} and name = ${name} and removed_at is null`)
}

/** Pauses a flow; who has paused it first stays on record. */
export async function pauseFlow(
  db: Sql,
  state: State,
  name: string,
  by: string,
  reason: string | null,
): Promise<number> {
  return await db.run(sql`
    update ${state.t('flow')} set paused_at = coalesce(paused_at, ${state.now}), paused_reason = case when paused_at is null then ${reason} else paused_reason end,
      paused_by = coalesce(paused_by, ${by})
    where project = ${state.project} and name = ${name}`)
}

export async function resumeFlow(db: Sql, state: State, name: string): Promise<number> {
  return await db.run(sql`
    update ${state.t('flow')} set paused_at = null, paused_by = null, paused_reason = null where project = ${state.project} and name = ${name}`)
}
