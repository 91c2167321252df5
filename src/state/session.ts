import { sql, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'
import { bearerColumns, type BearerRow } from './token.ts'

export interface NewSession {
  readonly hash: Buffer
  /** Whose it is: a person's, or that of the token it was opened with. */
  readonly owner: { readonly principal: string } | { readonly token: string }
  readonly ip: string | null
  readonly userAgent: string | null
  /** It ends so long after now at the latest, and not after `until`. */
  readonly longestMs: number
  readonly until: Date | null
}

/** When it ends. */
export async function insertSession(tx: Sql, state: State, session: NewSession): Promise<Date> {
  const principal = 'principal' in session.owner ? session.owner.principal : null
  const token = 'token' in session.owner ? session.owner.token : null
  const { expires_at } = await tx.one<{ expires_at: Date }>(sql`
    insert into ${state.t('session')} (project, hash, principal, token, created_at, last_used_at, expires_at, ip, user_agent)
    select ${state.project}, ${session.hash}, ${principal}::uuid, ${token}::uuid, n.now, n.now,
      least(n.now + ${session.longestMs} * interval '1 millisecond', ${session.until}::timestamptz), ${session.ip}::text, ${session.userAgent}::text
    from (select ${state.now} as now offset 0) n
    returning expires_at`)
  return expires_at
}

/** What is known of a session: of the token that it was opened with (`id` null: with none), or of its person. */
export type SessionRow = {
  readonly hash: Buffer
  readonly ends_at: Date
  readonly over: boolean
  readonly idle: boolean
  /** Its use was not written for a minute. */
  readonly stale: boolean
  readonly owner: string | null
  readonly owner_name: string | null
  readonly owner_role: BearerRow['person_role']
  readonly owner_claims: unknown
  readonly owner_disabled: boolean
} & { readonly [Column in Exclude<keyof BearerRow, 'hash' | 'stale'>]: BearerRow[Column] | null }

/** `idleMs`: who has not used it for so long has to sign in again. */
export async function readSessions(
  db: Sql,
  state: State,
  hashes: readonly Buffer[],
  idleMs: number,
): Promise<readonly SessionRow[]> {
  return await db.all<SessionRow>(sql`
    select s.hash, s.expires_at as ends_at, s.expires_at <= n.now as over,
      s.last_used_at <= n.now - ${idleMs} * interval '1 millisecond' as idle,
      s.last_used_at < n.now - interval '1 minute' as stale,
      o.id as owner, o.name as owner_name, o.role as owner_role, o.claims as owner_claims,
      o.disabled_at is not null as owner_disabled,
      ${bearerColumns}
    from (select ${state.now} as now offset 0) n
      join ${state.t('session')} s on s.project = ${state.project} and s.hash = any(${hashes}::bytea[])
      left join ${state.t('principal')} o on o.project = s.project and o.id = s.principal
      left join ${state.t('token')} t on t.project = s.project and t.id = s.token
      left join ${state.t('principal')} p on p.project = t.project and p.id = t.principal`)
}

/** Writes that they were used, and that their people were seen, at most once a minute; who else writes the same is not waited for. */
export async function touchSessions(db: Sql, state: State, hashes: readonly Buffer[]): Promise<void> {
  await db.run(sql`
    with used as (
      update ${state.t('session')} s set last_used_at = ${state.now} from (
        select project, hash from ${state.t('session')}
        where project = ${state.project} and hash = any(${hashes}::bytea[])
          and last_used_at < ${state.now} - interval '1 minute'
        for update skip locked
      ) stale
      where s.project = stale.project and s.hash = stale.hash
      returning s.project, s.principal
    )
    update ${state.t('principal')} p set last_seen_at = ${state.now} from (
      select project, id from ${state.t('principal')}
      where (project, id) in (select project, principal from used)
      for update skip locked
    ) seen
    where p.project = seen.project and p.id = seen.id`)
}

export async function writeSeen(tx: Sql, state: State, principal: string): Promise<void> {
  await tx.run(sql`
    update ${state.t('principal')} set last_seen_at = ${state.now} where project = ${state.project} and id = ${principal}`)
}

/** Ends one; whose it was, or undefined when it had ended. */
export async function deleteSession(
  tx: Sql,
  state: State,
  hash: Buffer,
): Promise<{ readonly principal: string | null; readonly token: string | null } | undefined> {
  return await tx.maybe<{ principal: string | null; token: string | null }>(sql`
    delete from ${state.t('session')} where project = ${state.project} and hash = ${hash} returning principal, token`)
}

/** Ends all of a person, those opened with its tokens too, and makes its links void. */
export async function endSessionsOf(tx: Sql, state: State, principal: string): Promise<void> {
  await tx.run(sql`
    delete from ${state.t('session')} s
    where s.project = ${state.project} and (s.principal = ${principal} or s.token in (
      select t.id from ${state.t('token')} t where t.project = ${state.project} and t.principal = ${principal}))`)
  await tx.run(sql`delete from ${state.t('link')} where project = ${state.project} and principal = ${principal}`)
}

export async function endSessionsOfToken(tx: Sql, state: State, token: string): Promise<void> {
  await tx.run(sql`delete from ${state.t('session')} where project = ${state.project} and token = ${token}`)
}
