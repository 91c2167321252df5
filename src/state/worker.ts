import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface NewWorker {
  readonly id: string
  readonly host: string
  readonly pid: number
  /** `worker` takes whatever waits; `scheduler` decides; `run` does the one run of a command. */
  readonly roles: readonly ('scheduler' | 'worker' | 'run')[]
  readonly stores: readonly string[]
  /** Flow name → definition hash. */
  readonly flows: Readonly<Record<string, string>>
  readonly version: string
}

export async function insertWorker(db: Sql, state: State, worker: NewWorker): Promise<void> {
  await db.run(sql`
    insert into ${state.t('worker')} (project, id, host, pid, roles, stores, flows, version, started_at, heartbeat_at)
    values (${state.project}, ${worker.id}, ${worker.host}, ${worker.pid}, ${worker.roles}::text[], ${worker.stores}::text[],
      ${JSON.stringify(worker.flows)}::jsonb, ${worker.version}, ${state.now}, ${state.now})`)
}

export async function beatWorker(db: Sql, state: State, id: string): Promise<void> {
  await db.run(
    sql`update ${state.t('worker')} set heartbeat_at = ${state.now} where project = ${state.project} and id = ${id}`,
  )
}

export async function stopWorker(db: Sql, state: State, id: string): Promise<void> {
  await db.run(sql`
    update ${state.t('worker')} set stopped_at = ${state.now}, heartbeat_at = ${state.now}
    where project = ${state.project} and id = ${id} and stopped_at is null`)
}

export interface HolderRow extends Row {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly roles: readonly string[]
  readonly stores: readonly string[]
  /** The definition it has of the flow that was asked for; null: it does not have the flow. */
  readonly hash: string | null
}

/** Workers that gave a sign within `freshMs`, and what they know of a flow. */
export async function readHolders(db: Sql, state: State, flow: string, freshMs: number): Promise<readonly HolderRow[]> {
  return await db.all<HolderRow>(sql`
    select id, host, pid, roles, stores, flows ->> ${flow}::text as hash from ${state.t('worker')}
    where project = ${state.project} and stopped_at is null and heartbeat_at > ${state.now} - ${freshMs} * interval '1 millisecond'
    order by started_at`)
}

export interface OutdatedRow extends Row {
  readonly flow: string
  readonly hash: string
  readonly host: string
  readonly pid: number
}

/**
 * Flows that a living worker has with another definition than the registered one, while none has that: nobody takes their runs.
 * `freshMs`: who gave no sign for so long is dead.
 */
export async function readOutdated(db: Sql, state: State, freshMs: number): Promise<readonly OutdatedRow[]> {
  const lives = sql`w.stopped_at is null and w.heartbeat_at > ${state.now} - ${freshMs} * interval '1 millisecond' and 'worker' = any(w.roles)`
  return await db.all<OutdatedRow>(sql`
    select distinct on (f.name) f.name as flow, f.definition_hash as hash, w.host, w.pid
    from ${state.t('flow')} f join ${state.t('worker')} w on w.project = f.project and ${lives}
    where f.project = ${state.project} and f.removed_at is null and w.flows ->> f.name <> f.definition_hash
      and not exists (
        select from ${state.t('worker')} w
        where w.project = f.project and ${lives} and w.flows ->> f.name = f.definition_hash)
    order by f.name, w.started_at`)
}
