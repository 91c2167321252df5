import { sql, type Session } from '../../../lib/sql.ts'

/** Long enough for the server to call off a vacuum of its own (after `deadlock_timeout`, 1 s) that holds a lock we need. */
const patience = '2s'
/** What a reader may be kept waiting for while a lock that readers feel is asked for. */
const impatience = '100ms'

/**
 * Runs `work` with an empty `search_path`, so that printed definitions mean the same when they are executed, and puts the
 * transaction's own settings back afterwards: the engine's and the user's statements follow in the same transaction.
 */
export async function withSettings<T>(tx: Session, work: () => Promise<T>): Promise<T> {
  const was = await tx.one<{ path: string; lock: string }>(
    sql`select current_setting('search_path') as "path", current_setting('lock_timeout') as "lock"`,
  )
  await tx.run(sql`select set_config('search_path', '', true), set_config('lock_timeout', ${patience}, true)`)
  const result = await work()
  await tx.run(sql`select set_config('search_path', ${was.path}, true), set_config('lock_timeout', ${was.lock}, true)`)
  return result
}

/** From here on a lock is to be had at once, or the publication is put off (`PUBLISH_LOCKED`). */
export async function beImpatient(tx: Session): Promise<void> {
  await tx.run(sql`select set_config('lock_timeout', ${impatience}, true)`)
}
