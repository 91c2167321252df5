import { formatDate, formatInterval, formatOffset, formatTime, formatTimestamp, type Interval } from './calendar.ts'
import { formatDecimal, formatFloat, type Decimal } from './decimal.ts'
import { inlineBytes } from './views.ts'
import { isNull, type Vector } from './vector.ts'

/** One value taken out of a vector: the careful way, for what the fast encoders leave. Null has no value. */
export type Value =
  | { readonly tag: 'boolean'; readonly value: boolean }
  | { readonly tag: 'int'; readonly value: bigint }
  | { readonly tag: 'float'; readonly value: number; readonly bits: 32 | 64 }
  | { readonly tag: 'decimal'; readonly value: Decimal }
  | { readonly tag: 'string'; readonly bytes: Uint8Array; readonly json: boolean }
  | { readonly tag: 'bytes'; readonly bytes: Uint8Array }
  /** '0' and '1'. */
  | { readonly tag: 'bits'; readonly bits: string }
  /** Days since 1970-01-01; ±Infinity. */
  | { readonly tag: 'date'; readonly days: number }
  | { readonly tag: 'time'; readonly nanos: bigint }
  | { readonly tag: 'timetz'; readonly micros: bigint; readonly offset: number }
  /** Nanoseconds since 1970-01-01T00:00 */
  | { readonly tag: 'timestamp'; readonly nanos: bigint; readonly zoned: boolean }
  | { readonly tag: 'infinity'; readonly sign: 1 | -1; readonly of: 'timestamp' | 'timestamptz' }
  | { readonly tag: 'interval'; readonly value: Interval }
  | { readonly tag: 'uuid'; readonly bytes: Uint8Array }
  | { readonly tag: 'list'; readonly items: readonly (Value | null)[] }

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const int64Max = 2n ** 63n - 1n
const nanosPer = { s: 1_000_000_000n, ms: 1_000_000n, us: 1000n, ns: 1n } as const

export function valueAt(vector: Vector, row: number): Value | null {
  if (isNull(vector.validity, row)) return null
  const { layout, data } = vector
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  switch (layout.tag) {
    case 'null':
      return null
    case 'boolean':
      return { tag: 'boolean', value: view.getUint8(row) !== 0 }
    case 'int':
      return { tag: 'int', value: integer(view, row, layout.bits, layout.signed) }
    case 'float':
      return layout.bits === 32
        ? { tag: 'float', value: view.getFloat32(row * 4, true), bits: 32 }
        : { tag: 'float', value: view.getFloat64(row * 8, true), bits: 64 }
    case 'decimal':
      return { tag: 'decimal', value: { unscaled: integer(view, row, layout.bits, true), scale: layout.scale } }
    case 'string':
      return { tag: 'string', bytes: viewed(vector, view, row), json: layout.json }
    case 'bytes':
      return { tag: 'bytes', bytes: viewed(vector, view, row) }
    case 'bits':
      return { tag: 'bits', bits: bits(viewed(vector, view, row)) }
    case 'enum': {
      const label = layout.labels[Number(integer(view, row, layout.bits, false))] ?? ''
      return { tag: 'string', bytes: encoder.encode(label), json: false }
    }
    case 'date': {
      const days = view.getInt32(row * 4, true)
      return { tag: 'date', days: days === 2147483647 ? Infinity : days === -2147483647 ? -Infinity : days }
    }
    case 'time':
      return { tag: 'time', nanos: view.getBigInt64(row * 8, true) * (layout.unit === 'us' ? 1000n : 1n) }
    case 'timetz': {
      const packed = view.getBigUint64(row * 8, true)
      return { tag: 'timetz', micros: packed >> 24n, offset: 57599 - Number(packed & 0xffffffn) }
    }
    case 'timestamp': {
      const count = view.getBigInt64(row * 8, true)
      if (count === int64Max || count === -int64Max) {
        return { tag: 'infinity', sign: count > 0n ? 1 : -1, of: layout.zoned ? 'timestamptz' : 'timestamp' }
      }
      return { tag: 'timestamp', nanos: count * nanosPer[layout.unit], zoned: layout.zoned }
    }
    case 'interval': {
      const at = row * 16
      const value = {
        months: view.getInt32(at, true),
        days: view.getInt32(at + 4, true),
        micros: view.getBigInt64(at + 8, true),
      }
      return { tag: 'interval', value }
    }
    case 'uuid': {
      const bytes = data.slice(row * 16, row * 16 + 16).reverse()
      bytes[0] = (bytes[0] ?? 0) ^ 0x80
      return { tag: 'uuid', bytes }
    }
    case 'list':
      return items(vector, Number(view.getBigUint64(row * 16, true)), Number(view.getBigUint64(row * 16 + 8, true)))
    case 'array':
      return items(vector, row * layout.size, layout.size)
  }
}

/** The value as PostgreSQL prints it (`::text`, in UTC). A 0x00 stays. */
export function textOf(value: Value): string {
  switch (value.tag) {
    case 'boolean':
    case 'int':
      return String(value.value)
    case 'float':
      return formatFloat(value.value, value.bits)
    case 'decimal':
      return formatDecimal(value.value)
    case 'string':
      return decoder.decode(value.bytes)
    case 'bytes':
      return `\\x${Buffer.from(value.bytes).toString('hex')}`
    case 'bits':
      return value.bits
    case 'date':
      return Number.isFinite(value.days) ? formatDate(value.days) : infinity(value.days)
    case 'time':
      return formatTime(value.nanos / 1000n) + nanoTail(value.nanos)
    case 'timetz':
      return formatTime(value.micros) + formatOffset(value.offset)
    case 'timestamp': {
      const micros = value.nanos >= 0n ? value.nanos / 1000n : (value.nanos - 999n) / 1000n
      return formatTimestamp(micros, value.zoned)
    }
    case 'infinity':
      return infinity(value.sign)
    case 'interval':
      return formatInterval(value.value)
    case 'uuid': {
      const hex = Buffer.from(value.bytes).toString('hex')
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
    }
    case 'list':
      return `{${value.items.map((item) => (item === null ? 'NULL' : arrayItem(item))).join(',')}}`
  }
}

function infinity(sign: number): string {
  return sign > 0 ? 'infinity' : '-infinity'
}

function nanoTail(nanos: bigint): string {
  return nanos % 1000n === 0n ? '' : ` and ${nanos % 1000n} ns`
}

function arrayItem(item: Value): string {
  const text = textOf(item)
  if (item.tag === 'list') return text
  return text === '' || /[\s{},"\\]/u.test(text) || text.toUpperCase() === 'NULL'
    ? `"${text.replaceAll(/["\\]/gu, '\\$&')}"`
    : text
}

function items(vector: Vector, from: number, count: number): Value {
  const child = vector.child
  const found: (Value | null)[] = []
  for (let index = from; index < from + count; index++) found.push(child === null ? null : valueAt(child, index))
  return { tag: 'list', items: found }
}

function viewed(vector: Vector, view: DataView, row: number): Uint8Array {
  const at = row * 16
  const length = view.getUint32(at, true)
  if (length <= inlineBytes) return vector.data.slice(at + 4, at + 4 + length)
  return vector.fetch(vector.data.buffer, vector.data.byteOffset + at + 8, length)
}

function bits(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes.subarray(1)) text += byte.toString(2).padStart(8, '0')
  return text.slice(bytes[0] ?? 0)
}

function integer(view: DataView, row: number, width: 8 | 16 | 32 | 64 | 128, signed: boolean): bigint {
  switch (width) {
    case 8:
      return BigInt(signed ? view.getInt8(row) : view.getUint8(row))
    case 16:
      return BigInt(signed ? view.getInt16(row * 2, true) : view.getUint16(row * 2, true))
    case 32:
      return BigInt(signed ? view.getInt32(row * 4, true) : view.getUint32(row * 4, true))
    case 64:
      return signed ? view.getBigInt64(row * 8, true) : view.getBigUint64(row * 8, true)
    case 128: {
      const low = view.getBigUint64(row * 16, true)
      const high = signed ? view.getBigInt64(row * 16 + 8, true) : view.getBigUint64(row * 16 + 8, true)
      return (high << 64n) | low
    }
  }
}
