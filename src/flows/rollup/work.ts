/** Which buckets of which grains are to be counted, and from what: the decision, apart from the doing. Pure. */
import { bucketAt, bucketsBetween, bucketsInOrder, type Bucket } from '../../lib/calendar.ts'
import { grains as allGrains, madeOf, type Grain } from '../../lib/grain.ts'
import type { Mark } from '../../state/dirty.ts'
import type { RollupOptions } from './config.ts'

/** Marks of the finest grain stand for a quarter of an hour. */
const quarter = 15 * 60_000

/** A stretch of time in which something is to be counted anew, of this grain and all coarser ones. */
interface Touched {
  readonly from: number
  readonly to: number
  readonly grain: Grain
}

/** By grain: what to count, in order, no bucket twice. */
export type Buckets = ReadonlyMap<Grain, readonly Bucket[]>

export function touchedBy(options: RollupOptions, marks: readonly Mark[]): readonly Touched[] {
  const finest = options.grains[0] ?? 'day'
  return marks.flatMap(({ grain, at }): readonly Touched[] => {
    if (at === null) return []
    const from = at.getTime()
    const named = options.grains.find((one) => one === grain)
    if (named !== undefined) return [{ ...bucketAt(from, named, options.calendar), grain: named }]
    // The mark of a grain that is counted by no more.
    return grain === null ? [{ from, to: from + quarter, grain: finest }] : []
  })
}

/** The buckets that begin before `through` and have a part in what was touched, of its grain and all coarser ones. */
export function bucketsOfTouched(options: RollupOptions, touched: readonly Touched[], through: number): Buckets {
  const found = new Map<Grain, readonly Bucket[]>()
  const inOrder = touched.toSorted((a, b) => a.from - b.from)
  for (const grain of options.grains) {
    const buckets = new Map<number, Bucket>()
    const bucketOf = bucketsInOrder(grain, options.calendar)
    for (const { from, to, grain: of } of inOrder) {
      if (allGrains.indexOf(of) > allGrains.indexOf(grain)) continue
      // What lies in a bucket that is there already is most of what comes.
      const first = bucketOf(from)
      if (buckets.has(first.from) && to <= first.to) continue
      for (const bucket of bucketsBetween(from, to, grain, options.calendar))
        if (bucket.from < through) buckets.set(bucket.from, bucket)
    }
    found.set(
      grain,
      [...buckets.values()].toSorted((a, b) => a.from - b.from),
    )
  }
  return found
}

/** How a bucket is counted. */
export type Way =
  | { readonly tag: 'events' }
  | { readonly tag: 'finer'; readonly grain: Grain }
  /** It is not kept any more. */
  | { readonly tag: 'expired' }
  /** What it was counted from is gone: it stays as it is. */
  | { readonly tag: 'frozen' }

/** `clear`: from what is left, though it be nothing. */
export function wayOf(options: RollupOptions, grain: Grain, bucket: Bucket, now: number, clear: boolean): Way {
  const { keep, keepRaw, measures, grains } = options
  const isKept = (of: Grain, at: number): boolean => keep[of] === undefined || at > now - keep[of]
  if (!isKept(grain, bucket.to)) return { tag: 'expired' }
  const finer = measures.some(({ fn }) => fn === 'distinct') ? null : madeOf(grain, grains)
  if (finer !== null && isKept(finer, bucket.from)) return { tag: 'finer', grain: finer }
  if (keepRaw !== null && bucket.from < now - keepRaw && !clear) return { tag: 'frozen' }
  return { tag: 'events' }
}

/** Buckets by how they are counted; what is neither counted nor expired is frozen. */
export interface Sorted {
  readonly events: readonly Bucket[]
  readonly finer: ReadonlyMap<Grain, readonly Bucket[]>
  readonly frozen: readonly Bucket[]
}

export function sortBuckets(
  options: RollupOptions,
  grain: Grain,
  buckets: readonly Bucket[],
  { now, clear }: { readonly now: number; readonly clear: boolean },
): Sorted {
  const events: Bucket[] = []
  const frozen: Bucket[] = []
  const finer = new Map<Grain, Bucket[]>()
  for (const bucket of buckets) {
    const way = wayOf(options, grain, bucket, now, clear)
    if (way.tag === 'events') events.push(bucket)
    else if (way.tag === 'frozen') frozen.push(bucket)
    else if (way.tag === 'finer') finer.set(way.grain, [...(finer.get(way.grain) ?? []), bucket])
  }
  return { events, finer, frozen }
}
