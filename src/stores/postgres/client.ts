import pg from 'pg'
import { SluiceError } from '../../lib/error.ts'
import { sql, type Database, type Query, type Row, type Session, type TransactionOptions } from '../../lib/sql.ts'
import { clientConfig, describeUrl } from './connection.ts'
import type { ConnectionOptions } from './options.ts'
import { asStoreError } from './errors.ts'
import { Listener } from './listen.ts'
import { copyOut } from './read.ts'
import { parameter } from './values.ts'
import { copyIn } from './write.ts'

export interface DatabaseOptions extends ConnectionOptions {
  /** Connections at most, the ones that listen not counted; 10 if left out. */
  readonly max?: number
}

/** How long a statement waits for a connection of a pool whose connections are all at work. */
const poolTimeoutMs = 60_000
const oldest = 140_000

/**
 * Opens a database: connects once, so that a wrong url fails here, and checks the version (14 and later).
 *
 * @throws SluiceError `STORE_UNREACHABLE` (within 10 s), `STORE_DENIED`, `STORE_BUSY`, `STORE_UNSUPPORTED`, `CONFIG_INVALID` (url).
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = new PooledDatabase(options)
  try {
    const version = await database.version()
    if (version < oldest) {
      throw new SluiceError('STORE_UNSUPPORTED', `${options.store} is PostgreSQL ${Math.floor(version / 10_000)}`, {
        why: 'Sluice needs PostgreSQL 14 or later',
        fix: 'name a newer server in the url of this store',
        where: { store: options.store },
      })
    }
    return database
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}

class PooledDatabase implements Database {
  readonly store: string
  readonly #pool: pg.Pool
  readonly #config: pg.ClientConfig
  readonly #errorContext: { readonly store: string; readonly server: string }
  readonly #busy = new Set<pg.PoolClient>()
  readonly #listeners = new Set<Listener>()
  #version: Promise<number> | undefined
  #closed: Promise<void> | undefined

  constructor(options: DatabaseOptions) {
    this.store = options.store
    this.#errorContext = { store: options.store, server: describeUrl(options.url) }
    const config = clientConfig(options)
    this.#config = config
    this.#pool = new pg.Pool({
      max: options.max ?? 10,
      idleTimeoutMillis: 30_000,
      connectionTimeoutMillis: poolTimeoutMs,
      // The pool hands every client the pool's own options; the waiting times of the two differ.
      Client: class extends pg.Client {
        constructor() {
          super(config)
          // A login that fails on our side leaves its socket open, and the server waits a minute for the rest of it.
          this.connection.on('error', () => this.connection.stream.destroy())
        }
      },
    })
    // An idle connection that breaks is dropped by the pool; the next statement takes another.
    this.#pool.on('error', () => {})
    // While a connection is lent, the pool does not listen; what it runs is told of the break by itself.
    this.#pool.on('connect', (client) => client.on('error', () => {}))
  }

  version(): Promise<number> {
    this.#version ??= this.one<{ version: number }>(
      sql`select current_setting('server_version_num')::int as version`,
    ).then(
      ({ version }) => version,
      (error: unknown) => {
        this.#version = undefined
        throw error
      },
    )
    return this.#version
  }

  all<R extends Row>(query: Query): Promise<R[]> {
    return this.#with((session) => session.all<R>(query))
  }

  one<R extends Row>(query: Query): Promise<R> {
    return this.#with((session) => session.one<R>(query))
  }

  maybe<R extends Row>(query: Query): Promise<R | undefined> {
    return this.#with((session) => session.maybe<R>(query))
  }

  run(query: Query): Promise<number> {
    return this.#with((session) => session.run(query))
  }

  transaction<T>(work: (tx: Session) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#with(async (session) => {
      await session.query(beginStatement(options))
      try {
        const result = await work(session)
        const committed = await session.query('commit')
        // A statement failed and the work went on as if it had not: the server answers commit with a rollback.
        if (committed.command !== 'COMMIT') throw rolledBack(this.store)
        return result
      } catch (error) {
        await session.query('rollback').catch(() => {})
        throw error
      }
    })
  }

  session<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#with(work, 'discard')
  }

  async listen(
    channel: string,
    notified: (payload: string) => void,
    again: () => void = () => {},
  ): Promise<AsyncDisposable> {
    const listener = new Listener(this.#config, channel, { notified, again })
    this.#listeners.add(listener)
    try {
      await listener.start()
    } catch (error) {
      await this.#unlisten(listener)
      throw asStoreError(error, this.#errorContext)
    }
    return { [Symbol.asyncDispose]: () => this.#unlisten(listener) }
  }

  /** Waits up to 5 s for what is under way, then cuts it off. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => this.#unlisten(listener)))
    const patience = setTimeout(() => {
      for (const client of this.#busy) client.connection.stream.destroy()
    }, 5000)
    await this.#pool.end()
    clearTimeout(patience)
  }

  async #unlisten(listener: Listener): Promise<void> {
    this.#listeners.delete(listener)
    await listener[Symbol.asyncDispose]()
  }

  async #with<T>(work: (session: PooledSession) => Promise<T>, after: 'keep' | 'discard' = 'keep'): Promise<T> {
    let client: pg.PoolClient
    try {
      client = await this.#pool.connect()
    } catch (error) {
      throw asStoreError(error, this.#errorContext)
    }
    this.#busy.add(client)
    const session = new PooledSession(client, this.#errorContext)
    try {
      return await work(session)
    } finally {
      session.close()
      this.#busy.delete(client)
      client.release(!(await reusable(client, after)))
    }
  }
}

/** One connection, for as long as it is lent. */
class PooledSession implements Session {
  readonly #client: pg.PoolClient
  readonly #errorContext: { readonly store: string; readonly server: string }
  #closed = false

  constructor(client: pg.PoolClient, errorContext: { readonly store: string; readonly server: string }) {
    this.#client = client
    this.#errorContext = errorContext
  }

  async all<R extends Row>(query: Query): Promise<R[]> {
    // The caller names the shape that its statement selects; lib/sql.ts leaves it at that.
    return (await this.query(query)).rows as R[]
  }

  async one<R extends Row>(query: Query): Promise<R> {
    const rows = await this.all<R>(query)
    const [row] = rows
    if (row === undefined || rows.length > 1) {
      throw new SluiceError('INTERNAL', `a statement gave ${rows.length} rows where one was due`, {
        why: query.text.trim().slice(0, 200),
        fix: 'report it',
        where: { store: this.#errorContext.store },
      })
    }
    return row
  }

  async maybe<R extends Row>(query: Query): Promise<R | undefined> {
    const [row] = await this.all<R>(query)
    return row
  }

  async run(query: Query): Promise<number> {
    return (await this.query(query)).rowCount ?? 0
  }

  async copyIn(statement: Query, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number> {
    const text = withoutParameters(statement)
    let sourceFailed = false
    // A failure of the source is the source's: it is passed on as it is.
    const guarded = guardSource(chunks, () => {
      sourceFailed = true
    })
    try {
      return await copyIn(this.#lent(), text, guarded, signal)
    } catch (error) {
      if (sourceFailed || isReason(error, signal)) throw error
      throw asStoreError(error, this.#errorContext)
    }
  }

  async *copyOut(statement: Query): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks = copyOut(this.#lent(), withoutParameters(statement))
    let next: IteratorResult<Uint8Array, void>
    try {
      for (;;) {
        try {
          next = await chunks.next()
        } catch (error) {
          throw asStoreError(error, this.#errorContext)
        }
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await chunks.return()
    }
  }

  async query(query: Query | string): Promise<pg.QueryResult<Row>> {
    const client = this.#lent()
    try {
      const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] =
        typeof query === 'string'
          ? await client.query<Row>(query)
          : await client.query<Row>(query.text, query.values.map(parameter))
      // Several statements in one text answer with a list: the last one counts.
      return Array.isArray(result) ? lastOf(result) : result
    } catch (error) {
      throw asStoreError(error, this.#errorContext)
    }
  }

  close(): void {
    this.#closed = true
  }

  #lent(): pg.PoolClient {
    if (this.#closed) throw new Error('a session was used after it was given back')
    return this.#client
  }
}

async function* guardSource(
  chunks: AsyncIterable<Uint8Array>,
  failed: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks
  } catch (error) {
    failed()
    throw error
  }
}

/** An abort is the caller's: it is passed on as it is. */
function isReason(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted !== true) return false
  return error === signal.reason || (error instanceof Error && error.cause === signal.reason)
}

function lastOf(results: readonly pg.QueryResult<Row>[]): pg.QueryResult<Row> {
  const last = results.at(-1)
  if (last === undefined) throw new Error('no statement')
  return last
}

/** Whether the next borrower may have this connection; with `discard`, all that the session left behind is reset first. */
async function reusable(client: pg.PoolClient, after: 'keep' | 'discard'): Promise<boolean> {
  // 'T' or 'E': a transaction was left open; nobody may inherit it.
  if (client.getTransactionStatus() !== 'I') return false
  if (after === 'keep') return true
  return client.query('discard all').then(
    () => true,
    () => false,
  )
}

function beginStatement({ isolation, readOnly }: TransactionOptions): string {
  return ['begin', isolation && `isolation level ${isolation}`, readOnly === true && 'read only']
    .filter(Boolean)
    .join(' ')
}

function withoutParameters(statement: Query): string {
  if (statement.values.length > 0) throw new Error('COPY takes no parameters')
  return statement.text
}

function rolledBack(store: string): SluiceError {
  return new SluiceError('STORE_QUERY', `${store} rolled the transaction back`, {
    why: 'a statement in it had failed, and the work went on regardless',
    fix: 'report it',
    where: { store },
  })
}
