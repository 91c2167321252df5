/**
 * Everything at once. What adds up is counted once, by the finest grain, and the rest is made of that. Different values do not add up,
 * but newness does: an event is the first of its value in its hour, its day, its year exactly if the event of the same value before it
 * lies before that hour, that day, that year. So one pass in the order of (dimensions, value, time) tells how many values are new to each
 * finest bucket as one of each grain, and the sum of those over a day is the number of the day's different values.
 */
import { ident, join, literal, raw, sql, type Query } from '../../../lib/sql.ts'
import type { Bucket } from '../../../lib/calendar.ts'
import type { Grain } from '../../../lib/grain.ts'
import { ranked, unfolded } from '../../../lib/sketch.ts'
import { columnsOf, levelName, type Measure, type RollupOptions, type TableRollup } from '../config.ts'
import { instant, instants } from './buckets.ts'
import { eventsOf, type AtType } from './events.ts'
import { countedPieces, eventPieces, ofCounted, ofEvents } from './measure.ts'

/** How the finest bucket of an event is found. */
export type Finest =
  /** Of fixed length, from this instant on. */
  | { readonly tag: 'bins'; readonly length: 'quarter-hour' | 'hour'; readonly origin: number }
  | { readonly tag: 'starts'; readonly starts: readonly number[] }

/** From the first bucket to `through`, both instants; every event in it is counted. */
export interface Extent {
  readonly from: number
  readonly through: number
}

const lengths = { 'quarter-hour': '15 minutes', hour: '1 hour' } as const

function finestOf(finest: Finest): Query {
  if (finest.tag === 'bins')
    return sql`date_bin(${literal(lengths[finest.length])}::interval, e."at", ${instant(finest.origin)})`
  const starts = instants(finest.starts)
  return sql`(${starts})[width_bucket(e."at", ${starts})]`
}

function readEvents(options: TableRollup, type: AtType, { from, through }: Extent): Query {
  const events = sql`${eventsOf(options, type, { from: instant(from), to: instant(through) })} as e`
  return type === 'instant' ? events : sql`${events} where e."at" >= ${instant(from)} and e."at" < ${instant(through)}`
}

/** A statement whose rows have the columns of the table, for their names and types. */
export function shapeOf(options: TableRollup, type: AtType): Query {
  const level = options.dimensions.map(({ name }) => name)
  const finest: Finest = { tag: 'starts', starts: [0] }
  return countFinest(options, type, {
    grain: options.grains[0] ?? 'day',
    level,
    finest,
    extent: { from: 0, through: 0 },
  })
}

/** Rows of the finest grain and one level, in the order of the table's columns, where every measure adds up. */
export function countFinest(
  options: TableRollup,
  type: AtType,
  what: { readonly grain: Grain; readonly level: readonly string[]; readonly finest: Finest; readonly extent: Extent },
): Query {
  const { grain, level, finest, extent } = what
  const { dimensions, measures } = options
  const shown = dimensions.map(({ name }, index) =>
    level.includes(name)
      ? sql`${ident(`d${index}`)} as ${ident(name)}`
      : sql`(array_agg(${ident(`d${index}`)}) filter (where false))[1] as ${ident(name)}`,
  )
  const by = dimensions.flatMap(({ name }, index) => (level.includes(name) ? [ident(`d${index}`)] : []))
  return sql`
    select ${literal(grain)}::text as grain, ${literal(levelName(level))}::text as level, b.bucket, ${join([...shown, ...measures.flatMap(named)], ', ')}
    from ${ranked(sql`(select e.*, ${finestOf(finest)} as bucket from ${readEvents(options, type, extent)})`, eventPieces(measures), [raw('bucket'), ...by])} as b
    group by ${join([raw('b.bucket'), ...by], ', ')}`
}

/** A measure of events, each of its columns by its name. */
function named(measure: Measure, index: number): readonly Query[] {
  const expressions = ofEvents(measure, index)
  return columnsOf(measure).map((name, at_) => sql`${expressions[at_] ?? raw('null')} as ${ident(name)}`)
}

/** What the newness of a measure to a grain is called among the columns of `countNew`. */
const newnessName = (measure: number, grain: Grain): string => `sluice_${measure}_${grain}`
const newness = (measure: number, grain: Grain): Query => ident(newnessName(measure, grain))

/**
 * A row for each finest bucket of a level: its dimensions, what adds up under the names of the table's columns, and for each measure
 * that counts different values how many of them are new to the bucket of each grain. `calendar`: a relation with a row for each finest
 * bucket, and in it the beginnings of the buckets that it lies in.
 */
export function countNew(
  options: TableRollup,
  type: AtType,
  what: {
    readonly level: readonly string[]
    readonly finest: Finest
    readonly extent: Extent
    readonly calendar: Query
  },
): Query {
  const { level, finest, extent, calendar } = what
  const { dimensions, measures, grains } = options
  const by = dimensions.flatMap(({ name }, index) =>
    level.includes(name) ? [{ name, column: ident(`d${index}`) }] : [],
  )
  const distinct = measures.flatMap((measure, index) => (measure.fn === 'distinct' ? [index] : []))
  const befores = distinct.map((index) => {
    const partition = join([...by.map(({ column }) => column), ident(`m${index}`)], ', ')
    return sql`lag(e.bucket) over (partition by ${partition} order by e.bucket) as ${ident(`p${index}`)}`
  })
  const added = measures.flatMap((measure, index) => (measure.fn === 'distinct' ? [] : named(measure, index)))
  const fresh = distinct.flatMap((index) =>
    grains.map((grain) => {
      const before = ident(`p${index}`)
      return sql`count(*) filter (where ${ident(`m${index}`)} is not null and (${before} is null or ${before} < k.${ident(grain)})) as ${newness(index, grain)}`
    }),
  )
  return sql`
    select e.bucket, ${join([...by.map(({ name, column }) => sql`${column} as ${ident(name)}`), ...added, ...fresh], ', ')}
    from (
      select e.*, ${join(befores, ', ')}
      from ${ranked(
        sql`(select e.*, ${finestOf(finest)} as bucket from ${readEvents(options, type, extent)})`,
        eventPieces(measures),
        [raw('bucket'), ...by.map(({ column }) => column)],
      )} as e
    ) as e join ${calendar} as k on k.bucket = e.bucket
    group by ${join([raw('e.bucket'), ...by.map(({ column }) => column)], ', ')}`
}

/** Rows of a grain and level from what `countNew` gave (`stage`), in the order of the table's columns. */
export function sumNew(
  options: RollupOptions,
  what: {
    readonly grain: Grain
    readonly level: readonly string[]
    readonly stage: Query
    readonly buckets: readonly Bucket[]
  },
): Query {
  const { grain, level, stage, buckets } = what
  const starts = instants(buckets.map(({ from }) => from))
  const bucket = sql`(${starts})[width_bucket(bucket, ${starts})]`
  const shown = options.dimensions.map(({ name }) => (level.includes(name) ? ident(name) : raw('null')))
  const by = options.dimensions.filter(({ name }) => level.includes(name)).map(({ name }) => ident(name))
  const columns = options.measures.flatMap((measure, index) => {
    if (measure.fn === 'distinct') return [sql`sum(${newness(index, grain)})::bigint`]
    return ofCounted(measure, index) ?? []
  })
  const rows = sql`select * from (select *, ${bucket} as sluice_at from ${stage}) as s where s.sluice_at is not null`
  const pieces = countedPieces(options.measures)
  const sketches = pieces.map((piece) => piece.column)
  const adding = options.measures.flatMap((measure, index) => {
    if (measure.fn === 'distinct') return [newnessName(index, grain)]
    return columnsOf(measure).filter((name) => !sketches.includes(name))
  })
  const keys = [raw('sluice_at'), ...by]
  return sql`
    select ${literal(grain)}::text, ${literal(levelName(level))}::text, s.sluice_at, ${join([...shown, ...columns], ', ')}
    from ${ranked(unfolded(rows, { keys, adding, sketches }), pieces, keys)} as s
    group by ${join([raw('s.sluice_at'), ...by], ', ')}`
}
