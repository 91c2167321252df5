/**
 * Reading for applications: connections of their own, that can only read and give a statement up after a time, so that many
 * readers never take the connections that publishing needs. Statements are prepared once a connection, and rows come as the server's
 * own text, so that nothing is made of a value but what the reader wants of it.
 */
import pg from 'pg'
import { SluiceError } from '../../lib/error.ts'
import { clientConfig, describeUrl, requestCancel } from './connection.ts'
import type { ConnectionOptions } from './options.ts'
import { asStoreError } from './errors.ts'
import { Reading } from './reading.ts'
import type { Described, RowReader } from './result.ts'

export interface ReaderOptions extends Pick<ConnectionOptions, 'store' | 'url'> {
  /** Connections at most; 10 if left out. */
  readonly max?: number
  /** Prepared statements that a connection keeps; the one that was used longest ago gives way. 200 if left out. */
  readonly statements?: number
}

export interface ReadOptions {
  /** After so many milliseconds the statement is given up: `READ_TIMEOUT`. */
  readonly timeoutMs: number
  /** Ends the statement early; the read then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** A `Query`, or what was kept of one: its text is put together anew each time that it is asked for. */
export interface ReadStatement {
  readonly text: string
  readonly values: readonly unknown[]
}

export interface Reader extends AsyncDisposable {
  readonly store: string
  /**
   * Runs a statement; `row` gets the fields of each row as the server prints them. Resolves when the last row was given.
   *
   * @throws SluiceError `READ_TIMEOUT`, `STORE_*`; of the latter `sqlState` tells the server's own code.
   */
  read(query: ReadStatement, row: RowReader, options: ReadOptions): Promise<void>
  /** All rows; small results only. */
  all(query: ReadStatement, options: ReadOptions): Promise<readonly (readonly (string | null)[])[]>
  /** The columns that a statement would give, without running it. */
  describe(query: ReadStatement, options: ReadOptions): Promise<readonly Described[]>
}

const poolTimeoutMs = 60_000

/** Opens no connection yet. */
export function openReader(options: ReaderOptions): Reader {
  return new PooledReader(options)
}

class PooledReader implements Reader {
  readonly store: string
  readonly #pool: pg.Pool
  readonly #errorContext: { readonly store: string; readonly server: string }
  readonly #busy = new Set<pg.PoolClient>()
  readonly #statements: number
  /** By connection: the statements that it has prepared, by text, the one used longest ago first. */
  readonly #prepared = new WeakMap<pg.PoolClient, Map<string, string>>()
  #named = 0
  #closed: Promise<void> | undefined

  constructor(options: ReaderOptions) {
    this.store = options.store
    this.#statements = options.statements ?? 200
    this.#errorContext = { store: options.store, server: describeUrl(options.url) }
    const config = clientConfig({ ...options, applicationName: 'sluice reader', readOnly: true })
    this.#pool = new pg.Pool({
      max: options.max ?? 10,
      idleTimeoutMillis: 30_000,
      connectionTimeoutMillis: poolTimeoutMs,
      // As in client.ts: the pool's own waiting time is not the connection's.
      Client: class extends pg.Client {
        constructor() {
          super(config)
          this.connection.on('error', () => this.connection.stream.destroy())
        }
      },
    })
    this.#pool.on('error', () => {})
    this.#pool.on('connect', (client) => client.on('error', () => {}))
  }

  async read(query: ReadStatement, row: RowReader, options: ReadOptions): Promise<void> {
    const { text, values } = query
    const parameters = values.map(bound)
    await this.#with(
      options,
      (client) => new Reading({ text, values: parameters, row, prepared: this.#prepare(client, text) }),
    )
  }

  async all(query: ReadStatement, options: ReadOptions): Promise<readonly (readonly (string | null)[])[]> {
    const rows: (readonly (string | null)[])[] = []
    await this.read(query, (fields) => void rows.push(fields), options)
    return rows
  }

  async describe(query: ReadStatement, options: ReadOptions): Promise<readonly Described[]> {
    const { text } = query
    const reading = await this.#with(options, () => new Reading({ text, values: null, row: () => {} }))
    return reading.described
  }

  /** Waits up to 5 s for what is under way, then cuts it off. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const patience = setTimeout(() => {
      for (const client of this.#busy) client.connection.stream.destroy()
    }, 5000)
    await this.#pool.end()
    clearTimeout(patience)
  }

  async #with(options: ReadOptions, start: (client: pg.PoolClient) => Reading): Promise<Reading> {
    const { timeoutMs, signal } = options
    signal?.throwIfAborted()
    let client: pg.PoolClient
    try {
      client = await this.#pool.connect()
    } catch (error) {
      throw asStoreError(error, this.#errorContext)
    }
    this.#busy.add(client)
    let usable = false
    let late = false
    const reading = start(client)
    // A server that waits for a slow reader does not hear of a cancel: what still comes is let through, and thrown away.
    const leave = (): void => {
      reading.leave()
      void requestCancel(client)
    }
    const timer = setTimeout(() => {
      late = true
      leave()
    }, timeoutMs)
    signal?.addEventListener('abort', leave, { once: true })
    try {
      client.query(reading)
      await reading.done
      usable = !late && signal?.aborted !== true
      if (late) throw this.#timeout(timeoutMs)
      signal?.throwIfAborted()
      return reading
    } catch (error) {
      // What the connection has prepared may be the reason: another one prepares anew.
      if (signal?.aborted === true) throw signal.reason
      throw late ? this.#timeout(timeoutMs) : asStoreError(error, this.#errorContext)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', leave)
      this.#busy.delete(client)
      client.release(!usable)
    }
  }

  #timeout(timeoutMs: number): SluiceError {
    return new SluiceError('READ_TIMEOUT', `${this.store}: a read took longer than ${timeoutMs / 1000} s`, {
      why: 'it was given up, so that it does not hold up what is published',
      fix: 'ask for less, add an index for what is asked, or raise `timeout` of the endpoint',
      where: { store: this.store },
    })
  }

  /** The name of the statement on this connection; `old`: what has to give way for it. */
  #prepare(client: pg.PoolClient, text: string): { name: string; known: boolean; old: string | null } {
    let prepared = this.#prepared.get(client)
    if (prepared === undefined) {
      prepared = new Map()
      this.#prepared.set(client, prepared)
    }
    const known = prepared.get(text)
    if (known !== undefined) {
      prepared.delete(text)
      prepared.set(text, known)
      return { name: known, known: true, old: null }
    }
    const name = `r${(this.#named += 1)}`
    let old: string | null = null
    if (prepared.size >= this.#statements) {
      for (const [first, itsName] of prepared) {
        prepared.delete(first)
        old = itsName
        break
      }
    }
    prepared.set(text, name)
    return { name, known: false, old }
  }
}

function bound(value: unknown): string | null {
  if (value === null || typeof value === 'string') return value
  throw new Error('a reader binds text')
}
