/** Pages of what is recorded, as everybody else sees it. By keyset, so that what is written meanwhile shifts nothing. */
import type { Difference, FlowName, SliceKey } from '../flows/flow.ts'
import type { Json } from '../lib/json.ts'
import type { Sql } from '../lib/sql.ts'
import { readLog } from '../state/log.ts'
import {
  readDeliveries,
  readNotification,
  readNotifications,
  type NotificationRow,
  type ToldRow,
} from '../state/notification.ts'
import { readOccurrences } from '../state/occurrence.ts'
import { readHistory, readLastHour, readQueue } from '../state/run-list.ts'
import { countSlices, readSlicePage } from '../state/slice-list.ts'
import type { State } from '../state/state.ts'
import { readVerifications } from '../state/verification.ts'
import { readWorkers } from '../state/worker.ts'
import { toSliceRecord } from './attempt.ts'
import type { LogLine, RunId } from './engine.ts'
import { expired } from './records.ts'
import type {
  Changes,
  DeliveryRecord,
  FlowSlice,
  HistoryPoint,
  NotificationRecord,
  OccurrencePage,
  OccurrenceRecord,
  QueueRecord,
  SliceFilter,
  SlicePage,
  SliceState,
  VerificationPage,
  VerificationRecord,
  WorkerRecord,
} from './views.ts'

export async function listSlices(db: Sql, state: State, page: SlicePage): Promise<readonly FlowSlice[]> {
  const rows = await readSlicePage(db, state, page)
  if (rows === undefined) throw expired(`slice ${page.after}`)
  return rows.map((row) => ({
    ...toSliceRecord(row),
    flow: page.flow,
    period: row.period_from === null || row.period_to === null ? null : { from: row.period_from, to: row.period_to },
    // Written by `finishSlice`, from a SliceResult.
    changes: row.changes as Changes | null,
    run: row.run,
    publishedAt: row.published_at,
    verified:
      row.verdict === null || row.verified_at === null || row.verified_by === null
        ? null
        : { verdict: row.verdict, at: row.verified_at, run: row.verified_by },
  }))
}

export async function countByState(
  db: Sql,
  state: State,
  filter: Omit<SliceFilter, 'states'>,
): Promise<Readonly<Record<SliceState, number>>> {
  const counts = { missing: 0, dirty: 0, running: 0, done: 0, failed: 0, frozen: 0 }
  for (const row of await countSlices(db, state, filter)) counts[row.state] = row.count
  return counts
}

export async function listVerifications(
  db: Sql,
  state: State,
  page: VerificationPage,
): Promise<readonly VerificationRecord[]> {
  const rows = await readVerifications(db, state, page)
  if (rows === undefined) throw expired(`the verification of ${page.before?.slice} by run ${page.before?.run}`)
  return rows.map((row) => ({
    flow: page.flow,
    // Written by `writeVerifications`, from Verifications.
    slice: row.slice as SliceKey,
    run: row.run,
    at: row.at,
    verdict: row.verdict,
    compared: row.compared,
    missing: row.missing,
    extra: row.extra,
    changed: row.changed,
    asOf: row.as_of,
    sourceAsOf: row.source_as_of,
    sourceChanged: row.source_changed,
    examples: row.examples as readonly Difference[],
  }))
}

const dayMs = 86_400_000

export async function listWorkers(db: Sql, state: State, leaseMs: number): Promise<readonly WorkerRecord[]> {
  const rows = await readWorkers(db, state, { freshMs: leaseMs, seenMs: dayMs, limit: 200 })
  return rows.map((row) => ({
    id: row.id,
    host: row.host,
    pid: row.pid,
    version: row.version,
    roles: row.roles,
    stores: row.stores,
    flows: row.flows,
    outdated: row.outdated,
    startedAt: row.started_at,
    heartbeatAt: row.heartbeat_at,
    stoppedAt: row.stopped_at,
    alive: row.alive,
    // Names were parsed before they were written.
    doing: row.doing.map((one) => ({ ...one, flow: one.flow as FlowName, startedAt: new Date(one.startedAt) })),
  }))
}

export async function describeQueue(db: Sql, state: State): Promise<QueueRecord> {
  const [{ oldest_ms, ...row }, hour] = await Promise.all([readQueue(db, state), readLastHour(db, state)])
  return {
    ...row,
    oldestMs: oldest_ms,
    lastHour: { finished: hour.finished, failed: hour.failed, waitMs: hour.wait_ms },
  }
}

export async function listNotifications(
  db: Sql,
  state: State,
  page: { readonly limit: number; readonly before?: string },
): Promise<readonly NotificationRecord[]> {
  const rows = await readNotifications(db, state, page)
  if (rows === undefined) throw expired(`notification ${page.before}`)
  const ids = rows.map(({ id }) => id)
  const deliveries = await readDeliveries(db, state, ids)
  return rows.map((row) => toNotification(row, deliveries))
}

export async function findNotification(db: Sql, state: State, id: string): Promise<NotificationRecord | undefined> {
  const row = await readNotification(db, state, id)
  return row === undefined ? undefined : toNotification(row, await readDeliveries(db, state, [id]))
}

function toNotification(row: NotificationRow, deliveries: readonly ToldRow[]): NotificationRecord {
  return {
    id: row.id,
    // Names were parsed before they were written; payloads are JSON that we wrote.
    flow: row.flow as FlowName | null,
    kind: row.kind,
    payload: row.payload as Json,
    createdAt: row.created_at,
    deliveries: deliveries.filter((one) => one.notification === row.id).map(toDelivery),
  }
}

function toDelivery(row: ToldRow): DeliveryRecord {
  const state = row.delivered_at !== null ? 'delivered' : row.given_up_at !== null ? 'given up' : 'waiting'
  return {
    webhook: row.webhook,
    state,
    attempts: row.attempts,
    nextAt: state === 'waiting' ? row.next_at : null,
    deliveredAt: row.delivered_at,
    givenUpAt: row.given_up_at,
    error: row.error,
  }
}

export async function listOccurrences(
  db: Sql,
  state: State,
  page: OccurrencePage,
): Promise<readonly OccurrenceRecord[]> {
  return (await readOccurrences(db, state, page)).map((row) => ({
    // Names were parsed before they were written.
    flow: row.flow as FlowName,
    dueAt: row.due_at,
    state: row.state,
    reason: row.reason,
    run: row.run,
  }))
}

export async function listHistory(
  db: Sql,
  state: State,
  flow: FlowName,
  page: { readonly since?: Date; readonly limit: number },
): Promise<readonly HistoryPoint[]> {
  const { since = null, limit } = page
  return (await readHistory(db, state, flow, { since, limit })).map((row) => ({
    ...row,
    // Written by the attempt that published, from SliceResults.
    changes: row.changes as Changes | null,
  }))
}

export async function listLog(
  db: Sql,
  state: State,
  run: RunId,
  page: { readonly after?: number; readonly limit: number },
): Promise<readonly LogLine[]> {
  // Fields were written by us, as JSON.
  return (await readLog(db, state, run, page.after ?? 0, page.limit)) as readonly LogLine[]
}
