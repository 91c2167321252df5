/** Fast encoder of numbers that are written as text, as files have them: digit by digit into numeric, none lost. */
import type { PgType } from '../pgtype.ts'
import type { ColumnEncoder } from './column.ts'
import { inlineBytes, resolveViews } from './views.ts'
import { nullsOf, type Layout } from './vector.ts'

const [zero, nine, point, minus, plus] = [0x30, 0x39, 0x2e, 0x2d, 0x2b]
/** Digits behind the point that numeric can say it has. */
const mostScale = 16_383
const mostDigits = 100_000

/** Of any precision: a text that is more than sign, digits and point is left to the careful way, as are limits. */
export function writtenEncoder(layout: Layout, type: PgType): ColumnEncoder | null {
  if (layout.tag !== 'string' || type.tag !== 'numeric' || type.precision !== null) return null
  let nulls: Uint8Array | null = null
  /** Of all rows, one after the other: groups of four decimal digits. */
  let groups = new Int16Array(1024)
  let ends = new Int32Array(0)
  let weights = new Int16Array(0)
  let scales = new Int16Array(0)
  let negative = new Uint8Array(0)
  let used = 0

  /** Reads a number from bytes [from, to) as row `row`. False: it is none that is read here. */
  function read(bytes: Uint8Array, from: number, to: number, row: number): boolean {
    if (to - from > mostDigits) return false
    let start = from
    const first = bytes[start]
    negative[row] = first === minus ? 1 : 0
    if (first === minus || first === plus) start++
    let dot = start
    while (dot < to && bytes[dot]! >= zero && bytes[dot]! <= nine) dot++
    let end = dot
    if (dot < to) {
      if (bytes[dot] !== point) return false
      end = dot + 1
      while (end < to && bytes[end]! >= zero && bytes[end]! <= nine) end++
      if (end < to) return false
    }
    const scale = Math.max(0, end - dot - 1)
    if (scale > mostScale || dot - start + scale === 0) return false
    while (start < dot && bytes[start] === zero) start++
    const whole = Math.ceil((dot - start) / 4)
    const count = whole + Math.ceil(scale / 4)
    if (used + count > groups.length) {
      const grown = new Int16Array(Math.max(groups.length * 2, used + count))
      grown.set(groups.subarray(0, used))
      groups = grown
    }
    const begin = used
    for (let group = 0; group < whole; group++) {
      const last = dot - (whole - 1 - group) * 4
      let value = 0
      for (let at = Math.max(start, last - 4); at < last; at++) value = value * 10 + bytes[at]! - zero
      groups[used++] = value
    }
    for (let group = 0; group < count - whole; group++) {
      let value = 0
      const at = dot + 1 + group * 4
      for (let digit = 0; digit < 4; digit++) value = value * 10 + (at + digit < end ? bytes[at + digit]! - zero : 0)
      groups[used++] = value
    }
    let skipped = 0
    while (begin + skipped < used && groups[begin + skipped] === 0) skipped++
    if (skipped > 0) {
      groups.copyWithin(begin, begin + skipped, used)
      used -= skipped
    }
    while (used > begin && groups[used - 1] === 0) used--
    ends[row] = used
    weights[row] = used === begin ? 0 : whole - 1 - skipped
    scales[row] = scale
    return true
  }

  return {
    measure(vector, rows, sizes) {
      nulls = nullsOf(vector, rows)
      used = 0
      if (ends.length < rows) {
        ends = new Int32Array(rows)
        weights = new Int16Array(rows)
        scales = new Int16Array(rows)
        negative = new Uint8Array(rows)
      }
      const { data } = vector
      const lengths = new Uint32Array(data.buffer, data.byteOffset, rows * 4)
      const { heap, offsets } = resolveViews(data, nulls, rows, vector.fetch)
      for (let row = 0; row < rows; row++) {
        const before = used
        if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) === 0) {
          ends[row] = used
          sizes[row]! += 4
          continue
        }
        const length = lengths[row * 4]!
        const [bytes, from] = length <= inlineBytes ? [data, row * 16 + 4] : [heap, offsets[row]!]
        if (!read(bytes, from, from + length, row)) return false
        sizes[row]! += 12 + 2 * (used - before)
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
        const begin = row === 0 ? 0 : ends[row - 1]!
        const end = ends[row]!
        view.setInt32(at, 8 + 2 * (end - begin))
        view.setInt16(at + 4, end - begin)
        view.setInt16(at + 6, weights[row]!)
        view.setInt16(at + 8, negative[row] === 1 && end > begin ? 0x4000 : 0)
        view.setInt16(at + 10, scales[row]!)
        at += 12
        for (let group = begin; group < end; group++, at += 2) view.setInt16(at, groups[group]!)
        cursors[row] = at
      }
      return true
    },
  }
}
