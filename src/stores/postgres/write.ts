import type pg from 'pg'
import type { Socket } from 'node:net'
import { requestCancel } from './connection.ts'

const smallBytes = 64 * 1024
/** The server takes a message in whole before it reads the rows in it: one of this size is still in the processor's cache then. */
const messageBytes = 64 * 1024

/**
 * COPY from stdin. Chunks go to the socket as they are, five bytes of message header before every 64 KiB: nothing is copied but
 * what is smaller, which is gathered first. The next chunk is asked for when the system has taken the one before, which bounds
 * what is under way and lets whoever makes chunks fill the same memory again.
 *
 * Ends in one of three ways, each leaving the connection ready for the next statement (the statement itself is undone unless it
 * succeeded):
 * - the chunks end: resolves with the number of rows, once the server has them all;
 * - the chunks fail or the signal aborts: the server is told to fail the COPY; rejects with that failure;
 * - the server refuses: rejects with the server's error, and no further chunk is asked for.
 */
export async function copyIn(
  client: pg.Client,
  statement: string,
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<number> {
  signal?.throwIfAborted()
  const copy = new CopyIn(statement)
  let aborted: (() => void) | undefined
  const abort = new Promise<never>((_resolve, reject) => {
    aborted = () => reject(abortError(signal))
    signal?.addEventListener('abort', aborted, { once: true })
  })
  abort.catch(() => {})
  client.query(copy)
  try {
    const iterator = chunks[Symbol.asyncIterator]()
    let asked = false
    try {
      await Promise.race([copy.ready, abort])
      for (;;) {
        asked = true
        const next = await Promise.race([iterator.next(), copy.failed, abort])
        asked = false
        if (next.done === true) break
        const wait = copy.write(next.value)
        if (wait !== undefined) await Promise.race([wait, copy.failed, abort])
      }
    } catch (error) {
      // A source that is still at work on a chunk answers `return` only afterwards; it has its own signal.
      const returned = iterator.return?.()
      if (asked) returned?.catch(() => {})
      else await returned?.catch(() => {})
      throw error
    }
    return await Promise.race([copy.finish(), abort])
  } catch (error) {
    if (copy.settled) throw error
    // A server that takes neither data nor a cancellation leaves a connection that nobody can use again.
    const patience = setTimeout(
      () => client.connection.stream.destroy(new Error('Connection terminated: no answer to cancel')),
      10_000,
    )
    if (!copy.fail('cancelled by sluice')) await requestCancel(client)
    await copy.over
    clearTimeout(patience)
    throw error
  } finally {
    if (aborted !== undefined) signal?.removeEventListener('abort', aborted)
  }
}

function abortError(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}

/** What the driver knows of a statement of ours: it calls these as the server's messages arrive. */
class CopyIn implements pg.Submittable {
  /** The server wants data. */
  readonly ready: Promise<void>
  /** Rejects when the server refuses; never resolves. */
  readonly failed: Promise<never>
  /** The server is done with the statement, one way or the other. */
  readonly over: Promise<void>
  settled = false
  /** What the server takes: nothing yet, data, or nothing any more. */
  #phase: 'waiting' | 'accepting' | 'complete' = 'waiting'
  #failing: string | undefined
  readonly #ready = Promise.withResolvers<void>()
  readonly #failed = Promise.withResolvers<never>()
  readonly #over = Promise.withResolvers<void>()
  readonly #rows = Promise.withResolvers<number>()
  #socket: Socket | undefined
  #small = Buffer.allocUnsafe(smallBytes)
  #smallBytes = 0
  #count = Number.NaN
  readonly #text: string

  constructor(text: string) {
    this.#text = text
    this.ready = this.#ready.promise
    this.failed = this.#failed.promise
    this.over = this.#over.promise
    this.failed.catch(() => {})
    this.ready.catch(() => {})
    this.#rows.promise.catch(() => {})
  }

  submit(connection: pg.Connection): void {
    // The driver's stream is the socket, or the TLS socket on top of it.
    this.#socket = connection.stream as Socket
    connection.query(this.#text)
  }

  /** Sends a chunk; the promise is kept when its memory may be written to again. None: at once. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (chunk.byteLength >= smallBytes) {
      void this.#flushSmall()
      return this.#send(chunk)
    }
    const full = this.#smallBytes + chunk.byteLength > smallBytes ? this.#flushSmall() : undefined
    this.#small.set(chunk, this.#smallBytes)
    this.#smallBytes += chunk.byteLength
    return full
  }

  finish(): Promise<number> {
    void this.#flushSmall()
    this.#phase = 'complete'
    this.#socket?.write(message('c', 0))
    return this.#rows.promise
  }

  /** Has the server fail the COPY; false if that takes a cancel request, because it waits for a lock or has all the data. */
  fail(why: string): boolean {
    this.#failing = why
    if (this.#phase !== 'accepting') return false
    const text = Buffer.from(`${why}\0`)
    this.#socket?.write(Buffer.concat([message('f', text.byteLength), text]))
    return true
  }

  handleCopyInResponse(): void {
    this.#phase = 'accepting'
    // The cancel request came too early for the server to see it.
    if (this.#failing !== undefined) this.fail(this.#failing)
    this.#ready.resolve()
  }

  handleRowDescription(): void {}

  handleDataRow(): void {}

  handleCommandComplete(command: { readonly text?: string }): void {
    this.#count = Number(/^COPY (\d+)/.exec(command.text ?? '')?.[1] ?? Number.NaN)
  }

  handleReadyForQuery(): void {
    this.#settle()
    if (Number.isNaN(this.#count)) this.#reject(new Error('the statement was no COPY from stdin'))
    else this.#rows.resolve(this.#count)
  }

  /** The driver reports the server's error, or that the connection broke; ReadyForQuery then never comes to us. */
  handleError(error: Error): void {
    this.#settle()
    this.#reject(error)
  }

  #reject(error: Error): void {
    this.#failed.reject(error)
    this.#ready.reject(error)
    this.#rows.reject(error)
  }

  #settle(): void {
    this.settled = true
    this.#over.resolve()
  }

  #flushSmall(): Promise<void> | undefined {
    if (this.#smallBytes === 0) return undefined
    const gathered = this.#small.subarray(0, this.#smallBytes)
    this.#small = Buffer.allocUnsafe(smallBytes)
    this.#smallBytes = 0
    return this.#send(gathered)
  }

  /** Kept when all of it is with the system; never, once the server has refused. */
  #send(chunk: Uint8Array): Promise<void> | undefined {
    const socket = this.#socket
    if (socket === undefined || this.settled) return undefined
    return new Promise((resolve) => {
      // Corked: headers and chunk leave in one system call.
      socket.cork()
      for (let from = 0; from < chunk.byteLength; from += messageBytes) {
        const part = chunk.subarray(from, from + messageBytes)
        socket.write(message('d', part.byteLength))
        socket.write(part, from + messageBytes < chunk.byteLength ? undefined : () => resolve())
      }
      socket.uncork()
    })
  }
}

function message(type: 'c' | 'd' | 'f', bodyBytes: number): Buffer {
  const header = Buffer.allocUnsafe(5)
  header.writeUInt8(type.charCodeAt(0), 0)
  header.writeUInt32BE(bodyBytes + 4, 1)
  return header
}
