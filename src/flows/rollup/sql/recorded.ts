/** What is recorded of a rollup: rows by grain, rows by bucket, the last comparison. */
import { literal, sql, type Query } from '../../../lib/sql.ts'
import type { State } from '../../../state/state.ts'
import type { RollupOptions } from '../config.ts'
import { instant } from './buckets.ts'
import { tableOf } from './count.ts'

/** By grain: its slices, and the rows that were published of them. The table itself would have to be read as a whole. */
export function rowsByGrain(state: State, flow: string): Query {
  return sql`
    select span ->> 'grain' as "grain", count(*)::float8 as "slices", coalesce(sum(rows), 0)::float8 as "rows"
    from ${state.t('slice')} where project = ${state.project} and flow = ${flow} group by 1`
}

/** The newest run that compared something, with the verdicts of its slices. */
export function lastVerification(state: State, flow: string): Query {
  return sql`
    select run::text as "run", max(at) as "at", count(*)::float8 as "slices",
      (count(*) filter (where verdict = 'differs'))::float8 as "differs", (count(*) filter (where verdict = 'failed'))::float8 as "failed"
    from ${state.t('verification')} v
    where project = ${state.project} and flow = ${flow} and run = (
      select l.run from ${state.t('verification')} l where l.project = ${state.project} and l.flow = ${flow}
      order by l.at desc, l.run desc limit 1)
    group by run`
}

/** Rows of the buckets that begin in [from, to). */
export function rowsByBucket(options: RollupOptions, grain: string, from: Date, to: Date): Query {
  return sql`
    select bucket as "bucket", count(*)::float8 as "rows" from ${tableOf(options)}
    where grain = ${literal(grain)} and bucket >= ${instant(from.getTime())} and bucket < ${instant(to.getTime())}
    group by bucket`
}
