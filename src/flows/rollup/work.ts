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

/** The buckets that have a part in what was touched before `through`, of its grain and all coarser ones: what came later is not counted yet. */
export function bucketsOfTouched(options: RollupOptions, touched: readonly Touched[], through: number): Buckets {
  const found = new Map<Grain, readonly Bucket[]>()
  const inOrder = touched.filter(({ from }) => from < through).toSorted((a, b) => a.from - b.from)
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

/** Since when rows of a grain are complete, ISO; null: all are. Of a grain that is not in it nothing is known yet. */
export type Since = Partial<Readonly<Record<Grain, string | null>>>

export interface WayOptions {
  readonly now: number
  /** Buckets that lie in it are counted from what is left, though it be nothing. */
  readonly clear: Bucket | null
  readonly since: Since
}

export function wayOf(options: RollupOptions, grain: Grain, bucket: Bucket, { now, clear, since }: WayOptions): Way {
  const { keep, keepRaw, measures, grains } = options
  const isKept = (of: Grain, at: number): boolean => keep[of] === undefined || at > now - keep[of]
  // A grain that was added when events had gone already lacks what was before.
  const isComplete = (of: Grain): boolean => {
    const from = since[of]
    return from === undefined || from === null || Date.parse(from) <= bucket.from
  }
  if (!isKept(grain, bucket.to)) return { tag: 'expired' }
  const finer = measures.some(({ fn }) => fn === 'distinct') ? null : madeOf(grain, grains)
  if (finer !== null && isKept(finer, bucket.from) && isComplete(finer)) return { tag: 'finer', grain: finer }
  const cleared = clear !== null && clear.from <= bucket.from && bucket.to <= clear.to
  if (keepRaw !== null && bucket.from < now - keepRaw && !cleared) return { tag: 'frozen' }
  return { tag: 'events' }
}

/** Buckets by how they are counted; what is neither counted nor expired is frozen. */
export interface Sorted {
  readonly events: readonly Bucket[]
  readonly finer: ReadonlyMap<Grain, readonly Bucket[]>
  readonly frozen: readonly Bucket[]
}

export function sortBuckets(options: RollupOptions, grain: Grain, buckets: readonly Bucket[], how: WayOptions): Sorted {
  const events: Bucket[] = []
  const frozen: Bucket[] = []
  const finer = new Map<Grain, Bucket[]>()
  for (const bucket of buckets) {
    const way = wayOf(options, grain, bucket, how)
    if (way.tag === 'events') events.push(bucket)
    else if (way.tag === 'frozen') frozen.push(bucket)
    else if (way.tag === 'finer') finer.set(way.grain, [...(finer.get(way.grain) ?? []), bucket])
  }
  return { events, finer, frozen }
}
