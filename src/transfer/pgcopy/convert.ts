/**
 * One value into one PostgreSQL type: exact, or a fault that says why not. The careful way, for what the fast encoders
 * leave. Text that has to become something else must be in PostgreSQL's own ISO spelling.
 */
import { formatPgType, type PgType } from '../pgtype.ts'
import { encodeArray } from './array.ts'
import {
  encodeDecimal,
  formatDecimal,
  parseDecimal,
  rescale,
  roundTo,
  shortest,
  type Decimal,
  type Special,
} from './decimal.ts'
import { fault, unsuitable, type Converted } from './fault.ts'
import { encodeJson } from './json.ts'
import { toDate, toInterval, toTime, toTimestamp, toTimetz } from './temporal.ts'
import { encodeText, toBits, toBytes, toUuid } from './plain.ts'
import { textOf, type Value } from './value.ts'

export function convert(value: Value, type: PgType): Converted {
  switch (type.tag) {
    case 'boolean':
      return toBoolean(value)
    case 'int2':
      return toInteger(value, 2)
    case 'int4':
      return toInteger(value, 4)
    case 'int8':
      return toInteger(value, 8)
    case 'float4':
      return toFloat(value, 32)
    case 'float8':
      return toFloat(value, 64)
    case 'numeric':
      return toNumeric(value, type)
    case 'text':
    case 'varchar':
    case 'char':
      return encodeText(value, type)
    case 'other':
      return type.textual ? encodeText(value, type) : fault(`${type.name} is not carried`)
    case 'bytea':
      return toBytes(value)
    case 'date':
      return toDate(value)
    case 'time':
      return toTime(value, type.precision ?? 6)
    case 'timetz':
      return toTimetz(value, type.precision ?? 6)
    case 'timestamp':
      return toTimestamp(value, false, type.precision ?? 6)
    case 'timestamptz':
      return toTimestamp(value, true, type.precision ?? 6)
    case 'interval':
      return toInterval(value, type.precision ?? 6)
    case 'uuid':
      return toUuid(value)
    case 'json':
    case 'jsonb':
      return encodeJson(value, type.tag)
    case 'bit':
      return toBits(value, type)
    case 'array':
      return encodeArray(value, type, convert)
  }
}

function toBoolean(value: Value): Converted {
  if (value.tag === 'boolean') return Uint8Array.of(value.value ? 1 : 0)
  const text = textOf(value).toLowerCase()
  if (value.tag === 'int' && (text === '0' || text === '1')) return Uint8Array.of(Number(text))
  if (value.tag === 'string') {
    if (['true', 't', 'yes', 'y', 'on', '1'].includes(text)) return Uint8Array.of(1)
    if (['false', 'f', 'no', 'n', 'off', '0'].includes(text)) return Uint8Array.of(0)
  }
  return fault(
    value.tag === 'string' || value.tag === 'int' ? `it is neither true nor false` : unsuitable(value, 'boolean').why,
  )
}

/** The value as an exact decimal, if it is a number at all. */
function decimalOf(value: Value): Decimal | Special | null {
  switch (value.tag) {
    case 'int':
      return { unscaled: value.value, scale: 0 }
    case 'boolean':
      return { unscaled: value.value ? 1n : 0n, scale: 0 }
    case 'decimal':
      return value.value
    case 'float':
      return parseDecimal(shortest(value.value, value.bits))
    case 'string':
      return parseDecimal(textOf(value))
    default:
      return null
  }
}

function toInteger(value: Value, bytes: 2 | 4 | 8): Converted {
  const decimal = decimalOf(value)
  const name = `int${bytes}` as const
  if (decimal === null) return value.tag === 'string' ? fault('the text is not a number') : unsuitable(value, name)
  const limit = 2n ** BigInt(bytes * 8 - 1)
  const encode = (whole: bigint): Uint8Array => {
    const out = new DataView(new ArrayBuffer(bytes))
    if (bytes === 2) out.setInt16(0, Number(whole))
    else if (bytes === 4) out.setInt32(0, Number(whole))
    else out.setBigInt64(0, whole)
    return new Uint8Array(out.buffer)
  }
  const clamp = (whole: bigint): bigint => (whole < -limit ? -limit : whole >= limit ? limit - 1n : whole)
  if (typeof decimal === 'string') {
    return fault(
      `${decimal} is no ${name}`,
      decimal === 'NaN' ? null : encode(decimal === 'Infinity' ? limit - 1n : -limit),
    )
  }
  const whole = rescale(decimal, 0)
  if (whole === null)
    return fault(`${formatPgType({ tag: name })} has no digits behind the point`, encode(clamp(roundTo(decimal, 0))))
  if (whole < -limit || whole >= limit)
    return fault(`it is out of range for ${formatPgType({ tag: name })}`, encode(clamp(whole)))
  return encode(whole)
}

function toFloat(value: Value, bits: 32 | 64): Converted {
  const name = bits === 32 ? 'float4' : 'float8'
  const encode = (number: number): Uint8Array => {
    const out = new DataView(new ArrayBuffer(bits / 8))
    if (bits === 32) out.setFloat32(0, number)
    else out.setFloat64(0, number)
    return new Uint8Array(out.buffer)
  }
  if (value.tag === 'float') {
    const same = bits === 64 || Number.isNaN(value.value) || Object.is(Math.fround(value.value), value.value)
    return same ? encode(value.value) : fault('real has too few digits for it', encode(nearestFloat(value.value)))
  }
  const decimal = decimalOf(value)
  if (decimal === null) return value.tag === 'string' ? fault('the text is not a number') : unsuitable(value, name)
  if (typeof decimal === 'string') return encode(Number(decimal))
  // The number, rounded once to 64 bits; what is shorter than a float's own digits reads back as it was.
  const number = Number(formatDecimal(decimal))
  const rounded = bits === 32 ? nearestFloat(number) : number
  const back = parseDecimal(shortest(rounded, bits))
  const digits = Math.max(decimal.scale, back === null || typeof back === 'string' ? 0 : back.scale)
  const same = back !== null && typeof back !== 'string' && rescale(back, digits) === rescale(decimal, digits)
  return same ? encode(rounded) : fault(`${formatPgType({ tag: name })} has too few digits for it`, encode(rounded))
}

function nearestFloat(value: number): number {
  const rounded = Math.fround(value)
  return Number.isFinite(rounded) || !Number.isFinite(value) ? rounded : Math.sign(value) * 3.4028234663852886e38
}

function toNumeric(value: Value, type: Extract<PgType, { tag: 'numeric' }>): Converted {
  const decimal = decimalOf(value)
  if (decimal === null) return value.tag === 'string' ? fault('the text is not a number') : unsuitable(value, 'numeric')
  const { precision } = type
  const scale = type.scale ?? 0
  if (typeof decimal === 'string') {
    if (decimal === 'NaN' || precision === null) return encodeDecimal(decimal)
    const most = 10n ** BigInt(precision) - 1n
    return fault(
      `${formatPgType(type)} has no ${decimal}`,
      encodeDecimal(scaled(decimal === 'Infinity' ? most : -most, scale)),
    )
  }
  if (precision === null) return encodeDecimal(decimal)
  const most = 10n ** BigInt(precision) - 1n
  const clamp = (unscaled: bigint): Uint8Array =>
    encodeDecimal(scaled(unscaled > most ? most : unscaled < -most ? -most : unscaled, scale))
  const exact = rescale(decimal, scale)
  if (exact === null)
    return fault(`${formatPgType(type)} has too few digits behind the point`, clamp(roundTo(decimal, scale)))
  if (exact > most || exact < -most) return fault(`it is out of range for ${formatPgType(type)}`, clamp(exact))
  return encodeDecimal(scaled(exact, scale))
}

function scaled(unscaled: bigint, scale: number): Decimal {
  return scale >= 0 ? { unscaled, scale } : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 }
}
