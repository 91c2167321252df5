import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface NewWorker {
  readonly id: string
  readonly host: string
  readonly pid: number
  /** `worker` takes whatever waits; `scheduler` decides; `run` does the one run of a command;
   *  `api` answers HTTP. */
  readonly roles: readonly ('scheduler' | 'worker' | 'run' | 'api')[]
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

/** The worker has taken over flows that were saved, changed or removed since. */
export async function writeWorkerFlows(
  db: Sql,
  state: State,
  worker: Pick<NewWorker, 'id' | 'flows' | 'stores'>,
): Promise<void> {
  await db.run(sql`
    update ${state.t('worker')} set flows = ${JSON.stringify(worker.flows)}::jsonb, stores = ${worker.stores}::text[]
    where project = ${state.project} and id = ${worker.id}`)
}

export interface WorkerRow extends Row {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly roles: readonly NewWorker['roles'][number][]
  readonly stores: readonly string[]
  readonly flows: Readonly<Record<string, string>>
  readonly outdated: readonly string[]
  readonly started_at: Date
  readonly heartbeat_at: Date
  readonly stopped_at: Date | null
  readonly alive: boolean
  /** Written here, as JSON: times are texts. */
  readonly doing: readonly {
    readonly run: string
    readonly flow: string
    readonly operation: 'apply' | 'verify' | 'plan' | 'ddl' | 'check'
    readonly attempt: number
    readonly startedAt: string
    readonly phase: string | null
  }[]
}

/** Those that gave a sign within `freshMs`, then those that did so within `seenMs`; newest first. */
export async function readWorkers(
  db: Sql,
  state: State,
  rule: { readonly freshMs: number; readonly seenMs: number; readonly limit: number },
): Promise<readonly WorkerRow[]> {
  return await db.all<WorkerRow>(sql`
    select w.id, w.host, w.pid, w.version, w.roles, w.stores, w.flows, w.started_at, w.heartbeat_at, w.stopped_at, w.alive,
      array(
        select f.name from ${state.t('flow')} f
        where f.project = ${state.project} and f.removed_at is null and w.flows ->> f.name <> f.definition_hash order by f.name) as outdated,
      coalesce((
        select jsonb_agg(jsonb_build_object('run', r.id, 'flow', r.flow, 'operation', r.operation, 'attempt', a.n,
          'startedAt', a.started_at, 'phase', a.phase) order by a.started_at)
        from ${state.t('attempt')} a join ${state.t('run')} r on r.project = a.project and r.id = a.run
        where a.project = ${state.project} and a.worker = w.id and a.outcome is null), '[]'::jsonb) as doing
    from (
      select c.id, c.host, c.pid, c.version, c.roles, c.stores, c.flows, c.started_at, c.heartbeat_at, c.stopped_at,
        c.stopped_at is null and c.heartbeat_at > ${state.now} - ${rule.freshMs} * interval '1 millisecond' as alive
      from ${state.t('worker')} c
      where c.project = ${state.project} and c.heartbeat_at > ${state.now} - ${rule.seenMs} * interval '1 millisecond') w
    order by w.alive desc, w.started_at desc, w.id
    limit ${rule.limit}`)
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

/** Whether any worker that gave a sign within `freshMs` decides upon schedules, and whether any takes what waits. */
export async function readAlive(
  db: Sql,
  state: State,
  freshMs: number,
): Promise<{ readonly scheduler: boolean; readonly worker: boolean }> {
  return await db.one<{ scheduler: boolean; worker: boolean }>(sql`
    select coalesce(bool_or('scheduler' = any(roles)), false) as scheduler, coalesce(bool_or('worker' = any(roles)), false) as worker
    from ${state.t('worker')}
    where project = ${state.project} and stopped_at is null and heartbeat_at > ${state.now} - ${freshMs} * interval '1 millisecond'`)
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
