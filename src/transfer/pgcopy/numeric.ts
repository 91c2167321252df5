/** Fast encoder of DECIMAL and whole numbers into numeric: base-10000 digits straight from the two halves of an integer. */
import type { PgType } from '../pgtype.ts'
import type { ColumnEncoder } from './column.ts'
import { nullsOf, type Layout } from './vector.ts'

/** Above this a double no longer holds every integer. */
const exact = 9_007_199_254_740_991
const none = new Int8Array(0)

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
  let whole = new Float64Array(0)
  let part = new Float64Array(0)
  /** Groups of the whole part; the fraction is written when it is not zero. */
  let groups: Int8Array = none
  let negative = new Uint8Array(0)

  function load(data: Uint8Array<ArrayBuffer>, rows: number): boolean {
    if (whole.length < rows) {
      whole = new Float64Array(rows)
      part = new Float64Array(rows)
      groups = new Int8Array(rows)
      negative = new Uint8Array(rows)
    }
    const { buffer, byteOffset } = data
    if (bits >= 64) {
      const step = bits / 32
      const words = new Int32Array(buffer, byteOffset, rows * step)
      for (let row = 0; row < rows; row++) {
        const at = row * step
        const high = words[at + 1]!
        if (step === 4 && (words[at + 2]! !== words[at + 3]! || words[at + 2]! !== high >> 31) && isLive(nulls, row))
          return false
        if (!signed && high < 0 && isLive(nulls, row)) return false
        whole[row] = high * 4294967296 + (words[at]! >>> 0)
      }
    } else if (bits === 32)
      whole.set(signed ? new Int32Array(buffer, byteOffset, rows) : new Uint32Array(buffer, byteOffset, rows))
    else if (bits === 16)
      whole.set(signed ? new Int16Array(buffer, byteOffset, rows) : new Uint16Array(buffer, byteOffset, rows))
    else whole.set(signed ? new Int8Array(buffer, byteOffset, rows) : new Uint8Array(buffer, byteOffset, rows))
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
        let value = whole[row]!
        if (value < 0) {
          value = -value
          negative[row] = 1
        } else negative[row] = 0
        if (value > exact) return false
        let integer = value
        let fraction = 0
        if (scale > 0) {
          integer = Math.floor(value / power)
          fraction = value - integer * power
          // The division may have rounded up to the next integer.
          if (fraction < 0) {
            integer -= 1
            fraction += power
          }
          fraction *= pad
        }
        const count = integer < 1 ? 0 : integer < 1e4 ? 1 : integer < 1e8 ? 2 : integer < 1e12 ? 3 : 4
        whole[row] = integer
        part[row] = fraction
        groups[row] = count
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
        let integer = whole[row]!
        let fraction = part[row]!
        const count = groups[row]!
        const digits = fraction === 0 ? count : count + fractionGroups
        view.setInt32(at, 8 + 2 * digits)
        view.setInt16(at + 4, digits)
        view.setInt16(at + 6, digits === 0 ? 0 : count - 1)
        view.setInt16(at + 8, negative[row] === 1 && digits > 0 ? 0x4000 : 0)
        view.setInt16(at + 10, scale)
        at += 12
        const end = at + 2 * digits
        if (fraction !== 0) {
          for (let group = fractionGroups - 1; group >= 0; group--) {
            const next = Math.floor(fraction / 10000)
            view.setInt16(at + 2 * (count + group), fraction - next * 10000)
            fraction = next
          }
        }
        for (let group = count - 1; group >= 0; group--) {
          const next = Math.floor(integer / 10000)
          view.setInt16(at + 2 * group, integer - next * 10000)
          integer = next
        }
        cursors[row] = end
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
