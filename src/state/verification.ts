import { sql, type Sql } from '../lib/sql.ts'
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
