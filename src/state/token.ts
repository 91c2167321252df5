import { sql, type Query, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

type RoleName = 'viewer' | 'operator' | 'admin' // as the table's check has it

export interface TokenRow extends Row {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly role: RoleName | null
  readonly claims: unknown
  readonly principal: string | null
  /** null also for a person who is gone. */
  readonly principal_name: string | null
  readonly state: 'active' | 'expired' | 'revoked'
  readonly created_at: Date
  readonly created_by: string
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
  readonly revoked_at: Date | null
  readonly revoked_by: string | null
}

const columns = (state: State): Query => sql`
  t.id, t.name, t.prefix, t.role, t.claims, t.principal, t.created_at, t.created_by, t.expires_at, t.last_used_at,
  t.revoked_at, t.revoked_by,
  (select p.name from ${state.t('principal')} p where p.project = t.project and p.id = t.principal) as principal_name,
  case when t.revoked_at is not null then 'revoked' when t.expires_at <= ${state.now} then 'expired' else 'active' end as state`

export interface NewTokenRow {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly hash: Buffer
  readonly role: RoleName | null
  readonly claims: object
  readonly principal: string | null
  readonly createdBy: string
  readonly expiresAt: Date | null
}

export async function insertToken(tx: Sql, state: State, token: NewTokenRow): Promise<void> {
  await tx.run(sql`
    insert into ${state.t('token')} (project, id, name, prefix, hash, role, claims, principal, created_at, created_by, expires_at)
    values (${state.project}, ${token.id}, ${token.name}, ${token.prefix}, ${token.hash}, ${token.role},
      ${JSON.stringify(token.claims)}::jsonb, ${token.principal}, ${state.now}, ${token.createdBy}, ${token.expiresAt})`)
}

export async function readToken(db: Sql, state: State, id: string): Promise<TokenRow | undefined> {
  return await db.maybe<TokenRow>(
    sql`select ${columns(state)} from ${state.t('token')} t where t.project = ${state.project} and t.id = ${id}`,
  )
}

/** Newest first, those older than `before`: ids grow with time. */
export async function readTokens(
  db: Sql,
  state: State,
  before: string | null,
  limit: number,
): Promise<readonly TokenRow[]> {
  return await db.all<TokenRow>(sql`
    select ${columns(state)} from ${state.t('token')} t
    where t.project = ${state.project} and (${before}::uuid is null or t.id < ${before}::uuid)
    order by t.id desc limit ${limit}`)
}

export async function countTokens(db: Sql, state: State): Promise<number> {
  const { total } = await db.one<{ total: number }>(
    sql`select count(*)::integer as total from ${state.t('token')} where project = ${state.project}`,
  )
  return total
}

/** True if it was not revoked before. */
export async function revokeToken(tx: Sql, state: State, id: string, by: string): Promise<boolean> {
  const touched = await tx.run(sql`
    update ${state.t('token')} set revoked_at = ${state.now}, revoked_by = ${by}
    where project = ${state.project} and id = ${id} and revoked_at is null`)
  return touched > 0
}

/** Revokes what was made for a person; the ids of those that were not revoked before. */
export async function revokeTokensOf(tx: Sql, state: State, principal: string, by: string): Promise<readonly string[]> {
  const rows = await tx.all<{ id: string }>(sql`
    update ${state.t('token')} set revoked_at = ${state.now}, revoked_by = ${by}
    where project = ${state.project} and principal = ${principal} and revoked_at is null
    returning id`)
  return rows.map(({ id }) => id)
}

/** What is known of a token that somebody brings. */
export interface BearerRow extends Row {
  readonly hash: Buffer
  readonly id: string
  readonly name: string
  readonly role: RoleName | null
  readonly claims: unknown
  readonly principal: string | null
  readonly revoked: boolean
  readonly expired: boolean
  readonly expires_at: Date | null
  /** Milliseconds until then. */
  readonly lives_ms: number | null
  /** Its use was not written for a minute. */
  readonly stale: boolean
  /** Of the person it acts for; null: it acts for nobody, or that person is gone. */
  readonly person_role: RoleName | null
  readonly person_claims: unknown
  readonly person_disabled: boolean
}

/** Of token `t`, the person `p` it acts for, and `n.now`. */
export const bearerColumns: Query = sql`
  t.id, t.name, t.role, t.claims, t.principal, t.expires_at,
  extract(epoch from t.expires_at - n.now)::float8 * 1000 as lives_ms, t.revoked_at is not null as revoked,
  coalesce(t.expires_at <= n.now, false) as expired,
  p.role as person_role, p.claims as person_claims, p.disabled_at is not null as person_disabled`

export async function readBearers(db: Sql, state: State, hashes: readonly Buffer[]): Promise<readonly BearerRow[]> {
  return await db.all<BearerRow>(sql`
    select t.hash, ${bearerColumns}, coalesce(t.last_used_at < n.now - interval '1 minute', true) as stale
    from (select ${state.now} as now offset 0) n
      join ${state.t('token')} t on t.project = ${state.project} and t.hash = any(${hashes}::bytea[])
      left join ${state.t('principal')} p on p.project = t.project and p.id = t.principal`)
}

/** Writes that they were used, at most once a minute each; who else writes the same is not waited for. */
export async function touchTokens(db: Sql, state: State, ids: readonly string[]): Promise<void> {
  await db.run(sql`
    update ${state.t('token')} t set last_used_at = ${state.now} from (
      select project, id from ${state.t('token')}
      where project = ${state.project} and id = any(${ids}::uuid[])
        and coalesce(last_used_at < ${state.now} - interval '1 minute', true)
      for update skip locked
    ) stale
    where t.project = stale.project and t.id = stale.id`)
}
