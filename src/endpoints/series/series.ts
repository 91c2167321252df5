/**
 * A rollup as a series: every bucket of a range, whether anything happened in it or not. What is out of date in the table, and what is
 * too new for it, is counted from the events while it is read, so that an answer equals the events as of one snapshot.
 */
import { SluiceError } from '../../lib/error.ts'
import { bucketsBetween, writtenDay, type Bucket, type Calendar } from '../../lib/calendar.ts'
import { grains as allGrains, weekdays, type Grain } from '../../lib/grain.ts'
import { nearest } from '../../lib/nearest.ts'
import { sql, type Database, type Session } from '../../lib/sql.ts'
import { localOf } from '../../lib/zone.ts'
import { kindOf, type ColumnKind } from '../kinds.ts'
import { parseFilter } from './filter.ts'
import { automaticGrain } from './plan.ts'
import { readSeries, type Answered, type Values } from './read.ts'
import type { SeriesMeasure, SeriesRollup } from './rollup.ts'

/** What may be asked for; all as text of a query string. */
export interface SeriesRequest {
  readonly grain?: string | undefined
  /** A day, month or year of the zone, or an instant; `to` as a day is in the range, as an instant it is not. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly zone?: string | undefined
  readonly weekStart?: string | undefined
  /** Names of dimensions, with commas between. */
  readonly by?: string | undefined
  /** Names of measures, with commas between; all of them if left out. What is not asked for is not counted. */
  readonly measures?: string | undefined
  /** A filter tree as JSON. */
  readonly filter?: string | undefined
}

export interface SeriesPoint {
  readonly bucket: Date
  readonly to: Date
  /** The local time that it begins with. */
  readonly label: string
  /** null: it was not counted and cannot be; of a smallest, largest or mean also: nothing happened. Text where a number would lose digits. */
  readonly values: Readonly<Record<string, number | string | null>>
  /** Percent against the bucket before: null for the first, and from 0 to 0; 100 from 0. */
  readonly growth: Readonly<Record<string, number | null>>
  /** The bucket is not over. */
  readonly partial: boolean
  /** It was counted, in part at least, while it was read. */
  readonly live: boolean
}

export interface SeriesAnswer {
  readonly rollup: string
  readonly grain: Grain
  readonly zone: string
  readonly from: Date
  readonly to: Date
  readonly by: readonly string[]
  readonly asOf: Date
  /** Everything before is in the table; null: nothing was counted yet. */
  readonly through: Date | null
  readonly series: readonly {
    readonly key: Readonly<Record<string, unknown>>
    readonly points: readonly SeriesPoint[]
  }[]
}

/** Points of all series together. */
const pointsAtMost = 20_000
const bucketsAtMost = 10_000
const timeoutMs = 30_000

/** `shape`: bucket by bucket, or the whole range as one. */
export async function answerSeries(
  database: Database,
  described: SeriesRollup,
  request: SeriesRequest,
  shape: 'buckets' | 'whole' = 'buckets',
): Promise<SeriesAnswer> {
  const rollup = { ...described, measures: measuresOf(described, request.measures) }
  return await database.transaction(
    async (session) => {
      await session.run(sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`)
      const { now } = await session.one<{ now: Date }>(sql`select now() as "now"`)
      const fields = await readFields(session, rollup)
      const asked = understand(rollup, request, fields, now.getTime(), shape)
      const position = await rollup.position(session)
      const counted = position !== null && position.hash === rollup.hash ? position : null
      const through = counted?.through.getTime() ?? null
      const wanted = { grain: asked.grain, calendar: asked.calendar, buckets: asked.buckets }
      const answered: Answered =
        through === null
          ? {
              rows: [],
              live: new Set(),
              unknown: new Map(rollup.measures.map(({ name }) => [name, new Set(asked.buckets.keys())])),
            }
          : await readSeries(
              session,
              rollup,
              fields,
              { wanted, by: asked.by, filter: asked.filter },
              { through, now: now.getTime(), marks: await rollup.marks(session) },
            )
      return {
        rollup: rollup.name,
        grain: asked.grain,
        zone: asked.calendar.zone,
        from: new Date(asked.buckets[0]?.from ?? asked.from),
        to: new Date(asked.buckets.at(-1)?.to ?? asked.to),
        by: asked.by,
        asOf: now,
        through: counted?.through ?? null,
        series: seriesOf(rollup, asked, answered, fields, now.getTime()),
      }
    },
    { isolation: 'repeatable read', readOnly: true },
  )
}

async function readFields(session: Session, rollup: SeriesRollup): Promise<ReadonlyMap<string, ColumnKind>> {
  const rows = await session.all<{ name: string; type: string; textual: boolean }>(sql`
    select a.attname::text as "name", format_type(coalesce(nullif(t.typbasetype, 0), t.oid), a.atttypmod) as "type",
      (t.typcategory = 'S' or t.typtype = 'e') as "textual"
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = to_regclass(${rollup.table.sql}) and a.attnum > 0 and not a.attisdropped`)
  const kinds = new Map(rows.map(({ name, type, textual }) => [name, kindOf(type, textual)]))
  const text = kindOf('text', true)
  return new Map(rollup.dimensions.map((name) => [name, kinds.get(name) ?? text]))
}

interface Asked {
  readonly grain: Grain
  readonly calendar: Calendar
  readonly from: number
  readonly to: number
  readonly buckets: readonly Bucket[]
  readonly by: readonly string[]
  readonly filter: ReturnType<typeof parseFilter> | null
}

/** Checks what was asked. `FILTER_INVALID` names the parameter. Pure. */
export function understand(
  rollup: Pick<SeriesRollup, 'calendar' | 'dimensions'>,
  request: SeriesRequest,
  fields: ReadonlyMap<string, ColumnKind>,
  now: number,
  shape: 'buckets' | 'whole',
): Asked {
  const zone = request.zone ?? rollup.calendar.zone
  if (!isZone(zone)) throw wrong('zone', `no time zone is called "${zone}"`, 'write it as Europe/Berlin')
  const weekStart = oneOf('weekStart', weekdays, request.weekStart ?? rollup.calendar.weekStart)
  const calendar: Calendar = { zone, weekStart }
  const to = request.to === undefined ? now : bound('to', request.to, zone, true)
  const from = request.from === undefined ? to - 30 * 86_400_000 : bound('from', request.from, zone, false)
  if (from >= to) throw wrong('to', 'the range ends before it begins', 'swap from and to')
  const grain = request.grain === undefined ? automaticGrain(from, to) : oneOf('grain', allGrains, request.grain)
  const by = listOf(request.by)
  for (const name of by)
    if (!rollup.dimensions.includes(name))
      throw wrong('by', unknown('dimension', name, rollup.dimensions), 'name others, or leave it out')
  const filter = filterOf(request.filter, fields)
  // Coarser than anything that may lie within it.
  if (shape === 'whole') return { grain: 'year', calendar, from, to, buckets: [{ from, to }], by, filter }
  const buckets: Bucket[] = []
  for (const bucket of bucketsBetween(from, to, grain, calendar)) {
    if (buckets.length === bucketsAtMost)
      throw wrong(
        'grain',
        `the range has more than ${bucketsAtMost.toLocaleString('en-US')} buckets by ${grain}`,
        'ask for a shorter range, or a coarser grain',
      )
    buckets.push(bucket)
  }
  return { grain, calendar, from, to, buckets, by, filter }
}

function measuresOf({ measures }: SeriesRollup, asked: string | undefined): readonly SeriesMeasure[] {
  const names = listOf(asked)
  const known = measures.map(({ name }) => name)
  for (const name of names)
    if (!known.includes(name)) throw wrong('measures', unknown('measure', name, known), 'name others, or leave it out')
  return names.length === 0 ? measures : measures.filter(({ name }) => names.includes(name))
}

const listOf = (text: string | undefined): readonly string[] => [
  ...new Set(
    (text ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ),
]

function filterOf(text: string | undefined, fields: ReadonlyMap<string, ColumnKind>): Asked['filter'] {
  if (text === undefined || text.trim() === '') return null
  let written: unknown
  try {
    written = JSON.parse(text)
  } catch {
    throw wrong('filter', 'it is no JSON', 'write {"eq": {"field": …, "value": …}}, or a tree of and, or, not')
  }
  return parseFilter(written, fields)
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function bound(name: string, text: string, zone: string, after: boolean): number {
  const day = writtenDay(text, zone, after)
  if (day !== null) return day
  const instant = /^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(instant))
    throw wrong(
      name,
      `"${text.slice(0, 100)}" is neither a day nor an instant`,
      'write 2025-01-31, 2025-01, 2025 or 2025-01-31T12:00:00Z',
    )
  return instant
}

function oneOf<T extends string>(name: string, all: readonly T[], given: string): T {
  const found = all.find((one) => one === given)
  if (found === undefined) throw wrong(name, unknown(name, given, all), `one of ${all.join(', ')}`)
  return found
}

function unknown(what: string, name: string, all: readonly string[]): string {
  const near = nearest(name, [...all])
  return `there is no ${what} "${name.slice(0, 100)}"; ${near === null ? `there ${all.length === 0 ? 'is none' : `are ${all.join(', ')}`}` : `did you mean "${near}"?`}`
}

function wrong(name: string, why: string, fix: string): SluiceError {
  return new SluiceError('FILTER_INVALID', `the parameter ${name} is wrong`, { why, fix })
}

function seriesOf(
  rollup: SeriesRollup,
  asked: Asked,
  { rows, live, unknown: lost }: Answered,
  fields: ReadonlyMap<string, ColumnKind>,
  now: number,
): SeriesAnswer['series'] {
  const byKey = new Map<
    string,
    { readonly key: Values['key']; readonly at: Map<number, Record<string, string | null>> }
  >()
  // Without dimensions there is one series, whether anything happened or not.
  if (asked.by.length === 0) byKey.set('[]', { key: [], at: new Map() })
  for (const { key, at, values } of rows) {
    const name = JSON.stringify(key)
    const found = byKey.get(name) ?? { key, at: new Map<number, Record<string, string | null>>() }
    byKey.set(name, found)
    found.at.set(at, { ...found.at.get(at), ...values })
  }
  if (byKey.size * asked.buckets.length > pointsAtMost)
    throw wrong(
      'by',
      `the answer would have ${(byKey.size * asked.buckets.length).toLocaleString('en-US')} points; it may have ${pointsAtMost.toLocaleString('en-US')}`,
      'ask for a shorter range or a coarser grain, or filter',
    )
  const labels = asked.buckets.map(({ from }) => labelOf(from, asked))
  return [...byKey.values()].map(({ key, at }) => {
    let before: Readonly<Record<string, number | string | null>> | null = null
    const points = asked.buckets.map(({ from, to }, place): SeriesPoint => {
      const found = at.get(place)
      const values = Object.fromEntries(
        rollup.measures.map((measure) => [
          measure.name,
          lost.get(measure.name)?.has(place) === true ? null : valueOf(measure, found?.[measure.name]),
        ]),
      )
      const growth = Object.fromEntries(
        rollup.measures.map(({ name }) => [name, before === null ? null : growthOf(before[name], values[name])]),
      )
      before = values
      return {
        bucket: new Date(from),
        to: new Date(to),
        label: labels[place] ?? '',
        values,
        growth,
        partial: to > now,
        live: live.has(place),
      }
    })
    return {
      key: Object.fromEntries(asked.by.map((name, index) => [name, keyValue(key[index] ?? null, fields.get(name))])),
      points,
    }
  })
}

/** As JSON, by the dimension's type. */
function keyValue(text: string | null, kind: ColumnKind | undefined): unknown {
  if (text === null) return null
  // Cast to text, a boolean is spelled out.
  if (kind?.group === 'boolean') return text === 'true'
  return kind?.group === 'number' ? (JSON.parse(kind.json(text)) as unknown) : text
}

function valueOf({ fn }: SeriesMeasure, text: string | null | undefined): number | string | null {
  if (text === null || text === undefined) return fn === 'count' || fn === 'distinct' || fn === 'sum' ? 0 : null
  if (!/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text)) return text
  const value = Number(text)
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(value) ? value : text
  // A mean is a rounded number anyway.
  return fn === 'avg' || text.replace(/[-.]/g, '').replace(/^0+|0+$/g, '').length <= 15 ? value : text
}

/** Percent against the one before. */
export function growthOf(
  before: number | string | null | undefined,
  now: number | string | null | undefined,
): number | null {
  const [a, b] = [toNumber(before), toNumber(now)]
  if (a === null || b === null || (a === 0 && b === 0)) return null
  return a === 0 ? 100 : ((b - a) / Math.abs(a)) * 100
}

function toNumber(value: number | string | null | undefined): number | null {
  if (value === null || value === undefined) return null
  const number = Number(value)
  return Number.isNaN(number) ? null : number
}

function labelOf(from: number, { grain, calendar }: Asked): string {
  const local = new Date(localOf(from, calendar.zone)).toISOString()
  switch (grain) {
    case 'quarter-hour':
    case 'hour':
      return local.slice(0, 16).replace('T', ' ')
    case 'day':
    case 'week':
      return local.slice(0, 10)
    case 'month':
      return local.slice(0, 7)
    case 'quarter':
      return `${local.slice(0, 4)}-Q${Math.floor(new Date(localOf(from, calendar.zone)).getUTCMonth() / 3) + 1}`
    case 'year':
      return local.slice(0, 4)
  }
}
