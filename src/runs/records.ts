import { SluiceError, type ErrorRecord } from '../lib/error.ts'
import type { Sql } from '../lib/sql.ts'
import { readAttempts, type AttemptRow } from '../state/attempt.ts'
import { findRuns, readRun, type RunRow } from '../state/run.ts'
import { readRuns } from '../state/run-list.ts'
import type { State } from '../state/state.ts'
import type { FlowName, SliceKey } from '../flows/flow.ts'
import type { AttemptRecord, Phase, RunId, RunRecord, RunResult } from './engine.ts'
import type { RunPage } from './views.ts'

/** A run and its attempts as rows → the record that everybody else sees. Pure. */
export function toRunRecord(row: RunRow, attempts: readonly AttemptRow[]): RunRecord {
  return {
    id: row.id,
    operation: row.operation,
    // Names and slices were parsed before they were written, options come from a RunRequest.
    flow: row.flow as FlowName,
    slices: row.slices as readonly SliceKey[] | null,
    options: row.options,
    backfill: row.backfill,
    trigger: row.trigger,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    dueAt: row.due_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    notBefore: row.outcome === null ? row.not_before : null,
    cancelling:
      row.cancel_at === null ? null : { at: row.cancel_at, by: row.cancel_by ?? 'somebody', reason: row.cancel_reason },
    outcome: row.outcome,
    reason: row.reason,
    // Written by us, from an ErrorRecord and a RunResult.
    error: row.error as ErrorRecord | null,
    rows: row.rows,
    result: revived(row.result as RunResult | null),
    attempts: attempts.filter((attempt) => attempt.run === row.id).map(toAttemptRecord),
  }
}

export function toAttemptRecord(row: AttemptRow): AttemptRecord {
  return {
    n: row.n,
    worker: row.worker,
    startedAt: row.started_at,
    heartbeatAt: row.heartbeat_at,
    finishedAt: row.finished_at,
    outcome: row.outcome,
    error: row.error as ErrorRecord | null,
    phase: toPhase(row),
    phases: row.phases,
  }
}

export function toPhase(row: AttemptRow): Phase | null {
  if (row.phase === null) return null
  const { rows = 0, rowsExpected = null, bytes = 0 } = row.progress
  return { name: row.phase, rows, rowsExpected, bytes }
}

/** JSON has no dates: those of a result are made ones again. */
function revived(result: RunResult | null): RunResult | null {
  if (result?.verifications === undefined) return result
  const date = (value: Date | string | null): Date | null => (value === null ? null : new Date(value))
  return {
    ...result,
    verifications: result.verifications.map((found) => ({
      ...found,
      asOf: date(found.asOf),
      sourceAsOf: date(found.sourceAsOf),
    })),
  }
}

export async function readRunRecord(db: Sql, state: State, id: RunId): Promise<RunRecord | undefined> {
  const row = await readRun(db, state, id)
  return row === undefined ? undefined : toRunRecord(row, await readAttempts(db, state, [id]))
}

export async function readRunRecords(db: Sql, state: State, page: RunPage): Promise<readonly RunRecord[]> {
  const rows = await readRuns(db, state, page)
  if (rows === undefined) throw expired(`run ${page.before}`)
  const attempts = await readAttempts(
    db,
    state,
    rows.map((row) => row.id),
  )
  return rows.map((row) => toRunRecord(row, attempts))
}

/** What a cursor pointed to is gone: retention has removed it, or it never was. */
export function expired(what: string): SluiceError {
  return new SluiceError('CURSOR_EXPIRED', `The page after ${what} cannot be found`, {
    why: `${what} is not there any more, so that its place is not known`,
    fix: 'begin again with the first page',
  })
}

const wholeId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * The run that is meant: by its id, by a beginning or an ending of it that fits only one, or `last`.
 *
 * @throws SluiceError `RUN_UNKNOWN`
 */
export async function findRun(db: Sql, state: State, text: string): Promise<RunRecord> {
  const asked = text.trim().toLowerCase()
  if (asked === 'last') {
    const [last] = await readRunRecords(db, state, { limit: 1 })
    if (last === undefined) throw unknown(text, 'there is no run yet')
    return last
  }
  if (wholeId.test(asked)) {
    const run = await readRunRecord(db, state, asked)
    if (run === undefined) throw unknown(text, 'no run has this id; it may have been removed by retention')
    return run
  }
  const found = /^[0-9a-f-]{4,}$/.test(asked) ? await findRuns(db, state, asked) : []
  const [only, other] = found
  if (only === undefined) throw unknown(text, 'no run begins or ends with it')
  if (other !== undefined) throw unknown(text, `it fits several: ${found.map((run) => run.id).join(', ')}`)
  const run = await readRunRecord(db, state, only.id)
  if (run === undefined) throw unknown(text, 'no run has this id')
  return run
}

function unknown(text: string, why: string): SluiceError {
  return new SluiceError('RUN_UNKNOWN', `There is no run ${text}`, {
    why,
    fix: 'sluice runs lists them; an id may be abbreviated to the characters at its end, `last` is the newest',
  })
}
