/** Buckets as SQL knows them: arrays of their beginnings and ends, which an instant is looked up in. */
import { sql, type Query } from '../../../lib/sql.ts'
import { writtenInstant, type Bucket } from '../../../lib/calendar.ts'

export const instant = (at: number): Query => sql`${writtenInstant(at)}::timestamptz`

export function instants(list: readonly number[]): Query {
  return sql`${list.map(writtenInstant)}::timestamptz[]`
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

/** Whether an instant lies in one of the buckets, where `b.sluice_i` is its place among their beginnings. */
export function within(at: Query, buckets: readonly Bucket[]): Query {
  const read = ranges(buckets)
  const outer = sql`${at} >= ${instant(read[0]?.from ?? 0)} and ${at} < ${instant(read.at(-1)?.to ?? 0)}`
  // Where none is missing, that is all.
  if (read.length <= 1) return outer
  return sql`${outer} and b.sluice_i > 0 and ${at} < (${instants(buckets.map(({ to }) => to))})[b.sluice_i]`
}
