import { join, sql, type Query, type Row, type Sql } from '../lib/sql.ts'
import { runColumns, type RunRow } from './run.ts'
import type { State } from './state.ts'

export interface RunFilter {
  readonly flow?: string
  readonly operation?: string
  /** `waiting`: unfinished, and nobody works on it; `running`: somebody does. */
  readonly outcomes?: readonly string[]
  readonly triggers?: readonly string[]
  /** Requested at or after. */
  readonly since?: Date
  /** Requested before. */
  readonly until?: Date
  readonly backfill?: string
}

/** Conditions on `run r`; only what is asked for stands in the statement, so that the planner sees which index serves it. */
function conditions(state: State, filter: RunFilter): Query {
  const { flow, operation, outcomes, triggers, since, until, backfill } = filter
  return join(
    [
      sql`r.project = ${state.project}`,
      ...(flow === undefined ? [] : [sql`r.flow = ${flow}`]),
      ...(operation === undefined ? [] : [sql`r.operation = ${operation}`]),
      ...(outcomes === undefined ? [] : [outcomeIs(state, outcomes)]),
      ...(triggers === undefined ? [] : [sql`r.trigger = any(${triggers}::text[])`]),
      ...(since === undefined ? [] : [sql`r.requested_at >= ${since}`]),
      ...(until === undefined ? [] : [sql`r.requested_at < ${until}`]),
      ...(backfill === undefined ? [] : [sql`r.backfill = ${backfill}::uuid`]),
    ],
    ' and ',
  )
}

function outcomeIs(state: State, outcomes: readonly string[]): Query {
  const live = sql`exists (select from ${state.t('attempt')} a where a.project = r.project and a.run = r.id and a.outcome is null)`
  const ended = outcomes.filter((outcome) => outcome !== 'waiting' && outcome !== 'running')
  const waiting = outcomes.includes('waiting')
  const running = outcomes.includes('running')
  const open =
    waiting && running
      ? [sql`r.outcome is null`]
      : waiting
        ? [sql`(r.outcome is null and not ${live})`]
        : running
          ? [sql`(r.outcome is null and ${live})`]
          : []
  const [only, ...more] = ended
  const is =
    only === undefined ? [] : more.length === 0 ? [sql`r.outcome = ${only}`] : [sql`r.outcome = any(${ended}::text[])`]
  const any = [...is, ...open]
  return any.length === 0 ? sql`false` : sql`(${join(any, ' or ')})`
}

/** Newest first, after the run `before`; undefined when that run is not there any more. */
export async function readRuns(
  db: Sql,
  state: State,
  filter: RunFilter & { readonly limit: number; readonly before?: string },
): Promise<readonly RunRow[] | undefined> {
  const { before, limit } = filter
  const after =
    before === undefined
      ? sql``
      : sql`and (r.requested_at, r.id) < (
        select b.requested_at, b.id from ${state.t('run')} b where b.project = ${state.project} and b.id = ${before}::uuid)`
  const found = await db.all<RunRow>(sql`
    select ${runColumns} from ${state.t('run')} r
    where ${conditions(state, filter)} ${after}
    order by r.requested_at desc, r.id desc
    limit ${limit}`)
  if (found.length > 0 || before === undefined) return found
  const there = await db.maybe(
    sql`select 1 from ${state.t('run')} r where r.project = ${state.project} and r.id = ${before}::uuid`,
  )
  return there === undefined ? undefined : found
}

export async function countRuns(db: Sql, state: State, filter: RunFilter): Promise<number> {
  const { count } = await db.one<{ count: number }>(
    sql`select count(*)::integer as count from ${state.t('run')} r where ${conditions(state, filter)}`,
  )
  return count
}

export interface HistoryRow extends Row {
  readonly run: string
  readonly at: Date
  readonly rows: number | null
  readonly changes: unknown
  readonly seconds: number | null
}

/** The newest `limit` runs of a flow that published something, oldest first. */
export async function readHistory(
  db: Sql,
  state: State,
  flow: string,
  page: { readonly since: Date | null; readonly limit: number },
): Promise<readonly HistoryRow[]> {
  return await db.all<HistoryRow>(sql`
    select h.run, h.at, h.rows, h.changes, h.seconds from (
      select r.id as run, r.finished_at as at, r.rows::float8 as rows, r.result -> 'changes' as changes,
        extract(epoch from r.finished_at - r.started_at)::float8 as seconds
      from ${state.t('run')} r
      where r.project = ${state.project} and r.flow = ${flow} and r.operation = 'apply' and r.outcome = 'succeeded'
        and (${page.since}::timestamptz is null or r.finished_at >= ${page.since})
      order by r.finished_at desc, r.id desc
      limit ${page.limit}) h
    order by h.at, h.run`)
}

export interface QueueRow extends Row {
  readonly waiting: number
  readonly delayed: number
  readonly paused: number
  readonly running: number
  readonly oldest: Date | null
  readonly oldest_ms: number | null
}

/** Unfinished runs by what keeps them. Those that could begin now count as `waiting`, wherever they stand in the queue. */
export async function readQueue(db: Sql, state: State): Promise<QueueRow> {
  return await db.one<QueueRow>(sql`
    select count(*) filter (where o.what = 'waiting')::integer as waiting, count(*) filter (where o.what = 'delayed')::integer as delayed,
      count(*) filter (where o.what = 'paused')::integer as paused, count(*) filter (where o.what = 'running')::integer as running,
      min(o.since) filter (where o.what = 'waiting') as oldest,
      (extract(epoch from ${state.now} - min(o.since) filter (where o.what = 'waiting')) * 1000)::float8 as oldest_ms
    from (
      select coalesce(r.not_before, r.requested_at) as since, case
        when exists (select from ${state.t('attempt')} a where a.project = r.project and a.run = r.id and a.outcome is null) then 'running'
        when r.operation = 'apply' and (f.paused_at is not null or b.state = 'paused') then 'paused'
        when r.not_before > ${state.now} then 'delayed'
        else 'waiting' end as what
      from ${state.t('run')} r
        join ${state.t('flow')} f on f.project = r.project and f.name = r.flow and f.removed_at is null
        left join ${state.t('backfill')} b on b.project = r.project and b.id = r.backfill
      where r.project = ${state.project} and r.outcome is null) o`)
}

/** Runs that ended within the last hour. `wait_ms`: from the request to the first attempt, the 95th percentile. */
export async function readLastHour(
  db: Sql,
  state: State,
): Promise<{ readonly finished: number; readonly failed: number; readonly wait_ms: number | null }> {
  return await db.one<{ finished: number; failed: number; wait_ms: number | null }>(sql`
    select count(*)::integer as finished, count(*) filter (where r.outcome = 'failed')::integer as failed,
      percentile_cont(0.95) within group (order by extract(epoch from r.started_at - r.requested_at) * 1000)
        filter (where r.started_at is not null) as wait_ms
    from ${state.t('run')} r
    where r.project = ${state.project} and r.finished_at >= ${state.now} - interval '1 hour'`)
}
