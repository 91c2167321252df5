import { join, sql, type Query, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface NewOccurrence {
  readonly due_at: Date
  readonly state: 'waiting' | 'skipped'
  readonly reason: string | null
}

/** Inserts occurrences; the due times of those that were not there yet. The flow's schedule must be locked. */
export async function insertOccurrences(
  tx: Sql,
  state: State,
  flow: string,
  occurrences: readonly NewOccurrence[],
): Promise<readonly Date[]> {
  const inserted = await tx.all<{ due_at: Date }>(sql`
    insert into ${state.t('occurrence')} (project, flow, due_at, state, reason, decided_at)
    select ${state.project}, ${flow}, n.due_at, n.state, n.reason, ${state.now}
    from jsonb_to_recordset(${JSON.stringify(occurrences)}::jsonb) as n (due_at timestamptz, state text, reason text)
    on conflict (project, flow, due_at) do nothing
    returning due_at`)
  return inserted.map((row) => row.due_at)
}

export interface WaitingRow extends Row {
  readonly due_at: Date
  readonly decided_at: Date
}

/** Oldest first. */
export async function readWaiting(tx: Sql, state: State, flow: string, limit: number): Promise<readonly WaitingRow[]> {
  return await tx.all<WaitingRow>(sql`
    select due_at, decided_at from ${state.t('occurrence')}
    where project = ${state.project} and flow = ${flow} and state = 'waiting'
    order by due_at limit ${limit}`)
}

/** What waited becomes a run. 0: somebody else has decided. */
export async function runOccurrence(tx: Sql, state: State, flow: string, dueAt: Date, run: string): Promise<number> {
  return await tx.run(sql`
    update ${state.t('occurrence')} set state = 'run', run = ${run}, reason = null, decided_at = ${state.now}
    where project = ${state.project} and flow = ${flow} and due_at = ${dueAt} and state = 'waiting'`)
}

/** What waited is skipped, or goes on waiting for something else. `decided_at` keeps when the waiting began. */
export async function settleOccurrences(
  tx: Sql,
  state: State,
  flow: string,
  occurrences: readonly NewOccurrence[],
): Promise<void> {
  await tx.run(sql`
    update ${state.t('occurrence')} o set state = n.state, reason = n.reason,
      decided_at = case when n.state = 'waiting' then o.decided_at else ${state.now} end
    from jsonb_to_recordset(${JSON.stringify(occurrences)}::jsonb) as n (due_at timestamptz, state text, reason text)
    where o.project = ${state.project} and o.flow = ${flow} and o.due_at = n.due_at and o.state = 'waiting'
      and (n.state <> 'waiting' or o.reason is distinct from n.reason)`)
}

export interface OpenRunRow extends Row {
  readonly id: string
  readonly scheduled: boolean
  readonly cancelling: boolean
}

/** Unfinished runs of a flow that a due occurrence has to wait for, oldest first; backfills give way to live work. */
export async function readOpenRuns(tx: Sql, state: State, flow: string): Promise<readonly OpenRunRow[]> {
  return await tx.all<OpenRunRow>(sql`
    select id, trigger = 'schedule' as scheduled, cancel_at is not null as cancelling from ${state.t('run')}
    where project = ${state.project} and flow = ${flow} and operation = 'apply' and outcome is null and trigger <> 'backfill'
    order by requested_at, id`)
}

export interface OccurrenceRow extends Row {
  readonly flow: string
  readonly due_at: Date
  readonly state: 'waiting' | 'run' | 'skipped'
  readonly reason: string | null
  readonly run: string | null
}

export interface OccurrenceFilter {
  readonly flow?: string
  readonly states?: readonly string[]
  /** Due at or after. */
  readonly since?: Date
  /** Due before. */
  readonly until?: Date
}

function conditions(state: State, { flow, states, since, until }: OccurrenceFilter): Query {
  const [only, ...more] = states ?? []
  return join(
    [
      sql`o.project = ${state.project}`,
      ...(flow === undefined ? [] : [sql`o.flow = ${flow}`]),
      ...(states === undefined
        ? []
        : more.length === 0
          ? [only === undefined ? sql`false` : sql`o.state = ${only}`]
          : [sql`o.state = any(${states}::text[])`]),
      ...(since === undefined ? [] : [sql`o.due_at >= ${since}`]),
      ...(until === undefined ? [] : [sql`o.due_at < ${until}`]),
    ],
    ' and ',
  )
}

/** Latest due time first, after the one named. Due times are whole milliseconds, so that this names its place exactly. */
export async function readOccurrences(
  db: Sql,
  state: State,
  filter: OccurrenceFilter & {
    readonly limit: number
    readonly before?: { readonly dueAt: Date; readonly flow: string }
  },
): Promise<readonly OccurrenceRow[]> {
  const { before, limit } = filter
  const place =
    before === undefined ? sql`` : sql`and (o.due_at, o.flow) < (${before.dueAt}::timestamptz, ${before.flow}::text)`
  return await db.all<OccurrenceRow>(sql`
    select o.flow, o.due_at, o.state, o.reason, o.run from ${state.t('occurrence')} o
    where ${conditions(state, filter)} ${place}
    order by o.due_at desc, o.flow desc limit ${limit}`)
}

export async function countOccurrences(db: Sql, state: State, filter: OccurrenceFilter): Promise<number> {
  const { count } = await db.one<{ count: number }>(
    sql`select count(*)::integer as count from ${state.t('occurrence')} o where ${conditions(state, filter)}`,
  )
  return count
}
