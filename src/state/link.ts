import { sql, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

/** When it ends. */
export async function insertLink(
  tx: Sql,
  state: State,
  link: { readonly hash: Buffer; readonly principal: string | null; readonly name: string; readonly forMs: number },
): Promise<Date> {
  const { expires_at } = await tx.one<{ expires_at: Date }>(sql`
    insert into ${state.t('link')} (project, hash, principal, name, created_at, expires_at)
    select ${state.project}, ${link.hash}, ${link.principal}::uuid, ${link.name}, n.now, n.now + ${link.forMs} * interval '1 millisecond'
    from (select ${state.now} as now offset 0) n
    returning expires_at`)
  return expires_at
}

/** Whom a link is for, whether or not it still counts. */
export async function readLink(
  db: Sql,
  state: State,
  hash: Buffer,
): Promise<{ readonly principal: string | null; readonly name: string } | undefined> {
  return await db.maybe<{ principal: string | null; name: string }>(
    sql`select principal, name from ${state.t('link')} where project = ${state.project} and hash = ${hash}`,
  )
}

/**
 * Uses up a link: of any number at the same instant one gets true, the others wait for its commit and get
 * false.
 */
export async function redeemLink(tx: Sql, state: State, hash: Buffer): Promise<boolean> {
  const used = await tx.run(sql`
    update ${state.t('link')} set redeemed_at = ${state.now}
    where project = ${state.project} and hash = ${hash} and redeemed_at is null and expires_at > ${state.now}`)
  return used > 0
}
