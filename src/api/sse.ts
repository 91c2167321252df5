/**
 * Server-sent events. One message at a time: the next one is asked for when the client has taken the one before, so nothing piles up
 * here. What is followed is let go of as soon as the client is gone, does not read, or the server stops.
 *
 *     open ──message or ping──> written ──drained──> open
 *       ├── source ended ───────────────> ended
 *       ├── client gone, server closing ─> aborted
 *       └── not drained for a minute ────> aborted
 */
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { SluiceError } from '../lib/error.ts'
import type { Api } from './route.ts'

/** The header by which a stream is resumed, for the schema of a route. */
export const streamHeaders = z.looseObject({
  'last-event-id': z.string().max(20).optional().describe('the id of the last event that was seen: go on after it'),
})

/** Milliseconds that a stream may last at most: as long as a timer can be set. */
export const streamLimit = 2_147_483_647

export interface Message {
  readonly id?: string
  readonly event: string
  readonly data: unknown
}

export interface StreamOptions {
  /** The server stops: `closingOf`. */
  readonly closing: AbortSignal
  /** How long nothing may be said; then a comment is. */
  readonly pingMs?: number
  /** How long a client may not read. */
  readonly stallMs?: number
  /** Asked every `pingMs`, however much is said; false ends the stream, so that a revoked token sees no more. */
  readonly still?: () => Promise<boolean>
}

/** Answers with what `source` yields until it ends. `source` gets a signal that aborts when nobody listens any more. */
export function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  source: (signal: AbortSignal) => AsyncIterable<Message>,
  { closing, pingMs = 15_000, stallMs = 60_000, still = () => Promise.resolve(true) }: StreamOptions,
): FastifyReply {
  const over = new AbortController()
  const body = Readable.from(framed(), { highWaterMark: 1 })
  async function* framed(): AsyncGenerator<string> {
    yield 'retry: 2000\n\n'
    const messages = source(over.signal)[Symbol.asyncIterator]()
    let pending = messages.next()
    let looked = performance.now()
    try {
      for (;;) {
        const next = await within(pending, pingMs, over.signal)
        if (over.signal.aborted || (next !== 'nothing' && next.done === true)) return
        if (next === 'nothing' || performance.now() - looked >= pingMs) {
          if (!(await still())) return
          looked = performance.now()
        }
        const stalled = setTimeout(() => body.destroy(), stallMs)
        try {
          yield next === 'nothing' ? ': ping\n\n' : frame(next.value)
        } finally {
          clearTimeout(stalled)
        }
        if (next !== 'nothing') pending = messages.next()
      }
    } catch (error) {
      if (!over.signal.aborted) request.log.error({ err: error }, 'a stream of events broke off')
    } finally {
      over.abort()
      // Asked for already: it ends with the signal, however it ends.
      pending.catch(() => {})
      await messages.return?.(undefined)?.catch(() => {})
    }
  }
  const gone = (): void => {
    over.abort()
    body.destroy()
  }
  // What was said is sent; then the connection goes, which would be kept for another request otherwise.
  const end = (): void => {
    reply.raw.once('finish', () => leave(request.raw.socket))
    over.abort()
  }
  body.once('close', () => over.abort())
  reply.raw.once('close', gone)
  closing.addEventListener('abort', end, { once: true })
  body.once('close', () => closing.removeEventListener('abort', end))
  return reply
    .type('text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(body)
}

/** A request without a connection (`app.inject`) has nothing to end. */
function leave(socket: Partial<Pick<Socket, 'destroySoon'>>): void {
  socket.destroySoon?.()
}

/** Aborts when the server begins to close: before it waits for the answers that are under way. */
export function closingOf(app: Api): AbortSignal {
  const closing = new AbortController()
  app.addHook('preClose', (done) => {
    closing.abort()
    done()
  })
  return closing.signal
}

/** A message on the wire. Its data is JSON and hence one line. Pure. */
export function frame({ id, event, data }: Message): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** The id of the last message that a client has seen; null: none. `REQUEST_INVALID` when it is none of ours. */
export function lastEventId(request: FastifyRequest): number | null {
  const header = request.headers['last-event-id']
  if (header === undefined || header === '') return null
  const id = typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : null
  if (id !== null) return id
  throw new SluiceError('REQUEST_INVALID', 'The request does not fit its schema', {
    why: 'headers/last-event-id: is not the id of an event of this stream',
    fix: 'leave it out to begin anew',
    problems: [{ path: 'last-event-id', fault: 'is not the id of an event of this stream' }],
  })
}

/** Whether the client would rather have events than JSON. */
export function wantsEvents(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').includes('text/event-stream')
}

/** What the promise brings; or nothing, after that time or when the signal aborts. */
async function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | 'nothing'> {
  let give = (): void => {}
  const nothing = new Promise<'nothing'>((resolve) => {
    give = () => resolve('nothing')
  })
  const timer = setTimeout(give, ms)
  signal.addEventListener('abort', give, { once: true })
  try {
    return await Promise.race([promise, nothing])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', give)
  }
}
