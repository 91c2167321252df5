/**
 * From where each bucket of a series is read: stored rows of the coarsest grains that lie within it and are up to date, and events for the
 * rest of it. Pure.
 */
import { bucketAt, bucketsBetween, type Bucket, type Calendar } from '../../lib/calendar.ts'
import { grains as allGrains, madeOf, type Grain } from '../../lib/grain.ts'
import { localOf } from '../../lib/zone.ts'
import { tooManyParts } from './refusals.ts'
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
  /** Since when there are rows of a grain; left out or null: all are there. */
  readonly since: Partial<Readonly<Record<Grain, string | null>>>
}

/** Whether a grain has its rows from there on: none were made of events that had gone by then. */
function isComplete({ since }: Pick<Standing, 'since'>, grain: Grain, from: number): boolean {
  const first = since[grain]
  return first === undefined || first === null || Date.parse(first) <= from
}

const quarter = 15 * 60_000

/** What is out of date of a grain: sorted, none touches another. A mark of a coarser one says nothing of what that is made of. */
export function dirtyStretches(
  rollup: Pick<SeriesRollup, 'grains' | 'calendar'>,
  { marks, through }: Standing,
  of: Grain,
): readonly Bucket[] | 'all' {
  if (marks.some(({ at }) => at === null)) return 'all'
  const finest = rollup.grains[0] ?? 'day'
  const touched = marks.flatMap(({ grain, at }): readonly Bucket[] => {
    if (at === null) return []
    const named = rollup.grains.find((one) => one === grain)
    if (named !== undefined)
      return allGrains.indexOf(named) > allGrains.indexOf(of) ? [] : [bucketAt(at.getTime(), named, rollup.calendar)]
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

/** Finer buckets that an answer is put together of: shorter than a day, and longer, which take longer to reckon. */
const partsAtMost = { short: 250_000, long: 50_000 } as const

/** For what adds up. `level`: a level has the dimensions; null: only events do. */
export function readAdding(rollup: SeriesRollup, wanted: Wanted, standing: Standing, level: string | null): Reading {
  const dirty = new Map(rollup.grains.map((grain) => [grain, dirtyStretches(rollup, standing, grain)]))
  const everything = standing.marks.some((mark) => mark.at === null)
  const oldest = rollup.keepRaw === null ? -Infinity : standing.now - rollup.keepRaw
  // Where nothing is up to date, only what cannot be counted any more is of interest.
  const nested = level === null || (everything && rollup.keepRaw === null) ? [] : nestedGrains(rollup, wanted)
  const stored: Stored[] = []
  const live: Live[] = []
  const unknown = new Set<number>()
  const parts = { short: 0, long: 0 }
  for (const [at, bucket] of wanted.buckets.entries()) {
    const [kept, counted] = [stored.length, live.length]
    // From here on there are only events; where those are in a store, what has been counted is what there is of it.
    const until = Math.max(bucket.from, Math.min(bucket.to, standing.through))
    const begun = rollup.events === null && until > bucket.from
    if (split(at, { from: bucket.from, to: until }, nested) && (begun || count(at, { from: until, to: bucket.to })))
      continue
    stored.length = kept
    live.length = counted
    unknown.add(at)
  }
  return { stored, live: joined(live), unknown }

  /** Whether all of it can be had. */
  function split(at: number, range: Bucket, left: readonly Grain[]): boolean {
    const [grain, ...finer] = left
    if (range.from === range.to) return true
    if (grain === undefined) return count(at, range)
    const keep = rollup.keep[grain]
    let all = true
    for (const one of bucketsBetween(range.from, range.to, grain, rollup.calendar)) {
      spend(grain)
      // What was counted of a bucket in a store is what there is of it.
      const end = rollup.events === null ? Math.min(one.to, Math.max(one.from, standing.through)) : one.to
      const there =
        one.from >= range.from &&
        end <= range.to &&
        end > one.from &&
        (keep === undefined || one.to > standing.now - keep) &&
        isComplete(standing, grain, one.from)
      // What can no longer be counted stays as it was, though it be out of date.
      if (there && (one.to <= oldest || !meets(dirty.get(grain) ?? 'all', { from: one.from, to: end }))) {
        stored.push({ at, grain, from: one.from })
        continue
      }
      const [kept, counted] = [stored.length, live.length]
      if (split(at, { from: Math.max(one.from, range.from), to: Math.min(one.to, range.to) }, finer)) continue
      stored.length = kept
      live.length = counted
      if (there && one.from < oldest) stored.push({ at, grain, from: one.from })
      else all = false
    }
    return all
  }

  /** Events that are no longer kept cannot be counted, nor can those of a store here. */
  function count(at: number, { from, to }: Bucket): boolean {
    if (from === to) return true
    if (from < oldest || rollup.events === null) return false
    live.push({ at, from, to })
    return true
  }

  function spend(grain: Grain): void {
    const length = grain === 'quarter-hour' || grain === 'hour' ? 'short' : 'long'
    parts[length] += 1
    if (parts[length] > partsAtMost[length]) throw tooManyParts(grain, partsAtMost[length])
  }
}

/** For what does not add up: a bucket is a stored one, or all of it is counted. */
export function readDistinct(rollup: SeriesRollup, wanted: Wanted, standing: Standing, level: string | null): Reading {
  const grain = level === null ? null : sameGrain(rollup, wanted)
  const dirty = grain === null ? 'all' : dirtyStretches(rollup, standing, grain)
  const keep = grain === null ? undefined : rollup.keep[grain]
  const stored: Stored[] = []
  const live: Live[] = []
  const unknown = new Set<number>()
  for (const [at, bucket] of wanted.buckets.entries()) {
    const frozen = rollup.keepRaw !== null && bucket.from < standing.now - rollup.keepRaw
    const counted = rollup.events === null ? { ...bucket, to: Math.min(bucket.to, standing.through) } : bucket
    const there =
      (rollup.events === null ? bucket.from < standing.through : bucket.to <= standing.through) &&
      (keep === undefined || bucket.to > standing.now - keep) &&
      (grain === null || isComplete(standing, grain, bucket.from))
    if (grain !== null && there && (frozen || !meets(dirty, counted))) stored.push({ at, grain, from: bucket.from })
    else if (frozen || rollup.events === null) unknown.add(at)
    else live.push({ at, ...bucket })
  }
  return { stored, live, unknown }
}

/** The grain whose buckets are just the wanted ones; null: none is. */
export function sameGrain(rollup: SeriesRollup, wanted: Wanted): Grain | null {
  const [only, ...others] = wanted.buckets
  if (only === undefined || others.length > 0) {
    const [coarsest] = nestedGrains(rollup, wanted)
    return coarsest === wanted.grain ? coarsest : null
  }
  // A range that was asked for as one bucket may be any.
  const isSame = (grain: Grain): boolean => {
    const { from, to } = bucketAt(only.from, grain, rollup.calendar)
    return from === only.from && to === only.to
  }
  return rollup.grains.find(isSame) ?? null
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

/** ≤ 7 days by day, ≤ 30 by week, ≤ 365 by month, else by year. Days of local time: clocks may be moved within the range. */
export function automaticGrain(from: number, to: number, zone: string): Grain {
  const days = (localOf(to, zone) - localOf(from, zone)) / 86_400_000
  if (days <= 7) return 'day'
  if (days <= 30) return 'week'
  return days <= 365 ? 'month' : 'year'
}
