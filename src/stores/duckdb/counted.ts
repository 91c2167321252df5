/** The statements that count the rows of a source. Pure: text in, text out. */
import { countedColumns, type CountQuestion, type TimeColumn } from '../../transfer/source.ts'
import type { From } from './protocol.ts'
import { literal, quoted, relation } from './statement.ts'

/** Microseconds since 1970; null of what is not finite. */
function microseconds({ column, zone }: TimeColumn): string {
  const written = `source.${quoted(column)}`
  return zone === null
    ? `epoch_us(${written})`
    : `epoch_us(cast(${written} as timestamp) at time zone ${literal(zone)})`
}

/** By the column itself, so that files say which parts of them need not be read; of local times a day more on either side. */
function between({ column, zone }: TimeColumn, from: number, to: number): string {
  const day = 86_400_000
  const [make, margin] = zone === null ? ['make_timestamptz', 0] : ['make_timestamp', day]
  // Nanoseconds do not reach so far; of microseconds the cast is none.
  const written = zone === null ? `source.${quoted(column)}` : `cast(source.${quoted(column)} as timestamp)`
  return `${written} >= ${make}(${from - margin}000) and ${written} < ${make}(${to + margin}000)`
}

/** One row, `first` and `last`: microseconds since 1970. */
export function extentStatement(
  from: From,
  time: TimeColumn,
  within: { readonly from: number; readonly to: number },
): string {
  const at = microseconds(time)
  return `select cast(min(${at}) as varchar) as first, cast(max(${at}) as varchar) as last from ${relation(from, false)} as source
where ${between(time, within.from, within.to)} and ${at} >= ${within.from}000 and ${at} < ${within.to}000`
}

export function countStatement(from: From, question: CountQuestion): string {
  const { at, buckets, dimensions, measures } = question
  const [first, last] = [buckets[0], buckets.at(-1)]
  const columns = [
    `${microseconds(at)} as at`,
    ...dimensions.map((name, index) => `source.${quoted(name)} as ${countedColumns.dimension(index)}`),
    ...measures.map(
      ({ of }, index) => `${of === null ? 'true' : `source.${quoted(of)}`} as ${countedColumns.measure(index)}`,
    ),
  ]
  const { sets, level, isUsed } = levelled(question)
  const shown = dimensions.map((_, index) => {
    const name = countedColumns.dimension(index)
    // What no level has is there for its type.
    return isUsed(index) ? `events.${name}` : `any_value(events.${name}) filter (where false) as ${name}`
  })
  return `with sluice_buckets as (
  select cast(place + i as integer) as place, lo + i * length as lo, lo + (i + 1) * length as hi
  from (select *, unnest(range(amount)) as i from (values ${runsOf(buckets).join(', ')}) as run (place, lo, length, amount))
), sluice_events as (
  select ${columns.join(', ')} from ${relation(from, false)} as source
  where ${between(at, first?.from ?? 0, last?.to ?? 0)}
)
select cast(${level} as integer) as ${countedColumns.level}, buckets.place as ${countedColumns.bucket}${[...shown, ...measures.map(counted)].map((one) => `, ${one}`).join('')}
from sluice_events as events asof join sluice_buckets as buckets on events.at >= buckets.lo
where events.at < buckets.hi
group by grouping sets (${sets})`
}

/** Buckets of one length that follow one another, as one row: the place of the first, its beginning, the length, how many. Microseconds. */
function runsOf(buckets: CountQuestion['buckets']): readonly string[] {
  const runs: { place: number; from: number; length: number; amount: number }[] = []
  for (const [place, { from, to }] of buckets.entries()) {
    const run = runs.at(-1)
    if (run !== undefined && run.length === to - from && run.from + run.length * run.amount === from) run.amount += 1
    else runs.push({ place, from, length: to - from, amount: 1 })
  }
  if (runs.length === 0) return ['(0, 0::bigint, 0::bigint, 0)']
  return runs.map(
    ({ place, from, length, amount }) => `(${place}, ${from}000::bigint, ${length}000::bigint, ${amount})`,
  )
}

function levelled({ dimensions, levels }: CountQuestion): {
  readonly sets: string
  readonly level: string
  readonly isUsed: (dimension: number) => boolean
} {
  const isUsed = (dimension: number): boolean => levels.some((level) => level.includes(dimension))
  const used = dimensions.flatMap((_, index) => (isUsed(index) ? [index] : []))
  const column = (index: number): string => `events.${countedColumns.dimension(index)}`
  const sets = levels.map((level) => `(${['buckets.place', ...level.map(column)].join(', ')})`).join(', ')
  // `grouping` has a bit for each dimension that the set leaves out, the first one highest.
  const bits = (level: readonly number[]): number =>
    used.reduce((mask, index) => mask * 2 + (level.includes(index) ? 0 : 1), 0)
  const cases = levels.map((level, place) => `when ${bits(level)} then ${place}`).join(' ')
  return { sets, level: used.length === 0 ? '0' : `case grouping(${used.map(column).join(', ')}) ${cases} end`, isUsed }
}

function counted({ fn, of }: CountQuestion['measures'][number], index: number): string {
  const name = countedColumns.measure(index)
  if (of === null) return `count(*) as ${name}`
  return fn === 'distinct' ? `count(distinct events.${name}) as ${name}` : `${fn}(events.${name}) as ${name}`
}
