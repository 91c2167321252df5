/** The thread from outside: asks with an id, answers by that id, and an end that nobody waits for in vain. */
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { asset } from '../../lib/asset.ts'
import { SluiceError, type ErrorRecord } from '../../lib/error.ts'
import type { CopyChunk, CopySummary, CopyStream } from '../../transfer/source.ts'
import type { Answer, Ask, FromThread, ThreadOptions, ToThread } from './protocol.ts'

/** Chunks that may be under way: the thread encodes while the reader sends. */
const ahead = 4

type FromCopy = Extract<FromThread, { memory: unknown } | { chunk: unknown }>

interface Pending {
  done(answer: Answer[keyof Answer]): void
  failed(error: SluiceError): void
  /** Of a copy: its memory, then its chunks. */
  received(message: FromCopy): void
}

type CopyAsk = Omit<Extract<Ask, { tag: 'copy' }>, 'ahead'>
type PlainAsk = Exclude<Ask, { tag: 'copy' }>

export class Thread {
  /** Settles when the file is open. */
  readonly opened: Promise<void>
  /** Resolves when the thread has ended, for whatever reason: not before then may another open the file. */
  readonly gone: Promise<void>
  readonly #worker: Worker
  readonly #options: ThreadOptions
  readonly #pending = new Map<number, Pending>()
  #next = 1
  #dead: SluiceError | null = null

  constructor(options: ThreadOptions) {
    this.#options = options
    const opened = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    this.opened = opened.promise
    this.gone = gone.promise
    // Whoever asks hears of it; nobody has to.
    this.opened.catch(() => undefined)
    // Not the flags of this process: some of them (`-e`, `--input-type`, `--inspect`) are not for a thread.
    this.#worker = new Worker(asset.duckdbThread, {
      workerData: options,
      name: `duckdb ${options.store}`,
      execArgv: [],
      env: environment(),
    })
    this.#worker.on('message', (message: FromThread) => {
      if ('opened' in message) opened.resolve()
      else if ('broken' in message) end(message.broken)
      else if ('notOpened' in message) opened.reject(revived(message.notOpened))
      else this.#receive(message)
    })
    const end = (why: string): void => {
      this.#dead ??= lost(options.store, why)
      opened.reject(this.#dead)
      for (const pending of Array.from(this.#pending.values())) pending.failed(this.#dead)
      this.#pending.clear()
    }
    this.#worker.on('error', (error) => end(error instanceof Error ? error.message : String(error)))
    this.#worker.on('exit', (code) => {
      end(`its thread ended with ${code}`)
      gone.resolve()
    })
    // An open file alone does not keep the process alive; opening it and asking do.
    const rest = (): void => this.#rest()
    this.opened.then(rest, rest)
  }

  ask<A extends PlainAsk>(ask: A, signal?: AbortSignal): Promise<Answer[A['tag']]> {
    return new Promise((resolve, reject) => {
      this.#send(
        ask,
        {
          // The thread answers an ask with the answer of its tag.
          done: (answer) => resolve(answer as Answer[A['tag']]),
          failed: reject,
          received: () => undefined,
        },
        signal,
      )
    })
  }

  /** Starts a copy when it is iterated; leaving the loop ends it, and resolves only when the thread has let go of it. */
  copy(ask: CopyAsk, signal?: AbortSignal): CopyStream {
    const summary = Promise.withResolvers<CopySummary>()
    summary.promise.catch(() => undefined)
    const iterate = (): AsyncIterator<CopyChunk> => this.#chunks(ask, summary, signal)
    return { summary: summary.promise, [Symbol.asyncIterator]: iterate }
  }

  async *#chunks(
    ask: CopyAsk,
    summary: PromiseWithResolvers<CopySummary>,
    signal?: AbortSignal,
  ): AsyncGenerator<CopyChunk, void> {
    let memory: readonly Uint8Array[] = []
    const waiting: { readonly chunk: CopyChunk; readonly slot: number | null }[] = []
    let wake: (() => void) | null = null
    let ended: { readonly error: SluiceError | null } | null = null
    const finished = Promise.withResolvers<void>()
    const end = (error: SluiceError | null): void => {
      ended ??= { error }
      wake?.()
      finished.resolve()
    }
    const id = this.#send(
      { ...ask, ahead },
      {
        // A copy is answered with its summary.
        done: (answer) => {
          summary.resolve(answer as CopySummary)
          end(null)
        },
        failed: (error) => {
          summary.reject(error)
          end(error)
        },
        received: (message) => {
          if ('memory' in message) memory = message.memory.map((slot) => new Uint8Array(slot))
          else waiting.push(located(message, memory))
          wake?.()
        },
      },
      signal,
    )
    try {
      for (;;) {
        const next = waiting.shift()
        if (next !== undefined) {
          yield next.chunk
          // Asked for more, so this one has been read.
          this.#post({ id, read: { slot: next.slot } })
          continue
        }
        // Assigned in a callback, which the compiler does not follow.
        const end = ended as { readonly error: SluiceError | null } | null
        if (end?.error) throw end.error
        if (end !== null) return
        await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      if (ended === null) {
        this.#post({ id, cancel: true })
        await finished.promise
      }
    }
  }

  /** Lets what runs end by cancelling it, closes the file, ends the thread. Idempotent. */
  async close(): Promise<void> {
    if (this.#dead === null) await this.ask({ tag: 'close' }).catch(() => null)
    const timer = setTimeout(() => void this.#worker.terminate(), 2000)
    await this.gone
    clearTimeout(timer)
  }

  #send(ask: Ask, pending: Pending, signal?: AbortSignal): number {
    const id = this.#next++
    if (this.#dead !== null) {
      pending.failed(this.#dead)
      return id
    }
    if (signal?.aborted === true) {
      pending.failed(cancelled(this.#options.store, signal))
      return id
    }
    const abort = (): void => this.#post({ id, cancel: true })
    signal?.addEventListener('abort', abort, { once: true })
    const settle = (): void => {
      this.#pending.delete(id)
      signal?.removeEventListener('abort', abort)
      this.#rest()
    }
    this.#pending.set(id, {
      received: (received) => pending.received(received),
      done: (answer) => {
        settle()
        pending.done(answer)
      },
      failed: (error) => {
        settle()
        pending.failed(signal?.aborted === true ? cancelled(this.#options.store, signal) : error)
      },
    })
    this.#worker.ref()
    this.#post({ id, ask })
    return id
  }

  #receive(message: Extract<FromThread, { id: number }>): void {
    const pending = this.#pending.get(message.id)
    if (pending === undefined) return
    if ('chunk' in message || 'memory' in message) pending.received(message)
    else if ('done' in message) pending.done(message.done)
    else pending.failed(revived(message.failed))
  }

  #rest(): void {
    // A broken one is waited for.
    if (this.#pending.size === 0 && this.#dead === null) this.#worker.unref()
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message)
  }
}

/** A thread keeps its modules compiled where this process does only if it is told; else it takes nearly twice as long to start. */
function environment(): NodeJS.ProcessEnv {
  const kept = getCompileCacheDir()
  // Inside the folder that was asked for, each version of Node has one of its own.
  return kept === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(kept) }
}

/** A chunk where it lies, and the slot to give back once it is read. */
function located(
  { chunk, rows }: Extract<FromThread, { chunk: unknown }>,
  memory: readonly Uint8Array[],
): { readonly chunk: CopyChunk; readonly slot: number | null } {
  if (chunk.tag === 'own') return { chunk: { data: chunk.data, rows }, slot: null }
  const slot = memory[chunk.slot]
  if (slot === undefined) throw new Error(`there is no slot ${chunk.slot}`)
  return { chunk: { data: slot.subarray(0, chunk.length), rows }, slot: chunk.slot }
}

function revived(record: ErrorRecord): SluiceError {
  return new SluiceError(record.code, record.summary, { why: record.why, fix: record.fix, where: record.where })
}

function lost(store: string, why: string): SluiceError {
  return new SluiceError('STORE_LOST', `the thread of ${store} has ended`, { why, fix: 'try again', where: { store } })
}

/** What the caller gave as the reason wins. */
function cancelled(store: string, signal: AbortSignal): SluiceError {
  if (signal.reason instanceof SluiceError) return signal.reason
  return new SluiceError('RUN_CANCELLED', `reading from ${store} was cancelled`, {
    why: signal.reason instanceof Error ? signal.reason.message : 'the work was aborted',
    fix: 'run again',
    where: { store },
    cause: signal.reason,
  })
}
