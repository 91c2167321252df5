import { sql, type Session } from '../../../lib/sql.ts'

/** Long enough for the server to call off a vacuum of its own (after `deadlock_timeout`, 1 s if nobody set it) that holds a lock we need. */
const patience = '2s'
/** How soon it does so where the role may say so: only a superuser may. */
const vacuumPatience = '50ms'
/** What a reader may be kept waiting for while a lock that readers feel is asked for. */
const impatience = '100ms'

/**
 * Runs `work` with an empty `search_path`, so that printed definitions mean the same when they are executed, and puts the
 * transaction's own settings back afterwards: the engine's and the user's statements follow in the same transaction.
 * `work` is told the transaction's own path.
 */
export async function withSettings<T>(tx: Session, work: (searchPath: string) => Promise<T>): Promise<T> {
  const was = await tx.one<{ path: string; lock: string; security: string; deadlock: string }>(sql`
    select current_setting('search_path') as "path", current_setting('lock_timeout') as "lock",
      current_setting('row_security') as "security", current_setting('deadlock_timeout') as "deadlock"`)
  await tx.run(sql`select set_config('search_path', '', true), set_config('lock_timeout', ${patience}, true)`)
  await callVacuumOff(tx, vacuumPatience)
  const result = await work(was.path)
  await tx.run(sql`
    select set_config('search_path', ${was.path}, true), set_config('lock_timeout', ${was.lock}, true),
      set_config('row_security', ${was.security}, true)`)
  await callVacuumOff(tx, was.deadlock)
  return result
}

async function callVacuumOff(tx: Session, after: string): Promise<void> {
  await tx.run(sql`
    select set_config('deadlock_timeout', ${after}, true) where current_setting('is_superuser') = 'on'`)
}

/** Runs `work` with this `search_path`: triggers of the user's name things without their schema. The empty one follows. */
export async function withSearchPath<T>(tx: Session, path: string, work: () => Promise<T>): Promise<T> {
  await tx.run(sql`select set_config('search_path', ${path}, true)`)
  const result = await work()
  await tx.run(sql`select set_config('search_path', '', true)`)
  return result
}

/** From here on a lock is to be had at once, or the publication is put off (`PUBLISH_LOCKED`). */
export async function beImpatient(tx: Session): Promise<void> {
  await tx.run(sql`select set_config('lock_timeout', ${impatience}, true)`)
}

/**
 * Room to hash one of two tables in, for the rest of this transaction: an eighth of what the server is said to cache in (but
 * at most 1.5 GB), shared by all who hash. `workers`: 0 is alone, else a server that allows more keeps its setting.
 */
export async function roomToCompare(tx: Session, workers: number): Promise<void> {
  await tx.run(sql`
    select set_config('max_parallel_workers_per_gather', case ${workers}::int when 0 then 0
        else greatest(current_setting('max_parallel_workers_per_gather')::int, ${workers}::int) end::text, true),
      -- What differs is a small part, which the planner does not know.
      set_config('parallel_tuple_cost', '0', true)`)
  await tx.run(sql`
    select set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024,
      (least(pg_size_bytes(current_setting('effective_cache_size')) / 8192, 1572864)
        / (current_setting('max_parallel_workers_per_gather')::int + 1)
        / current_setting('hash_mem_multiplier')::float8)::bigint)::text, true)`)
}
