/** The table of a rollup: made from what is counted, grown when more is, never narrowed. */
import { createHash } from 'node:crypto'
import { ident, idents, literal, raw, sql, type Query, type Session, type Sql } from '../../../lib/sql.ts'
import { SluiceError } from '../../../lib/error.ts'
import { fixedColumns, type RollupOptions, type TableRef } from '../config.ts'
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

/** Makes the table what `shape` (rows of it) needs: columns that it lacks are added, those of another type changed, indexes of other columns dropped. */
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
    else if (now === type) continue
    else if (fixedColumns.some((one) => one === name))
      throw unsuitable(options, `its column ${name} is ${now}, not ${type}`)
    else
      await tx.run(
        sql`alter table ${tableOf(options)} alter column ${ident(name)} type ${raw(type)} using ${ident(name)}::text::${raw(type)}`,
      )
  }
  await dropStale(tx, options)
}

/** A table that has not the columns of a rollup is somebody else's: nothing is written to it, and nothing of it deleted. */
export function refuseForeign(options: RollupOptions, standing: readonly StandingColumn[] | null): void {
  if (standing === null) return
  const lacking = fixedColumns.filter((name) => !standing.some((one) => one.name === name))
  if (lacking.length > 0) throw unsuitable(options, `it has no column ${lacking.join(', ')}`)
}

function unsuitable({ to }: RollupOptions, why: string): SluiceError {
  const table = `${to.schema}.${to.table}`
  return new SluiceError('TARGET_UNSUITABLE', `${table} is no table of a rollup`, {
    why,
    fix: 'name another table in `to`; it is created if missing',
    where: { table },
  })
}

interface TableIndex {
  readonly name: string
  readonly columns: readonly string[]
  readonly where: Query
}

/** So much of a name that there is room for what an index adds: names are cut after 63 bytes. */
function begun(name: string): string {
  let short = name
  while (Buffer.byteLength(short) > 44) short = short.slice(0, -1)
  return short
}

/** By name which columns they are of: those of another definition are not taken for these. */
function indexesOf({ to, dimensions, levels, grains }: RollupOptions): readonly TableIndex[] {
  const finest = grains[0] ?? 'day'
  // Where there is one level, it tells no rows apart.
  const level = levels.length > 1 ? ['level'] : []
  const columns = ['bucket', ...dimensions.map((one) => one.name), ...level]
  const named = (kind: string, of: readonly string[], where: Query): TableIndex => {
    const told = JSON.stringify([to.schema, to.table, finest, of])
    const digest = createHash('sha256').update(told).digest('hex').slice(0, 8)
    return { name: `${begun(to.table)}_${digest}_${kind}`, columns: of, where }
  }
  return [
    ...(grains.length > 1 ? [named('coarser', ['grain', ...columns], sql`grain <> ${literal(finest)}`)] : []),
    named('finest', columns, sql`grain = ${literal(finest)}`),
  ]
}

/**
 * Each bucket of a level once; what is unknown counts as a value where the server can compare it so. The finest grain has an index of its
 * own, so that the few rows of a year are not looked for among the many of its hours.
 */
export async function indexTable(tx: Session, options: RollupOptions, version: number): Promise<void> {
  const kind = raw(version >= 150_000 ? 'unique index' : 'index')
  const nulls = raw(version >= 150_000 ? 'nulls not distinct' : '')
  for (const { name, columns, where } of indexesOf(options))
    await tx.run(
      sql`create ${kind} if not exists ${ident(name)} on ${tableOf(options)} (${idents(columns)}) ${nulls} where ${where}`,
    )
}

/** Indexes of an earlier definition would refuse what this one counts. */
async function dropStale(tx: Session, options: RollupOptions): Promise<void> {
  const { schema, table } = options.to
  const wanted = indexesOf(options).map(({ name }) => name)
  const found = await tx.all<{ name: string }>(sql`
    select c.relname::text as "name" from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = to_regclass(${tableOf(options).sql}) and c.relname ~ '_[0-9a-f]{8}_(coarser|finest)$'
      and starts_with(c.relname::text, ${begun(table)})`)
  for (const { name } of found) if (!wanted.includes(name)) await tx.run(sql`drop index ${ident(schema, name)}`)
}

export function insertInto(options: RollupOptions, rows: Query): Query {
  return sql`insert into ${tableOf(options)} (${idents(columnNames(options))}) ${rows}`
}
