/**
 * 64-bit hashes of rows, as two 32-bit lanes, so that equal values hash equally wherever they were encoded: numeric
 * without its scale and its empty digits, floats with one zero and one NaN, jsonb by content, char(n) without its blanks.
 */
import type { PgType } from '../pgtype.ts'
import { parseDecimal } from './decimal.ts'
import type { Row } from './rows.ts'

type FieldHash = (lanes: Lanes, row: Row, start: number, length: number) => void

/** Two murmur3 lanes with different seeds and multipliers; each takes 32 bits at a time. */
class Lanes {
  high = 0
  low = 0

  start(): void {
    this.high = 0x9747b28c | 0
    this.low = 0x3c6ef372 | 0
  }

  word(value: number): void {
    let a = Math.imul(value, 0xcc9e2d51)
    a = Math.imul((a << 15) | (a >>> 17), 0x1b873593)
    let high = this.high ^ a
    high = (high << 13) | (high >>> 19)
    this.high = (Math.imul(high, 5) + 0xe6546b64) | 0
    let b = Math.imul(value, 0x85ebca77)
    b = Math.imul((b << 13) | (b >>> 19), 0xc2b2ae3d)
    let low = this.low ^ b
    low = (low << 17) | (low >>> 15)
    this.low = (Math.imul(low, 9) + 0x27d4eb2f) | 0
  }

  finish(): void {
    this.high = mixed(this.high ^ (this.low >>> 3))
    this.low = mixed(this.low ^ this.high)
  }
}

function mixed(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Hashes some fields of a row: `hash(row)` leaves the result in `high` and `low`, each an unsigned 32-bit number.
 * `types`: of all the stream's fields; `fields`: which of them count, in that order.
 */
export class RowHasher {
  high = 0
  low = 0
  readonly #fields: Int32Array
  readonly #hashes: readonly FieldHash[]
  readonly #lanes = new Lanes()

  constructor(types: readonly PgType[], fields: readonly number[]) {
    this.#fields = Int32Array.from(fields)
    this.#hashes = fields.map((field) => {
      const type = types[field]
      if (type === undefined) throw new Error(`there is no field ${field}`)
      return fieldHash(type)
    })
  }

  hash(row: Row): void {
    const lanes = this.#lanes
    const fields = this.#fields
    const hashes = this.#hashes
    lanes.start()
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index]!
      const length = row.lengths[field]!
      if (length < 0) lanes.word(-1)
      else hashes[index]!(lanes, row, row.starts[field]!, length)
    }
    lanes.finish()
    this.high = lanes.high
    this.low = lanes.low
  }
}

function fieldHash(type: PgType): FieldHash {
  switch (type.tag) {
    case 'numeric':
      return hashNumeric
    case 'float4':
      return hashFloat4
    case 'float8':
      return hashFloat8
    case 'char':
      return hashChar
    case 'jsonb':
      return hashJsonb
    case 'array': {
      const element = fieldHash(type.of)
      return (lanes, row, start, length) => hashArray(lanes, row, start, length, element)
    }
    case 'int4':
    case 'date':
      return hashWord
    case 'int8':
    case 'timestamp':
    case 'timestamptz':
    case 'time':
      return hashTwoWords
    default:
      return hashBytes
  }
}

const hashWord: FieldHash = (lanes, row, start, length) => {
  if (length !== 4) return hashBytes(lanes, row, start, length)
  lanes.word(4)
  lanes.word(row.view.getInt32(start))
}

const hashTwoWords: FieldHash = (lanes, row, start, length) => {
  if (length !== 8) return hashBytes(lanes, row, start, length)
  lanes.word(8)
  lanes.word(row.view.getInt32(start))
  lanes.word(row.view.getInt32(start + 4))
}

const hashBytes: FieldHash = (lanes, row, start, length) => {
  const { view, bytes } = row
  lanes.word(length)
  const end = start + length
  let at = start
  for (; at + 4 <= end; at += 4) lanes.word(view.getInt32(at, true))
  if (at === end) return
  let rest = 0
  for (; at < end; at++) rest = (rest << 8) | bytes[at]!
  lanes.word(rest)
}

/** Digits without leading and trailing zero groups; the scale does not count, nor the sign of zero. */
const hashNumeric: FieldHash = (lanes, row, start) => {
  const { view } = row
  const count = view.getInt16(start)
  const sign = view.getUint16(start + 4)
  if (sign !== 0 && sign !== 0x4000) return lanes.word(sign)
  let first = 0
  let last = count
  const digits = start + 8
  while (first < last && view.getInt16(digits + first * 2) === 0) first++
  while (last > first && view.getInt16(digits + last * 2 - 2) === 0) last--
  if (first === last) return lanes.word(0)
  lanes.word(((view.getInt16(start + 2) - first) << 16) | (sign === 0 ? 1 : 2))
  lanes.word(last - first)
  for (let index = first; index < last; index++) lanes.word(view.getInt16(digits + index * 2))
}

const hashFloat4: FieldHash = (lanes, row, start) => {
  const value = row.view.getFloat32(start)
  lanes.word(4)
  lanes.word(value === 0 ? 0 : Number.isNaN(value) ? 0x7fc00000 : row.view.getInt32(start))
}

const hashFloat8: FieldHash = (lanes, row, start) => {
  const value = row.view.getFloat64(start)
  const plain = value !== 0 && !Number.isNaN(value)
  lanes.word(8)
  lanes.word(plain ? row.view.getInt32(start) : value === 0 ? 0 : 0x7ff80000)
  lanes.word(plain ? row.view.getInt32(start + 4) : 0)
}

const hashChar: FieldHash = (lanes, row, start, length) => {
  let end = start + length
  while (end > start && row.bytes[end - 1] === 0x20) end--
  hashBytes(lanes, row, start, end - start)
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** After its version byte a document, whose blanks, order of members and spelling of numbers do not count. */
const hashJsonb: FieldHash = (lanes, row, start, length) => {
  const canonical = canonicalJson(decoder.decode(row.bytes.subarray(start + 1, start + length)))
  const bytes = encoder.encode(canonical)
  hashBytes(lanes, { ...row, bytes, view: new DataView(bytes.buffer) }, 0, bytes.length)
}

function hashArray(lanes: Lanes, row: Row, start: number, length: number, element: FieldHash): void {
  const { view } = row
  const dimensions = view.getInt32(start)
  lanes.word(dimensions)
  for (let index = 0; index < dimensions; index++) lanes.word(view.getInt32(start + 12 + index * 8))
  let at = start + 12 + dimensions * 8
  while (at < start + length) {
    const size = view.getInt32(at)
    at += 4
    if (size < 0) lanes.word(-1)
    else element(lanes, row, at, size)
    at += Math.max(size, 0)
  }
}

/** A number as it is written, so that long ones keep their digits. */
interface Reviver {
  readonly source?: string
}

/** One spelling for all spellings of a jsonb document. */
export function canonicalJson(text: string): string {
  const numbers = (_key: string, value: unknown, context?: Reviver): unknown =>
    typeof value === 'number'
      ? { number: canonicalNumber(context?.source ?? String(value)) }
      : typeof value === 'object'
        ? value
        : { plain: value }
  // The reviver's third argument (JSON.parse source text access) is not in the library types yet.
  const parsed: unknown = JSON.parse(text, numbers)
  return JSON.stringify(sorted(parsed))
}

function canonicalNumber(text: string): string {
  const decimal = parseDecimal(text)
  if (decimal === null || typeof decimal === 'string') return text
  const digits = String(decimal.unscaled)
  const stripped = digits.replace(/0+$/u, '')
  return stripped === '' || stripped === '-' ? '0' : `${stripped}e${digits.length - stripped.length - decimal.scale}`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return entries.map(([name, member]) => [name, sorted(member)])
}
