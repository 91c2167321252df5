/** Events that a store has: it groups them, and what it has counted lands in a table of the session's own. */
import { SluiceError } from '../../../lib/error.ts'
import { supported, type Bucket } from '../../../lib/calendar.ts'
import { madeOf, type Grain } from '../../../lib/grain.ts'
import { ident, idents, join, literal, raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import type { CopyColumn, SourceColumn } from '../../../transfer/column.ts'
import { isCarried } from '../../../transfer/fit.ts'
import { formatPgType, type PgType } from '../../../transfer/pgtype.ts'
import { countedColumns, type CopyStream, type CountQuestion, type Source } from '../../../transfer/source.ts'
import type { Flow, LookContext } from '../../flow.ts'
import { fixedColumns, levelName, type Measure, type RollupOptions, type StoreRollup } from '../config.ts'
import { instants } from '../sql/buckets.ts'
import { columnNames, countFiner, tableOf } from '../sql/count.ts'
import { averageOf } from '../sql/measure.ts'
import { insertInto } from '../sql/table.ts'
import type { Bulk } from './bulk.ts'
import type { CountedBuckets, Events } from './events.ts'

/** The flow, which was found to be over no table. */
export function overStore(flow: Flow<RollupOptions>): Flow<StoreRollup> {
  if (flow.options.from.tag !== 'store') throw new Error(`${flow.name} is over a table`)
  // The tag says so.
  return flow as Flow<StoreRollup>
}

export async function eventsInStore(
  flow: Flow<StoreRollup>,
  { stores, signal }: Pick<LookContext, 'stores' | 'signal'>,
): Promise<Events> {
  const { options } = flow
  const source = await stores.source(options.from.store, options.from.source)
  // The mark comes first: what changes while it is counted is counted again next time, never taken as counted.
  const mark = await source.mark(signal)
  const columns = await source.columns(signal)
  const time = { column: options.at, zone: zoneOf(flow, source, columns) }
  refuseUnknown(flow, source, columns)
  const asked: Asked = {
    at: time,
    dimensions: options.dimensions.map(({ from }) => from.column),
    levels: options.levels.map((level) =>
      level.map((name) => options.dimensions.findIndex((one) => one.name === name)),
    ),
    measures: options.measures.flatMap(askedOf),
  }
  const landing = landingOf(await countedTypes(flow, source, asked, signal))
  let landed = 0
  const count = async (tx: Session, what: CountedBuckets): Promise<Query> => {
    const buckets = what.buckets
      .filter(({ from }) => from < what.through)
      .map(({ from, to }) => ({ from, to: Math.min(to, what.through) }))
    const table = ident('pg_temp', `sluice_counted_${(landed += 1)}`)
    await tx.run(sql`create temporary table ${table} (${join(landing.map(columnOf), ', ')}) on commit drop`)
    const copied = source
      .counted({ ...asked, buckets })
      .copy({ columns: landing, key: [], table: source.description }, signal)
    const names = idents(landing.map(({ target }) => target))
    await tx.copyIn(sql`copy ${table} (${names}) from stdin with (format binary)`, chunksOf(copied), signal)
    return selectLanded(options, what.grain, buckets, table)
  }
  const events: Events = {
    name: source.description,
    identity: options.from.store,
    indexed: false,
    mark,
    // It was asked for its types, which it has only of what it can count.
    refuseUncountable: async () => {},
    extent: async () => {
      const found = await source.extent(time, supported, signal)
      return found === null ? null : { from: found.first, to: found.last + 1 }
    },
    shape: () => {
      const nothing = landing.map(({ target, type }) => sql`null::${raw(formatPgType(type))} as ${ident(target)}`)
      return selectLanded(options, options.grains[0] ?? 'day', [], sql`(select ${join(nothing, ', ')} where false)`)
    },
    count,
    countAll: async (bulk) => countGrains(bulk, options, events),
  }
  return events
}

/** What a measure is told from, in the order of its columns in `tellFrom`. */
function askedOf({ fn, of }: Measure): CountQuestion['measures'] {
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
function selectLanded(
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

/** Fine to coarse: each from the store, or made of what is there already. */
async function countGrains(
  { buckets, through, fresh, tx, context }: Bulk,
  options: StoreRollup,
  events: Pick<Events, 'shape' | 'count'>,
): Promise<{ readonly tallied: null }> {
  if (fresh) await tx.run(sql`create table ${tableOf(options)} as ${events.shape()} with no data`)
  const adds = options.measures.every(({ fn }) => fn !== 'distinct')
  for (const grain of options.grains) {
    context.phase(grain)
    const finer = adds ? madeOf(grain, options.grains) : null
    const made =
      finer === null ? null : countFiner(options, { grain, finer, buckets: buckets(grain), from: tableOf(options) })
    const rows = made ?? (await events.count(tx, { grain, buckets: buckets(grain), through }))
    context.progress({ rows: await tx.run(insertInto(options, rows)) })
    // What is made of it is planned by what is there.
    if (grain === options.grains[0]) await tx.run(sql`analyze ${tableOf(options)}`)
  }
  return { tallied: null }
}

async function* chunksOf(stream: CopyStream): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of stream) yield data
}

const columnOf = ({ target, type }: CopyColumn): Query => sql`${ident(target)} ${raw(formatPgType(type))}`

/** Numbers have as many digits as they need: what is made of them has more. */
function landingOf(counted: readonly SourceColumn[]): readonly CopyColumn[] {
  return counted.map(({ name, type }) => ({
    source: name,
    target: name,
    type: type.tag === 'numeric' ? { tag: 'numeric', precision: null, scale: null } : type,
    policy: 'error',
  }))
}

/** Whose clocks the time goes by; null: it has a zone of its own. */
function zoneOf({ name, options }: Flow<StoreRollup>, source: Source, columns: readonly SourceColumn[]): string | null {
  const at = columns.find((one) => one.name === options.at)
  if (at === undefined) throw noColumn(name, source, options.at, columns)
  if (at.type.tag === 'timestamptz') return null
  if (at.type.tag === 'timestamp' || at.type.tag === 'date') return options.calendar.zone
  throw new SluiceError('SOURCE_COLUMN_MISSING', `${options.at} of ${source.description} is no time`, {
    why: `it is ${at.sourceType}; a rollup needs a timestamp or a date`,
    fix: 'name another column in `at`, or cast it in a query',
    where: { flow: name, column: options.at },
  })
}

function refuseUnknown({ name, options }: Flow<StoreRollup>, source: Source, columns: readonly SourceColumn[]): void {
  const named = [
    ...options.dimensions.map(({ from }) => from.column),
    ...options.measures.flatMap(({ of }) => (of === null ? [] : [of.column])),
  ]
  for (const column of named)
    if (!columns.some((one) => one.name === column)) throw noColumn(name, source, column, columns)
  for (const { name: measure, fn, of } of options.measures) {
    const type = columns.find((one) => one.name === of?.column)?.type
    if ((fn !== 'min' && fn !== 'max') || type === undefined || !isText(type)) continue
    throw new SluiceError('SOURCE_UNSUITABLE', `${name} cannot count ${measure}`, {
      why: `${of?.column ?? ''} is text, of which the store and PostgreSQL do not have the same order`,
      fix: `take measures.${measure} out, or name a column of numbers or times`,
      where: { flow: name, column: of?.column ?? '' },
    })
  }
}

const isText = ({ tag }: PgType): boolean => tag === 'text' || tag === 'varchar' || tag === 'char' || tag === 'other'

type Asked = Omit<CountQuestion, 'buckets'>

/** The columns of what is counted; `SOURCE_UNSUITABLE` by the name of what the store cannot count. */
async function countedTypes(
  { name, options }: Flow<StoreRollup>,
  source: Source,
  asked: Asked,
  signal: AbortSignal,
): Promise<readonly SourceColumn[]> {
  const ask = async (question: Asked): Promise<readonly SourceColumn[]> =>
    await source.counted({ ...question, buckets: [] }).columns(signal)
  let counted: readonly SourceColumn[]
  // What is wrong with the time is wrong with no measure.
  await ask({ ...asked, dimensions: [], levels: [[]], measures: [] })
  try {
    counted = await ask(asked)
  } catch (error) {
    for (const measure of options.measures)
      try {
        await ask({ ...asked, dimensions: [], levels: [[]], measures: askedOf(measure) })
      } catch (refused) {
        throw uncountable(name, measure, refused)
      }
    throw error
  }
  for (const [index, { name: dimension, from }] of options.dimensions.entries()) {
    const type = counted.find((one) => one.name === countedColumns.dimension(index))?.type
    if (type === undefined || isCarried(type)) continue
    throw new SluiceError('SOURCE_UNSUITABLE', `${name} cannot count by ${dimension}`, {
      why: `${from.column} is ${formatPgType(type)}, which is not carried`,
      fix: 'name another column in `by`, or cast it in a query',
      where: { flow: name, column: from.column },
    })
  }
  return counted
}

function uncountable(flow: string, { name, fn, of }: Measure, error: unknown): unknown {
  if (!(error instanceof SluiceError) || error.code !== 'STORE_QUERY') return error
  return new SluiceError('SOURCE_UNSUITABLE', `${flow} cannot count ${name}`, {
    why: `the store has no ${fn} of ${of?.column ?? 'rows'}: ${error.why}`,
    fix: `name another column or function in measures.${name}, or cast it in a query`,
    where: { flow, ...(of === null ? {} : { column: of.column }) },
    cause: error,
  })
}

function noColumn(flow: string, source: Source, column: string, there: readonly SourceColumn[]): SluiceError {
  return new SluiceError('SOURCE_COLUMN_MISSING', `${source.description} has no column «${column}»`, {
    why: `its columns are ${there.map(({ name }) => name).join(', ')}`,
    fix: 'correct `at`, `by` or `measures`',
    where: { flow, column },
  })
}
