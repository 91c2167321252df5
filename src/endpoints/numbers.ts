import type { Parse, Parsed } from './values.ts'

const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$/

export function parseInteger(bits: 16 | 32 | 64): Parse {
  const least = -(2n ** BigInt(bits - 1))
  const fault = { fault: `has to be a whole number from ${least} to ${-least - 1n}` }
  return (text) => {
    if (text.length > 100 || !/^[+-]?\d+$/.test(text)) return fault
    const value = BigInt(text.replace('+', ''))
    return value < least || value >= -least ? fault : { value: value.toString() }
  }
}

export const parseNumeric: Parse = (text) => {
  if (text.length > 1000 || !decimal.test(text)) return notANumber
  const exponent = Number(/[eE](.+)$/.exec(text)?.[1] ?? '0')
  return Math.abs(exponent) > 1000 ? notANumber : { value: text }
}

const notANumber: Parsed = { fault: 'has to be a number such as 12, -0.5 or 1e6' }

/** A double, or a float when it is `round`ed so; the server refuses what these cannot hold, in both directions. */
function float(round: (value: number) => number): Parse {
  return (text) => {
    if (text.length > 1000 || !decimal.test(text)) return notANumber
    const value = round(Number(text))
    if (!Number.isFinite(value)) return { fault: 'is larger than its column can hold' }
    if (value === 0 && /[1-9]/.test(text.replace(/[eE].*$/, '')))
      return { fault: 'is smaller than its column can tell from 0' }
    return { value: String(value) }
  }
}

export const parseFloat64 = float((value) => value)
export const parseFloat32 = float(Math.fround)
