/** What is counted: statements that select rows of the table, in the order of its columns (`columnNames`). */
import { ident, idents, join, literal, raw, sql, type Query } from '../../../lib/sql.ts'
import type { Bucket } from '../../../lib/calendar.ts'
import type { Grain } from '../../../lib/grain.ts'
import { estimateOf, gathered, ranked, unfolded, unionOf } from '../../../lib/sketch.ts'
import { columnsOf, fixedColumns, levelName, sketchColumn, type RollupOptions, type TableRollup } from '../config.ts'
import { instant, instants, ranges, within } from './buckets.ts'
import { eventsOf, type AtType } from './events.ts'
import { countedPieces, eventPieces, ofCounted, ofEvents } from './measure.ts'

/** The columns of the table, in order. */
export function columnNames({
  dimensions,
  measures,
}: Pick<RollupOptions, 'dimensions' | 'measures'>): readonly string[] {
  return [...fixedColumns, ...dimensions.map(({ name }) => name), ...measures.flatMap(columnsOf)]
}

export const tableOf = ({ to }: Pick<RollupOptions, 'to'>): Query => ident(to.schema, to.table)

const dimension = (index: number): Query => ident(`d${index}`)

/** `grouping sets ((i, "d0"), (i))`, one for each level, and the name of a row's level. */
export function levelled(
  { dimensions, levels }: RollupOptions,
  first: Query,
): { readonly sets: Query; readonly level: Query } {
  // What no level has is no part of any set, and `grouping()` may not ask for it.
  const used = dimensions.flatMap(({ name }, index) =>
    levels.some((level) => level.includes(name)) ? [{ name, column: dimension(index) }] : [],
  )
  const sets = levels.map((level) => {
    const own = used.filter(({ name }) => level.includes(name))
    return sql`(${join([first, ...own.map(({ column }) => column)], ', ')})`
  })
  if (used.length === 0) return { sets: join(sets, ', '), level: literal(levelName([])) }
  const names = levels.map((level) => {
    // `grouping()` has a bit for each dimension that the set leaves out, the first one highest.
    const bits = used.reduce((mask, { name }) => mask * 2 + (level.includes(name) ? 0 : 1), 0)
    return sql`when ${raw(String(bits))} then ${literal(levelName(level))}`
  })
  return {
    sets: join(sets, ', '),
    level: sql`case grouping(${join(
      used.map(({ column }) => column),
      ', ',
    )}) ${join(names, ' ')} end`,
  }
}

/**
 * Every level of these buckets of a grain, counted from the events before `through`. `indexed`: range by range, as an index on their time
 * finds them; else in one pass over all events.
 */
export function countEvents(
  options: TableRollup,
  type: AtType,
  what: {
    readonly grain: Grain
    readonly buckets: readonly Bucket[]
    readonly through: number
    readonly indexed: boolean
  },
): Query {
  const { grain, through, indexed } = what
  const buckets = what.buckets
    .filter(({ from }) => from < through)
    .map(({ from, to }) => ({ from, to: Math.min(to, through) }))
  const starts = instants(buckets.map(({ from }) => from))
  const ends = instants(buckets.map(({ to }) => to))
  const read = ranges(buckets)
  const one = { from: raw('r.lo'), to: raw('r.hi') }
  const events = indexed
    ? sql`unnest(${instants(read.map(({ from }) => from))}, ${instants(read.map(({ to }) => to))}) as r (lo, hi)
      cross join lateral ${eventsOf(options, type, one)} as e`
    : sql`${eventsOf(options, type, {
        from: instant(read[0]?.from ?? 0),
        to: instant(read.at(-1)?.to ?? 0),
      })} as e`
  const inside = indexed ? sql` and e."at" >= r.lo and e."at" < r.hi` : raw('')
  const found = sql`${events} cross join lateral (select width_bucket(e."at", ${starts}) as sluice_i) as b
    where b.sluice_i > 0 and e."at" < (${ends})[b.sluice_i]${inside}`
  if (eventPieces(options.measures).length > 0) return countRanked(options, grain, starts, found)
  const { sets, level } = levelled(options, raw('b.sluice_i'))
  return sql`
    select ${literal(grain)}::text, ${level}, (${starts})[b.sluice_i], ${lists(options)}
    from ${found}
    group by grouping sets (${sets})`
}

/** The smallest hashes of a group are told before there are groups: hence each event once for every level, instead of grouping sets. */
function countRanked(options: RollupOptions, grain: Grain, starts: Query, found: Query): Query {
  const { dimensions, levels, measures } = options
  const own = dimensions.map(({ name }, index) => {
    const of = levels.flatMap((level, at) => (level.includes(name) ? [String(at)] : []))
    // What no level has is needed for its type.
    const only = sql`case when l.sluice_level in (${raw(of.join(', '))}) then e.${dimension(index)} end as ${dimension(index)}`
    return { used: of.length > 0, column: of.length > 0 ? only : sql`e.${dimension(index)}` }
  })
  const by = [
    raw('sluice_level'),
    raw('sluice_i'),
    ...own.flatMap(({ used }, index) => (used ? [dimension(index)] : [])),
  ]
  const looked = measures.map((_, index) => sql`e.${ident(`m${index}`)}`)
  const rows = sql`(
    select l.sluice_level, b.sluice_i, ${join([...own.map(({ column }) => column), ...looked], ', ')}
    from generate_series(0, ${raw(String(levels.length - 1))}) as l (sluice_level) cross join ${found})`
  const names = levels.map((level, at) => sql`when ${raw(String(at))} then ${literal(levelName(level))}`)
  return sql`
    select ${literal(grain)}::text, (case sluice_level ${join(names, ' ')} end)::text, (${starts})[sluice_i], ${lists(options)}
    from ${ranked(rows, eventPieces(measures), by)} as b
    group by ${join(by, ', ')}`
}

/** Dimensions and measures of events. */
function lists({ dimensions, levels, measures }: RollupOptions): Query {
  const shown = dimensions.map(({ name }, index) =>
    levels.some((level) => level.includes(name))
      ? dimension(index)
      : sql`(array_agg(${dimension(index)}) filter (where false))[1]`,
  )
  return join([...shown, ...measures.flatMap(ofEvents)], ', ')
}

/** Every level of these buckets, made of the rows of finer ones; null if a measure cannot be told from them. `tally`: and of how many. */
export function countFiner(
  options: RollupOptions,
  what: {
    readonly grain: Grain
    readonly finer: Grain
    readonly buckets: readonly Bucket[]
    /** Where the finer rows are. */
    readonly from: Query
    readonly tally?: boolean
  },
): Query | null {
  const { grain, finer, buckets, from, tally = false } = what
  const starts = instants(buckets.map(({ from }) => from))
  const names = options.dimensions.map(({ name }) => ident(name))
  // One level is no text to group by.
  const [only, ...others] = options.levels
  const single = only !== undefined && others.length === 0 ? literal(levelName(only)) : null
  const keys = [...(single === null ? [raw('level')] : []), raw('sluice_i'), ...names]
  const counted = countRows(options, {
    rows: sql`(
      select c.*, b.sluice_i from ${from} as c cross join lateral (select width_bucket(c.bucket, ${starts}) as sluice_i) as b
      where c.grain = ${literal(finer)} and ${within(raw('c.bucket'), buckets)})`,
    keys,
    // So many hours as a year has are few.
    few: raw('bucket'),
    tally,
  })
  if (counted === null) return null
  return sql`
    select ${literal(grain)}::text, ${single ?? raw('level')}, (${starts})[sluice_i], ${join([...names, measured(options), ...(tally ? [raw('sluice_tally')] : [])], ', ')}
    from ${counted} as c`
}

/** Another level of a grain, made of the rows of the level that has all of its dimensions. */
export function countLevel(
  options: RollupOptions,
  what: {
    readonly grain: Grain
    readonly level: readonly string[]
    readonly root: readonly string[]
    readonly since: number | null
  },
): Query | null {
  const { grain, level, root, since } = what
  const shown = options.dimensions.map(({ name }) => (level.includes(name) ? ident(name) : raw('null')))
  const by = options.dimensions.filter(({ name }) => level.includes(name)).map(({ name }) => ident(name))
  const newer = since === null ? raw('') : sql` and bucket >= ${instant(since)}`
  const counted = countRows(options, {
    rows: sql`(select * from ${tableOf(options)} where grain = ${literal(grain)} and level = ${literal(levelName(root))}${newer})`,
    keys: [raw('bucket'), ...by],
    // The hashes of a day are not more than its events; of longer than that they may be too many to be held at once.
    few: grain === 'quarter-hour' || grain === 'hour' || grain === 'day' ? raw('bucket') : null,
  })
  if (counted === null) return null
  return sql`
    select ${literal(grain)}::text, ${literal(levelName(level))}::text, ${join([raw('bucket'), ...shown, measured(options)], ', ')}
    from ${counted} as c`
}

const measured = ({ measures }: RollupOptions): Query => idents(measures.flatMap(columnsOf))

/**
 * Rows of the table grouped by keys of theirs: a relation of the keys and the measures' columns. `few`: sketches of a group may be held at
 * once, in this order; else its hashes are sorted, which takes longer. `tally`, where there are no sketches: of how many rows, too. Null if a measure cannot be told from rows.
 */
function countRows(
  { measures }: RollupOptions,
  what: {
    readonly rows: Query
    readonly keys: readonly Query[]
    readonly few: Query | null
    readonly tally?: boolean
  },
): Query | null {
  const { rows, keys, few, tally = false } = what
  const pieces = countedPieces(measures)
  const sketches = pieces.map(({ column }) => column)
  const adding = measures.flatMap(columnsOf).filter((name) => !sketches.includes(name))
  const by = join(keys, ', ')
  const columns: Query[] = []
  for (const [index, measure] of measures.entries()) {
    const found = ofCounted(measure, index)
    if (found === null) return null
    if (few !== null && measure.fn === 'approximate') {
      const sketch = ident(sketchColumn(measure))
      columns.push(sql`${gathered(sketch, few)} as ${sketch}`)
    } else columns.push(...columnsOf(measure).map((name, at) => sql`${found[at] ?? raw('null')} as ${ident(name)}`))
  }
  if (tally) columns.push(raw('count(*) as sluice_tally'))
  const list = join([...keys, ...columns], ', ')
  if (pieces.length === 0) return sql`(select ${list} from ${rows} as c group by ${by})`
  if (few === null) {
    const unfold = unfolded(sql`select * from ${rows} as r`, { keys, adding, sketches })
    return sql`(select ${list} from ${ranked(unfold, pieces, keys)} as c group by ${by})`
  }
  // Each union is made once, whatever is told from it: hence `offset 0`.
  const united = sketches.map((name) => sql`${unionOf(ident(name))} as ${ident(name)}`)
  const plain = measures.flatMap((measure) => (measure.fn === 'approximate' ? [] : columnsOf(measure)))
  const unions = sql`(
    select ${join([...keys, ...plain.map((name) => ident(name)), ...united], ', ')}
    from (select ${list} from ${rows} as c group by ${by}) as g offset 0)`
  const told = measures.flatMap((measure) =>
    measure.fn === 'approximate'
      ? [sql`${estimateOf(ident(sketchColumn(measure)))} as ${ident(measure.name)}`, ident(sketchColumn(measure))]
      : columnsOf(measure).map((name) => ident(name)),
  )
  return sql`(select ${join([...keys, ...told], ', ')} from ${unions} as s)`
}
