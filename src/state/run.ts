import { sql, type Query, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

/** A row of `run`, as read. */
export interface RunRow extends Row {
  readonly id: string
  readonly operation: 'apply' | 'verify' | 'plan' | 'ddl' | 'check'
  readonly flow: string
  readonly slices: readonly string[] | null
  readonly options: Readonly<Record<string, unknown>>
  readonly trigger: 'schedule' | 'manual' | 'backfill' | 'api'
  readonly requested_by: string
  readonly requested_at: Date
  readonly priority: number
  readonly backfill: string | null
  readonly due_at: Date | null
  readonly frozen_at: Date | null
  readonly not_before: Date | null
  readonly cancel_at: Date | null
  readonly cancel_by: string | null
  readonly cancel_reason: string | null
  readonly outcome: 'succeeded' | 'failed' | 'cancelled' | 'skipped' | null
  readonly reason: string | null
  readonly error: unknown
  readonly result: unknown
  readonly rows: number | null
  readonly started_at: Date | null
  readonly finished_at: Date | null
}

/** Of `run r`. */
export const runColumns: Query = sql`r.id, r.operation, r.flow, r.slices, r.options, r.trigger, r.requested_by, r.requested_at, r.priority, r.backfill, r.due_at,
  r.frozen_at, r.not_before, r.cancel_at, r.cancel_by, r.cancel_reason, r.outcome, r.reason, r.error, r.result, r.rows::float8 as rows,
  r.started_at, r.finished_at`

export interface NewRun {
  readonly id: string
  readonly operation: RunRow['operation']
  readonly flow: string
  readonly slices: readonly string[] | null
  readonly options: object
  readonly trigger: RunRow['trigger']
  readonly requestedBy: string
  readonly priority: number
  readonly dueAt: Date | null
  readonly backfill: string | null
  /** What makes two requests the same work: see the unique index `run_work`. */
  readonly work: string
}

/** Inserts a run, or finds the unfinished one for the same work. Waits for a concurrent insert of the same work. */
export async function insertRun(tx: Sql, state: State, run: NewRun): Promise<{ id: string; joined: boolean }> {
  for (;;) {
    const inserted = await tx.run(sql`
      insert into ${state.t('run')}
        (project, id, operation, flow, slices, options, trigger, requested_by, requested_at, priority, due_at, backfill, work)
      values (${state.project}, ${run.id}, ${run.operation}, ${run.flow}, ${run.slices}::text[], ${JSON.stringify(run.options)}::jsonb,
        ${run.trigger}, ${run.requestedBy}, ${state.now}, ${run.priority}, ${run.dueAt}, ${run.backfill}, ${run.work})
      on conflict (project, flow, operation, work) where outcome is null do nothing`)
    if (inserted === 1) return { id: run.id, joined: false }
    const same = await tx.maybe<{ id: string }>(sql`
      select id from ${state.t('run')}
      where project = ${state.project} and flow = ${run.flow} and operation = ${run.operation} and work = ${run.work} and outcome is null`)
    // It may have ended between the two statements: then there is nothing to join, and the insert succeeds.
    if (same !== undefined) return { id: same.id, joined: true }
  }
}

export async function readRun(db: Sql, state: State, id: string): Promise<RunRow | undefined> {
  return await db.maybe<RunRow>(
    sql`select ${runColumns} from ${state.t('run')} r where r.project = ${state.project} and r.id = ${id}`,
  )
}

/** In no particular order; what is not there is left out. */
export async function readRunsById(db: Sql, state: State, ids: readonly string[]): Promise<readonly RunRow[]> {
  return await db.all<RunRow>(
    sql`select ${runColumns} from ${state.t('run')} r where r.project = ${state.project} and r.id = any(${ids}::uuid[])`,
  )
}

/** Locks the run against everybody else who would decide upon it, until the transaction ends. */
export async function lockRun(tx: Sql, state: State, id: string): Promise<RunRow | undefined> {
  return await tx.maybe<RunRow>(
    sql`select ${runColumns} from ${state.t('run')} r where r.project = ${state.project} and r.id = ${id} for no key update`,
  )
}

/** The same, if nobody holds it and it still waits to be done; false at once otherwise. */
export async function tryLockWaiting(tx: Sql, state: State, id: string): Promise<boolean> {
  const locked = await tx.maybe(sql`
    select r.id from ${state.t('run')} r
    where r.project = ${state.project} and r.id = ${id} and r.outcome is null and r.cancel_at is null
    for no key update skip locked`)
  return locked !== undefined
}

/** Runs whose id begins or ends with the text: at most three, which is enough to know that it is not one. */
export async function findRuns(db: Sql, state: State, abbreviation: string): Promise<readonly { id: string }[]> {
  return await db.all<{ id: string }>(sql`
    select r.id from ${state.t('run')} r
    where r.project = ${state.project} and (starts_with(r.id::text, ${abbreviation}) or right(r.id::text, ${abbreviation.length}) = ${abbreviation})
    order by r.requested_at desc limit 3`)
}

/** The run's end, written once: 0 if somebody else has written it. */
export async function endRun(
  tx: Sql,
  state: State,
  id: string,
  end: {
    readonly outcome: NonNullable<RunRow['outcome']>
    readonly reason: string | null
    readonly error: object | null
    readonly result: object | null
    readonly rows: number | null
  },
): Promise<number> {
  return await tx.run(sql`
    update ${state.t('run')} set outcome = ${end.outcome}, reason = ${end.reason}, rows = ${end.rows}, finished_at = ${state.now},
      error = ${end.error === null ? null : JSON.stringify(end.error)}::jsonb,
      result = ${end.result === null ? null : JSON.stringify(end.result)}::jsonb
    where project = ${state.project} and id = ${id} and outcome is null`)
}

/** A less urgent run becomes as urgent as that. */
export async function raisePriority(tx: Sql, state: State, id: string, priority: number): Promise<void> {
  await tx.run(sql`
    update ${state.t('run')} set priority = ${priority}
    where project = ${state.project} and id = ${id} and outcome is null and priority < ${priority}`)
}

/** Another attempt follows, not before `afterMs` from now. */
export async function requeueRun(tx: Sql, state: State, id: string, afterMs: number): Promise<void> {
  await tx.run(sql`
    update ${state.t('run')} set not_before = ${state.now} + ${afterMs} * interval '1 millisecond'
    where project = ${state.project} and id = ${id} and outcome is null`)
}

export async function askToCancel(tx: Sql, state: State, id: string, by: string, reason: string | null): Promise<void> {
  await tx.run(sql`
    update ${state.t('run')} set cancel_at = coalesce(cancel_at, ${state.now}), cancel_by = coalesce(cancel_by, ${by}),
      cancel_reason = coalesce(cancel_reason, ${reason})
    where project = ${state.project} and id = ${id} and outcome is null`)
}

/** Which of these are to be cancelled. */
export async function readCancelled(db: Sql, state: State, ids: readonly string[]): Promise<readonly { id: string }[]> {
  return await db.all<{ id: string }>(sql`
    select id from ${state.t('run')} where project = ${state.project} and id = any(${ids}::uuid[]) and cancel_at is not null`)
}
