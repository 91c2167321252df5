/**
 * Slices as a calendar. How long a slice is decides how it is laid out: so that one look holds some hundred cells, and one or two
 * pages of the API fill it. Pure.
 *
 *     up to an hour long    one day:     rows are hours, columns are parts of the hour
 *     up to a day           one month:   rows are days, columns are hours
 *     up to a week          one year:    rows are months, columns are days
 *     up to two months      ten years:   rows are years, columns are months
 *     longer                a century:   rows are decades, columns are years
 */
import type { Slice } from '../client/model/slice.ts'
import { localParts } from '../frame/moment.ts'
import type { LocalParts } from '../frame/moment.ts'

export const layouts = ['day', 'month', 'year', 'decade', 'century'] as const
export type Layout = (typeof layouts)[number]

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** By the length of one slice. A day of 23 or 25 hours is a day, an hour of a zone that shifts is an hour. */
export function layoutFor(lengthMs: number): Layout {
  if (lengthMs < hour) return 'day'
  if (lengthMs < 20 * hour) return 'month'
  if (lengthMs < 8 * day) return 'year'
  return lengthMs < 62 * day ? 'decade' : 'century'
}

/** The stretch that is on the screen: local, so that it begins at a local midnight. `2026-05-10`, `2026-05`, `2026`, `2020`, `2000`. */
export function windowOf(at: Date, layout: Layout, zone: string): string {
  return windowOfParts(localParts(at, zone), layout)
}

function windowOfParts({ year, month, day: date }: LocalParts, layout: Layout): string {
  if (layout === 'day') return `${pad(year, 4)}-${pad(month)}-${pad(date)}`
  if (layout === 'month') return `${pad(year, 4)}-${pad(month)}`
  if (layout === 'year') return pad(year, 4)
  const length = layout === 'decade' ? 10 : 100
  return pad(Math.floor(year / length) * length, 4)
}

const pad = (value: number, length = 2): string => String(value).padStart(length, '0')

/** Whether a text of the URL names a stretch of this layout. */
export function isWindow(text: string, layout: Layout): boolean {
  const shape = {
    day: /^\d{4}-\d\d-\d\d$/,
    month: /^\d{4}-\d\d$/,
    year: /^\d{4}$/,
    decade: /^\d{3}0$/,
    century: /^\d{2}00$/,
  }[layout]
  return shape.test(text) && !Number.isNaN(Date.parse(firstDay(text)))
}

const firstDay = (window: string): string => `${window}${'-01-01'.slice(window.length - 4)}T00:00:00Z`

/** The stretch before or after. */
export function shifted(window: string, layout: Layout, by: 1 | -1): string {
  const at = new Date(firstDay(window))
  if (layout === 'day') at.setUTCDate(at.getUTCDate() + by)
  else if (layout === 'month') at.setUTCMonth(at.getUTCMonth() + by)
  else at.setUTCFullYear(at.getUTCFullYear() + by * { year: 1, decade: 10, century: 100 }[layout])
  return windowOf(at, layout, 'UTC')
}

/** From when to when to ask: a day more on both sides, since the stretch is local; what is outside is not drawn. */
export function bounds(window: string, layout: Layout): { readonly from: string; readonly to: string } {
  const from = Date.parse(firstDay(window))
  const to = Date.parse(firstDay(shifted(window, layout, 1)))
  return { from: new Date(from - day).toISOString(), to: new Date(to + day).toISOString() }
}

export interface Cell {
  /** Where it stands, from 0. */
  readonly row: number
  readonly column: number
  /** More than one where clocks show the hour twice, or slices are shorter than a cell. */
  readonly slices: readonly Slice[]
}

export interface Grid {
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  readonly cells: readonly Cell[]
  /** Places that stand for no time, as `row column`: 30 February. */
  readonly holes: ReadonlySet<string>
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const numbers = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, at) => pad(at + from))

/** Parts of an hour that a cell stands for, by the length of a slice. */
function partOf(lengthMs: number): number {
  return Math.max(1, Math.min(60, Math.round(lengthMs / minute)))
}

/** The cells that have slices. `lengthMs`: of one slice, for parts of an hour. */
export function grid(slices: readonly Slice[], window: string, layout: Layout, zone: string, lengthMs: number): Grid {
  const part = partOf(lengthMs)
  const heads = headsOf(window, layout, part)
  const cells = new Map<string, { row: number; column: number; slices: Slice[] }>()
  for (const slice of slices) {
    if (slice.period === null) continue
    const parts = localParts(new Date(slice.period.from), zone)
    if (windowOfParts(parts, layout) !== window) continue
    const { year, month, day: date, hour: hours, minute: minutes } = parts
    const [row, column] =
      layout === 'day'
        ? [hours, Math.floor(minutes / part)]
        : layout === 'month'
          ? [date - 1, hours]
          : layout === 'year'
            ? [month - 1, date - 1]
            : layout === 'decade'
              ? [year % 10, month - 1]
              : [Math.floor((year % 100) / 10), year % 10]
    const key = `${row} ${column}`
    const cell = cells.get(key) ?? { row, column, slices: [] }
    cell.slices.push(slice)
    cells.set(key, cell)
  }
  const ordered = [...cells.values()].sort((a, b) => a.row - b.row || a.column - b.column)
  for (const cell of ordered) cell.slices.sort((a, b) => a.ordinal - b.ordinal)
  return { ...heads, cells: ordered, holes: holesOf(window, layout) }
}

function headsOf(window: string, layout: Layout, part: number): Pick<Grid, 'rows' | 'columns'> {
  switch (layout) {
    case 'day':
      return {
        rows: numbers(24),
        columns: Array.from({ length: Math.ceil(60 / part) }, (_, at) => `:${pad(at * part)}`),
      }
    case 'month': {
      const next = new Date(firstDay(shifted(window, layout, 1)))
      return { rows: numbers(new Date(next.getTime() - day).getUTCDate(), 1), columns: numbers(24) }
    }
    case 'year':
      return { rows: months, columns: numbers(31, 1) }
    case 'decade':
      return { rows: Array.from({ length: 10 }, (_, at) => String(Number(window) + at)), columns: months }
    case 'century':
      return {
        rows: Array.from({ length: 10 }, (_, at) => `${String(Number(window) + at * 10)}s`),
        columns: Array.from({ length: 10 }, (_, at) => String(at)),
      }
  }
}

function holesOf(window: string, layout: Layout): ReadonlySet<string> {
  if (layout !== 'year') return new Set()
  const holes = new Set<string>()
  for (let month = 0; month < 12; month += 1)
    for (let date = 29; date <= 31; date += 1)
      if (new Date(Date.UTC(Number(window), month, date)).getUTCMonth() !== month) holes.add(`${month} ${date - 1}`)
  return holes
}

/** What a cell with several slices looks like: as the one that most wants to be seen. */
const loudest: readonly Slice['state'][] = ['failed', 'running', 'dirty', 'missing', 'done', 'frozen']

export function stateOf(slices: readonly Slice[]): Slice['state'] {
  return loudest.find((state) => slices.some((slice) => slice.state === state)) ?? 'missing'
}

/** `May 2026`, `10 May 2026`, `2026`, `2020 to 2029`. */
export function windowWords(window: string, layout: Layout): string {
  const [year = '', month = '1', date = ''] = window.split('-')
  const named = months[Number(month) - 1] ?? ''
  switch (layout) {
    case 'day':
      return `${Number(date)} ${named} ${year}`
    case 'month':
      return `${named} ${year}`
    case 'year':
      return year
    case 'decade':
      return `${year} to ${Number(year) + 9}`
    case 'century':
      return `${year} to ${Number(year) + 99}`
  }
}
