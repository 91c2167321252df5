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

/** Rows of a joined table that have changed. */
export interface KeyMark {
  /** By which alias the table is joined. */
  readonly joined: string
  /** The values, as texts, of the columns that it is joined on. */
  readonly key: readonly string[]
}

export interface Marks {
  readonly times: readonly Mark[]
  readonly keys: readonly KeyMark[]
}

/**
 * So many keys are kept of one statement, and read at once; of more it is everything that is marked. The events of so many rows lie in most
 * buckets, which are counted sooner all at once than one by one; and neither who writes nor who reads is to hold millions in memory.
 */
export const keysAtMost = 100_000

interface FoundMark extends Mark {
  readonly joined: string | null
  readonly key: readonly string[] | null
}

/** Every mark once, however often it was made. Takes none away. */
export async function readMarks(db: Sql, state: State, flow: string): Promise<Marks> {
  const own = sql`from ${state.t('dirty')} where project = ${state.project} and flow = ${flow}`
  const found = marksOf(
    await db.all<FoundMark>(sql`
      (select grain, at, null as joined, null as key ${own} and joined is null group by grain, at order by grain nulls first, at nulls first)
      union all (select null, null, joined, key ${own} and joined is not null group by joined, key limit ${keysAtMost + 1})`),
  )
  return found.keys.length > keysAtMost ? { times: [...found.times, { grain: null, at: null }], keys: [] } : found
}

function marksOf(rows: readonly FoundMark[]): Marks {
  return {
    times: rows.flatMap(({ grain, at, joined }) => (joined === null && isOfBuckets(at) ? [{ grain, at }] : [])),
    keys: rows.flatMap(({ joined, key }) => (joined !== null && key !== null ? [{ joined, key }] : [])),
  }
}

/** Triggers mark whatever time is written; of some there are no buckets. */
function isOfBuckets(at: Date | null): boolean {
  return at === null || (at.getTime() >= supported.from && at.getTime() < supported.to)
}

/**
 * Takes away the marks of what is redone in this transaction: of these grains (null among them: the finest; null: of all), in [from, to), and of those
 * without a time the `timeless`: none, those of keys, or all, of everything too. They are gone before anything is counted, so that what is
 * written meanwhile leaves its own.
 */
export async function takeMarks(
  tx: Sql,
  state: State,
  flow: string,
  which: {
    readonly grains: readonly (string | null)[] | null
    readonly from: Date | null
    readonly to: Date
    readonly timeless: 'none' | 'keys' | 'all'
  },
): Promise<Marks> {
  const named = which.grains?.filter((grain) => grain !== null) ?? null
  const finest = which.grains?.includes(null) ?? true
  const { timeless } = which
  return marksOf(
    await tx.all<FoundMark>(sql`
      with taken as (
        delete from ${state.t('dirty')}
        where project = ${state.project} and flow = ${flow}
          and (${named}::text[] is null or grain = any(${named}::text[]) or (grain is null and ${finest}::boolean))
          and ((at < ${which.to} and (${which.from}::timestamptz is null or at >= ${which.from}))
            or (at is null and (${timeless === 'all'}::boolean or (${timeless === 'keys'}::boolean and joined is not null))))
        returning grain, at, joined, key
      )
      select grain, at, joined, key from taken group by grain, at, joined, key`),
  )
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
