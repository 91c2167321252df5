/** Flows that were made in the console: they live here alone, until the file takes their name over. */
import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface ConsoleFlowRow extends Row {
  readonly name: string
  readonly version: number
  readonly definition: unknown
  readonly definition_hash: string
}

/** Those that are not removed, by name; one small query, asked again and again. */
export async function readConsoleFlows(db: Sql, state: State): Promise<readonly ConsoleFlowRow[]> {
  return await db.all<ConsoleFlowRow>(sql`
    select name, version, definition, definition_hash from ${state.t('flow')}
    where project = ${state.project} and origin = 'console' and removed_at is null
    order by name`)
}

export interface StandingRow extends Row {
  readonly origin: 'file' | 'console'
  readonly version: number
  readonly definition_hash: string
  readonly same: boolean
  readonly removed_at: Date | null
}

/** What stands under the name, removed or not; `same`: with this definition. Flows must be locked. */
export async function readStanding(
  tx: Sql,
  state: State,
  name: string,
  definition: unknown,
): Promise<StandingRow | undefined> {
  return await tx.maybe<StandingRow>(sql`
    select origin, version, definition_hash, definition = ${JSON.stringify(definition)}::jsonb as same, removed_at
    from ${state.t('flow')} where project = ${state.project} and name = ${name}`)
}

export interface SavedFlow {
  readonly name: string
  readonly kind: string
  readonly definition: unknown
  readonly definition_hash: string
}

/** Writes the flow as its next version. One that was removed begins anew: neither paused, nor told of. Flows must be locked. */
export async function saveConsoleFlow(tx: Sql, state: State, flow: SavedFlow, by: string): Promise<void> {
  await tx.run(sql`
    insert into ${state.t('flow')} as f (project, name, kind, origin, definition, definition_hash)
    values (${state.project}, ${flow.name}, ${flow.kind}, 'console', ${JSON.stringify(flow.definition)}::jsonb, ${flow.definition_hash})
    on conflict (project, name) do update set kind = excluded.kind, origin = 'console', definition = excluded.definition,
      definition_hash = excluded.definition_hash, version = f.version + 1, removed_at = null,
      told = case when f.removed_at is null then f.told end,
      paused_at = case when f.removed_at is null then f.paused_at end,
      paused_by = case when f.removed_at is null then f.paused_by end,
      paused_reason = case when f.removed_at is null then f.paused_reason end`)
  await tx.run(sql`
    insert into ${state.t('flow_version')} (project, flow, version, kind, origin, definition, definition_hash, created_at, created_by)
    select f.project, f.name, f.version, f.kind, 'console', f.definition, f.definition_hash, ${state.now}, ${by}
    from ${state.t('flow')} f where f.project = ${state.project} and f.name = ${flow.name}`)
}

/** Marks it as removed; nothing of it is due any more, and what was due and waits is skipped. Flows must be locked. */
export async function removeConsoleFlow(tx: Sql, state: State, name: string, reason: string): Promise<void> {
  await tx.run(sql`
    update ${state.t('flow')} set removed_at = ${state.now} where project = ${state.project} and name = ${name}`)
  await tx.run(sql`delete from ${state.t('schedule')} where project = ${state.project} and flow = ${name}`)
  await tx.run(sql`
    update ${state.t('occurrence')} set state = 'skipped', reason = ${reason}, decided_at = ${state.now}
    where project = ${state.project} and flow = ${name} and state = 'waiting'`)
}

export interface RegisteredRow extends Row {
  readonly name: string
  readonly kind: string
  readonly origin: 'file' | 'console'
  readonly definition: unknown
  readonly definition_hash: string
  readonly version: number
  readonly changed_at: Date
  readonly changed_by: string
  /** The console's last version, where the file's present one took the name over with another definition. */
  readonly took_over_version: number | null
  readonly took_over_at: Date | null
  readonly took_over_by: string | null
}

/** All that are not removed, by name. */
export async function readRegistered(db: Sql, state: State): Promise<readonly RegisteredRow[]> {
  return await db.all<RegisteredRow>(sql`
    select f.name, f.kind, f.origin, f.definition, f.definition_hash, f.version, v.created_at as changed_at, v.created_by as changed_by,
      c.version as took_over_version, c.created_at as took_over_at, c.created_by as took_over_by
    from ${state.t('flow')} f
      join ${state.t('flow_version')} v on v.project = f.project and v.flow = f.name and v.version = f.version
      left join ${state.t('flow_version')} c on c.project = f.project and c.flow = f.name and c.version = f.version - 1
        and c.origin = 'console' and f.origin = 'file' and c.definition <> f.definition
    where f.project = ${state.project} and f.removed_at is null
    order by f.name`)
}

export interface VersionRow extends Row {
  readonly version: number
  readonly kind: string
  readonly origin: 'file' | 'console'
  readonly definition: unknown
  readonly definition_hash: string
  readonly created_at: Date
  readonly created_by: string
}

/** Newest first; of removed flows, too. */
export async function readVersions(db: Sql, state: State, name: string): Promise<readonly VersionRow[]> {
  return await db.all<VersionRow>(sql`
    select version, kind, origin, definition, definition_hash, created_at, created_by from ${state.t('flow_version')}
    where project = ${state.project} and flow = ${name}
    order by version desc`)
}

/** Living workers that do not have the flow in this definition. */
export async function countUnaware(
  db: Sql,
  state: State,
  flow: { readonly name: string; readonly hash: string | null },
  freshMs: number,
): Promise<number> {
  const { count } = await db.one<{ count: number }>(sql`
    select count(*)::integer as count from ${state.t('worker')}
    where project = ${state.project} and stopped_at is null and heartbeat_at > ${state.now} - ${freshMs} * interval '1 millisecond'
      and 'worker' = any(roles) and flows ->> ${flow.name}::text is distinct from ${flow.hash}::text`)
  return count
}
