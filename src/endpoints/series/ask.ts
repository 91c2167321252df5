/** What is asked of a series, checked: `FILTER_INVALID` names the parameter. Pure. */
import { bucketsBetween, type Bucket, type Calendar } from '../../lib/calendar.ts'
import { grains as allGrains, weekdays, type Grain } from '../../lib/grain.ts'
import { nearest } from '../../lib/nearest.ts'
import { writtenBound } from '../../lib/written.ts'
import { isZone } from '../../lib/zone.ts'
import type { ColumnKind } from '../kinds.ts'
import { parseFilter, type Filter } from './filter.ts'
import { automaticGrain } from './plan.ts'
import { wrong } from './refusals.ts'
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
  /** What the filter calls dimensions, where that is not their own name: its name → the dimension. */
  readonly fields?: Readonly<Record<string, string>> | undefined
}

const bucketsAtMost = 10_000

/** What is written with four digits of a year. */
const earliest = Date.parse('0001-01-01T00:00:00Z')
const latest = Date.parse('9999-12-31T00:00:00Z')

export interface Asked {
  readonly grain: Grain
  readonly calendar: Calendar
  readonly from: number
  readonly to: number
  readonly buckets: readonly Bucket[]
  readonly by: readonly string[]
  readonly filter: Filter | null
}

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
  const grain = request.grain === undefined ? automaticGrain(from, to, zone) : oneOf('grain', allGrains, request.grain)
  const by = listOf(request.by)
  for (const name of by)
    if (!rollup.dimensions.includes(name))
      throw wrong('by', unknown('dimension', name, rollup.dimensions), 'name others, or leave it out')
  const filter = filterOf(request, fields)
  // Coarser than anything that may lie within it.
  if (shape === 'whole') return within({ grain: 'year', calendar, from, to, buckets: [{ from, to }], by, filter })
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
  return within({ grain, calendar, from, to, buckets, by, filter })
}

function within(asked: Asked): Asked {
  const [first, last] = [asked.buckets[0], asked.buckets.at(-1)]
  for (const [name, outside] of [
    ['from', first !== undefined && first.from < earliest],
    ['to', last !== undefined && last.to > latest],
  ] as const)
    if (outside) throw wrong(name, 'it lies beyond the years 1 to 9998', 'ask for a shorter range')
  return asked
}

/** Those that are asked for. */
export function measuresOf({ measures }: SeriesRollup, asked: string | undefined): readonly SeriesMeasure[] {
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

function filterOf(
  { filter: text, fields: names }: SeriesRequest,
  fields: ReadonlyMap<string, ColumnKind>,
): Asked['filter'] {
  if (text === undefined || text.trim() === '') return null
  let written: unknown
  try {
    written = JSON.parse(text)
  } catch {
    throw wrong('filter', 'it is no JSON', 'write {"eq": {"field": …, "value": …}}, or a tree of and, or, not')
  }
  return parseFilter(written, fields, names)
}

function bound(name: string, text: string, zone: string, after: boolean): number {
  const found = writtenBound(text, zone, after)
  if (found !== null) return found
  throw wrong(
    name,
    `"${text.slice(0, 100)}" is neither a day nor an instant`,
    'write 2025-01-31, 2025-01, 2025 or 2025-01-31T12:00:00Z (%2B for + in an address)',
  )
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
