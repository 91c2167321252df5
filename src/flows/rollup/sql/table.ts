/** The table of a rollup: made from what is counted, grown when more is, never narrowed. */
import { createHash } from 'node:crypto'
import { ident, idents, literal, raw, sql, type Query, type Session, type Sql } from '../../../lib/sql.ts'
import { SluiceError } from '../../../lib/error.ts'
import type { RollupOptions, TableRef } from '../config.ts'
import { columnNames, tableOf } from './count.ts'

export interface StandingColumn {
  readonly name: string
  readonly type: string
}

export async function readStanding(db: Sql, { schema, table }: TableRef): Promise<readonly StandingColumn[] | null> {
  const rows = await db.all<{ name: string | null; type: string | null }>(sql`
    select a.attname::text as "name", format_type(a.atttypid, a.atttypmod) as "type"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = ${schema} and c.relname = ${table} order by a.attnum`)
  if (rows.length === 0) return null
  return rows.flatMap(({ name, type }) => (name === null || type === null ? [] : [{ name, type }]))
}

/** Makes the table what `shape` (rows of it) needs: columns that it lacks are added. */
export async function growTable(
  tx: Session,
  options: RollupOptions,
  standing: readonly StandingColumn[],
  shape: Query,
): Promise<void> {
  await tx.run(sql`create temporary table sluice_shape on commit drop as ${shape} with no data`)
  const wanted = await tx.all<{ name: string; type: string }>(sql`
    select attname::text as "name", format_type(atttypid, atttypmod) as "type" from pg_attribute
    where attrelid = 'pg_temp.sluice_shape'::regclass and attnum > 0 and not attisdropped order by attnum`)
  await tx.run(sql`drop table pg_temp.sluice_shape`)
  const there = new Map(standing.map(({ name, type }) => [name, type]))
  for (const { name, type } of wanted) {
    const now = there.get(name)
    if (now === undefined) await tx.run(sql`alter table ${tableOf(options)} add column ${ident(name)} ${raw(type)}`)
    else if (now !== type && ['grain', 'level', 'bucket'].includes(name)) throw unsuitable(options, name, now, type)
  }
}

function unsuitable({ to }: RollupOptions, name: string, is: string, wanted: string): SluiceError {
  const table = `${to.schema}.${to.table}`
  return new SluiceError('TARGET_UNSUITABLE', `${table} is no table of a rollup`, {
    why: `its column ${name} is ${is}, not ${wanted}`,
    fix: 'name another table in `to`; it is created if missing',
    where: { table, column: name },
  })
}

/**
 * Each bucket of a level once; what is unknown counts as a value where the server can compare it so. The finest grain has an index of its
 * own, so that the few rows of a year are not looked for among the many of its hours.
 */
export async function indexTable(tx: Session, options: RollupOptions, version: number): Promise<void> {
  const { to, dimensions, grains } = options
  const finest = grains[0] ?? 'day'
  const digest = createHash('sha256').update(`${to.schema}.${to.table} ${finest}`).digest('hex').slice(0, 8)
  const kind = raw(version >= 150_000 ? 'unique index' : 'index')
  const nulls = raw(version >= 150_000 ? 'nulls not distinct' : '')
  const make = (name: string, columns: readonly string[], where: Query): Query =>
    sql`create ${kind} if not exists ${ident(`${to.table.slice(0, 44)}_${digest}_${name}`)} on ${tableOf(options)} (${idents(columns)}) ${nulls} where ${where}`
  const columns = ['bucket', ...dimensions.map((one) => one.name), 'level']
  if (grains.length > 1) await tx.run(make('coarser', ['grain', ...columns], sql`grain <> ${literal(finest)}`))
  await tx.run(make('finest', columns, sql`grain = ${literal(finest)}`))
}

export function insertInto(options: RollupOptions, rows: Query): Query {
  return sql`insert into ${tableOf(options)} (${idents(columnNames(options))}) ${rows}`
}
