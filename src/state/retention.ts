import { sql, type Sql } from '../lib/sql.ts'
import { answerMs } from './idempotency.ts'
import type { State } from './state.ts'

/** One cleaning at a time in a project; false when another is at it. */
export async function lockRetention(tx: Sql, state: State): Promise<boolean> {
  const { locked } = await tx.one<{ locked: boolean }>(sql`
    select pg_try_advisory_xact_lock(hashtextextended(${`sluice retention ${state.schema} ${state.project}`}, 0)) as locked`)
  return locked
}

const ago = (state: State, ms: number) => sql`${state.now} - ${ms} * interval '1 millisecond'`

/**
 * Deletes finished runs, with attempts and log, that ended longer ago than `olderMs`: never the newest `keep` of a flow and an
 * operation, never the run that a slice's content comes from. At most `limit`; the number deleted.
 */
export async function deleteRuns(
  tx: Sql,
  state: State,
  rule: { readonly olderMs: number; readonly keep: number; readonly limit: number },
): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('run')} r using (
      select n.project, n.id from (
        select c.project, c.id, c.finished_at, row_number() over (partition by c.flow, c.operation order by c.requested_at desc, c.id desc) as place
        from ${state.t('run')} c where c.project = ${state.project}
      ) n
      where n.place > ${rule.keep} and n.finished_at < ${ago(state, rule.olderMs)}
        and not exists (select from ${state.t('slice')} s where s.project = n.project and s.run = n.id)
      limit ${rule.limit}
    ) old
    where r.project = old.project and r.id = old.id and r.outcome is not null`)
}

/** Deletes verdicts whose run is gone, but the newest of a slice. At most `limit`; the number deleted. */
export async function deleteVerifications(tx: Sql, state: State, limit: number): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('verification')} v using (
      select c.project, c.flow, c.slice, c.run from ${state.t('verification')} c
      where c.project = ${state.project}
        and not exists (select from ${state.t('run')} r where r.project = c.project and r.id = c.run)
        and exists (
          select from ${state.t('verification')} n
          where n.project = c.project and n.flow = c.flow and n.slice = c.slice and n.at > c.at)
      limit ${limit}
    ) old
    where v.project = old.project and v.flow = old.flow and v.slice = old.slice and v.run = old.run`)
}

/** Deletes decided occurrences older than that, but the newest `keep` of a flow. At most `limit`; the number deleted. */
export async function deleteOccurrences(
  tx: Sql,
  state: State,
  rule: { readonly olderMs: number; readonly keep: number; readonly limit: number },
): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('occurrence')} o using (
      select n.project, n.flow, n.due_at from (
        select c.project, c.flow, c.due_at, c.state, row_number() over (partition by c.flow order by c.due_at desc) as place
        from ${state.t('occurrence')} c where c.project = ${state.project}
      ) n
      where n.place > ${rule.keep} and n.state <> 'waiting' and n.due_at < ${ago(state, rule.olderMs)}
      limit ${rule.limit}
    ) old
    where o.project = old.project and o.flow = old.flow and o.due_at = old.due_at`)
}

/** Deletes notifications older than that of which no delivery is under way. At most `limit`; the number deleted. */
export async function deleteNotifications(
  tx: Sql,
  state: State,
  rule: { readonly olderMs: number; readonly limit: number },
): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('notification')} n using (
      select c.project, c.id from ${state.t('notification')} c
      where c.project = ${state.project} and c.created_at < ${ago(state, rule.olderMs)}
        and not exists (
          select from ${state.t('notification_delivery')} d
          where d.project = c.project and d.notification = c.id and d.delivered_at is null and d.given_up_at is null)
      limit ${rule.limit}
    ) old
    where n.project = old.project and n.id = old.id`)
}

/** Deletes backfills that ended longer ago than that; their runs go by their own term. At most `limit`; the number deleted. */
export async function deleteBackfills(
  tx: Sql,
  state: State,
  rule: { readonly olderMs: number; readonly limit: number },
): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('backfill')} b using (
      select c.project, c.id from ${state.t('backfill')} c
      where c.project = ${state.project} and c.state not in ('running', 'paused') and c.finished_at < ${ago(state, rule.olderMs)}
      limit ${rule.limit}
    ) old
    where b.project = old.project and b.id = old.id`)
}

/** Deletes workers that gave no sign for so long and whose attempts are gone. At most `limit`; the number deleted. */
export async function deleteWorkers(
  tx: Sql,
  state: State,
  rule: { readonly olderMs: number; readonly limit: number },
): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('worker')} w using (
      select c.project, c.id from ${state.t('worker')} c
      where c.project = ${state.project} and coalesce(c.stopped_at, c.heartbeat_at) < ${ago(state, rule.olderMs)}
        and not exists (
          select from ${state.t('attempt')} a where a.project = c.project and a.worker = c.id and a.outcome is null)
      limit ${rule.limit}
    ) old
    where w.project = old.project and w.id = old.id`)
}

/** Deletes sessions that are over their time. At most `limit`; the number deleted. */
export async function deleteSessions(tx: Sql, state: State, limit: number): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('session')} s using (
      select c.project, c.hash from ${state.t('session')} c
      where c.project = ${state.project} and c.expires_at <= ${state.now}
      limit ${limit}
    ) old
    where s.project = old.project and s.hash = old.hash`)
}

/** Deletes links that are over their time, used or not. At most `limit`; the number deleted. */
export async function deleteLinks(tx: Sql, state: State, limit: number): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('link')} l using (
      select c.project, c.hash from ${state.t('link')} c
      where c.project = ${state.project} and c.expires_at <= ${state.now}
      limit ${limit}
    ) old
    where l.project = old.project and l.hash = old.hash`)
}

/** Deletes answers to requests that are no longer said again. At most `limit`; the number deleted. */
export async function deleteAnswers(tx: Sql, state: State, limit: number): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('idempotency')} i using (
      select c.project, c.caller, c.key from ${state.t('idempotency')} c
      where c.project = ${state.project} and c.created_at <= ${ago(state, answerMs)}
      limit ${limit}
    ) old
    where i.project = old.project and i.caller = old.caller and i.key = old.key and i.created_at <= ${ago(state, answerMs)}`)
}

/** Deletes what was done longer ago than that. At most `limit`; the number deleted. */
export async function deleteAudit(
  tx: Sql,
  state: State,
  rule: { readonly olderMs: number; readonly limit: number },
): Promise<number> {
  return await tx.run(sql`
    delete from ${state.t('audit')} a using (
      select c.project, c.id from ${state.t('audit')} c
      where c.project = ${state.project} and c.at < ${ago(state, rule.olderMs)}
      order by c.id limit ${rule.limit}
    ) old
    where a.project = old.project and a.id = old.id`)
}
