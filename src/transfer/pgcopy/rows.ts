/**
 * Binary COPY read back row by row, whatever the chunks' boundaries: the fields' places are written into two arrays that
 * are used again for every row, so that nothing is allocated for a value.
 */

/** A row where it lies. Valid only while it is visited. */
export interface Row {
  bytes: Uint8Array
  view: DataView
  /** Field → where its value begins in `bytes`. */
  readonly starts: Int32Array
  /** Field → its length in bytes; -1: null. */
  readonly lengths: Int32Array
}

const signature = Uint8Array.of(0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0)
const fixedHeader = 19
const empty = new Uint8Array(0)

/**
 * Feed it chunks of a binary COPY stream in order; it calls `visit` for every row.
 *
 *   header ──► rows ──► ended
 */
export class RowSplitter {
  /** Rows visited so far. */
  rows = 0
  readonly #fields: number
  readonly #visit: (row: Row) => void
  readonly #row: Row
  /** What a chunk left over, at its front; grows by doubling, so that a long row is copied a bounded number of times. */
  #held: Uint8Array = empty
  #heldLength = 0
  #state: 'header' | 'rows' | 'ended' = 'header'

  constructor(fields: number, visit: (row: Row) => void) {
    this.#fields = fields
    this.#visit = visit
    this.#row = { bytes: empty, view: viewOf(empty), starts: new Int32Array(fields), lengths: new Int32Array(fields) }
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.#heldLength === 0) {
      const used = this.#walk(chunk)
      if (used < chunk.length) this.#hold(chunk.subarray(used))
      return
    }
    this.#hold(chunk)
    const whole = this.#held.subarray(0, this.#heldLength)
    const used = this.#walk(whole)
    if (used === 0) return
    this.#held.copyWithin(0, used, this.#heldLength)
    this.#heldLength -= used
  }

  /** The stream has ended: with its trailer, or it was cut off, which is an error. */
  end(): void {
    if (this.#state !== 'ended' || this.#heldLength > 0) throw new Error('the binary COPY stream was cut off')
  }

  #hold(bytes: Uint8Array): void {
    const needed = this.#heldLength + bytes.length
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(needed, this.#held.length * 2, 65_536))
      grown.set(this.#held.subarray(0, this.#heldLength))
      this.#held = grown
    }
    this.#held.set(bytes, this.#heldLength)
    this.#heldLength = needed
  }

  /** Visits the whole rows of `bytes`; how many bytes they took. */
  #walk(bytes: Uint8Array): number {
    const row = this.#row
    const view = viewOf(bytes)
    row.bytes = bytes
    row.view = view
    let at = 0
    if (this.#state === 'header') {
      at = headerLength(bytes, view)
      if (at === 0) return 0
      this.#state = 'rows'
    }
    if (this.#state === 'ended') throw new Error('the binary COPY stream goes on after its trailer')
    const { starts, lengths } = row
    const fields = this.#fields
    const end = bytes.length
    for (;;) {
      if (at + 2 > end) return at
      const count = view.getInt16(at)
      if (count === -1) {
        this.#state = 'ended'
        if (at + 2 < end) throw new Error('the binary COPY stream goes on after its trailer')
        return at + 2
      }
      if (count !== fields) throw new Error(`a row has ${count} fields instead of ${fields}`)
      let next = at + 2
      let field = 0
      for (; field < fields; field++) {
        if (next + 4 > end) break
        const length = view.getInt32(next)
        next += 4
        starts[field] = next
        lengths[field] = length
        if (length > 0) next += length
      }
      if (field < fields || next > end) return at
      at = next
      this.rows++
      this.#visit(row)
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** 0 while it is not whole. */
function headerLength(bytes: Uint8Array, view: DataView): number {
  if (bytes.length < fixedHeader) return 0
  if (signature.some((byte, index) => bytes[index] !== byte)) throw new Error('this is no binary COPY stream')
  const length = fixedHeader + view.getInt32(15)
  return bytes.length < length ? 0 : length
}
