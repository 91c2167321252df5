/** Rows that belong to no bucket of the definition: somebody else wrote them, or a definition of before. */
import { join, literal, raw, sql, type Query, type Row, type Sql } from '../../../lib/sql.ts'
import { bucketsInOrder, supported, type Bucket } from '../../../lib/calendar.ts'
import type { Grain } from '../../../lib/grain.ts'
import type { RollupOptions } from '../config.ts'
import { stretchAt, type Stretch } from '../slices.ts'
import { instant, instants } from './buckets.ts'
import { tableOf } from './count.ts'

/** What no slice can hold: of a grain that is not counted, where events are kept that say so, of no time, or of a time that no event has. */
function homeless({ grains, keepRaw }: RollupOptions): Query {
  const grain = keepRaw === null ? sql` or not coalesce(grain = any(${grains}::text[]), false)` : raw('')
  return sql`(bucket is null or bucket < ${instant(supported.from)} or bucket >= ${instant(supported.to)}${grain})`
}

export interface Stray {
  readonly grain: string | null
  /** As text; infinity is one. */
  readonly bucket: string | null
  readonly rows: number
}

export interface Strays {
  /** Every stretch that the table has rows of, as far as they are looked at. */
  readonly stretches: readonly Stretch[]
  /** By the key of the slice that they lie in. */
  readonly of: ReadonlyMap<string, readonly Stray[]>
  readonly homeless: readonly Stray[]
}

/** `spans`: where to look, by grain; null: everywhere. Rows before `since` stay as they are. */
export async function readStrays(
  db: Sql,
  options: RollupOptions,
  {
    through,
    since,
    spans,
  }: { readonly through: number; readonly since: number; readonly spans: ReadonlyMap<Grain, Bucket> | null },
): Promise<Strays> {
  const stretches = new Map<string, Stretch>()
  const of = new Map<string, Stray[]>()
  for (const grain of options.grains) {
    const span = spans?.get(grain)
    if (spans !== null && span === undefined) continue
    const within =
      span === undefined ? raw('') : sql` and bucket >= ${instant(span.from)} and bucket < ${instant(span.to)}`
    const rows = await db.all<{ bucket: Date; odd: boolean; rows: number }>(sql`
      select date_trunc('milliseconds', bucket) as "bucket", bucket <> date_trunc('milliseconds', bucket) as "odd", count(*)::float8 as "rows"
      from ${tableOf(options)} where grain = ${literal(grain)} and bucket >= ${instant(supported.from)} and bucket < ${instant(supported.to)}${within}
      group by 1, 2 order by 1`)
    const bucketOf = bucketsInOrder(grain, options.calendar)
    let last: Stretch | null = null
    for (const { bucket, odd, rows: count } of rows) {
      const at = bucket.getTime()
      if (at < since) continue
      const { from } = bucketOf(at)
      if (last === null || from < last.from || from >= last.to) last = stretchAt(from, grain, options.calendar)
      const { key } = last.slice
      stretches.set(key, last)
      if (odd || from !== at || from >= through)
        of.set(key, [...(of.get(key) ?? []), { grain, bucket: bucket.toISOString(), rows: count }])
    }
  }
  const lost = await db.all<Stray & Row>(sql`
    select grain, bucket::text as "bucket", count(*)::float8 as "rows" from ${tableOf(options)} where ${homeless(options)} group by 1, 2 order by 1, 2`)
  return {
    stretches: [...stretches.values()],
    of,
    homeless: lost,
  }
}

/** Deletes those of this stretch. */
export function dropStrays(
  options: RollupOptions,
  { grain, from, to }: Stretch,
  {
    buckets,
    through,
    since,
  }: { readonly buckets: readonly Bucket[]; readonly through: number; readonly since: number },
): Query {
  const here = join(
    [
      sql`grain = ${literal(grain)}`,
      sql`bucket >= ${instant(Math.max(from, since))} and bucket < ${instant(to)}`,
      sql`(bucket >= ${instant(through)} or bucket <> all(${instants(buckets.map((one) => one.from))}))`,
    ],
    ' and ',
  )
  return sql`delete from ${tableOf(options)} where ${here}`
}

/** Deletes what lies in no slice; reads the whole table. */
export function dropHomeless(options: RollupOptions): Query {
  return sql`delete from ${tableOf(options)} where ${homeless(options)}`
}
