/**
 * A DuckDB file, as the rest of Sluice sees it. One thread owns the one instance of the file; everybody in this process
 * who opens the same path shares it, and the last one to close it ends it. If the thread dies, what it was asked fails
 * with `STORE_LOST`, and the next ask starts another.
 */
import { resolve } from 'node:path'
import { SluiceError } from '../../lib/error.ts'
import type { Json } from '../../lib/json.ts'
import type { Source } from '../../transfer/source.ts'
import { busy, readHolder, removeHolder, writeHolder } from './lock.ts'
import type { From, ThreadOptions } from './protocol.ts'
import { duckdbSource } from './source.ts'
import { Thread } from './owner.ts'

export interface OpenDuckdbOptions {
  /** The database file, absolute; created if missing. `:memory:`: none, and shared by nobody. */
  readonly path: string
  /**
   * Where relative paths count from, in queries too: the folder of the config. Without: the current directory. Who shares an open
   * file shares this with whoever opened it first.
   */
  readonly directory?: string
  /** The store's name in the config, for errors. */
  readonly store: string
  readonly threads?: number
  /** `256MB` */
  readonly memory?: string
  readonly readOnly?: boolean
}

/** What is read: `SourceSpec` of a flow. */
export type DuckdbSourceSpec = From & { readonly changed: string | null }

export interface Duckdb extends AsyncDisposable {
  readonly store: string
  readonly path: string
  /** All rows of a query. Small results only: int64 and larger arrive as text, dates and times as DuckDB prints them. */
  all<R extends Readonly<Record<string, Json>>>(query: string, signal?: AbortSignal): Promise<R[]>
  /** Runs one or more statements. */
  run(statement: string, signal?: AbortSignal): Promise<void>
  source(spec: DuckdbSourceSpec): Source
  /** Gives the file back; the last one ends the thread. Idempotent. */
  close(): Promise<void>
}

interface Shared {
  readonly options: ThreadOptions
  users: number
  thread: Promise<Thread> | null
}

/** By path: a second instance of one file in one process would see other rows and say nothing. */
const open = new Map<string, Shared>()
/** Closing ends before the same file is opened again. */
const closing = new Map<string, Promise<void>>()

/** Opens a DuckDB file, or shares the one that this process has open. `STORE_BUSY` if another process holds it. */
export async function openDuckdb(options: OpenDuckdbOptions): Promise<Duckdb> {
  const path = options.path === ':memory:' ? options.path : resolve(options.path)
  await closing.get(path)
  const shared = (path === ':memory:' ? undefined : open.get(path)) ?? {
    options: {
      store: options.store,
      path,
      directory: resolve(options.directory ?? '.'),
      threads: options.threads ?? 2,
      memory: options.memory ?? '256MB',
      readOnly: options.readOnly ?? false,
    },
    users: 0,
    thread: null,
  }
  if (path !== ':memory:') open.set(path, shared)
  shared.users++
  const handle = new Handle(shared, options.store)
  try {
    await handle.thread()
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
  return handle
}

class Handle implements Duckdb {
  readonly store: string
  readonly path: string
  readonly #shared: Shared
  #closed: Promise<void> | null = null

  constructor(shared: Shared, store: string) {
    this.#shared = shared
    this.store = store
    this.path = shared.options.path
  }

  async all<R extends Readonly<Record<string, Json>>>(query: string, signal?: AbortSignal): Promise<R[]> {
    const rows = await (await this.thread()).ask({ tag: 'all', query }, signal)
    // The caller names the shape that the query selects.
    return [...rows] as R[]
  }

  async run(statement: string, signal?: AbortSignal): Promise<void> {
    await (await this.thread()).ask({ tag: 'run', statement }, signal)
  }

  source(spec: DuckdbSourceSpec): Source {
    return duckdbSource(this.store, this.#shared.options.directory, () => this.thread(), spec)
  }

  close(): Promise<void> {
    this.#closed ??= release(this.#shared)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  thread(): Promise<Thread> {
    if (this.#closed !== null) {
      return Promise.reject(
        new SluiceError('STORE_LOST', `the DuckDB file of ${this.store} is closed`, {
          why: 'it was used after it had been closed',
          fix: 'open it again',
        }),
      )
    }
    const shared = this.#shared
    if (shared.thread !== null) return shared.thread
    const thread = start(shared.options)
    const forget = (): void => {
      if (shared.thread === thread) shared.thread = null
    }
    shared.thread = thread
    thread.then((started) => started.gone).then(forget, forget)
    return thread
  }
}

async function start(options: ThreadOptions): Promise<Thread> {
  const thread = new Thread(options)
  try {
    await thread.opened
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === 'STORE_BUSY') {
      throw busy(options.store, options.path, await readHolder(options.path), thrown.why)
    }
    throw thrown
  }
  if (options.path !== ':memory:' && !options.readOnly) await writeHolder(options.path)
  return thread
}

async function release(shared: Shared): Promise<void> {
  shared.users--
  if (shared.users > 0) return
  const { path, readOnly } = shared.options
  if (open.get(path) === shared) open.delete(path)
  const ended = (async () => {
    const thread = await shared.thread?.catch(() => null)
    if (thread === null || thread === undefined) return
    // Before the file is free, lest the name of the next holder be removed.
    if (path !== ':memory:' && !readOnly) await removeHolder(path)
    await thread.close()
  })()
  closing.set(path, ended)
  await ended
  if (closing.get(path) === ended) closing.delete(path)
}
