import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

/** Locks what a flow's webhooks were last told, so that each change is told once. Undefined: there is no such flow. */
export async function lockTold(tx: Sql, state: State, flow: string): Promise<{ told: string | null } | undefined> {
  return await tx.maybe<{ told: string | null }>(sql`
    select told from ${state.t('flow')} where project = ${state.project} and name = ${flow} for no key update`)
}

/** The flow must be locked by `lockTold`. */
export async function writeTold(tx: Sql, state: State, flow: string, told: string | null): Promise<void> {
  await tx.run(sql`update ${state.t('flow')} set told = ${told} where project = ${state.project} and name = ${flow}`)
}

export interface NewNotification {
  readonly id: string
  /** null: a test, which is of no flow. */
  readonly flow: string | null
  readonly kind: 'failed' | 'late' | 'recovered' | 'guard' | 'test'
  readonly payload: object
}

/** Writes a notification and a delivery of it for each of these webhooks. */
export async function insertNotification(
  tx: Sql,
  state: State,
  notification: NewNotification,
  webhooks: readonly string[],
): Promise<void> {
  await tx.run(sql`
    insert into ${state.t('notification')} (project, id, flow, kind, payload, created_at)
    values (${state.project}, ${notification.id}, ${notification.flow}, ${notification.kind},
      ${JSON.stringify(notification.payload)}::jsonb, ${state.now})`)
  await tx.run(sql`
    insert into ${state.t('notification_delivery')} (project, notification, webhook, next_at)
    select ${state.project}, ${notification.id}::uuid, w, ${state.now} from unnest(${webhooks}::text[]) w`)
}

/** A delivery taken for one attempt. */
export interface DeliveryRow extends Row {
  readonly notification: string
  readonly webhook: string
  /** This attempt's number, from 1. */
  readonly attempts: number
  readonly payload: Readonly<Record<string, unknown>>
  readonly created_at: Date
  readonly now: Date
}

/**
 * Takes deliveries that are due for these webhooks. A sender that dies leaves them to others after `leaseMs`. A webhook hears of a
 * flow in order: while an older notification of the same flow is undelivered, the newer ones wait.
 */
export async function claimDeliveries(
  db: Sql,
  state: State,
  webhooks: readonly string[],
  leaseMs: number,
  limit: number,
): Promise<readonly DeliveryRow[]> {
  return await db.all<DeliveryRow>(sql`
    with due as (
      select d.project, d.notification, d.webhook, n.payload, n.created_at
      from ${state.t('notification_delivery')} d
        join ${state.t('notification')} n on n.project = d.project and n.id = d.notification
      where d.project = ${state.project} and d.delivered_at is null and d.given_up_at is null
        and d.next_at <= ${state.now} and d.webhook = any(${webhooks}::text[])
        and not exists (
          select from ${state.t('notification_delivery')} p
            join ${state.t('notification')} m on m.project = p.project and m.id = p.notification
          where p.project = d.project and p.webhook = d.webhook and p.delivered_at is null and p.given_up_at is null
            and m.flow = n.flow and (m.created_at, m.id) < (n.created_at, n.id))
      order by d.next_at
      limit ${limit}
      for update of d skip locked
    )
    update ${state.t('notification_delivery')} d
    set attempts = d.attempts + 1, next_at = ${state.now} + ${leaseMs} * interval '1 millisecond'
    from due
    where d.project = due.project and d.notification = due.notification and d.webhook = due.webhook
      -- Read again after the lock: another sender may have taken it in between.
      and d.delivered_at is null and d.given_up_at is null and d.next_at <= ${state.now}
    returning d.notification, d.webhook, d.attempts, due.payload, due.created_at, ${state.now} as now`)
}

/** The receiver has accepted it. */
export async function recordDelivered(db: Sql, state: State, notification: string, webhook: string): Promise<void> {
  await db.run(sql`
    update ${state.t('notification_delivery')} set delivered_at = coalesce(delivered_at, ${state.now}), error = null, given_up_at = null
    where project = ${state.project} and notification = ${notification} and webhook = ${webhook}`)
}

/** That attempt failed; another follows after `afterMs`, or none when it is null. A later attempt's word is not overwritten. */
export async function recordUndelivered(
  db: Sql,
  state: State,
  delivery: Pick<DeliveryRow, 'notification' | 'webhook' | 'attempts'>,
  error: string,
  afterMs: number | null,
): Promise<void> {
  await db.run(sql`
    update ${state.t('notification_delivery')} set error = ${error},
      given_up_at = case when ${afterMs}::float8 is null then ${state.now} end,
      next_at = ${state.now} + coalesce(${afterMs}::float8, 0) * interval '1 millisecond'
    where project = ${state.project} and notification = ${delivery.notification} and webhook = ${delivery.webhook}
      and attempts = ${delivery.attempts} and delivered_at is null and given_up_at is null`)
}

/** Gives up what could not be delivered for so long, whether its webhook is still in the config or not. */
export async function giveUpDeliveries(db: Sql, state: State, afterMs: number): Promise<readonly GivenUpRow[]> {
  return await db.all<GivenUpRow>(sql`
    update ${state.t('notification_delivery')} d set given_up_at = ${state.now},
      error = coalesce(d.error, 'never tried: no sender had this webhook in its config')
    from ${state.t('notification')} n
    where d.project = ${state.project} and d.delivered_at is null and d.given_up_at is null
      and n.project = d.project and n.id = d.notification
      and n.created_at < ${state.now} - ${afterMs} * interval '1 millisecond'
    returning n.flow, n.kind, d.webhook, d.attempts, d.error`)
}

export interface GivenUpRow extends Row {
  readonly flow: string | null
  readonly kind: string
  readonly webhook: string
  readonly attempts: number
  readonly error: string
}

export interface NotificationRow extends Row {
  readonly id: string
  readonly flow: string | null
  readonly kind: 'failed' | 'late' | 'recovered' | 'guard' | 'test'
  readonly payload: unknown
  readonly created_at: Date
}

/** Newest first, after the one named; undefined when that is not there any more. */
export async function readNotifications(
  db: Sql,
  state: State,
  page: { readonly limit: number; readonly before?: string },
): Promise<readonly NotificationRow[] | undefined> {
  const { limit, before } = page
  const place =
    before === undefined
      ? sql``
      : sql`and (n.created_at, n.id) < (
        select b.created_at, b.id from ${state.t('notification')} b where b.project = ${state.project} and b.id = ${before}::uuid)`
  const found = await db.all<NotificationRow>(sql`
    select n.id, n.flow, n.kind, n.payload, n.created_at from ${state.t('notification')} n
    where n.project = ${state.project} ${place}
    order by n.created_at desc, n.id desc limit ${limit}`)
  if (found.length > 0 || before === undefined) return found
  return (await readNotification(db, state, before)) === undefined ? undefined : found
}

export async function readNotification(db: Sql, state: State, id: string): Promise<NotificationRow | undefined> {
  return await db.maybe<NotificationRow>(sql`
    select n.id, n.flow, n.kind, n.payload, n.created_at from ${state.t('notification')} n
    where n.project = ${state.project} and n.id = ${id}::uuid`)
}

export async function countNotifications(db: Sql, state: State): Promise<number> {
  const { count } = await db.one<{ count: number }>(
    sql`select count(*)::integer as count from ${state.t('notification')} where project = ${state.project}`,
  )
  return count
}

/** What became of a notification at one webhook. */
export interface ToldRow extends Row {
  readonly notification: string
  readonly webhook: string
  readonly attempts: number
  readonly next_at: Date
  readonly delivered_at: Date | null
  readonly given_up_at: Date | null
  readonly error: string | null
}

/** The deliveries of these notifications, by webhook. */
export async function readDeliveries(db: Sql, state: State, ids: readonly string[]): Promise<readonly ToldRow[]> {
  return await db.all<ToldRow>(sql`
    select notification, webhook, attempts, next_at, delivered_at, given_up_at, error from ${state.t('notification_delivery')}
    where project = ${state.project} and notification = any(${ids}::uuid[])
    order by webhook`)
}
