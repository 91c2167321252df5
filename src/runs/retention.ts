/**
 * History does not grow for ever: what is older than its term goes, in small transactions, so that nobody waits for it. What
 * still says something true is kept whatever its age: the newest of each flow, the run behind a slice's content, all that is
 * unfinished, waiting or undelivered.
 */
import type { Session } from '../lib/sql.ts'
import { dropStrayMarks } from '../state/dirty.ts'
import {
  deleteBackfills,
  deleteAnswers,
  deleteAudit,
  deleteLinks,
  deleteNotifications,
  deleteOccurrences,
  deleteRuns,
  deleteSessions,
  deleteVerifications,
  deleteWorkers,
  lockRetention,
} from '../state/retention.ts'
import type { State } from '../state/state.ts'

/** Terms in milliseconds. */
export interface Retention {
  readonly runs: number
  readonly occurrences: number
  readonly notifications: number
  readonly audit: number
}

export interface Removed {
  readonly runs: number
  readonly verifications: number
  readonly occurrences: number
  readonly notifications: number
  readonly backfills: number
  readonly workers: number
  readonly audit: number
  /** Sessions and links that are over their time, and answers that are no longer said again. */
  readonly ended: number
}

const limit = 1_000
/** Of each flow and operation, whatever their age. */
const keep = 20
const workersMs = 7 * 86_400_000

/** Deletes what is over its term, in bounded steps; stops between two of them when the signal is aborted. */
export async function clean(state: State, retention: Retention, signal?: AbortSignal): Promise<Removed> {
  const step = async (remove: (tx: Session) => Promise<number>): Promise<number> => {
    let total = 0
    for (;;) {
      if (signal?.aborted === true) return total
      // Each step is a transaction of its own.
      const removed = await state.db.transaction(async (tx) =>
        (await lockRetention(tx, state)) ? await remove(tx) : 0,
      )
      total += removed
      if (removed < limit) return total
    }
  }
  const runs = await step((tx) => deleteRuns(tx, state, { olderMs: retention.runs, keep, limit }))
  const verifications = await step((tx) => deleteVerifications(tx, state, limit))
  const occurrences = await step((tx) => deleteOccurrences(tx, state, { olderMs: retention.occurrences, keep, limit }))
  const notifications = await step((tx) => deleteNotifications(tx, state, { olderMs: retention.notifications, limit }))
  const backfills = await step((tx) => deleteBackfills(tx, state, { olderMs: retention.runs, limit }))
  const workers = await step((tx) => deleteWorkers(tx, state, { olderMs: workersMs, limit }))
  const audit = await step((tx) => deleteAudit(tx, state, { olderMs: retention.audit, limit }))
  const sessions = await step((tx) => deleteSessions(tx, state, limit))
  const links = await step((tx) => deleteLinks(tx, state, limit))
  const answers = await step((tx) => deleteAnswers(tx, state, limit))
  await step((tx) => dropStrayMarks(tx, state, limit))
  return {
    runs,
    verifications,
    occurrences,
    notifications,
    backfills,
    workers,
    audit,
    ended: sessions + links + answers,
  }
}
