/** A field of binary COPY as text, as PostgreSQL prints it: for keys and differences that are shown to a person. */
import type { PgType } from '../pgtype.ts'
import { formatDecimal } from './decimal.ts'
import type { Row } from './rows.ts'
import { epochDays, epochMicros } from './temporal.ts'
import { textOf, type Value } from './value.ts'

const decoder = new TextDecoder()

/** The field's text, or null. */
export function fieldText(row: Row, field: number, type: PgType): string | null {
  const length = row.lengths[field] ?? -1
  if (length < 0) return null
  const start = row.starts[field] ?? 0
  return decode(row.bytes.subarray(start, start + length), type)
}

function decode(bytes: Uint8Array, type: PgType): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const value = valueOf(view, bytes, type)
  if (value !== null) return textOf(value)
  if (type.tag === 'numeric') return numericText(view)
  if (type.tag === 'array') return arrayText(view, bytes, type.of)
  // As a cast to text: the blanks that fill char(n) are not part of the value.
  if (type.tag === 'char') return decoder.decode(bytes).replace(/ +$/u, '')
  return decoder.decode(type.tag === 'jsonb' ? bytes.subarray(1) : bytes)
}

function valueOf(view: DataView, bytes: Uint8Array, type: PgType): Value | null {
  switch (type.tag) {
    case 'boolean':
      return { tag: 'boolean', value: view.getUint8(0) !== 0 }
    case 'int2':
      return { tag: 'int', value: BigInt(view.getInt16(0)) }
    case 'int4':
      return { tag: 'int', value: BigInt(view.getInt32(0)) }
    case 'int8':
      return { tag: 'int', value: view.getBigInt64(0) }
    case 'float4':
      return { tag: 'float', value: view.getFloat32(0), bits: 32 }
    case 'float8':
      return { tag: 'float', value: view.getFloat64(0), bits: 64 }
    case 'bytea':
      return { tag: 'bytes', bytes }
    case 'uuid':
      return { tag: 'uuid', bytes }
    case 'date': {
      const days = view.getInt32(0)
      return { tag: 'date', days: days === 2147483647 ? Infinity : days === -2147483648 ? -Infinity : days + epochDays }
    }
    case 'time':
      return { tag: 'time', nanos: view.getBigInt64(0) * 1000n }
    case 'timetz':
      return { tag: 'timetz', micros: view.getBigInt64(0), offset: -view.getInt32(8) }
    case 'timestamp':
    case 'timestamptz': {
      const micros = view.getBigInt64(0)
      if (micros === 2n ** 63n - 1n || micros === -(2n ** 63n))
        return { tag: 'infinity', sign: micros > 0n ? 1 : -1, of: type.tag }
      return { tag: 'timestamp', nanos: (micros + epochMicros) * 1000n, zoned: type.tag === 'timestamptz' }
    }
    case 'interval':
      return {
        tag: 'interval',
        value: { micros: view.getBigInt64(0), days: view.getInt32(8), months: view.getInt32(12) },
      }
    case 'bit': {
      let bits = ''
      for (const byte of bytes.subarray(4)) bits += byte.toString(2).padStart(8, '0')
      return { tag: 'bits', bits: bits.slice(0, view.getInt32(0)) }
    }
    default:
      return null
  }
}

function numericText(view: DataView): string {
  const sign = view.getUint16(4)
  if (sign === 0xc000) return 'NaN'
  if (sign === 0xd000 || sign === 0xf000) return sign === 0xd000 ? 'Infinity' : '-Infinity'
  const count = view.getInt16(0)
  const weight = view.getInt16(2)
  const scale = view.getInt16(6)
  let unscaled = 0n
  for (let index = 0; index < count; index++) unscaled = unscaled * 10000n + BigInt(view.getInt16(8 + index * 2))
  const behind = (count - 1 - weight) * 4
  const shift = scale - behind
  const rescaled = shift >= 0 ? unscaled * 10n ** BigInt(shift) : unscaled / 10n ** BigInt(-shift)
  return formatDecimal({ unscaled: sign === 0x4000 ? -rescaled : rescaled, scale })
}

function arrayText(view: DataView, bytes: Uint8Array, of: PgType): string {
  const dimensions = view.getInt32(0)
  if (dimensions === 0) return '{}'
  const lengths = Array.from({ length: dimensions }, (_, index) => view.getInt32(12 + index * 8))
  let at = 12 + dimensions * 8
  const element = (): string => {
    const size = view.getInt32(at)
    at += 4
    if (size < 0) return 'NULL'
    const text = decode(bytes.subarray(at, at + size), of)
    at += size
    const plain = text !== '' && !/[\s{},"\\]/u.test(text) && text.toUpperCase() !== 'NULL'
    return plain ? text : `"${text.replaceAll(/["\\]/gu, '\\$&')}"`
  }
  const list = (depth: number): string => {
    const parts = Array.from({ length: lengths[depth] ?? 0 }, () =>
      depth + 1 < dimensions ? list(depth + 1) : element(),
    )
    return `{${parts.join(',')}}`
  }
  return list(0)
}
