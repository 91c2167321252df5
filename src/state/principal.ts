import { sql, type Query, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface PrincipalRow extends Row {
  readonly id: string
  readonly name: string
  readonly role: 'viewer' | 'operator' | 'admin'
  readonly claims: unknown
  readonly disabled: boolean
  readonly created_at: Date
  readonly created_by: string
  readonly last_seen_at: Date | null
}

const columns: Query = sql`id, name, role, claims, disabled_at is not null as disabled, created_at, created_by, last_seen_at`

/**
 * Locks who is who in the project until the transaction ends. Whoever counts admins, or makes one fewer, holds it: what was counted
 * still holds when it commits.
 */
export async function lockPrincipals(tx: Sql, state: State): Promise<void> {
  await tx.run(
    sql`select pg_advisory_xact_lock(hashtextextended(${`sluice principals ${state.schema} ${state.project}`}, 0))`,
  )
}

/** False if the name is taken. */
export async function insertPrincipal(
  tx: Sql,
  state: State,
  principal: Pick<PrincipalRow, 'id' | 'name' | 'role'> & { readonly claims: object; readonly createdBy: string },
): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into ${state.t('principal')} (project, id, name, role, claims, created_at, created_by)
    values (${state.project}, ${principal.id}, ${principal.name}, ${principal.role},
      ${JSON.stringify(principal.claims)}::jsonb, ${state.now}, ${principal.createdBy})
    on conflict (project, lower(name)) do nothing`)
  return inserted > 0
}

/** Whether somebody has the name, whatever its case; `but` is not asked. */
export async function isNameTaken(db: Sql, state: State, name: string, but: string | null): Promise<boolean> {
  const { taken } = await db.one<{ taken: boolean }>(sql`
    select exists (
      select from ${state.t('principal')}
      where project = ${state.project} and lower(name) = lower(${name}::text) and (${but}::uuid is null or id <> ${but}::uuid)
    ) as taken`)
  return taken
}

export async function updatePrincipal(
  tx: Sql,
  state: State,
  principal: Pick<PrincipalRow, 'id' | 'name' | 'role' | 'disabled'> & { readonly claims: object },
): Promise<void> {
  await tx.run(sql`
    update ${state.t('principal')} set name = ${principal.name}, role = ${principal.role},
      claims = ${JSON.stringify(principal.claims)}::jsonb,
      disabled_at = case when ${principal.disabled} then coalesce(disabled_at, ${state.now}) end
    where project = ${state.project} and id = ${principal.id}`)
}

export async function deletePrincipal(tx: Sql, state: State, id: string): Promise<void> {
  await tx.run(sql`delete from ${state.t('principal')} where project = ${state.project} and id = ${id}`)
}

export async function readPrincipal(db: Sql, state: State, id: string): Promise<PrincipalRow | undefined> {
  return await db.maybe<PrincipalRow>(
    sql`select ${columns} from ${state.t('principal')} where project = ${state.project} and id = ${id}`,
  )
}

/** The same, and nobody disables, changes or removes it until the transaction ends. */
export async function holdPrincipal(tx: Sql, state: State, id: string): Promise<PrincipalRow | undefined> {
  return await tx.maybe<PrincipalRow>(
    sql`select ${columns} from ${state.t('principal')} where project = ${state.project} and id = ${id} for update`,
  )
}

/** Newest first, those older than `before`: ids grow with time. */
export async function readPrincipals(
  db: Sql,
  state: State,
  before: string | null,
  limit: number,
): Promise<readonly PrincipalRow[]> {
  return await db.all<PrincipalRow>(sql`
    select ${columns} from ${state.t('principal')}
    where project = ${state.project} and (${before}::uuid is null or id < ${before}::uuid)
    order by id desc limit ${limit}`)
}

export async function countPrincipals(db: Sql, state: State): Promise<number> {
  const { total } = await db.one<{ total: number }>(
    sql`select count(*)::integer as total from ${state.t('principal')} where project = ${state.project}`,
  )
  return total
}

/** Admins who are not disabled, without `but`. Holds only under `lockPrincipals`. */
export async function countAdmins(tx: Sql, state: State, but: string): Promise<number> {
  const { total } = await tx.one<{ total: number }>(sql`
    select count(*)::integer as total from ${state.t('principal')}
    where project = ${state.project} and role = 'admin' and disabled_at is null and id <> ${but}`)
  return total
}

/** The admin of that name, else the one who has been it for longest; disabled ones do not count. */
export async function findAdmin(tx: Sql, state: State, name: string): Promise<PrincipalRow | undefined> {
  return await tx.maybe<PrincipalRow>(sql`
    select ${columns} from ${state.t('principal')}
    where project = ${state.project} and role = 'admin' and disabled_at is null
    order by lower(name) <> lower(${name}::text), id limit 1`)
}
