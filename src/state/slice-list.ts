import { join, sql, type Query, type Sql } from '../lib/sql.ts'
import type { SliceRow } from './slice.ts'
import type { State } from './state.ts'

export interface SliceFilter {
  readonly flow: string
  readonly states?: readonly string[]
  /** Only what stands for a period that ends after this. */
  readonly from?: Date
  /** Only what stands for a period that begins before this. */
  readonly to?: Date
  /** Only what has this text in its key. */
  readonly search?: string
}

/** A slice with what is known of its content. */
export interface ListedSliceRow extends SliceRow {
  readonly period_from: Date | null
  readonly period_to: Date | null
  readonly changes: unknown
  readonly run: string | null
  readonly published_at: Date | null
  readonly verdict: 'identical' | 'differs' | 'failed' | null
  readonly verified_at: Date | null
  readonly verified_by: string | null
}

function conditions(state: State, { flow, states, from, to, search }: SliceFilter): Query {
  const [state0, ...more] = states ?? []
  return join(
    [
      sql`s.project = ${state.project} and s.flow = ${flow}`,
      ...(states === undefined
        ? []
        : more.length === 0
          ? [state0 === undefined ? sql`false` : sql`s.state = ${state0}`]
          : [sql`s.state = any(${states}::text[])`]),
      ...(from === undefined ? [] : [sql`s.period_to > ${from}`]),
      ...(to === undefined ? [] : [sql`s.period_from < ${to}`]),
      ...(search === undefined ? [] : [sql`position(${search} in s.key) > 0`]),
      ...(from === undefined && to === undefined ? [] : [sql`s.period_from is not null`]),
    ],
    ' and ',
  )
}

/** Newest first, after the slice `after`; undefined when that is not there any more. */
export async function readSlicePage(
  db: Sql,
  state: State,
  filter: SliceFilter & { readonly limit: number; readonly after?: string },
): Promise<readonly ListedSliceRow[] | undefined> {
  const { flow, after, limit } = filter
  const place =
    after === undefined
      ? sql``
      : sql`and (s.ordinal, s.key) < (
        select p.ordinal, p.key from ${state.t('slice')} p where p.project = ${state.project} and p.flow = ${flow} and p.key = ${after})`
  const found = await db.all<ListedSliceRow>(sql`
    select p.key, p.ordinal, p.span, p.state, p.definition_hash, p.source_mark, p.due_at, p.as_of, p.rows, p.period_from, p.period_to,
      p.changes, p.run, p.published_at, p.publishing, v.verdict, v.at as verified_at, v.run as verified_by
    from (
      select s.key, s.ordinal::float8 as ordinal, s.ordinal as place, s.span, s.state, s.definition_hash, s.source_mark, s.due_at, s.as_of,
        s.rows::float8 as rows, s.period_from, s.period_to, s.changes, s.run, s.published_at, s.publishing
      from ${state.t('slice')} s where ${conditions(state, filter)} ${place}
      order by s.ordinal desc, s.key desc
      limit ${limit}) p
      left join lateral (
        select c.verdict, c.at, c.run from ${state.t('verification')} c
        where c.project = ${state.project} and c.flow = ${flow} and c.slice = p.key
        order by c.at desc, c.run desc limit 1) v on true
    order by p.place desc, p.key desc`)
  if (found.length > 0 || after === undefined) return found
  const there = await db.maybe(sql`
    select 1 from ${state.t('slice')} s where s.project = ${state.project} and s.flow = ${flow} and s.key = ${after}`)
  return there === undefined ? undefined : found
}

/** How many, by state; states without a slice are left out. */
export async function countSlices(
  db: Sql,
  state: State,
  filter: Omit<SliceFilter, 'states'>,
): Promise<readonly { readonly state: SliceRow['state']; readonly count: number }[]> {
  const { states: _, ...rest }: SliceFilter = filter
  return await db.all<{ state: SliceRow['state']; count: number }>(sql`
    select s.state, count(*)::integer as count from ${state.t('slice')} s where ${conditions(state, rest)} group by s.state`)
}
