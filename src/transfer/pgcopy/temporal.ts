/** Days, clock times and instants, within PostgreSQL's limits: 4714-11-24 BC to 5874897-12-31 for dates, 294276 for timestamps. */
import { daysOf } from './calendar.ts'
import { fault, unsuitable, type Converted } from './fault.ts'
import { textOf, type Value } from './value.ts'

/** Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from. */
export const epochDays = 10957
export const epochMicros = 946_684_800_000_000n
const firstDay = -2451545
const lastDay = 2145031948
const firstMicro = -211_813_488_000_000_000n
const lastMicro = 9_223_371_331_200_000_000n - 1n
const dayMicros = 86_400_000_000n

const iso =
  /^\s*(\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(?:\s*(Z|[+-]\d\d(?::?\d\d)?(?::?\d\d)?))?( BC)?\s*$/u

interface Instant {
  /** Nanoseconds since 1970-01-01T00:00; ±1 for the infinities. */
  readonly nanos: bigint
  readonly infinite: 0 | 1 | -1
}

/** The value as a point in time: a day is its midnight, text is ISO; `offset` of the text counts when `zoned`. */
function instantOf(value: Value, zoned: boolean): Instant | string | null {
  switch (value.tag) {
    case 'timestamp':
      return { nanos: value.nanos, infinite: 0 }
    case 'infinity':
      return { nanos: 0n, infinite: value.sign }
    case 'date':
      return Number.isFinite(value.days)
        ? { nanos: BigInt(value.days) * 86_400_000_000_000n, infinite: 0 }
        : { nanos: 0n, infinite: value.days > 0 ? 1 : -1 }
    case 'string':
      return parse(textOf(value), zoned)
    default:
      return null
  }
}

function parse(text: string, zoned: boolean): Instant | string {
  const name = text.trim().toLowerCase()
  if (name === 'infinity' || name === '-infinity') return { nanos: 0n, infinite: name === 'infinity' ? 1 : -1 }
  const match = iso.exec(text)
  if (match === null) return 'the text is not a date or time in ISO form'
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone, era] = match
  const days = daysOf(era === undefined ? Number(year) : 1 - Number(year), Number(month), Number(day))
  if (days === null || Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60)
    return 'there is no such day or time'
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  if (seconds > 86_400) return 'there is no such time'
  if (zone !== undefined && !zoned) return 'its time zone would be lost'
  const nanos =
    (BigInt(days) * 86_400n + BigInt(seconds - offsetOf(zone))) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
  return { nanos, infinite: 0 }
}

function offsetOf(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0
  const digits = zone.slice(1).replaceAll(':', '')
  const seconds =
    Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4) || 0) * 60 + Number(digits.slice(4, 6) || 0)
  return zone.startsWith('-') ? -seconds : seconds
}

export function toDate(value: Value): Converted {
  const instant = instantOf(value, false)
  if (instant === null) return unsuitable(value, 'date')
  if (typeof instant === 'string') return fault(instant)
  if (instant.infinite !== 0) return int32(instant.infinite > 0 ? 2147483647 : -2147483648)
  const { quotient, exact } = divide(instant.nanos, dayMicros * 1000n, false)
  const days = Number(quotient) - epochDays
  const nearest = int32(Math.min(Math.max(days, firstDay), lastDay))
  if (!exact) return fault('date has no time of day', nearest)
  return days < firstDay || days > lastDay ? fault('it is out of range for date', nearest) : nearest
}

export function toTimestamp(value: Value, zoned: boolean, precision: number): Converted {
  const instant = instantOf(value, zoned)
  const type = zoned ? 'timestamptz' : 'timestamp'
  if (instant === null) return unsuitable(value, type)
  if (typeof instant === 'string') return fault(instant)
  if (instant.infinite !== 0) return int64(instant.infinite > 0 ? 2n ** 63n - 1n : -(2n ** 63n))
  const unit = 10n ** BigInt(6 - precision)
  const { quotient, exact } = divide(instant.nanos, unit * 1000n, true)
  const micros = quotient * unit - epochMicros
  const nearest = int64(micros < firstMicro ? firstMicro : micros > lastMicro ? lastMicro : micros)
  if (!exact) return fault(`${type}(${precision}) has too few digits of a second`, nearest)
  return micros < firstMicro || micros > lastMicro ? fault(`it is out of range for ${type}`, nearest) : nearest
}

export function toTime(value: Value, precision: number): Converted {
  let nanos: bigint
  if (value.tag === 'time') nanos = value.nanos
  else if (value.tag === 'string') {
    const parsed = parse(`1970-01-01 ${textOf(value).trim()}`, false)
    if (typeof parsed === 'string') return fault(parsed)
    nanos = parsed.nanos
  } else return unsuitable(value, 'time')
  const unit = 10n ** BigInt(6 - precision)
  const { quotient, exact } = divide(nanos, unit * 1000n, true)
  const encoded = int64(quotient * unit)
  return exact ? encoded : fault(`time(${precision}) has too few digits of a second`, encoded)
}

export function toTimetz(value: Value, precision: number): Converted {
  if (value.tag !== 'timetz') return unsuitable(value, 'timetz')
  const unit = 10n ** BigInt(6 - precision)
  const { quotient, exact } = divide(value.micros, unit, true)
  const bytes = new DataView(new ArrayBuffer(12))
  bytes.setBigInt64(0, quotient * unit)
  bytes.setInt32(8, -value.offset)
  const encoded = new Uint8Array(bytes.buffer)
  return exact ? encoded : fault(`timetz(${precision}) has too few digits of a second`, encoded)
}

export function toInterval(value: Value, precision: number): Converted {
  if (value.tag !== 'interval') return unsuitable(value, 'interval')
  const { months, days, micros } = value.value
  const unit = 10n ** BigInt(6 - precision)
  const { quotient, exact } = divide(micros, unit, true)
  const bytes = new DataView(new ArrayBuffer(16))
  bytes.setBigInt64(0, quotient * unit)
  bytes.setInt32(8, days)
  bytes.setInt32(12, months)
  const encoded = new Uint8Array(bytes.buffer)
  // From PostgreSQL 17 on these two mean infinity.
  const infinite =
    (micros === 2n ** 63n - 1n && days === 2147483647 && months === 2147483647) ||
    (micros === -(2n ** 63n) && days === -2147483648 && months === -2147483648)
  if (infinite) return fault('PostgreSQL would read it as an infinite interval')
  return exact ? encoded : fault(`interval(${precision}) has too few digits of a second`, encoded)
}

/** Rounds down, or to the nearest; `exact` says whether anything was lost. */
function divide(value: bigint, by: bigint, nearest: boolean): { readonly quotient: bigint; readonly exact: boolean } {
  let quotient = value / by
  let rest = value % by
  if (rest < 0n) {
    quotient -= 1n
    rest += by
  }
  return { quotient: nearest && rest * 2n >= by ? quotient + 1n : quotient, exact: rest === 0n }
}

function int32(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4))
  view.setInt32(0, value)
  return new Uint8Array(view.buffer)
}

function int64(value: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigInt64(0, value)
  return new Uint8Array(view.buffer)
}
