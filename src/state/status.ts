import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

/** All that is recorded of a flow and says in what state it is. */
export interface FactRow extends Row {
  readonly flow: string
  readonly kind: string
  readonly paused_at: Date | null
  readonly paused_by: string | null
  readonly paused_reason: string | null
  /** The problem last told to the webhooks. */
  readonly told: string | null
  readonly now: Date
  /** A `Schedule`, or null: by hand. */
  readonly spec: unknown
  readonly decided_to: Date | null
  /** The newest occurrence. */
  readonly occurrence_due: Date | null
  readonly occurrence_state: 'waiting' | 'run' | 'skipped' | null
  readonly occurrence_reason: string | null
  /** The slice that is expected: when readers got its content. */
  readonly published_at: Date | null
  /** The latest due time that it answers to. */
  readonly answered: Date | null
  readonly as_of: Date | null
  /** The "now" of the run that published it. */
  readonly began: Date | null
  /** Of all slices that readers see. */
  readonly rows: number | null
  /** The latest time as of which a run did all that was due then, or found it done. */
  readonly covered: Date | null
  /** The last failure, if nothing has succeeded since. */
  readonly failed_run: string | null
  readonly failed_at: Date | null
  readonly failed_error: unknown
  /** The console's last version, where the file's present one took the name over with another definition. */
  readonly took_over: number | null
  readonly running: boolean
  readonly last_run: string | null
}

/**
 * Facts about flows, in one query. `key`: the slice that should be done by now, as the kind says; a flow without a row was
 * never registered and is left out.
 *
 * Backfills say nothing about what is due now: neither do they make a flow fresh, nor failed. A run of some slices counts for
 * the expected slice if that was among them.
 */
export async function readFacts(
  db: Sql,
  state: State,
  asked: readonly { readonly flow: string; readonly key: string | null }[],
): Promise<readonly FactRow[]> {
  return await db.all<FactRow>(sql`
    select f.name as flow, f.kind, f.paused_at, f.paused_by, f.paused_reason, f.told, ${state.now} as now,
      s.spec, s.decided_to, o.due_at as occurrence_due, o.state as occurrence_state, o.reason as occurrence_reason,
      e.published_at, e.due_at as answered, e.as_of, e.began, t.rows,
      case when e.published_at is not null then c.covered end as covered,
      x.id as failed_run, x.finished_at as failed_at, x.error as failed_error,
      exists (
        select from ${state.t('run')} r join ${state.t('attempt')} a on a.project = r.project and a.run = r.id and a.outcome is null
        where r.project = f.project and r.flow = f.name and r.operation = 'apply' and r.outcome is null) as running,
      l.id as last_run, (
        select c.version from ${state.t('flow_version')} c
        where c.project = f.project and c.flow = f.name and c.version = f.version - 1 and c.origin = 'console'
          and f.origin = 'file' and c.definition <> f.definition) as took_over
    from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as q (flow text, key text)
      join ${state.t('flow')} f on f.project = ${state.project} and f.name = q.flow
      left join ${state.t('schedule')} s on s.project = f.project and s.flow = f.name
      left join lateral (
        select n.due_at, n.state, n.reason from ${state.t('occurrence')} n
        where n.project = f.project and n.flow = f.name order by n.due_at desc limit 1) o on true
      left join lateral (
        select p.published_at, p.due_at, p.as_of, r.frozen_at as began
        from ${state.t('slice')} p left join ${state.t('run')} r on r.project = p.project and r.id = p.run
        where p.project = f.project and p.flow = f.name and p.key = q.key and p.published_at is not null) e on true
      -- Not flow by flow: where one flow has nearly all slices, each would look at all of them.
      left join (
        select p.flow, sum(p.rows)::float8 as rows from ${state.t('slice')} p
        where p.project = ${state.project} and p.flow = any(${asked.map(({ flow }) => flow)}::text[]) and p.published_at is not null
        group by p.flow) t on t.flow = f.name
      left join lateral (
        select max(coalesce(r.due_at, r.frozen_at)) as covered from ${state.t('run')} r
        where r.project = f.project and r.flow = f.name and ${counts} and r.outcome in ('succeeded', 'skipped')
          and (r.slices is null or q.key = any(r.slices))
          and r.options ->> 'from' is null and r.options ->> 'to' is null and r.options ->> 'step' is null) c on true
      left join lateral (
        select r.id, r.finished_at, r.error, r.slices from ${state.t('run')} r
        where r.project = f.project and r.flow = f.name and ${counts} and r.outcome = 'failed'
        order by r.finished_at desc limit 1) x on not exists (
          select from ${state.t('run')} r
          where r.project = f.project and r.flow = f.name and ${counts} and r.outcome in ('succeeded', 'skipped')
            and r.finished_at > x.finished_at and (r.slices is null or r.slices @> coalesce(x.slices, array[q.key])))
      left join lateral (
        select r.id from ${state.t('run')} r
        where r.project = f.project and r.flow = f.name and r.operation = 'apply'
        order by r.requested_at desc, r.id desc limit 1) l on true
    order by f.name`)
}

/** Runs that say something about what is due now. */
const counts = sql`r.operation = 'apply' and r.trigger <> 'backfill'`

export interface ClockRow extends Row {
  readonly now: Date
}

/** The one clock. */
export async function readNow(db: Sql, state: State): Promise<Date> {
  const { now } = await db.one<ClockRow>(sql`select ${state.now} as now`)
  return now
}
