/**
 * From where each bucket of a series is read: stored rows of the coarsest grains that lie within it and are up to date, and events for the
 * rest of it. Pure.
 */
import { bucketAt, bucketsBetween, type Bucket, type Calendar } from '../../lib/calendar.ts'
import { grains as allGrains, madeOf, type Grain } from '../../lib/grain.ts'
import type { SeriesMark, SeriesRollup } from './rollup.ts'

export interface Wanted {
  readonly grain: Grain
  readonly calendar: Calendar
  readonly buckets: readonly Bucket[]
}

/** Part of a wanted bucket (by its place): a stored bucket, or a stretch of events. */
export interface Stored {
  readonly at: number
  readonly grain: Grain
  readonly from: number
}
export interface Live extends Bucket {
  readonly at: number
}

export interface Reading {
  readonly stored: readonly Stored[]
  readonly live: readonly Live[]
  /** Places of buckets that can be had neither way. */
  readonly unknown: ReadonlySet<number>
}

export interface Standing {
  readonly through: number
  readonly now: number
  readonly marks: readonly SeriesMark[]
}

const quarter = 15 * 60_000

/** What is out of date: sorted, none touches another. */
export function dirtyStretches(
  rollup: Pick<SeriesRollup, 'grains' | 'calendar'>,
  { marks, through }: Standing,
): readonly Bucket[] | 'all' {
  if (marks.some(({ at }) => at === null)) return 'all'
  const finest = rollup.grains[0] ?? 'day'
  const touched = marks.flatMap(({ grain, at }): readonly Bucket[] => {
    if (at === null) return []
    const named = rollup.grains.find((one) => one === grain)
    if (named !== undefined) return [bucketAt(at.getTime(), named, rollup.calendar)]
    const first = bucketAt(at.getTime(), finest, rollup.calendar)
    return [
      { from: first.from, to: Math.max(first.to, bucketAt(at.getTime() + quarter - 1, finest, rollup.calendar).to) },
    ]
  })
  const sorted = [...touched, { from: through, to: Infinity }].toSorted((a, b) => a.from - b.from)
  const merged: { from: number; to: number }[] = []
  for (const { from, to } of sorted) {
    const last = merged.at(-1)
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
    else merged.push({ from, to })
  }
  return merged
}

/** Grains whose buckets lie within the wanted ones, coarse to fine. */
export function nestedGrains(
  { grains, calendar }: Pick<SeriesRollup, 'grains' | 'calendar'>,
  wanted: Wanted,
): readonly Grain[] {
  const fits = (grain: Grain): boolean => {
    if (grain === 'quarter-hour' || grain === 'hour')
      return (
        allGrains.indexOf(grain) <= allGrains.indexOf(wanted.grain) &&
        wanted.buckets.every(
          ({ from, to }) => bucketAt(from, grain, calendar).from === from && bucketAt(to, grain, calendar).from === to,
        )
      )
    if (calendar.zone !== wanted.calendar.zone) return false
    if (grain === 'week') return wanted.grain === 'week' && calendar.weekStart === wanted.calendar.weekStart
    return grain === wanted.grain || isWithin(grain, wanted.grain)
  }
  return grains.filter(fits).toReversed()
}

/** Days lie within weeks, months lie within years; the chain of what is made of what. */
function isWithin(finer: Grain, coarser: Grain): boolean {
  return madeOf(coarser, [finer]) === finer
}

/** For what adds up. `level`: a level has the dimensions; null: only events do. */
export function readAdding(rollup: SeriesRollup, wanted: Wanted, standing: Standing, level: string | null): Reading {
  const dirty = dirtyStretches(rollup, standing)
  const nested = level === null || dirty === 'all' ? [] : nestedGrains(rollup, wanted)
  const stored: Stored[] = []
  const live: Live[] = []
  const unknown = new Set<number>()
  for (const [at, bucket] of wanted.buckets.entries()) split(at, bucket, nested)
  return { stored, live: joined(live), unknown }

  function split(at: number, { from, to }: Bucket, left: readonly Grain[]): void {
    const [grain, ...finer] = left
    if (grain === undefined) {
      // Events that are no longer kept cannot be counted.
      if (rollup.keepRaw !== null && from < standing.now - rollup.keepRaw) unknown.add(at)
      live.push({ at, from, to })
      return
    }
    const keep = rollup.keep[grain]
    for (const one of bucketsBetween(from, to, grain, rollup.calendar)) {
      const kept = keep === undefined || one.to > standing.now - keep
      // What is out of date and can no longer be counted stays as it was.
      const frozen = rollup.keepRaw !== null && one.from < standing.now - rollup.keepRaw
      const inside = one.from >= from && one.to <= to
      if (inside && kept && one.to <= standing.through && (frozen || !meets(dirty, one)))
        stored.push({ at, grain, from: one.from })
      else split(at, { from: Math.max(one.from, from), to: Math.min(one.to, to) }, finer)
    }
  }
}

/** For what does not add up: a bucket is a stored one, or all of it is counted. */
export function readDistinct(rollup: SeriesRollup, wanted: Wanted, standing: Standing, level: string | null): Reading {
  const dirty = dirtyStretches(rollup, standing)
  // A range that was asked for as one bucket may be none of the calendar's.
  const isOne = ({ from, to }: Bucket): boolean => {
    const own = bucketAt(from, wanted.grain, rollup.calendar)
    return own.from === from && own.to === to
  }
  const same = level !== null && nestedGrains(rollup, wanted)[0] === wanted.grain && wanted.buckets.every(isOne)
  const stored: Stored[] = []
  const live: Live[] = []
  const unknown = new Set<number>()
  for (const [at, bucket] of wanted.buckets.entries()) {
    const keep = rollup.keep[wanted.grain]
    const kept = keep === undefined || bucket.to > standing.now - keep
    const frozen = rollup.keepRaw !== null && bucket.from < standing.now - rollup.keepRaw
    if (same && kept && bucket.to <= standing.through && (frozen || !meets(dirty, bucket)))
      stored.push({ at, grain: wanted.grain, from: bucket.from })
    else {
      if (frozen) unknown.add(at)
      live.push({ at, ...bucket })
    }
  }
  return { stored, live, unknown }
}

function meets(dirty: readonly Bucket[] | 'all', { from, to }: Bucket): boolean {
  if (dirty === 'all') return true
  let [low, high] = [0, dirty.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((dirty[middle]?.to ?? 0) > from) high = middle
    else low = middle + 1
  }
  return (dirty[low]?.from ?? Infinity) < to
}

/** Stretches of one bucket that touch are one. */
function joined(live: readonly Live[]): readonly Live[] {
  const found: { at: number; from: number; to: number }[] = []
  for (const one of live) {
    const last = found.at(-1)
    if (last !== undefined && last.at === one.at && last.to === one.from) last.to = one.to
    else found.push({ ...one })
  }
  return found
}

/** The level with the fewest dimensions that has all of these; null: none has. */
export function levelFor(rollup: Pick<SeriesRollup, 'levels'>, needed: readonly string[]): string | null {
  const fitting = [...rollup.levels].filter(([, has]) => needed.every((one) => has.includes(one)))
  return fitting.toSorted(([, a], [, b]) => a.length - b.length)[0]?.[0] ?? null
}

/** ≤ 7 days by day, ≤ 30 by week, ≤ 365 by month, else by year. */
export function automaticGrain(from: number, to: number): Grain {
  // An hour more: clocks may be moved within the range.
  const days = (to - from - 3_600_000) / 86_400_000
  if (days <= 7) return 'day'
  if (days <= 30) return 'week'
  return days <= 365 ? 'month' : 'year'
}
