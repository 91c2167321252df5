/** The slices of a rollup: stretches of buckets of one grain (see `stretchOf`). Pure. */
import type { SliceKey, SliceRef } from '../flow.ts'
import { localOf } from '../../lib/zone.ts'
import { bucketAt, bucketsBetween, writtenDay, type Bucket, type Calendar } from '../../lib/calendar.ts'
import { grains, stretchOf, type Grain } from '../../lib/grain.ts'

/** What stands in the span of such a slice. Instants are ISO texts; `to` is the beginning of the next stretch. */
export interface StretchSpan {
  readonly grain: Grain
  readonly from: string
  readonly to: string
}

export interface Stretch extends Bucket {
  readonly grain: Grain
  readonly slice: SliceRef
}

/** The stretch that a bucket of this grain belongs to: the one that its beginning lies in. */
export function stretchAt(start: number, grain: Grain, calendar: Calendar): Stretch {
  const { from, to } = bucketAt(start, stretchOf(grain), calendar)
  const period = { from: new Date(from), to: new Date(to) }
  const written = new Date(localOf(from, calendar.zone)).toISOString()
  const length = { day: 10, month: 7, year: 4 }[stretchOf(grain)]
  const span: StretchSpan = { grain, from: period.from.toISOString(), to: period.to.toISOString() }
  return {
    grain,
    from,
    to,
    slice: {
      // The cast is where its key is coined. A local day that began late still is that day.
      key: `${written.slice(0, length)}[${calendar.zone}]/${grain}` as SliceKey,
      ordinal: ordinalOf(grain, from),
      span: { ...span },
      period,
    },
  }
}

/** Finer grains come before coarser ones where the newest come first: what is made of something is made after it. */
function ordinalOf(grain: Grain, from: number): number {
  return (grains.length - grains.indexOf(grain)) * 1e12 + Math.floor(from / 1000)
}

/** The stretch that a key names, or null. */
export function stretchOfKey(key: string, calendar: Calendar, all: readonly Grain[]): Stretch | null {
  const match = /^(\d{4}(?:-\d{2}){0,2})\[(.+)\]\/([a-z-]+)$/.exec(key)
  const grain = all.find((one) => one === match?.[3])
  if (match === null || grain === undefined) return null
  const start = writtenDay(match[1] ?? '', calendar.zone, false)
  if (start === null) return null
  const stretch = stretchAt(start, grain, calendar)
  return stretch.slice.key === key ? stretch : null
}

/** Where the buckets begin that belong to a stretch. */
export function bucketsOf({ from, to, grain }: Stretch, calendar: Calendar): readonly Bucket[] {
  return [...bucketsBetween(from, to, grain, calendar)].filter((bucket) => bucket.from >= from)
}

/** The stretches of the grain's buckets that have a part in [from, to), in order. */
export function stretchesBetween(from: number, to: number, grain: Grain, calendar: Calendar): readonly Stretch[] {
  if (from >= to) return []
  const first = bucketAt(from, grain, calendar).from
  return [...bucketsBetween(first, to, stretchOf(grain), calendar)].map((one) => stretchAt(one.from, grain, calendar))
}
