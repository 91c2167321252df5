/**
 * The order in which waiting runs are offered to workers: pg-boss in a schema of its own. A job carries only the run's id and
 * has that id itself, so that a run is queued at most once. It is taken in the transaction that claims the run: no claim, no
 * loss. A run without a job is found all the same, a little later: the tables say what is true, a job only says it soon.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db, PgBoss } from 'pg-boss'
import { asSluiceError, type SluiceError } from '../lib/error.ts'
import { Query, raw, type Row, type Sql } from '../lib/sql.ts'
import type { State } from '../state/state.ts'

export interface Queue extends AsyncDisposable {
  /** Queues a run in the caller's transaction; nothing happens if it is queued already. Larger priorities come first. */
  send(tx: Sql, run: string, options: { readonly priority: number; readonly afterMs?: number }): Promise<void>
  /** Takes the next runs off the queue, in the caller's transaction: a rollback puts them back. Skips what others are taking. */
  take(tx: Sql, limit: number): Promise<readonly string[]>
  /** Takes this run off the queue, in the caller's transaction. */
  drop(tx: Sql, run: string): Promise<void>
}

/** Opens the project's queue, creating what is missing; safe from any number of processes at once. */
export async function openQueue(state: State): Promise<Queue> {
  const pgBoss = await import('pg-boss')
  const schema = quotedIfNeeded(`${state.schema}_jobs`)
  const create = (migrate: boolean): PgBoss => {
    const boss = new pgBoss.PgBoss({
      db: adapter(state.db),
      schema,
      migrate,
      supervise: false,
      schedule: false,
      reindex: false,
    })
    boss.on('error', () => {})
    boss.on('warning', () => {})
    return boss
  }
  let boss = create(false)
  try {
    await boss.start()
  } catch (thrown) {
    const { code } = asStoreError(thrown)
    // What does not answer, or refuses us, would not let itself be installed either.
    if (code !== 'INTERNAL' && code !== 'STORE_QUERY') throw asStoreError(thrown)
    await install(() => create(true))
    boss = create(false)
    await translated(boss.start())
  }
  const name = queueName(state.project)
  if ((await translated(boss.getQueue(name))) === null) await translated(boss.createQueue(name, { retryLimit: 0 }))
  return {
    send: async (tx, run, { priority, afterMs = 0 }) => {
      const startAfter = Math.ceil(afterMs / 1000)
      await translated(
        boss.send(name, { run }, { id: run, priority, ...(startAfter > 0 ? { startAfter } : {}), db: adapter(tx) }),
      )
    },
    take: async (tx, limit) => {
      const db = adapter(tx)
      const jobs = await translated(boss.fetch<{ run: string }>(name, { batchSize: limit, db }))
      if (jobs.length === 0) return []
      await translated(
        boss.deleteJob(
          name,
          jobs.map((job) => job.id),
          { db },
        ),
      )
      return jobs.map((job) => job.data.run)
    },
    drop: async (tx, run) => {
      await translated(boss.deleteJob(name, run, { db: adapter(tx) }))
    },
    [Symbol.asyncDispose]: async () => {
      await boss.stop({ graceful: false })
    },
  }
}

/** How often an installation is tried: whoever loses against another process finds everything there the next time. */
const installs = 5

/** Creates what is missing. Several at once get into each other's way: the server refuses all but one of them. */
async function install(create: () => PgBoss): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    const boss = create()
    try {
      await translated(boss.start())
      return
    } catch (thrown) {
      if (tried === installs) throw thrown
      await sleep(100 * tried)
    } finally {
      await boss.stop({ graceful: false }).catch(() => {})
    }
  }
}

/** Our errors by the driver's: pg-boss decides by the driver's text, the caller wants ours. */
const ours = new WeakMap<object, SluiceError>()

/** A database, or an open transaction, as pg-boss asks for it. */
function adapter(db: Sql): Db {
  return {
    executeSql: async (text, values = []) => {
      try {
        return { rows: await db.all<Row>(values.length === 0 ? raw(text) : query(text, values)) }
      } catch (thrown) {
        const error = asSluiceError(thrown)
        if (!(error.cause instanceof Error)) throw error
        ours.set(error.cause, error)
        throw error.cause
      }
    },
  }
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (thrown) {
    throw asStoreError(thrown)
  }
}

function asStoreError(thrown: unknown): SluiceError {
  return (typeof thrown === 'object' && thrown !== null ? ours.get(thrown) : undefined) ?? asSluiceError(thrown)
}

/** A text with `$1`, `$2`, … and its values as a query; a parameter that is used twice is given twice. */
export function query(text: string, values: readonly unknown[]): Query {
  const parts = text.split(/\$(\d+)/)
  const strings = parts.filter((_, place) => place % 2 === 0)
  const used = parts.filter((_, place) => place % 2 === 1).map((number) => values[Number(number) - 1])
  return new Query(strings, used)
}

/** pg-boss takes letters, digits and `_ . - /`; what else a project is called is told apart by a hash. */
export function queueName(project: string): string {
  const plain = project.replaceAll(/[^\w.-]/g, '_')
  if (plain === project) return `runs/${project}`
  return `runs/${plain}/${createHash('sha256').update(project).digest('hex').slice(0, 12)}`
}

function quotedIfNeeded(schema: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(schema) ? schema : `"${schema}"`
}
