import { join, sql, type Query, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface NewAudit {
  readonly actorBy: string
  readonly actorId: string | null
  readonly actorName: string
  readonly action: string
  readonly subject: string
  /** JSON text; null: nothing. */
  readonly before: string | null
  readonly after: string | null
  readonly requestId: string | null
}

/** Its id. */
export async function insertAudit(tx: Sql, state: State, entry: NewAudit): Promise<string> {
  const { id } = await tx.one<{ id: string }>(sql`
    insert into ${state.t('audit')} (project, at, actor_by, actor_id, actor_name, action, subject, before, after, request_id)
    values (${state.project}, ${state.now}, ${entry.actorBy}, ${entry.actorId}, ${entry.actorName}, ${entry.action},
      ${entry.subject}, ${entry.before}::jsonb, ${entry.after}::jsonb, ${entry.requestId})
    returning id::text`)
  return id
}

/** Says what became of what was begun. */
export async function completeAudit(
  db: Sql,
  state: State,
  id: string,
  entry: Pick<NewAudit, 'subject' | 'before' | 'after'>,
): Promise<void> {
  await db.run(sql`
    update ${state.t('audit')} set subject = ${entry.subject}, before = ${entry.before}::jsonb, after = ${entry.after}::jsonb
    where project = ${state.project} and id = ${id}::bigint`)
}

export async function removeAudit(db: Sql, state: State, id: string): Promise<void> {
  await db.run(sql`delete from ${state.t('audit')} where project = ${state.project} and id = ${id}::bigint`)
}

export interface AuditRow extends Row {
  readonly id: string
  readonly at: Date
  readonly actor_by: 'token' | 'session' | 'jwt' | 'system'
  readonly actor_id: string | null
  readonly actor_name: string
  readonly action: string
  readonly subject: string
  readonly before: unknown
  readonly after: unknown
  readonly request_id: string | null
}

export interface AuditWhere {
  readonly actor?: string
  readonly action?: string
  readonly subject?: string
  readonly since?: Date
  readonly until?: Date
}

/** Newest first, those before `before` (an id). */
export async function readAudit(
  db: Sql,
  state: State,
  where: AuditWhere,
  before: string | null,
  limit: number,
): Promise<readonly AuditRow[]> {
  const beyond = before === null ? sql`` : sql` and id < ${before}::bigint`
  return await db.all<AuditRow>(sql`
    select id, at, actor_by, actor_id, actor_name, action, subject, before, after, request_id
    from ${state.t('audit')} where ${conditions(state, where)}${beyond}
    order by id desc limit ${limit}`)
}

export async function countAudit(db: Sql, state: State, where: AuditWhere): Promise<number> {
  const { total } = await db.one<{ total: number }>(
    sql`select count(*)::float8 as total from ${state.t('audit')} where ${conditions(state, where)}`,
  )
  return total
}

function conditions(state: State, { actor, action, subject, since, until }: AuditWhere): Query {
  const all = [sql`project = ${state.project}`]
  if (actor !== undefined) all.push(sql`(actor_id = ${actor} or actor_name = ${actor})`)
  if (action !== undefined) all.push(sql`(action = ${action} or starts_with(action, ${`${action}.`}))`)
  if (subject !== undefined) all.push(sql`subject = ${subject}`)
  if (since !== undefined) all.push(sql`at >= ${since}`)
  if (until !== undefined) all.push(sql`at < ${until}`)
  return join(all, ' and ')
}
