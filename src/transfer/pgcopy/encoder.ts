/**
 * Batches of columns into PostgreSQL's binary COPY: sizes first, then column after column into one buffer, each row with
 * its own cursor. A chunk never splits a row; the header travels with the first, the trailer with the last.
 */
import { SluiceError } from '../../lib/error.ts'
import type { CopyColumn } from '../column.ts'
import { isCarried, notCarried } from '../fit.ts'
import { formatPgType } from '../pgtype.ts'
import type { Coercion, CopyChunk, CopySummary } from '../source.ts'
import type { ColumnEncoder, Out } from './column.ts'
import { convert } from './convert.ts'
import { fixedEncoder } from './fixed.ts'
import { numericEncoder } from './numeric.ts'
import { textOf, valueAt } from './value.ts'
import { varlenEncoder } from './varlen.ts'
import type { Batch, Layout, Vector } from './vector.ts'
import { writtenEncoder } from './written.ts'

/** `PGCOPY\n\377\r\n\0`, no flags, no extension. */
const header = Uint8Array.of(0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0)
const trailer = 2
/** What a chunk is filled up to; a row longer than that is a chunk of its own. */
export const chunkBytes = 768 * 1024
/** A summary names this many keys a column. */
const keysShown = 10

export interface EncoderPlan {
  readonly columns: readonly CopyColumn[]
  /** Target names of the key columns. */
  readonly key: readonly string[]
  readonly table: string
}

/** Where the memory of chunks comes from. */
export interface ChunkMemory {
  /** At least so many bytes, with anything in them. They go with the chunk that they become. */
  take(bytes: number): Uint8Array
  /** Of no use after all: what was taken and became no chunk. */
  give(memory: Uint8Array): void
}

const fresh: ChunkMemory = {
  // Not zeroed; of its own, so that a chunk keeps nothing else alive.
  take: (bytes) => Buffer.allocUnsafeSlow(bytes),
  give: () => undefined,
}

/** What one batch changed, per column; counted only when the batch is done, since a batch may be encoded twice. */
interface Change {
  count: number
  readonly keys: string[]
}

type Changes = Map<number, Change>

export class Encoder {
  readonly #plan: EncoderPlan
  readonly #fast: readonly (ColumnEncoder | null)[]
  readonly #totals: Changes = new Map()
  readonly #key: readonly number[]
  readonly #memory: ChunkMemory
  #out: Out
  #used = header.length
  #rowsInChunk = 0
  #rows = 0
  #bytes = 0

  /** `layouts`: of the plan's columns, in their order. Throws `SCHEMA_NARROWED` for a type that is not carried. */
  constructor(plan: EncoderPlan, layouts: readonly Layout[], memory: ChunkMemory = fresh) {
    const strange = plan.columns.find(({ type }) => !isCarried(type))
    if (strange !== undefined) throw notCarried(plan.table, strange.target, strange.type)
    this.#plan = plan
    this.#fast = plan.columns.map((column, index) => fastEncoder(layouts[index], column))
    this.#key = plan.key
      .map((name) => plan.columns.findIndex((column) => column.target === name))
      .filter((index) => index >= 0)
    this.#memory = memory
    this.#out = outOf(memory.take(chunkBytes))
    this.#out.bytes.set(header)
  }

  /** Takes a batch in and gives the chunks that became full. Rejects values with `VALUE_UNREPRESENTABLE`. */
  *encode(batch: Batch): Generator<CopyChunk, void> {
    const careful = new Set<number>()
    const { rows } = batch
    if (rows === 0) return
    for (;;) {
      const failed = yield* this.#attempt(batch, careful)
      if (failed === null) return
      careful.add(failed)
    }
  }

  /** The last chunk, with the trailer. */
  finish(): CopyChunk {
    if (this.#out.bytes.length - this.#used < trailer) this.#grow(this.#used + trailer)
    this.#out.view.setInt16(this.#used, -1)
    this.#used += trailer
    return this.#flush(0)
  }

  summary(): CopySummary {
    const coerced: Record<string, Coercion> = {}
    for (const [index, change] of this.#totals) {
      const column = this.#plan.columns[index]
      if (column === undefined || column.policy === 'error') continue
      coerced[column.target] = { policy: column.policy, count: change.count, keys: change.keys }
    }
    return { rows: this.#rows, bytes: this.#bytes, coerced }
  }

  /**
   * One try: null when the batch is encoded, else the column that turned out to need care. Only the first stretch of a
   * batch may fail after bytes were written, and a failed stretch is written again from its beginning.
   */
  *#attempt(batch: Batch, careful: Set<number>): Generator<CopyChunk, number | null> {
    const { rows } = batch
    const changes: Changes = new Map()
    const sizes = new Int32Array(rows).fill(2)
    const columns = this.#plan.columns.length
    const slow = new Map<number, (Uint8Array | null)[]>()
    for (let index = 0; index < columns; index++) {
      const vector = batch.columns[index]
      if (vector === undefined) throw new Error(`column ${index} is missing in the batch`)
      const fast = this.#fast[index]
      if (fast !== null && fast !== undefined && !careful.has(index)) {
        if (!fast.measure(vector, rows, sizes)) return index
      } else slow.set(index, this.#convert(batch, index, vector, sizes, changes))
    }
    const cursors = new Int32Array(rows)
    // A text with 0x00 shows only while it is written: all is checked before the first chunk leaves.
    const stretches = this.#stretches(sizes)
    if (stretches.length > 1) {
      const failed = this.#rehearse(sizes, slow)
      if (failed !== null) return failed
    }
    for (const { from, to, size } of stretches) {
      if (this.#rowsInChunk > 0 && this.#used + size + trailer > this.#out.bytes.length) yield this.#flush(size)
      if (this.#used + size + trailer > this.#out.bytes.length) this.#grow(this.#used + size + trailer)
      const failed = this.#write(from, to, sizes, cursors, slow)
      if (failed !== null) return failed
      this.#used += size
      this.#rowsInChunk += to - from
    }
    this.#rows += rows
    for (const [index, change] of changes) this.#count(index, change)
    return null
  }

  /** Writes a batch that spans several chunks into nothing, to find what needs care before anything has left. */
  #rehearse(sizes: Int32Array, slow: ReadonlyMap<number, unknown>): number | null {
    const cursors = new Int32Array(sizes.length)
    let largest = 0
    for (const size of sizes) if (size > largest) largest = size
    const scratch = outOf(fresh.take(largest))
    for (let index = 0; index < this.#plan.columns.length; index++) {
      const fast = this.#fast[index]
      if (slow.has(index) || fast === null || fast === undefined) continue
      for (let row = 0; row < sizes.length; row++) {
        cursors[row] = 0
        if (!fast.write(row, row + 1, scratch, cursors)) return index
      }
    }
    return null
  }

  #write(
    from: number,
    to: number,
    sizes: Int32Array,
    cursors: Int32Array,
    slow: ReadonlyMap<number, readonly (Uint8Array | null)[]>,
  ): number | null {
    const out = this.#out
    const count = this.#plan.columns.length
    let at = this.#used
    for (let row = from; row < to; row++) {
      out.view.setInt16(at, count)
      cursors[row] = at + 2
      at += sizes[row]!
    }
    for (let index = 0; index < count; index++) {
      const parts = slow.get(index)
      if (parts !== undefined) writeParts(parts, from, to, out, cursors)
      else if (this.#fast[index]?.write(from, to, out, cursors) === false) return index
    }
    return null
  }

  /** Rows that go into one chunk together. */
  #stretches(sizes: Int32Array): { readonly from: number; readonly to: number; readonly size: number }[] {
    const stretches: { from: number; to: number; size: number }[] = []
    let from = 0
    let size = 0
    for (let row = 0; row < sizes.length; row++) {
      const next = sizes[row]!
      if (size > 0 && size + next > chunkBytes - header.length - trailer) {
        stretches.push({ from, to: row, size })
        from = row
        size = 0
      }
      size += next
    }
    stretches.push({ from, to: sizes.length, size })
    return stretches
  }

  /** Value by value, with the column's policy. */
  #convert(batch: Batch, index: number, vector: Vector, sizes: Int32Array, changes: Changes): (Uint8Array | null)[] {
    const column = this.#plan.columns[index]!
    const parts: (Uint8Array | null)[] = []
    for (let row = 0; row < batch.rows; row++) {
      const part = this.#value(batch, row, index, column, vector, changes)
      parts.push(part)
      sizes[row]! += 4 + (part?.length ?? 0)
    }
    return parts
  }

  #value(
    batch: Batch,
    row: number,
    index: number,
    column: CopyColumn,
    vector: Vector,
    changes: Changes,
  ): Uint8Array | null {
    const value = valueAt(vector, row)
    if (value === null) return null
    const converted = convert(value, column.type)
    if (!('tag' in converted)) return converted
    const { policy } = column
    if (policy === 'error') throw this.#refused(batch, row, column, converted.why)
    const replaced = policy === 'null' ? null : policy === 'clamp' ? converted.nearest : (converted.spelled ?? null)
    if (replaced === null && policy !== 'null') {
      throw this.#refused(
        batch,
        row,
        column,
        `${converted.why}, and the policy «${policy}» has nothing to put in its place`,
      )
    }
    const change = changes.get(index) ?? { count: 0, keys: [] }
    change.count++
    if (change.keys.length < keysShown) change.keys.push(this.#keyOf(batch, row))
    changes.set(index, change)
    return replaced
  }

  #refused(batch: Batch, row: number, column: CopyColumn, why: string): SluiceError {
    const key = this.#keyOf(batch, row)
    return new SluiceError(
      'VALUE_UNREPRESENTABLE',
      `${column.target} of row ${key} does not fit ${formatPgType(column.type)}`,
      {
        why,
        fix: `give the column another type, or a policy: columns: { ${column.target}: { policy: 'null' } }`,
        where: { table: this.#plan.table, column: column.target, key },
      },
    )
  }

  /** The row's key as text; without a key, its number in reading order, from 1. */
  #keyOf(batch: Batch, row: number): string {
    if (this.#key.length === 0) return `number ${this.#rows + row + 1}`
    const parts = this.#key.map((index) => {
      const vector = batch.columns[index]
      const value = vector === undefined ? null : valueAt(vector, row)
      const text = value === null ? 'null' : textOf(value)
      return this.#key.length === 1 ? text : `${this.#plan.columns[index]?.target ?? ''}=${text}`
    })
    return parts.join(', ')
  }

  #count(index: number, change: Change): void {
    const total = this.#totals.get(index) ?? { count: 0, keys: [] }
    total.count += change.count
    total.keys.push(...change.keys.slice(0, keysShown - total.keys.length))
    this.#totals.set(index, total)
  }

  #flush(next: number): CopyChunk {
    const data = this.#out.bytes.subarray(0, this.#used)
    const chunk = { data, rows: this.#rowsInChunk }
    this.#bytes += this.#used
    this.#out = outOf(this.#memory.take(Math.max(chunkBytes, next + trailer)))
    this.#used = 0
    this.#rowsInChunk = 0
    return chunk
  }

  #grow(size: number): void {
    const grown = outOf(this.#memory.take(size))
    grown.bytes.set(this.#out.bytes.subarray(0, this.#used))
    this.#memory.give(this.#out.bytes)
    this.#out = grown
  }
}

function outOf(bytes: Uint8Array): Out {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
}

function writeParts(
  parts: readonly (Uint8Array | null)[],
  from: number,
  to: number,
  out: Out,
  cursors: Int32Array,
): void {
  for (let row = from; row < to; row++) {
    const part = parts[row] ?? null
    const at = cursors[row]!
    out.view.setInt32(at, part === null ? -1 : part.length)
    if (part !== null) out.bytes.set(part, at + 4)
    cursors[row] = at + 4 + (part?.length ?? 0)
  }
}

function fastEncoder(layout: Layout | undefined, column: CopyColumn): ColumnEncoder | null {
  if (layout === undefined) return null
  return (
    fixedEncoder(layout, column.type) ??
    numericEncoder(layout, column.type) ??
    writtenEncoder(layout, column.type) ??
    varlenEncoder(layout, column.type)
  )
}
