/**
 * A list as it is read: rows become text as they come, text becomes chunks. A short list is one text; of a long one the reader takes chunk
 * after chunk, and while it does not, the server waits. What is in memory is bounded by `most`.
 *
 *     reading ──▶ whole (short) ─────────────────────────▶ one text
 *         └─ more than `most` waits ─▶ held ◀─▶ taken ──▶ whole, or failed, or left by its reader
 */
import type { Pace } from '../stores/postgres/result.ts'

type Fields = readonly (string | null)[]
type Row = (fields: Fields, pace: Pace) => void

const chunkLength = 64 * 1024
/** So much is text at most: what it was put together from lives until it is written, and is copied by every collection meanwhile. */
const textLength = 4 * 1024
/** Bytes that wait before the server has to. */
const most = 512 * 1024

export interface Chunked {
  /** The first row, written or not; undefined: there is none. Rejects as the read does. */
  readonly first: Promise<Fields | undefined>
  readonly whole: Promise<void>
  /** To be asked for once, after `first`. `leave` is called when the chunks are left before their end. */
  body(leave: () => void): Promise<string | Uint8Array | AsyncIterable<Uint8Array>>
}

/** `headed`: the first row is not written. */
export function chunked(
  read: (row: Row) => Promise<void>,
  write: (fields: Fields) => string,
  headed: boolean,
): Chunked {
  const first = Promise.withResolvers<Fields | undefined>()
  const chunks: Uint8Array[] = []
  let text = '['
  let separator = ''
  let begun = false
  let waiting = 0
  let ended = false
  let held: Pace | undefined
  /** Called when there is something new: a chunk, the end. */
  let heard = (): void => {}

  let open = Buffer.alloc(0)
  let filled = 0

  /** Writes the text into the open chunk; that, when it is full. */
  const settle = (): Uint8Array | null => {
    const bytes = text.length * 3
    let full: Uint8Array | null = null
    if (filled + bytes > open.length) {
      if (filled > 0) full = open.subarray(0, filled)
      open = Buffer.allocUnsafeSlow(Math.max(chunkLength, bytes))
      filled = 0
    }
    filled += open.write(text, filled)
    text = ''
    return full
  }
  /** Ends the list: what was not in a full chunk. */
  const rest = (): readonly Uint8Array[] => {
    text += ']'
    const full = settle()
    const last = open.subarray(0, filled)
    return full === null ? [last] : [full, last]
  }

  const whole = read((fields, pace) => {
    if (!begun) {
      begun = true
      first.resolve(fields)
      if (headed) return
    }
    text += separator
    text += write(fields)
    separator = ','
    if (text.length < textLength) return
    const chunk = settle()
    if (chunk === null) return
    chunks.push(chunk)
    waiting += chunk.length
    if (waiting >= most && held === undefined) {
      held = pace
      pace.hold()
    }
    heard()
  }).finally(() => {
    ended = true
    heard()
  })
  whole.then(() => first.resolve(undefined), first.reject)

  const news = (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    heard = resolve
    return promise
  }

  async function* taken(leave: () => void): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = chunks.shift()
        if (chunk !== undefined) {
          waiting -= chunk.length
          if (waiting < most / 2 && held !== undefined) {
            held.resume()
            held = undefined
          }
          yield chunk
        } else if (ended) {
          await whole
          yield* rest()
          return
        } else {
          await news()
        }
      }
    } finally {
      if (!ended) leave()
    }
  }

  return {
    first: first.promise,
    whole,
    body: async (leave) => {
      while (!ended && waiting < most) await news()
      if (!ended) return taken(leave)
      await whole
      if (filled === 0) return `${text}]`
      const parts = [...chunks, ...rest()]
      return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
    },
  }
}
