import { sql, type Row, type Sql } from '../lib/sql.ts'
import { supported } from '../lib/calendar.ts'
import type { State } from './state.ts'

/** What has to be made anew; see the migration that makes the table. */
export interface Mark extends Row {
  /** Whose buckets; null: of the finest grain. */
  readonly grain: string | null
  /** Within the bucket; null: everything. */
  readonly at: Date | null
}

/** Every mark once, however often it was made. Takes none away. */
export async function readMarks(db: Sql, state: State, flow: string): Promise<readonly Mark[]> {
  const marks = await db.all<Mark>(sql`
    select grain, at from ${state.t('dirty')} where project = ${state.project} and flow = ${flow}
    group by grain, at order by grain nulls first, at nulls first`)
  return marks.filter(isOfBuckets)
}

/** Triggers mark whatever time is written; of some there are no buckets. */
function isOfBuckets({ at }: Mark): boolean {
  return at === null || (at.getTime() >= supported.from && at.getTime() < supported.to)
}

/**
 * Takes away the marks of what is redone in this transaction: of these grains (null among them: the finest; null: of all), in [from, to) and those of
 * everything with `all`. They are gone before anything is counted, so that what is written meanwhile leaves its own.
 */
export async function takeMarks(
  tx: Sql,
  state: State,
  flow: string,
  which: {
    readonly grains: readonly (string | null)[] | null
    readonly from: Date | null
    readonly to: Date
    readonly all: boolean
  },
): Promise<readonly Mark[]> {
  const named = which.grains?.filter((grain) => grain !== null) ?? null
  const finest = which.grains?.includes(null) ?? true
  const taken = await tx.all<Mark>(sql`
    with taken as (
      delete from ${state.t('dirty')}
      where project = ${state.project} and flow = ${flow}
        and (${named}::text[] is null or grain = any(${named}::text[]) or (grain is null and ${finest}::boolean))
        and ((at < ${which.to} and (${which.from}::timestamptz is null or at >= ${which.from})) or (at is null and ${which.all}::boolean))
      returning grain, at
    )
    select grain, at from taken group by grain, at`)
  return taken.filter(isOfBuckets)
}

export async function addMarks(
  tx: Sql,
  state: State,
  flow: string,
  grain: string | null,
  at: readonly Date[],
): Promise<void> {
  if (at.length === 0) return
  await tx.run(sql`
    insert into ${state.t('dirty')} (project, flow, grain, at)
    select ${state.project}, ${flow}, ${grain}, at from unnest(${at.map((one) => one.toISOString())}::timestamptz[]) as m (at)`)
}

/** Marks that triggers go on to make for flows that are no more, where nobody takes them away. */
export async function dropStrayMarks(tx: Sql, state: State, limit: number): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('dirty')} where ctid = any(array(
      select d.ctid from ${state.t('dirty')} d
      where d.project = ${state.project} and not exists (
        select from ${state.t('flow')} f where f.project = d.project and f.name = d.flow and f.removed_at is null)
      limit ${limit}))`)
}
