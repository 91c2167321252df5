/** Exact decimal numbers: what numeric is made of, whatever they come from. */
export interface Decimal {
  readonly unscaled: bigint
  /** Digits behind the point; never negative. */
  readonly scale: number
}

export type Special = 'NaN' | 'Infinity' | '-Infinity'

const written = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?\s*$/u

/** A number as PostgreSQL's numeric would read it; null when it is none. */
export function parseDecimal(text: string): Decimal | Special | null {
  const match = written.exec(text)
  if (match === null) return special(text)
  const [, sign, whole = '', part = '', exponent] = match
  if (whole === '' && part === '') return special(text)
  const shift = part.length - Number(exponent ?? 0)
  const digits = BigInt(whole + part) * (shift < 0 ? 10n ** BigInt(-shift) : 1n)
  return { unscaled: sign === '-' ? -digits : digits, scale: Math.max(0, shift) }
}

function special(text: string): Special | null {
  const name = text.trim().toLowerCase()
  if (name === 'nan') return 'NaN'
  if (name === 'infinity' || name === 'inf' || name === '+infinity' || name === '+inf') return 'Infinity'
  return name === '-infinity' || name === '-inf' ? '-Infinity' : null
}

export function formatDecimal({ unscaled, scale }: Decimal): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The same number with `scale` digits behind the point (negative: multiples of a power of ten), or null if it has more. */
export function rescale(value: Decimal, scale: number): bigint | null {
  if (scale >= value.scale) return value.unscaled * 10n ** BigInt(scale - value.scale)
  const divisor = 10n ** BigInt(value.scale - scale)
  return value.unscaled % divisor === 0n ? value.unscaled / divisor : null
}

/** Rounds half away from zero, as PostgreSQL does. */
export function roundTo(value: Decimal, scale: number): bigint {
  const exact = rescale(value, scale)
  if (exact !== null) return exact
  const divisor = 10n ** BigInt(value.scale - scale)
  const size = value.unscaled < 0n ? -value.unscaled : value.unscaled
  const rounded = (size * 2n + divisor) / (divisor * 2n)
  return value.unscaled < 0n ? -rounded : rounded
}

/**
 * The shortest decimal that reads back as the same float; of several, the nearest, and of two as near the even one: what
 * PostgreSQL prints, and JavaScript for doubles.
 */
export function shortest(value: number, bits: 32 | 64): string {
  if (bits === 64 || !Number.isFinite(value) || value === 0) return String(value)
  const sign = value < 0 ? '-' : ''
  for (let digits = 1; digits < 9; digits++) {
    const [mantissa = '', power = '0'] = Math.abs(value)
      .toExponential(digits - 1)
      .split('e')
    const exponent = Number(power) - (digits - 1)
    const middle = BigInt(mantissa.replace('.', ''))
    // The nearest may read back as another float while a neighbour does not: above a power of two floats lie farther apart.
    const fitting = [middle - 1n, middle, middle + 1n].filter((candidate) =>
      isWithin(Number(`${sign}${candidate}e${exponent}`), value),
    )
    if (fitting.length > 0) return String(Number(`${sign}${nearest(fitting, exponent, Math.abs(value))}e${exponent}`))
  }
  return String(Number(value.toPrecision(9)))
}

/** Whether `candidate` reads back as the 32-bit float `value`, and is not halfway to its neighbour: PostgreSQL leaves that out. */
function isWithin(candidate: number, value: number): boolean {
  const mirrored = 2 * candidate - value
  return Math.fround(candidate) === value && (mirrored === value || Math.fround(mirrored) !== mirrored)
}

/** Which of `candidates`, times ten to the `exponent`, is nearest to `value`. Exact. */
function nearest(candidates: readonly bigint[], exponent: number, value: number): bigint {
  let numerator = value
  let denominator = 1n
  while (!Number.isInteger(numerator)) {
    numerator *= 2
    denominator *= 2n
  }
  const power = 10n ** BigInt(Math.abs(exponent))
  const distance = (candidate: bigint): bigint => {
    const difference =
      exponent < 0
        ? candidate * denominator - BigInt(numerator) * power
        : candidate * power * denominator - BigInt(numerator)
    return difference < 0n ? -difference : difference
  }
  return candidates.reduce((best, candidate) => {
    const [a, b] = [distance(best), distance(candidate)]
    return b < a || (b === a && candidate % 2n === 0n) ? candidate : best
  })
}

/** A float as PostgreSQL prints it. */
export function formatFloat(value: number, bits: 32 | 64): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa = '', power = '0'] = Number(shortest(value, bits)).toExponential().split('e')
  const exponent = Number(power)
  const limit = bits === 64 ? 15 : 6
  if (exponent < -4 || exponent >= limit) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  const parsed = parseDecimal(`${mantissa}e${exponent}`)
  return parsed === null || typeof parsed === 'string' ? String(value) : formatDecimal(parsed)
}

/** PostgreSQL's binary numeric. */
export function encodeDecimal(value: Decimal | Special): Uint8Array {
  if (typeof value === 'string') {
    const sign = value === 'NaN' ? 0xc000 : value === 'Infinity' ? 0xd000 : 0xf000
    return words([0, 0, sign, 0])
  }
  const negative = value.unscaled < 0n
  const text = String(negative ? -value.unscaled : value.unscaled).padStart(value.scale + 1, '0')
  const whole = text.slice(0, text.length - value.scale)
  const part = text.slice(text.length - value.scale)
  const aligned =
    whole.padStart(Math.ceil(whole.length / 4) * 4, '0') + part.padEnd(Math.ceil(part.length / 4) * 4, '0')
  const groups: number[] = []
  for (let at = 0; at < aligned.length; at += 4) groups.push(Number(aligned.slice(at, at + 4)))
  let weight = Math.ceil(whole.length / 4) - 1
  while (groups.length > 0 && groups[0] === 0) {
    groups.shift()
    weight--
  }
  while (groups.length > 0 && groups[groups.length - 1] === 0) groups.pop()
  return words([groups.length, groups.length === 0 ? 0 : weight, negative ? 0x4000 : 0, value.scale, ...groups])
}

function words(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 2)
  const view = new DataView(bytes.buffer)
  values.forEach((value, index) => view.setUint16(index * 2, value & 0xffff))
  return bytes
}
