/** What is asked of a store that counts, and its answer as rows of the rollup's table. */
import type { Bucket } from '../../../lib/calendar.ts'
import type { Grain } from '../../../lib/grain.ts'
import { ident, idents, join, literal, raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import type { CopyColumn, SourceColumn } from '../../../transfer/column.ts'
import { formatPgType } from '../../../transfer/pgtype.ts'
import { countedColumns, type CopyStream, type CountQuestion } from '../../../transfer/source.ts'
import { fixedColumns, levelName, type Measure, type StoreRollup } from '../config.ts'
import { instants } from '../sql/buckets.ts'
import { columnNames } from '../sql/count.ts'
import { averageOf } from '../sql/measure.ts'

/** All but the buckets. */
export type Asked = Omit<CountQuestion, 'buckets'>

/** What a measure is told from, in the order of its columns in `tellFrom`. */
export function askedOf({ fn, of }: Measure): CountQuestion['measures'] {
  const column = of?.column ?? null
  switch (fn) {
    case 'avg':
      return [
        { fn: 'sum', of: column },
        { fn: 'count', of: column },
      ]
    case 'count':
    case 'sum':
    case 'min':
    case 'max':
    case 'distinct':
      return [{ fn, of: column }]
    case 'approximate':
      throw new Error('the config refuses sketches of what a store has')
  }
}

/** The columns of a measure, of those that were asked for it. */
function tellFrom({ fn }: Measure, [first = raw('null'), second = raw('null')]: readonly Query[]): readonly Query[] {
  return fn === 'avg' ? [averageOf(first, second), first, second] : [first]
}

/** Rows as they landed, as rows of the rollup's table. */
export function selectLanded(
  { dimensions, levels, measures }: StoreRollup,
  grain: Grain,
  buckets: readonly Bucket[],
  table: Query,
): Query {
  const place = (name: string): Query => sql`c.${ident(name)} + 1`
  const shown = dimensions.map((_, index) => sql`c.${ident(countedColumns.dimension(index))}`)
  let next = 0
  const told = measures.flatMap((measure) =>
    tellFrom(
      measure,
      askedOf(measure).map(() => sql`c.${ident(countedColumns.measure(next++))}`),
    ),
  )
  const values = [...shown, ...told].map(
    (value, index) =>
      sql`${value} as ${ident(columnNames({ dimensions, measures })[index + fixedColumns.length] ?? '')}`,
  )
  return sql`
    select ${literal(grain)}::text as grain, (${levels.map(levelName)}::text[])[${place(countedColumns.level)}] as level,
      (${instants(buckets.map(({ from }) => from))})[${place(countedColumns.bucket)}] as bucket, ${join(values, ', ')}
    from ${table} as c`
}

/** Into a table of the session's own that is gone with the transaction. */
export async function land(
  tx: Session,
  table: Query,
  columns: readonly CopyColumn[],
  counted: CopyStream,
  signal: AbortSignal,
): Promise<void> {
  const typed = columns.map(({ target, type }) => sql`${ident(target)} ${raw(formatPgType(type))}`)
  await tx.run(sql`create temporary table ${table} (${join(typed, ', ')}) on commit drop`)
  const names = idents(columns.map(({ target }) => target))
  await tx.copyIn(sql`copy ${table} (${names}) from stdin with (format binary)`, chunksOf(counted), signal)
}

/** Of nothing, for the names and types of its columns. */
export function landedNothing(columns: readonly CopyColumn[]): Query {
  const typed = columns.map(({ target, type }) => sql`null::${raw(formatPgType(type))} as ${ident(target)}`)
  return sql`(select ${join(typed, ', ')} where false)`
}

async function* chunksOf(stream: CopyStream): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of stream) yield data
}

/** Numbers have as many digits as they need: what is made of them has more. */
export function landingColumns(counted: readonly SourceColumn[]): readonly CopyColumn[] {
  return counted.map(({ name, type }) => ({
    source: name,
    target: name,
    type: type.tag === 'numeric' ? { tag: 'numeric', precision: null, scale: null } : type,
    policy: 'error',
  }))
}
