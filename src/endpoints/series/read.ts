/** What a series reads, as of one snapshot. */
import { writtenInstant } from '../../lib/calendar.ts'
import { ranked, unfolded } from '../../lib/sketch.ts'
import { ident, join, literal, raw, sql, type Query, type Row, type Session } from '../../lib/sql.ts'
import type { Fields } from './fields.ts'
import { conditionOf, fieldsOf, pins, type Filter } from './filter.ts'
import {
  levelFor,
  nestedGrains,
  readAdding,
  readDistinct,
  sameGrain,
  type Reading,
  type Standing,
  type Wanted,
} from './plan.ts'
import { noGrain, noLevel, pointsAtMost, tooManyPoints } from './refusals.ts'
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
  const { by } = question
  const parts = partsOf(rollup, question, standing)
  const events = (await rollup.events?.(session)) ?? null
  const rows: Values[] = []
  for (const { measures, reading, level } of parts) {
    const statement = statementOf({
      rollup,
      fields,
      question,
      measures,
      reading,
      level,
      events,
      now: standing.now,
      cut: true,
    })
    if (statement === null) continue
    const found = await session.all<Row & { sluice_at: number; [column: string]: string | number | null }>(statement)
    if (found.length > pointsAtMost) throw tooManyPoints(`more than ${pointsAtMost.toLocaleString('en-US')}`)
    for (const row of found) {
      const text = (name: string): string | null =>
        row[name] === null || row[name] === undefined ? null : String(row[name])
      rows.push({
        at: row.sluice_at,
        key: by.map((_, index) => text(`sluice_k${index}`)),
        values: Object.fromEntries(measures.map(({ name }, index) => [name, text(`sluice_v${index}`)])),
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

interface MeasuredPart {
  readonly measures: readonly SeriesMeasure[]
  readonly reading: Reading
  readonly level: string | null
}

/** What adds up is read in another way than what does not. */
function partsOf(rollup: SeriesRollup, question: Question, standing: Standing): readonly MeasuredPart[] {
  const { wanted, by, filter } = question
  const needed = [...new Set([...by, ...fieldsOf(filter)])]
  const adding = rollup.measures.filter(({ fn }) => fn !== 'distinct')
  const distinct = rollup.measures.filter(({ fn }) => fn === 'distinct')
  const exact = [...rollup.levels].find(
    ([, has]) => has.length === needed.length && needed.every((one) => has.includes(one)),
  )
  const parts: MeasuredPart[] = []
  if (adding.length > 0) {
    const level = levelFor(rollup, needed)
    parts.push({ measures: adding, level, reading: readAdding(rollup, wanted, standing, level) })
  }
  if (distinct.length > 0) {
    const level = pins(filter, by) ? (exact?.[0] ?? null) : null
    parts.push({ measures: distinct, level, reading: readDistinct(rollup, wanted, standing, level) })
  }
  if (rollup.events === null) refuseNever(rollup, wanted, needed, parts)
  return parts
}

/** Where events are in a store, what no rows of the table say is never told: an answer without a single key would look like nothing. */
function refuseNever(
  rollup: SeriesRollup,
  wanted: Wanted,
  needed: readonly string[],
  parts: readonly MeasuredPart[],
): void {
  if (parts.every(({ level }) => level === null)) throw noLevel(needed, [...rollup.levels.keys()])
  const isAdding = ({ measures: [first] }: MeasuredPart): boolean => first?.fn !== 'distinct'
  const told = parts.some((part) =>
    isAdding(part) ? nestedGrains(rollup, wanted).length > 0 : sameGrain(rollup, wanted) !== null,
  )
  if (!told) throw noGrain(rollup)
}

/** The keys with most of a measure: how much, and of how many values of another dimension. */
export interface Ranking {
  /** Null: of itself. */
  readonly of: string | null
  readonly limit: number
  readonly offset: number
}
export interface Ranked {
  readonly count: number
  readonly rows: readonly { readonly key: string | null; readonly of: number; readonly value: string | null }[]
}

/** Of the range as one bucket, by one dimension, of one measure: added up, sorted and cut where the rows are. */
export async function readRanked(
  session: Session,
  rollup: SeriesRollup,
  fields: Fields,
  question: Question,
  standing: Standing,
  ranking: Ranking,
): Promise<Ranked> {
  const [measure] = rollup.measures
  const [name] = question.by
  if (measure === undefined || name === undefined) return { count: 0, rows: [] }
  const events = (await rollup.events?.(session)) ?? null
  const asked = (by: readonly string[]): { readonly statement: Query | null; readonly unknown: boolean } => {
    const own = { ...question, by }
    const [part] = partsOf(rollup, own, standing)
    if (part === undefined) return { statement: null, unknown: false }
    return {
      statement: statementOf({ rollup, fields, question: own, ...part, events, now: standing.now, cut: false }),
      unknown: part.reading.unknown.has(0),
    }
  }
  const pairs = asked(ranking.of === null || ranking.of === name ? [name] : [name, ranking.of])
  if (pairs.statement === null) return { count: 0, rows: [] }
  const adds = measure.fn === 'count' || measure.fn === 'sum'
  // Readers of two blogs may be the same ones.
  const own = adds ? null : asked([name])
  const none = ['count', 'sum', 'distinct', 'approximate'].includes(measure.fn) ? sql`0` : sql`null`
  const unknown = pairs.unknown || own?.unknown === true
  const value = sql`coalesce(sluice_v0::numeric, ${none})`
  const whole = own?.statement ?? null
  const found = await session.all<Row & { key: string | null; of: number; value: string | null; count: number }>(sql`
    with pairs as (${pairs.statement}),
      grouped as (
        select sluice_k0 as key, count(*) as of, sum(${value}) as value from pairs
        where ${unknown ? sql`true` : sql`${value} is distinct from 0`} group by 1)
    select g.key as "key", g.of::float8 as "of", v.value::text as "value", (count(*) over ())::float8 as "count"
    from grouped as g ${
      unknown
        ? sql`cross join (select null::numeric as value) as v`
        : whole === null
          ? sql`cross join lateral (select g.value) as v`
          : sql`left join (select sluice_k0 as key, ${value} as value from (${whole}) as w) as v on v.key is not distinct from g.key`
    }
    order by coalesce(v.value, 0) desc, coalesce(g.key, 'unknown') collate "C"
    limit ${ranking.limit} offset ${ranking.offset}`)
  const [first] = found
  if (first !== undefined || ranking.offset === 0) return { count: first?.count ?? 0, rows: found }
  // Beyond the last page the rows do not say how many there are.
  const { count } = await readRanked(session, rollup, fields, question, standing, { ...ranking, limit: 1, offset: 0 })
  return { count, rows: [] }
}

interface Part {
  readonly rollup: SeriesRollup
  readonly fields: Fields
  readonly question: Question
  readonly measures: readonly SeriesMeasure[]
  readonly reading: Reading
  readonly level: string | null
  readonly events: Query | null
  readonly now: number
  /** Too many are not read. */
  readonly cut: boolean
}

const texts = (list: readonly number[]): Query => sql`${list.map(writtenInstant)}::timestamptz[]`

/** Rows of the table and events, each as rows of it, and what they add up to. One more than an answer may have says that there are more. */
function statementOf(part: Part): Query | null {
  const { question, measures, cut } = part
  const sources = [...storedParts(part), ...liveParts(part)]
  if (sources.length === 0) return null
  const keys = question.by.map((_, index) => ident(`sluice_k${index}`))
  const summed = measures.map((measure, index) => sql`(${valueOf(measure)})::text as ${ident(`sluice_v${index}`)}`)
  const shown = keys.map((key) => sql`${key}::text as ${key}`)
  const pieces = measures.flatMap(({ sketch }) => sketch?.ofCounted ?? [])
  const sketches = pieces.map(({ column }) => column)
  const adding = measures.flatMap(({ columns }) => columns).filter((name) => !sketches.includes(name))
  const by = [raw('sluice_at'), ...keys]
  const parts = ranked(unfolded(join(sources, ' union all '), { keys: by, adding, sketches }), pieces, by)
  return sql`
    select p.sluice_at, ${join([...shown, ...summed], ', ')}
    from ${parts} as p
    group by ${join([raw('p.sluice_at'), ...keys], ', ')}${
      cut
        ? sql` order by ${join([raw('p.sluice_at'), ...keys], ', ')}
    limit ${pointsAtMost + 1}`
        : raw('')
    }`
}

/** The measure itself, of parts that hold its columns. */
function valueOf(measure: SeriesMeasure): Query {
  if (measure.fn === 'distinct') return sql`sum(${ident(measure.name)})::bigint`
  return measure.ofCounted?.[0] ?? raw('null')
}

function storedParts({ rollup, fields, question, measures, reading, level }: Part): readonly Query[] {
  if (level === null) return []
  const { by, filter } = question
  const condition =
    filter === null ? raw('') : sql` and ${conditionOf(filter, fields, (field) => sql`t.${ident(field)}`)}`
  const columns = measures.flatMap((measure) => measure.columns)
  const keys = by.map((name, index) => sql`t.${ident(name)} as ${ident(`sluice_k${index}`)}`)
  return [...new Set(reading.stored.map(({ grain }) => grain))].map((grain) => {
    const list = reading.stored.filter((one) => one.grain === grain)
    return sql`
      select w.sluice_at, ${join([...keys, ...columns.map((name) => sql`t.${ident(name)}`)], ', ')}
      from unnest(${texts(list.map(({ from }) => from))}, ${list.map(({ at }) => at)}::int[]) as w (bucket, sluice_at)
        join ${rollup.table} as t on t.grain = ${literal(grain)} and t.bucket = w.bucket and t.level = ${literal(level)}${condition}`
  })
}

/** So much together is read by time before it is filtered; of more, whatever is filtered by may be the better way in. */
const short = 86_400_000

function liveParts({ rollup, fields, question, measures, reading, events, now }: Part): readonly Query[] {
  if (reading.live.length === 0 || events === null) return []
  const { by, filter } = question
  const dimension = (name: string): Query => sql`e.${ident(`d${rollup.dimensions.indexOf(name)}`)}`
  const condition = filter === null ? raw('') : sql` where ${conditionOf(filter, fields, dimension)}`
  const keys = by.map((name, index) => sql`${dimension(name)} as ${ident(`sluice_k${index}`)}`)
  const counted = measures.flatMap(({ columns, ofEvents }) =>
    columns.map((name, index) => sql`${ofEvents[index] ?? raw('null')} as ${ident(name)}`),
  )
  const pieces = measures.flatMap(({ sketch }) => sketch?.ofEvents ?? [])
  const { live } = reading
  // The server cannot see how short a stretch is. It began with what is filtered by, and read all of its events.
  const passed = live.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, now) - from), 0)
  const first = passed <= short ? raw(' offset 0') : raw('')
  const group = [raw('sluice_at'), ...by.map((name) => ident(`d${rollup.dimensions.indexOf(name)}`))]
  const found = sql`unnest(${texts(live.map(({ from }) => from))}, ${texts(live.map(({ to }) => to))}, ${live.map(({ at }) => at)}::int[]) as r (lo, hi, sluice_at)
        cross join lateral (select * from ${events} as x where x."at" >= r.lo and x."at" < r.hi${first}) as e${condition}`
  const rows =
    pieces.length === 0 ? found : sql`${ranked(sql`(select r.sluice_at, e.* from ${found})`, pieces, group)} as e`
  return [sql`select sluice_at, ${join([...keys, ...counted], ', ')} from ${rows} group by ${join(group, ', ')}`]
}
