import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface LogRow extends Row {
  readonly id: number
  readonly at: Date
  readonly attempt: number | null
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface NewLine {
  readonly attempt: number | null
  readonly level: LogRow['level']
  readonly message: string
  readonly fields: object
}

/**
 * Appends to a run's log. The lock makes the order of ids the order of commits within a run: who has read up to an id has
 * missed nothing before it.
 */
export async function appendLog(tx: Sql, state: State, run: string, lines: readonly NewLine[]): Promise<void> {
  await tx.run(
    sql`select pg_advisory_xact_lock(hashtextextended(${`sluice log ${state.schema} ${state.project} ${run}`}, 0))`,
  )
  await tx.run(sql`
    insert into ${state.t('log')} (project, run, attempt, at, level, message, fields)
    select ${state.project}, ${run}, n.attempt, ${state.now}, n.level, n.message, n.fields
    from jsonb_to_recordset(${JSON.stringify(lines.map((line, place) => ({ ...line, place })))}::jsonb)
      as n (place integer, attempt integer, level text, message text, fields jsonb)
    order by n.place`)
}

/** A run's lines after `from`, oldest first. */
export async function readLog(
  db: Sql,
  state: State,
  run: string,
  from: number,
  limit: number,
): Promise<readonly LogRow[]> {
  return await db.all<LogRow>(sql`
    select id::float8 as id, at, attempt, level, message, fields from ${state.t('log')}
    where project = ${state.project} and run = ${run} and id > ${from}
    order by id limit ${limit}`)
}

export async function countLog(db: Sql, state: State, run: string): Promise<number> {
  const { count } = await db.one<{ count: number }>(
    sql`select count(*)::integer as count from ${state.t('log')} where project = ${state.project} and run = ${run}`,
  )
  return count
}
