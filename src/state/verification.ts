import { join, sql, type Query, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface NewVerification {
  readonly slice: string
  readonly verdict: 'identical' | 'differs' | 'failed'
  readonly compared: number
  readonly missing: number
  readonly extra: number
  readonly changed: number
  readonly as_of: Date | null
  readonly source_as_of: Date | null
  readonly source_changed: boolean
  readonly examples: readonly unknown[]
}

/** Records the verdicts of a run; a later attempt of the same run replaces those of an earlier one. */
export async function writeVerifications(
  tx: Sql,
  state: State,
  flow: string,
  run: string,
  verdicts: readonly NewVerification[],
): Promise<void> {
  await tx.run(sql`
    insert into ${state.t('verification')}
      (project, flow, slice, run, verdict, compared, missing, extra, changed, as_of, source_as_of, source_changed, examples, at)
    select ${state.project}, ${flow}, n.slice, ${run}, n.verdict, n.compared, n.missing, n.extra, n.changed, n.as_of, n.source_as_of,
      n.source_changed, n.examples, ${state.now}
    from jsonb_to_recordset(${JSON.stringify(verdicts)}::jsonb) as n (slice text, verdict text, compared bigint, missing bigint,
      extra bigint, changed bigint, as_of timestamptz, source_as_of timestamptz, source_changed boolean, examples jsonb)
    on conflict (project, flow, slice, run) do update set verdict = excluded.verdict, compared = excluded.compared, missing = excluded.missing,
      extra = excluded.extra, changed = excluded.changed, as_of = excluded.as_of, source_as_of = excluded.source_as_of,
      source_changed = excluded.source_changed, examples = excluded.examples, at = excluded.at`)
}

export interface VerificationRow extends Row {
  readonly flow: string
  readonly slice: string
  readonly run: string
  readonly verdict: 'identical' | 'differs' | 'failed'
  readonly compared: number
  readonly missing: number
  readonly extra: number
  readonly changed: number
  readonly as_of: Date | null
  readonly source_as_of: Date | null
  readonly source_changed: boolean
  readonly examples: readonly unknown[]
  readonly at: Date
}

export interface VerificationFilter {
  readonly flow: string
  readonly slice?: string
}

function conditions(state: State, { flow, slice }: VerificationFilter): Query {
  return join(
    [sql`v.project = ${state.project} and v.flow = ${flow}`, ...(slice === undefined ? [] : [sql`v.slice = ${slice}`])],
    ' and ',
  )
}

/** Newest first, after the verdict `before`; undefined when that is not there any more. */
export async function readVerifications(
  db: Sql,
  state: State,
  filter: VerificationFilter & {
    readonly limit: number
    readonly before?: { readonly run: string; readonly slice: string }
  },
): Promise<readonly VerificationRow[] | undefined> {
  const { flow, before, limit } = filter
  const standing = (run: string, slice: string): Query => sql`
    from ${state.t('verification')} b where b.project = ${state.project} and b.flow = ${flow} and b.slice = ${slice} and b.run = ${run}::uuid`
  const place =
    before === undefined
      ? sql``
      : sql`and (v.at, v.run, v.slice) < (select b.at, b.run, b.slice ${standing(before.run, before.slice)})`
  const found = await db.all<VerificationRow>(sql`
    select v.flow, v.slice, v.run, v.verdict, v.compared::float8 as compared, v.missing::float8 as missing, v.extra::float8 as extra,
      v.changed::float8 as changed, v.as_of, v.source_as_of, v.source_changed, v.examples, v.at
    from ${state.t('verification')} v where ${conditions(state, filter)} ${place}
    order by v.at desc, v.run desc, v.slice desc
    limit ${limit}`)
  if (found.length > 0 || before === undefined) return found
  const there = await db.maybe(sql`select 1 ${standing(before.run, before.slice)}`)
  return there === undefined ? undefined : found
}

export async function countVerifications(db: Sql, state: State, filter: VerificationFilter): Promise<number> {
  const { count } = await db.one<{ count: number }>(
    sql`select count(*)::integer as count from ${state.t('verification')} v where ${conditions(state, filter)}`,
  )
  return count
}
