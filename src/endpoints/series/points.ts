/** What was read as points: every bucket, whether anything happened in it or not, and growth. Pure. */
import { localOf } from '../../lib/zone.ts'
import type { ColumnKind } from '../kinds.ts'
import type { Asked } from './ask.ts'
import type { Fields } from './fields.ts'
import type { Answered, Values } from './read.ts'
import { pointsAtMost, tooManyPoints } from './refusals.ts'
import type { SeriesMeasure, SeriesRollup } from './rollup.ts'

export interface SeriesPoint {
  readonly bucket: Date
  readonly to: Date
  /** The local time that it begins with. */
  readonly label: string
  /** null: it was not counted and cannot be; of a smallest, largest or mean also: nothing happened. Text where a number would lose digits. */
  readonly values: Readonly<Record<string, Value>>
  /** Percent against the bucket before: null for the first, and from 0 to 0; 100 from 0. */
  readonly growth: Readonly<Record<string, number | null>>
  /** The bucket is not over, or not all of it is counted yet. */
  readonly partial: boolean
  /** It was counted, in part at least, while it was read. */
  readonly live: boolean
}

export interface SeriesOfKey {
  readonly key: Readonly<Record<string, unknown>>
  readonly points: readonly SeriesPoint[]
}

type Value = number | string | null

/** `until`: what happens later is not known yet. */
export function pointsOf(
  rollup: Pick<SeriesRollup, 'measures'>,
  asked: Asked,
  { rows, live, unknown }: Answered,
  fields: Fields,
  until: number,
): readonly SeriesOfKey[] {
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
  const count = byKey.size * asked.buckets.length
  if (count > pointsAtMost) throw tooManyPoints(count.toLocaleString('en-US'))
  const labels = asked.buckets.map(({ from }) => labelOf(from, asked))
  return [...byKey.values()].map(({ key, at }) => {
    let before: Readonly<Record<string, Value>> | null = null
    const points = asked.buckets.map(({ from, to }, place): SeriesPoint => {
      const found = at.get(place)
      const values = Object.fromEntries(
        rollup.measures.map((measure) => [
          measure.name,
          unknown.get(measure.name)?.has(place) === true
            ? null
            : valueOf(measure, fields.get(measure.name), found?.[measure.name]),
        ]),
      )
      const growth = Object.fromEntries(
        rollup.measures.map(({ name, fn }) => [
          name,
          before !== null && isNumber(fn, fields.get(name)) ? growthOf(before[name], values[name]) : null,
        ]),
      )
      before = values
      return {
        bucket: new Date(from),
        to: new Date(to),
        label: labels[place] ?? '',
        values,
        growth,
        partial: to > until,
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
export function keyValue(text: string | null, kind: ColumnKind | undefined): unknown {
  if (text === null || kind === undefined || kind.group === 'text') return text
  // Cast to text, a boolean is spelled out.
  return kind.group === 'boolean' ? text === 'true' : (JSON.parse(kind.json(text)) as unknown)
}

/** The smallest and the largest may be of texts and times. */
function isNumber(fn: SeriesMeasure['fn'], kind: ColumnKind | undefined): boolean {
  return (fn !== 'min' && fn !== 'max') || kind === undefined || kind.group === 'number'
}

/** Of nothing they are 0. */
const numbers: readonly SeriesMeasure['fn'][] = ['count', 'distinct', 'approximate', 'sum']

function valueOf({ fn }: SeriesMeasure, kind: ColumnKind | undefined, text: string | null | undefined): Value {
  if (text === null || text === undefined) return numbers.includes(fn) ? 0 : null
  if (!isNumber(fn, kind)) return kind?.group === 'time' ? (JSON.parse(kind.json(text)) as string) : text // times are quoted
  if (!/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text)) return text
  const value = Number(text)
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(value) ? value : text
  // A mean is a rounded number anyway.
  return fn === 'avg' || text.replace(/[-.]/g, '').replace(/^0+|0+$/g, '').length <= 15 ? value : text
}

/** Percent against the one before. */
export function growthOf(before: Value | undefined, now: Value | undefined): number | null {
  const [a, b] = [toNumber(before), toNumber(now)]
  if (a === null || b === null || (a === 0 && b === 0)) return null
  const growth = a === 0 ? 100 : ((b - a) / Math.abs(a)) * 100
  return Number.isFinite(growth) ? growth : null
}

function toNumber(value: Value | undefined): number | null {
  if (value === null || value === undefined) return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

function labelOf(from: number, { grain, calendar }: Pick<Asked, 'grain' | 'calendar'>): string {
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
      return `${local.slice(0, 4)}-Q${Math.floor((Number(local.slice(5, 7)) - 1) / 3) + 1}`
    case 'year':
      return local.slice(0, 4)
  }
}
