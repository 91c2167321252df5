import { hashName, type HashBatch } from '../compare.ts'
import type { PgType } from '../pgtype.ts'
import { RowHasher } from './hash.ts'
import { RowSplitter, type Row } from './rows.ts'

/** How the rows of a binary COPY stream are hashed. */
export interface RowPlan {
  /** The type of each field, in order. */
  readonly types: readonly PgType[]
  /** Positions of the key's fields; empty: a row is its own key. */
  readonly key: readonly number[]
}

/** A row whose hash was asked for. */
export interface FoundRow {
  /** `hashName` of its hash. */
  readonly name: string
  readonly fields: readonly (Uint8Array | null)[]
}

/** Hashes of all rows, a batch a chunk. Both sides of a comparison must have the same types in the same order. */
export async function* hashRows(chunks: AsyncIterable<Uint8Array>, plan: RowPlan): AsyncIterable<HashBatch> {
  const whole = wholeRow(plan)
  const key = plan.key.length === 0 ? null : new RowHasher(plan.types, plan.key)
  let rows = new Uint32Array(8_192)
  let keys = key === null ? rows : new Uint32Array(8_192)
  let used = 0
  const splitter = new RowSplitter(plan.types.length, (row) => {
    if (used === rows.length) {
      rows = grown(rows)
      keys = key === null ? rows : grown(keys)
    }
    whole.hash(row)
    rows[used] = whole.low
    rows[used + 1] = whole.high
    if (key !== null) {
      key.hash(row)
      keys[used] = key.low
      keys[used + 1] = key.high
    }
    used += 2
  })
  for await (const chunk of chunks) {
    used = 0
    splitter.push(chunk)
    if (used > 0) yield { rows: used / 2, key: keys, row: rows }
  }
  splitter.end()
}

/** The rows whose hashes are wanted, each once. The stream is read to its end: to leave a COPY early would cost its transaction. */
export async function* findRows(
  chunks: AsyncIterable<Uint8Array>,
  plan: RowPlan,
  wanted: ReadonlySet<string>,
): AsyncIterable<FoundRow> {
  const whole = wholeRow(plan)
  const missing = new Set(wanted)
  let found: FoundRow[] = []
  const splitter = new RowSplitter(plan.types.length, (row) => {
    if (missing.size === 0) return
    whole.hash(row)
    const name = hashName(whole.low, whole.high)
    if (missing.delete(name)) found.push({ name, fields: fieldsOf(row) })
  })
  for await (const chunk of chunks) {
    found = []
    splitter.push(chunk)
    yield* found
  }
  splitter.end()
}

function wholeRow(plan: RowPlan): RowHasher {
  return new RowHasher(
    plan.types,
    plan.types.map((_, field) => field),
  )
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}

function fieldsOf({ bytes, starts, lengths }: Row): readonly (Uint8Array | null)[] {
  return Array.from(lengths, (length, field) => {
    const start = starts[field] ?? 0
    return length < 0 ? null : bytes.slice(start, start + length)
  })
}
