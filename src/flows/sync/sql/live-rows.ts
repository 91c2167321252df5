import { ident, raw, sql, type Query, type Sql } from '../../../lib/sql.ts'
import type { TableFacts } from '../../../stores/postgres/table.ts'

/** The condition that a row is not marked as deleted: the mark is a boolean, or the time of the deletion. */
export function live(target: TableFacts, softDelete: string | null): Query {
  const column = target.columns.find(({ name }) => name === softDelete)
  if (column === undefined) return raw('true')
  return column.type.tag === 'boolean' ? sql`${ident(column.name)} is not true` : sql`${ident(column.name)} is null`
}

/** How many rows readers see now; those marked as deleted do not count. */
export async function countLiveRows(db: Sql, target: TableFacts, softDelete: string | null): Promise<number> {
  const { rows } = await db.one<{ rows: string }>(
    sql`select count(*) as rows from ${ident(target.schema, target.table)} where ${live(target, softDelete)}`,
  )
  return Number(rows)
}

/** How many rows there seem to be, by the size of the table and its statistics: without reading it. */
export async function estimateRows(db: Sql, target: TableFacts): Promise<number> {
  const explained = await db.one<{ 'QUERY PLAN': readonly { readonly Plan: { readonly 'Plan Rows': number } }[] }>(
    sql`explain (format json) select from ${ident(target.schema, target.table)}`,
  )
  return explained['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0
}
