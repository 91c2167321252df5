/**
 * Buckets of local time: where each begins and ends, as instants. A day of 25 hours has 25, a bucket that would begin at a local time
 * which was skipped begins with the first instant after it, and one whose beginning comes twice begins at the first: so buckets of a grain
 * meet, overlap nowhere, and the finer ones lie within the coarser. Pure; instants are milliseconds since the epoch.
 */
import { instantOf, localOf } from './zone.ts'
import { weekdays, type Grain, type Weekday } from './grain.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Whose clocks, and which day a week begins with. */
export interface Calendar {
  readonly zone: string
  readonly weekStart: Weekday
}

/** Half-open: `to` is the beginning of the next. */
export interface Bucket {
  readonly from: number
  readonly to: number
}

/** As PostgreSQL reads it: a year of five digits has no sign. */
export function writtenInstant(at: number): string {
  return new Date(at).toISOString().replace(/^\+0*/, '')
}

/** Instants that have buckets, with room on either side for the local times of any zone: what lies outside is no time of an event. */
export const supported = { from: Date.parse('0002-01-01T00:00:00Z'), to: Date.parse('9999-12-31T00:00:00Z') } as const

/** The bucket that an instant lies in. */
export function bucketAt(at: number, grain: Grain, calendar: Calendar): Bucket {
  const local = localOf(at, calendar.zone)
  switch (grain) {
    case 'quarter-hour':
      return within(at, local, 15 * minute, calendar.zone)
    case 'hour':
      return within(at, local, hour, calendar.zone)
    case 'day':
    case 'week':
    case 'month':
    case 'quarter':
    case 'year': {
      const start = localStart(local, grain, calendar.weekStart)
      return {
        from: instantOf(start, calendar.zone).instant,
        to: instantOf(localNext(start, grain), calendar.zone).instant,
      }
    }
  }
}

/** So far back, and so far on, as clocks show; where they are moved in between, the bucket ends, and another begins. */
function within(at: number, local: number, length: number, zone: string): Bucket {
  const from = at - (((local % length) + length) % length)
  const to = from + length
  const offset = local - at
  return {
    from: localOf(from, zone) - from === offset ? from : changeBetween(from, at, zone),
    to: localOf(to - 1, zone) - (to - 1) === offset ? to : changeBetween(at, to, zone),
  }
}

/** The first instant with the offset that clocks have at `after`; they are moved once in (before, after]. */
function changeBetween(before: number, after: number, zone: string): number {
  const offset = localOf(after, zone) - after
  let [low, high] = [before, after]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (localOf(middle, zone) - middle === offset) high = middle
    else low = middle
  }
  return high
}

/** The buckets that have a part in [from, to), in order. */
export function* bucketsBetween(from: number, to: number, grain: Grain, calendar: Calendar): Generator<Bucket, void> {
  if (from >= to) return
  if (grain !== 'hour' && grain !== 'quarter-hour') {
    for (let bucket = bucketAt(from, grain, calendar); ; bucket = bucketAt(bucket.to, grain, calendar)) {
      yield bucket
      if (bucket.to >= to) return
    }
  }
  const length = grain === 'hour' ? hour : 15 * minute
  const first = bucketAt(from, grain, calendar)
  for (const whole of bucketsBetween(first.from, to, 'day', calendar)) {
    // Of a day on which clocks are moved each bucket is looked up; on all others they follow one another.
    const even = whole.to - whole.from === day
    let start = Math.max(whole.from, first.from)
    while (start < whole.to && start < to) {
      const bucket = even ? { from: start, to: start + length } : bucketAt(start, grain, calendar)
      yield bucket
      start = bucket.to
    }
  }
}

/** As `bucketAt`, for instants in order: most lie in the bucket of the one before. */
export function bucketsInOrder(grain: Grain, calendar: Calendar): (at: number) => Bucket {
  let last: Bucket = { from: 0, to: 0 }
  return (at) => {
    if (at < last.from || at >= last.to) last = bucketAt(at, grain, calendar)
    return last
  }
}

/** Local midnight of the day that the period begins with. */
function localStart(local: number, grain: 'day' | 'week' | 'month' | 'quarter' | 'year', weekStart: Weekday): number {
  const date = new Date(Math.floor(local / day) * day)
  switch (grain) {
    case 'day':
      return date.getTime()
    case 'week': {
      // getUTCDay: Sunday is 0; our weekdays begin with Monday.
      const since = (((date.getUTCDay() + 6) % 7) - weekdays.indexOf(weekStart) + 7) % 7
      return date.getTime() - since * day
    }
    case 'month':
      return monthStart(date, date.getUTCMonth())
    case 'quarter':
      return monthStart(date, Math.floor(date.getUTCMonth() / 3) * 3)
    case 'year':
      return monthStart(date, 0)
  }
}

function localNext(start: number, grain: 'day' | 'week' | 'month' | 'quarter' | 'year'): number {
  const date = new Date(start)
  switch (grain) {
    case 'day':
      return start + day
    case 'week':
      return start + 7 * day
    case 'month':
      return monthStart(date, date.getUTCMonth() + 1)
    case 'quarter':
      return monthStart(date, date.getUTCMonth() + 3)
    case 'year':
      return monthStart(date, date.getUTCMonth() + 12)
  }
}

function monthStart(date: Date, month: number): number {
  const start = new Date(0)
  // setUTCFullYear, unlike Date.UTC, takes the years 0 to 99 for what they are.
  start.setUTCFullYear(date.getUTCFullYear(), month, 1)
  return start.getTime()
}

/**
 * Local midnight of a written day, as an instant: `2025-01-31`, also `2025-01` and `2025` (their first days); `after`: of the first day
 * after it. Null: it is none of these.
 */
export function writtenDay(text: string, zone: string, after: boolean): number | null {
  const match = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(text.trim())
  if (match === null) return null
  const [, year, month, dayOfMonth] = match
  if (Number(year) === 0) return null
  const first = new Date(0)
  // As above: years before 100 are what they are.
  first.setUTCFullYear(Number(year), Number(month ?? 1) - 1, Number(dayOfMonth ?? 1))
  if (dayOfMonth !== undefined && first.getUTCDate() !== Number(dayOfMonth)) return null
  if (month !== undefined && first.getUTCMonth() !== Number(month) - 1) return null
  const grain = dayOfMonth !== undefined ? 'day' : month !== undefined ? 'month' : 'year'
  return instantOf(after ? localNext(first.getTime(), grain) : first.getTime(), zone).instant
}
