/** Fast encoder of DECIMAL and whole numbers into numeric: base-10000 digits straight from the two halves of an integer. */
import type { PgType } from '../pgtype.ts'
import type { ColumnEncoder } from './column.ts'
import { nullsOf, type Layout } from './vector.ts'

/** Above this a double no longer holds every integer. */
const exact = 9_007_199_254_740_991

/**
 * Numbers of at most 15 digits or so: others need care. A value becomes whole part and fraction in a double each, which
 * is exact below 2^53; the fraction, padded to full groups of four digits, has at most 12.
 */
export function numericEncoder(layout: Layout, type: PgType): ColumnEncoder | null {
  if (type.tag !== 'numeric') return null
  const shape = shapeOf(layout)
  if (shape === null || shape.scale > 12 || !fits(shape, type)) return null
  const { scale, bits, signed } = shape
  const power = 10 ** scale
  const fractionGroups = Math.ceil(scale / 4)
  const pad = 10 ** (fractionGroups * 4 - scale)
  let nulls: Uint8Array | null = null
  let values = new Float64Array(0)
  /** Digits of the whole part in stretches of eight, the lower first; then the first eight of the fraction, then four more. */
  let low = new Int32Array(0)
  let high = new Int32Array(0)
  let part = new Int32Array(0)
  let rest = new Int32Array(0)
  /** Groups of four digits of the whole part; the fraction's are written when it is not zero. */
  let groups = new Int8Array(0)
  let negative = new Uint8Array(0)

  function load(data: Uint8Array<ArrayBuffer>, rows: number): boolean {
    if (values.length < rows) {
      values = new Float64Array(rows)
      low = new Int32Array(rows)
      high = new Int32Array(rows)
      part = new Int32Array(rows)
      rest = new Int32Array(rows)
      groups = new Int8Array(rows)
      negative = new Uint8Array(rows)
    }
    const { buffer, byteOffset } = data
    if (bits >= 64) {
      const step = bits / 32
      const words = new Int32Array(buffer, byteOffset, rows * step)
      for (let row = 0; row < rows; row++) {
        const at = row * step
        const top = words[at + 1]!
        if (step === 4 && (words[at + 2]! !== words[at + 3]! || words[at + 2]! !== top >> 31) && isLive(nulls, row))
          return false
        if (!signed && top < 0 && isLive(nulls, row)) return false
        values[row] = top * 4294967296 + (words[at]! >>> 0)
      }
      return true
    }
    const length = rows
    if (bits === 32)
      values.set(signed ? new Int32Array(buffer, byteOffset, length) : new Uint32Array(buffer, byteOffset, length))
    else if (bits === 16)
      values.set(signed ? new Int16Array(buffer, byteOffset, length) : new Uint16Array(buffer, byteOffset, length))
    else values.set(signed ? new Int8Array(buffer, byteOffset, length) : new Uint8Array(buffer, byteOffset, length))
    return true
  }

  return {
    measure(vector, rows, sizes) {
      nulls = nullsOf(vector, rows)
      if (!load(vector.data, rows)) return false
      for (let row = 0; row < rows; row++) {
        if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) === 0) {
          sizes[row]! += 4
          continue
        }
        let value = values[row]!
        if (value < 0) {
          value = -value
          negative[row] = 1
        } else negative[row] = 0
        if (value > exact) return false
        let whole = value
        let fraction = 0
        if (scale > 0) {
          whole = Math.floor(value / power)
          fraction = value - whole * power
          // The division may have rounded up to the next integer.
          if (fraction < 0) {
            whole -= 1
            fraction += power
          }
          fraction *= pad
          if (fractionGroups < 3) part[row] = fraction
          else {
            const first = Math.floor(fraction / 1e4)
            part[row] = first
            rest[row] = fraction - first * 1e4
          }
        }
        let count: number
        if (whole < 1e8) {
          low[row] = whole
          count = whole < 1 ? 0 : whole < 1e4 ? 1 : 2
        } else {
          const top = Math.floor(whole / 1e8)
          high[row] = top
          low[row] = whole - top * 1e8
          count = top < 1e4 ? 3 : 4
        }
        groups[row] = fraction === 0 ? count : count | 8
        sizes[row]! += 12 + 2 * (fraction === 0 ? count : count + fractionGroups)
      }
      return true
    },
    write(from, to, { view }, cursors) {
      for (let row = from; row < to; row++) {
        let at = cursors[row]!
        if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) === 0) {
          view.setInt32(at, -1)
          cursors[row] = at + 4
          continue
        }
        const count = groups[row]! & 7
        const fraction = groups[row]! > 7
        const digits = fraction ? count + fractionGroups : count
        view.setInt32(at, 8 + 2 * digits)
        // Number of digits and weight; sign and scale.
        view.setInt32(at + 4, digits === 0 ? 0 : (digits << 16) | ((count - 1) & 0xffff))
        view.setInt32(at + 8, negative[row] === 1 && digits > 0 ? 0x4000_0000 | scale : scale)
        at += 12
        if (count > 2) {
          const top = high[row]!
          if (count === 4) {
            view.setInt16(at, (top / 10000) | 0)
            at += 2
          }
          view.setInt16(at, (top % 10000) | 0)
          at += 2
        }
        if (count > 1) {
          const both = low[row]!
          const first = (both / 10000) | 0
          view.setInt32(at, (first << 16) | (both - first * 10000))
          at += 4
        } else if (count === 1) {
          view.setInt16(at, low[row]!)
          at += 2
        }
        if (fraction) {
          const both = part[row]!
          if (fractionGroups === 1) {
            view.setInt16(at, both)
            at += 2
          } else {
            const first = (both / 10000) | 0
            view.setInt32(at, (first << 16) | (both - first * 10000))
            at += 4
            if (fractionGroups === 3) {
              view.setInt16(at, rest[row]!)
              at += 2
            }
          }
        }
        cursors[row] = at
      }
      return true
    },
  }
}

interface Shape {
  readonly bits: 8 | 16 | 32 | 64 | 128
  readonly signed: boolean
  readonly scale: number
  /** Digits before the point that a value can have. */
  readonly whole: number
}

function shapeOf(layout: Layout): Shape | null {
  if (layout.tag === 'decimal')
    return { bits: layout.bits, signed: true, scale: layout.scale, whole: layout.precision - layout.scale }
  if (layout.tag !== 'int' || layout.bits === 128) return null
  return { bits: layout.bits, signed: layout.signed, scale: 0, whole: { 8: 3, 16: 5, 32: 10, 64: 20 }[layout.bits] }
}

/** Whether every value of the shape fits the target; a value that has to be looked at needs care. */
function fits(shape: Shape, type: Extract<PgType, { tag: 'numeric' }>): boolean {
  if (type.precision === null) return true
  const scale = type.scale ?? 0
  return scale >= shape.scale && type.precision - scale >= shape.whole
}

const isLive = (nulls: Uint8Array | null, row: number): boolean =>
  nulls === null || (nulls[row >> 3]! & (1 << (row & 7))) !== 0
