/** Days and clock times as PostgreSQL prints them, in its default `ISO, MDY` style and UTC. */

/** Days since 1970-01-01 → proleptic Gregorian; the year before 1 is 0. */
export function civil(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719468
  const era = Math.floor(shifted / 146097)
  const dayOfEra = shifted - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const slot = Math.floor((5 * dayOfYear + 2) / 153)
  const month = slot < 10 ? slot + 3 : slot - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * slot + 2) / 5) + 1,
  }
}

/** Proleptic Gregorian → days since 1970-01-01; null when there is no such day. */
export function daysOf(year: number, month: number, day: number): number | null {
  const shiftedYear = month <= 2 ? year - 1 : year
  const era = Math.floor(shiftedYear / 400)
  const yearOfEra = shiftedYear - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const days =
    era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468
  const back = civil(days)
  return back.year === year && back.month === month && back.day === day ? days : null
}

const two = (value: number): string => String(value).padStart(2, '0')

function dateParts(days: number): { readonly text: string; readonly era: string } {
  const { year, month, day } = civil(days)
  const shown = year > 0 ? year : 1 - year
  return { text: `${String(shown).padStart(4, '0')}-${two(month)}-${two(day)}`, era: year > 0 ? '' : ' BC' }
}

export function formatDate(days: number): string {
  const { text, era } = dateParts(days)
  return text + era
}

/** Microseconds since midnight. */
export function formatTime(micros: bigint): string {
  const whole = Number(micros / 1_000_000n)
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${fraction(Number(micros % 1_000_000n))}`
}

/** Microseconds since 1970-01-01T00:00. */
export function formatTimestamp(micros: bigint, zoned: boolean): string {
  const perDay = 86_400_000_000n
  let days = micros / perDay
  let rest = micros % perDay
  if (rest < 0n) {
    rest += perDay
    days -= 1n
  }
  const { text, era } = dateParts(Number(days))
  return `${text} ${formatTime(rest)}${zoned ? '+00' : ''}${era}`
}

/** Seconds east of Greenwich: `+05:30`. */
export function formatOffset(seconds: number): string {
  const size = Math.abs(seconds)
  const minutes = Math.floor(size / 60) % 60
  const rest = size % 60
  const tail = rest > 0 ? `:${two(minutes)}:${two(rest)}` : minutes > 0 ? `:${two(minutes)}` : ''
  return `${seconds < 0 ? '-' : '+'}${two(Math.floor(size / 3600))}${tail}`
}

export interface Interval {
  readonly months: number
  readonly days: number
  readonly micros: bigint
}

export function formatInterval({ months, days, micros }: Interval): string {
  const parts: string[] = []
  let negative = false
  const part = (count: number, unit: string): void => {
    if (count === 0) return
    parts.push(`${negative && count > 0 ? '+' : ''}${count} ${unit}${count === 1 ? '' : 's'}`)
    negative = count < 0
  }
  part(Math.trunc(months / 12), 'year')
  part(months % 12, 'mon')
  part(days, 'day')
  if (micros !== 0n || parts.length === 0) {
    const size = micros < 0n ? -micros : micros
    parts.push(`${micros < 0n ? '-' : negative ? '+' : ''}${formatTime(size)}`)
  }
  return parts.join(' ')
}

function fraction(micros: number): string {
  return micros === 0 ? '' : `.${String(micros).padStart(6, '0').replace(/0+$/u, '')}`
}
