import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

/** A flow's schedule as it stands. `spec` is a `Schedule` of flows/flow.ts. */
export interface ScheduleRow extends Row {
  readonly flow: string
  readonly spec: unknown
  /** Occurrences up to here have been decided upon. */
  readonly decided_to: Date
  /** Occurrences that wait. */
  readonly waiting: number
  readonly now: Date
}

/** Schedules of flows that are not removed. */
export async function readSchedules(db: Sql, state: State): Promise<readonly ScheduleRow[]> {
  return await db.all<ScheduleRow>(sql`
    select s.flow, s.spec, s.decided_to, ${state.now} as now, (
      select count(*)::integer from ${state.t('occurrence')} o
      where o.project = s.project and o.flow = s.flow and o.state = 'waiting') as waiting
    from ${state.t('schedule')} s
      join ${state.t('flow')} f on f.project = s.project and f.name = s.flow
    where s.project = ${state.project} and f.removed_at is null
    order by s.flow`)
}

/** Flow → its schedule, or null for none. A schedule that is new or has changed counts from now; the others are left as they are. */
export async function writeSchedules(
  tx: Sql,
  state: State,
  schedules: readonly { readonly flow: string; readonly spec: object | null }[],
): Promise<void> {
  const given = sql`jsonb_to_recordset(${JSON.stringify(schedules)}::jsonb) as n (flow text, spec jsonb)`
  await tx.run(sql`
    delete from ${state.t('schedule')} s using ${given}
    where s.project = ${state.project} and s.flow = n.flow and n.spec is null`)
  await tx.run(sql`
    insert into ${state.t('schedule')} as s (project, flow, spec, decided_to)
    select ${state.project}, n.flow, n.spec, ${state.now} from ${given} where n.spec is not null
    on conflict (project, flow) do update set spec = excluded.spec, decided_to = excluded.decided_to
      where s.spec <> excluded.spec`)
}

export interface LockedSchedule extends Row {
  readonly spec: unknown
  readonly decided_to: Date
  readonly paused_at: Date | null
  readonly paused_by: string | null
  readonly paused_reason: string | null
  readonly now: Date
}

/** Locks a flow's schedule until the transaction ends: one scheduler at a time. Undefined: another is at it, or there is none. */
export async function lockSchedule(tx: Sql, state: State, flow: string): Promise<LockedSchedule | undefined> {
  return await tx.maybe<LockedSchedule>(sql`
    select s.spec, s.decided_to, f.paused_at, f.paused_by, f.paused_reason, ${state.now} as now
    from ${state.t('schedule')} s
      join ${state.t('flow')} f on f.project = s.project and f.name = s.flow
    where s.project = ${state.project} and s.flow = ${flow} and f.removed_at is null
    for update of s skip locked`)
}

/** The schedule must be locked. */
export async function advanceSchedule(tx: Sql, state: State, flow: string, to: Date): Promise<void> {
  await tx.run(sql`
    update ${state.t('schedule')} set decided_to = greatest(decided_to, ${to})
    where project = ${state.project} and flow = ${flow}`)
}
