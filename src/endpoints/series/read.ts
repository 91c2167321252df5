/** What a series reads, as of one snapshot. */
import { ident, join, literal, raw, sql, type Query, type Row, type Session } from '../../lib/sql.ts'
import type { Fields } from './fields.ts'
import { conditionOf, fieldsOf, pins, type Filter } from './filter.ts'
import { levelFor, readAdding, readDistinct, type Reading, type Standing, type Wanted } from './plan.ts'
import { pointsAtMost, tooManyPoints } from './refusals.ts'
import type { SeriesMeasure, SeriesRollup } from './rollup.ts'

export interface Question {
  readonly wanted: Wanted
  readonly by: readonly string[]
  readonly filter: Filter | null
}

/** One value of a series: of a key, a bucket (by its place) and a measure, as text. */
export interface Values {
  readonly key: readonly (string | null)[]
  readonly at: number
  readonly values: Readonly<Record<string, string | null>>
}

export interface Answered {
  readonly rows: readonly Values[]
  /** Places of buckets that were partly counted from events, and of those that nothing is known of, by measure. */
  readonly live: ReadonlySet<number>
  readonly unknown: ReadonlyMap<string, ReadonlySet<number>>
}

export async function readSeries(
  session: Session,
  rollup: SeriesRollup,
  fields: Fields,
  question: Question,
  standing: Standing,
): Promise<Answered> {
  const { wanted, by, filter } = question
  const needed = [...new Set([...by, ...fieldsOf(filter)])]
  const adding = rollup.measures.filter(({ fn }) => fn !== 'distinct')
  const distinct = rollup.measures.filter(({ fn }) => fn === 'distinct')
  const exact = [...rollup.levels].find(
    ([, has]) => has.length === needed.length && needed.every((one) => has.includes(one)),
  )
  const parts: {
    readonly measures: readonly SeriesMeasure[]
    readonly reading: Reading
    readonly level: string | null
  }[] = []
  if (adding.length > 0) {
    const level = levelFor(rollup, needed)
    parts.push({ measures: adding, level, reading: readAdding(rollup, wanted, standing, level) })
  }
  if (distinct.length > 0) {
    const level = pins(filter, by) ? (exact?.[0] ?? null) : null
    parts.push({ measures: distinct, level, reading: readDistinct(rollup, wanted, standing, level) })
  }
  const events = await rollup.events(session)
  const rows: Values[] = []
  for (const { measures, reading, level } of parts) {
    const statement = statementOf({ rollup, fields, question, measures, reading, level, events, now: standing.now })
    if (statement === null) continue
    const found = await session.all<Row & { at: number; [column: string]: string | number | null }>(statement)
    if (found.length > pointsAtMost) throw tooManyPoints(`more than ${pointsAtMost.toLocaleString('en-US')}`)
    for (const row of found) {
      const text = (name: string): string | null =>
        row[name] === null || row[name] === undefined ? null : String(row[name])
      rows.push({
        at: row.at,
        key: by.map((_, index) => text(`k${index}`)),
        values: Object.fromEntries(measures.map(({ name }, index) => [name, text(`v${index}`)])),
      })
    }
  }
  return {
    rows,
    live: new Set(parts.flatMap(({ reading }) => reading.live.map(({ at }) => at))),
    unknown: new Map(
      parts.flatMap(({ measures, reading }) => measures.map(({ name }) => [name, reading.unknown] as const)),
    ),
  }
}

interface Part {
  readonly rollup: SeriesRollup
  readonly fields: Fields
  readonly question: Question
  readonly measures: readonly SeriesMeasure[]
  readonly reading: Reading
  readonly level: string | null
  readonly events: Query
  readonly now: number
}

const texts = (list: readonly number[]): Query => sql`${list.map((one) => new Date(one).toISOString())}::timestamptz[]`

/** The columns of what is read besides those of measures, none of which is called so. */
interface Own {
  readonly at: Query
  readonly keys: readonly Query[]
}

function ownColumns({ question: { by }, measures }: Part): Own {
  const taken = measures.flatMap(({ columns }) => columns)
  let prefix = ''
  while (taken.some((name) => name.startsWith(`${prefix}at`) || name.startsWith(`${prefix}k`))) prefix += '_'
  return { at: ident(`${prefix}at`), keys: by.map((_, index) => ident(`${prefix}k${index}`)) }
}

/** Rows of the table and events, each as rows of it, and what they add up to. One more than an answer may have says that there are more. */
function statementOf(part: Part): Query | null {
  const { measures } = part
  const own = ownColumns(part)
  const sources = [...storedParts(part, own), ...liveParts(part, own)]
  if (sources.length === 0) return null
  const groups = join(
    [own.at, ...own.keys].map((name) => sql`p.${name}`),
    ', ',
  )
  const summed = measures.map((measure, index) => sql`(${valueOf(measure)})::text as ${ident(`v${index}`)}`)
  const shown = own.keys.map((key, index) => sql`p.${key}::text as ${ident(`k${index}`)}`)
  return sql`
    select p.${own.at} as "at", ${join([...shown, ...summed], ', ')}
    from (${join(sources, ' union all ')}) as p
    group by ${groups} order by ${groups} limit ${pointsAtMost + 1}`
}

/** The measure itself, of parts that hold its columns. */
function valueOf(measure: SeriesMeasure): Query {
  if (measure.fn === 'distinct') return sql`sum(${ident(measure.name)})::bigint`
  return measure.ofCounted?.[0] ?? raw('null')
}

function storedParts({ rollup, fields, question, measures, reading, level }: Part, own: Own): readonly Query[] {
  if (level === null) return []
  const { by, filter } = question
  const condition =
    filter === null ? raw('') : sql` and ${conditionOf(filter, fields, (field) => sql`t.${ident(field)}`)}`
  const columns = measures.flatMap((measure) => measure.columns)
  const keys = own.keys.map((key, index) => sql`t.${ident(by[index] ?? '')} as ${key}`)
  return [...new Set(reading.stored.map(({ grain }) => grain))].map((grain) => {
    const list = reading.stored.filter((one) => one.grain === grain)
    return sql`
      select w.at as ${own.at}, ${join([...keys, ...columns.map((name) => sql`t.${ident(name)}`)], ', ')}
      from unnest(${texts(list.map(({ from }) => from))}, ${list.map(({ at }) => at)}::int[]) as w (bucket, at)
        join ${rollup.table} as t on t.grain = ${literal(grain)} and t.bucket = w.bucket and t.level = ${literal(level)}${condition}`
  })
}

/** So much together is read by time before it is filtered; of more, whatever is filtered by may be the better way in. */
const short = 86_400_000

function liveParts({ rollup, fields, question, measures, reading, events, now }: Part, own: Own): readonly Query[] {
  if (reading.live.length === 0) return []
  const { by, filter } = question
  const dimension = (name: string): Query => sql`e.${ident(`d${rollup.dimensions.indexOf(name)}`)}`
  const condition = filter === null ? raw('') : sql` where ${conditionOf(filter, fields, dimension)}`
  const keys = own.keys.map((key, index) => sql`${dimension(by[index] ?? '')} as ${key}`)
  const counted = measures.flatMap(({ columns, ofEvents }) =>
    columns.map((name, index) => sql`${ofEvents[index] ?? raw('null')} as ${ident(name)}`),
  )
  const { live } = reading
  // The server cannot see how short a stretch is. It began with what is filtered by, and read all of its events.
  const passed = live.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, now) - from), 0)
  const first = passed <= short ? raw(' offset 0') : raw('')
  return [
    sql`
      select r.at as ${own.at}, ${join([...keys, ...counted], ', ')}
      from unnest(${texts(live.map(({ from }) => from))}, ${texts(live.map(({ to }) => to))}, ${live.map(({ at }) => at)}::int[]) as r (lo, hi, at)
        cross join lateral (select * from ${events} as x where x."at" >= r.lo and x."at" < r.hi${first}) as e${condition}
      group by ${join([raw('r.at'), ...by.map(dimension)], ', ')}`,
  ]
}
