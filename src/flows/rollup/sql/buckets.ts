/** Buckets as SQL knows them: arrays of their beginnings and ends, which an instant is looked up in. */
import { sql, type Query } from '../../../lib/sql.ts'
import type { Bucket } from '../../../lib/calendar.ts'

export function instants(list: readonly number[]): Query {
  return sql`${list.map((one) => new Date(one).toISOString())}::timestamptz[]`
}

/** Buckets that touch are one range to read. In order, and none overlaps another. */
export function ranges(buckets: readonly Bucket[]): readonly Bucket[] {
  const found: { from: number; to: number }[] = []
  for (const { from, to } of buckets) {
    const last = found.at(-1)
    if (last !== undefined && last.to === from) last.to = to
    else found.push({ from, to })
  }
  return found
}
