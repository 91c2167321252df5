/** A series as lines of a chart and rows of a table. Pure. */
import type { Series as Line } from '../../frame/Chart.tsx'
import { localParts } from '../../frame/moment.ts'

/** A point of the API's series, as far as it is shown. */
export interface Point {
  readonly bucket: string
  readonly to: string
  readonly values: Readonly<Record<string, number | string | null>>
  readonly growth: Readonly<Record<string, number | null>>
  /** It is not over. */
  readonly partial: boolean
  /** Counted while it was asked for, in part at least. */
  readonly live: boolean
}

export interface KeyedPoints {
  readonly key: Readonly<Record<string, unknown>>
  readonly points: readonly Point[]
}

/** So many lines can be told apart. */
export const most = 6

export const numberOf = (value: number | string | null | undefined): number | null =>
  value === null || value === undefined ? null : Number(value)

/** `≈ users`: it may be off by its standard error. */
export const measureName = (name: string, approximate: object | null | undefined): string =>
  approximate === null || approximate === undefined ? name : `≈ ${name}`

/** `total`, `DE`, `DE · 7`. */
export function nameOf(key: KeyedPoints['key']): string {
  const parts = Object.values(key).map(String)
  return parts.length === 0 ? 'total' : parts.join(' · ')
}

/** Those with the most of a measure, the largest first. */
export function largest<One extends KeyedPoints>(series: readonly One[], measure: string): readonly One[] {
  const size = ({ points }: One): number =>
    points.reduce((sum, { values }) => sum + Math.abs(numberOf(values[measure]) ?? 0), 0)
  return series
    .map((one) => ({ one, of: size(one) }))
    .toSorted((a, b) => b.of - a.of)
    .slice(0, most)
    .map(({ one }) => one)
}

/** All on the same moments: what a series lacks there is a gap. */
export function linesOf(
  series: readonly KeyedPoints[],
  measure: string,
): { readonly at: readonly number[]; readonly lines: readonly Line[] } {
  const at = [...new Set(series.flatMap(({ points }) => points.map(({ bucket }) => Date.parse(bucket))))].toSorted(
    (a, b) => a - b,
  )
  const lines = series.map(({ key, points }, index): Line => {
    const values = new Map(points.map((point) => [Date.parse(point.bucket), numberOf(point.values[measure])]))
    return {
      label: nameOf(key),
      colour: `--sluice-series-${(index % most) + 1}`,
      values: at.map((moment) => values.get(moment) ?? null),
    }
  })
  return { at, lines }
}

/** How many days one look holds, by grain. */
const days: Readonly<Record<string, number>> = {
  'quarter-hour': 1,
  hour: 7,
  day: 90,
  week: 364,
  month: 3 * 365,
  quarter: 5 * 365,
  year: 20 * 365,
}

/** The days that are shown when nobody chose any: up to the one that is being counted. Both are in it. */
export function usualRange(
  grain: string,
  through: string,
  zone: string,
): { readonly from: string; readonly to: string } {
  const { year, month, day } = localParts(new Date(through), zone)
  const last = Date.UTC(year, month - 1, day)
  const written = (at: number): string => new Date(at).toISOString().slice(0, 10)
  return { from: written(last - ((days[grain] ?? 30) - 1) * 86_400_000), to: written(last) }
}

export const isDay = (text: string | undefined): text is string =>
  text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))

/** `+12.5 %`, `−3 %`. */
export function growthWords(percent: number | null | undefined): string {
  if (percent === null || percent === undefined) return '–'
  const rounded = Math.round(percent * 10) / 10
  return `${rounded > 0 ? '+' : rounded < 0 ? '−' : ''}${Math.abs(rounded)} %`
}
