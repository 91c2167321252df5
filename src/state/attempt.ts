import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { RunRow } from './run.ts'
import type { State } from './state.ts'

export type AttemptEnd = 'succeeded' | 'failed' | 'cancelled' | 'skipped' | 'interrupted'

/** A row of `attempt`, as read. */
export interface AttemptRow extends Row {
  readonly run: string
  readonly n: number
  readonly worker: string
  readonly started_at: Date
  readonly heartbeat_at: Date
  readonly finished_at: Date | null
  readonly outcome: AttemptEnd | null
  readonly error: unknown
  readonly phase: string | null
  readonly progress: { readonly rows?: number; readonly rowsExpected?: number | null; readonly bytes?: number }
  readonly phases: readonly PhaseRow[]
  /** Since the running phase began. */
  readonly elapsed_ms: number | null
}

export interface PhaseRow {
  readonly name: string
  readonly rows: number
  readonly rowsExpected: number | null
  readonly bytes: number
  readonly seconds: number
}

export interface NewAttempt extends Row {
  readonly n: number
  readonly ordinal: string
  readonly frozen_at: Date
}

/** Begins an attempt: its number, its place among all attempts, and the run's frozen "now". */
export async function insertAttempt(
  tx: Sql,
  state: State,
  attempt: { readonly run: string; readonly worker: string; readonly token: string; readonly leaseMs: number },
): Promise<NewAttempt> {
  const run = await tx.one<{ frozen_at: Date }>(sql`
    update ${state.t('run')} set started_at = coalesce(started_at, ${state.now}), frozen_at = coalesce(frozen_at, ${state.now}), not_before = null
    where project = ${state.project} and id = ${attempt.run} and outcome is null
    returning frozen_at`)
  const begun = await tx.one<{ n: number; ordinal: string }>(sql`
    insert into ${state.t('attempt')} (project, run, n, worker, lease_token, started_at, heartbeat_at, lease_until)
    select ${state.project}, ${attempt.run}, coalesce(max(a.n), 0) + 1, ${attempt.worker}::uuid, ${attempt.token}::uuid, ${state.now}, ${state.now},
      ${state.now} + ${attempt.leaseMs} * interval '1 millisecond'
    from ${state.t('attempt')} a where a.project = ${state.project} and a.run = ${attempt.run}
    returning n, ordinal`)
  return { n: begun.n, ordinal: begun.ordinal, frozen_at: run.frozen_at }
}

/** What a heartbeat carries: how far the attempt is. */
export interface Beat {
  readonly phase: string | null
  readonly elapsedMs: number
  readonly progress: { readonly rows: number; readonly rowsExpected: number | null; readonly bytes: number }
  readonly phases: readonly PhaseRow[]
}

/** Extends the lease and records the progress. Undefined when the lease is gone: it is never revived, however late the other is. */
export async function beat(
  db: Sql,
  state: State,
  token: string,
  leaseMs: number,
  now: Beat,
): Promise<{ readonly cancelled: boolean } | undefined> {
  return await db.maybe<{ cancelled: boolean }>(sql`
    update ${state.t('attempt')} a set heartbeat_at = ${state.now}, lease_until = ${state.now} + ${leaseMs} * interval '1 millisecond',
      phase = ${now.phase}, phases = ${JSON.stringify(now.phases)}::jsonb,
      progress = ${JSON.stringify(now.progress)}::jsonb || jsonb_build_object('startedAt', ${state.now} - ${now.elapsedMs} * interval '1 millisecond')
    from ${state.t('run')} r
    where a.project = ${state.project} and a.lease_token = ${token} and a.outcome is null and a.lease_until > ${state.now}
      and r.project = a.project and r.id = a.run
    returning r.cancel_at is not null as cancelled`)
}

/** Whether the attempt may still write. */
export async function isLive(db: Sql, state: State, token: string): Promise<boolean> {
  const found = await db.maybe(sql`
    select 1 from ${state.t('attempt')}
    where project = ${state.project} and lease_token = ${token} and outcome is null and lease_until > ${state.now}`)
  return found !== undefined
}

/** Locks an attempt that has not ended against its end, until the transaction does; false when it has ended. */
export async function holdAttempt(tx: Sql, state: State, run: string, n: number): Promise<boolean> {
  const found = await tx.maybe(sql`
    select 1 from ${state.t('attempt')}
    where project = ${state.project} and run = ${run} and n = ${n} and outcome is null
    for share`)
  return found !== undefined
}

/** The attempt's end. 0: it has been ended by somebody else. With `live`, also 0 when its lease is over. */
export async function endAttempt(
  tx: Sql,
  state: State,
  token: string,
  end: {
    readonly outcome: AttemptEnd
    readonly error: object | null
    readonly live: boolean
    readonly last: Beat | null
  },
): Promise<number> {
  const last = end.last
  return await tx.run(sql`
    update ${state.t('attempt')} set outcome = ${end.outcome}, finished_at = ${state.now},
      error = ${end.error === null ? null : JSON.stringify(end.error)}::jsonb,
      phases = coalesce(${last === null ? null : JSON.stringify(last.phases)}::jsonb, phases),
      phase = coalesce(${last === null ? null : last.phase}, phase),
      progress = coalesce(${last === null ? null : JSON.stringify(last.progress)}::jsonb, progress)
    where project = ${state.project} and lease_token = ${token} and outcome is null
      and (not ${end.live}::boolean or lease_until > ${state.now})`)
}

export interface ExpiredRow extends Row {
  readonly run: string
  readonly n: number
  readonly token: string
  readonly flow: string
  readonly host: string | null
  readonly pid: number | null
}

/** Attempts past their lease. */
export async function readExpired(db: Sql, state: State): Promise<readonly ExpiredRow[]> {
  return await db.all<ExpiredRow>(sql`
    select a.run, a.n, a.lease_token as token, r.flow, w.host, w.pid
    from ${state.t('attempt')} a
      join ${state.t('run')} r on r.project = a.project and r.id = a.run
      left join ${state.t('worker')} w on w.project = a.project and w.id = a.worker
    where a.project = ${state.project} and a.outcome is null and a.lease_until <= ${state.now}
    order by a.ordinal`)
}

/** Locks an expired attempt for its end; false when it lives after all, or somebody else is at it. */
export async function lockExpired(tx: Sql, state: State, token: string): Promise<boolean> {
  const found = await tx.maybe(sql`
    select 1 from ${state.t('attempt')}
    where project = ${state.project} and lease_token = ${token} and outcome is null and lease_until <= ${state.now}
    for update skip locked`)
  return found !== undefined
}

/** How the run's attempts have ended so far; those whose worker let go of the run say nothing about it, and do not count. */
export async function countEnds(tx: Sql, state: State, run: string): Promise<{ failed: number; interrupted: number }> {
  return await tx.one<{ failed: number; interrupted: number }>(sql`
    select count(*) filter (where outcome = 'failed')::integer as failed,
      count(*) filter (where outcome = 'interrupted' and error ->> 'code' is distinct from 'RUN_RELEASED')::integer as interrupted
    from ${state.t('attempt')} where project = ${state.project} and run = ${run}`)
}

/** The attempts of these runs, in order. */
export async function readAttempts(
  db: Sql,
  state: State,
  runs: readonly RunRow['id'][],
): Promise<readonly AttemptRow[]> {
  return await db.all<AttemptRow>(sql`
    select run, n, worker, started_at, heartbeat_at, finished_at, outcome, error, phase, progress, phases,
      (extract(epoch from coalesce(finished_at, ${state.now}) - (progress ->> 'startedAt')::timestamptz) * 1000)::float8 as elapsed_ms
    from ${state.t('attempt')} where project = ${state.project} and run = any(${runs}::uuid[])
    order by run, n`)
}

/** Whether this attempt lives; if so, nobody ends it before the transaction does. Its heartbeats go on beside the lock. */
export async function fenceAttempt(tx: Sql, state: State, token: string): Promise<boolean> {
  const live = await tx.run(sql`
    select 1 from ${state.t('attempt')}
    where project = ${state.project} and lease_token = ${token} and outcome is null and lease_until > ${state.now}
    for key share`)
  return live > 0
}
