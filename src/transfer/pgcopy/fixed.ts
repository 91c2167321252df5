/** Fast encoders of what has one width: loops over typed arrays, no object and no BigInt a value. */
import type { PgType } from '../pgtype.ts'
import type { ColumnEncoder, Out } from './column.ts'
import { nullsOf, type Layout, type Vector } from './vector.ts'

/** Brings a batch into words, or says that a value of it needs care. Values of null rows are arbitrary. */
type Load<Words> = (vector: Vector, rows: number, nulls: Uint8Array | null) => Words | null

function measureFixed(width: number, rows: number, nulls: Uint8Array | null, sizes: Int32Array): void {
  const full = width + 4
  if (nulls === null) for (let row = 0; row < rows; row++) sizes[row]! += full
  else for (let row = 0; row < rows; row++) sizes[row]! += (nulls[row >> 3]! & (1 << (row & 7))) === 0 ? 4 : full
}

function words32(width: 1 | 2 | 4, load: Load<Int32Array>): ColumnEncoder {
  let nulls: Uint8Array | null = null
  let words: Int32Array = new Int32Array(0)
  return {
    measure(vector, rows, sizes) {
      nulls = nullsOf(vector, rows)
      const loaded = load(vector, rows, nulls)
      if (loaded === null) return false
      words = loaded
      measureFixed(width, rows, nulls, sizes)
      return true
    },
    write(from, to, { view }, cursors) {
      for (let row = from; row < to; row++) {
        const at = cursors[row]!
        if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) === 0) {
          view.setInt32(at, -1)
          cursors[row] = at + 4
          continue
        }
        view.setInt32(at, width)
        if (width === 4) view.setInt32(at + 4, words[row]!)
        else if (width === 2) view.setInt16(at + 4, words[row]!)
        else view.setInt8(at + 4, words[row]!)
        cursors[row] = at + 4 + width
      }
      return true
    },
  }
}

/** Words come in pairs, the low one first. */
function words64(load: Load<Int32Array>): ColumnEncoder {
  let nulls: Uint8Array | null = null
  let words: Int32Array = new Int32Array(0)
  return {
    measure(vector, rows, sizes) {
      nulls = nullsOf(vector, rows)
      const loaded = load(vector, rows, nulls)
      if (loaded === null) return false
      words = loaded
      measureFixed(8, rows, nulls, sizes)
      return true
    },
    write(from, to, { view }, cursors) {
      for (let row = from; row < to; row++) {
        const at = cursors[row]!
        if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) === 0) {
          view.setInt32(at, -1)
          cursors[row] = at + 4
          continue
        }
        view.setInt32(at, 8)
        view.setInt32(at + 4, words[row * 2 + 1]!)
        view.setInt32(at + 8, words[row * 2]!)
        cursors[row] = at + 12
      }
      return true
    },
  }
}

function uuids(): ColumnEncoder {
  let nulls: Uint8Array | null = null
  let data: Uint8Array = new Uint8Array(0)
  return {
    measure(vector, rows, sizes) {
      nulls = nullsOf(vector, rows)
      data = vector.data
      measureFixed(16, rows, nulls, sizes)
      return true
    },
    write(from, to, { view, bytes }: Out, cursors) {
      for (let row = from; row < to; row++) {
        let at = cursors[row]!
        if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) === 0) {
          view.setInt32(at, -1)
          cursors[row] = at + 4
          continue
        }
        view.setInt32(at, 16)
        at += 4
        for (let index = 0; index < 16; index++) bytes[at + index] = data[row * 16 + 15 - index]!
        bytes[at] = bytes[at]! ^ 0x80
        cursors[row] = at + 16
      }
      return true
    },
  }
}

const int32s = (vector: Vector, count: number): Int32Array =>
  new Int32Array(vector.data.buffer, vector.data.byteOffset, count)

/** Whole numbers of at most 32 bits as they lie in memory; uint32 comes as int32, so it is none of these. */
function smallInts(
  layout: Layout,
  vector: Vector,
  rows: number,
): Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array {
  const { buffer, byteOffset } = vector.data
  if (layout.tag === 'int' && layout.bits === 16) {
    return layout.signed ? new Int16Array(buffer, byteOffset, rows) : new Uint16Array(buffer, byteOffset, rows)
  }
  if (layout.tag === 'int' && layout.bits === 8 && layout.signed) return new Int8Array(buffer, byteOffset, rows)
  if (layout.tag === 'int' && layout.bits === 32) return int32s(vector, rows)
  return new Uint8Array(buffer, byteOffset, rows)
}

const isLive = (nulls: Uint8Array | null, row: number): boolean =>
  nulls === null || (nulls[row >> 3]! & (1 << (row & 7))) !== 0

/** Small ints into int2 or int4, checked when the target is narrower. */
function loadSmall(layout: Layout, low: number, high: number, checked: boolean): Load<Int32Array> {
  let words = new Int32Array(0)
  return (vector, rows, nulls) => {
    const source = smallInts(layout, vector, rows)
    if (source instanceof Int32Array) words = source as Int32Array<ArrayBuffer> // a view of the vector's own ArrayBuffer
    else {
      if (words.length < rows) words = new Int32Array(rows)
      words.set(source)
    }
    if (checked) {
      for (let row = 0; row < rows; row++) {
        const value = words[row]!
        if ((value < low || value > high) && isLive(nulls, row)) return null
      }
    }
    return words
  }
}

/** int64 into int2 or int4. */
function loadNarrowed(low: number, high: number): Load<Int32Array> {
  let words = new Int32Array(0)
  return (vector, rows, nulls) => {
    const source = int32s(vector, rows * 2)
    if (words.length < rows) words = new Int32Array(rows)
    for (let row = 0; row < rows; row++) {
      const value = source[row * 2]!
      if ((source[row * 2 + 1]! !== value >> 31 || value < low || value > high) && isLive(nulls, row)) return null
      words[row] = value
    }
    return words
  }
}

/** Small ints and uint32 into int8. */
function loadWidened(layout: Layout): Load<Int32Array> {
  const unsigned = layout.tag === 'int' && !layout.signed
  let words = new Int32Array(0)
  return (vector, rows) => {
    const source = smallInts(layout, vector, rows)
    if (words.length < rows * 2) words = new Int32Array(rows * 2)
    for (let row = 0; row < rows; row++) {
      const value = source[row]!
      words[row * 2] = value
      words[row * 2 + 1] = unsigned ? 0 : value >> 31
    }
    return words
  }
}

function loadFloat8(layout: Layout): Load<Int32Array> {
  if (layout.tag === 'float' && layout.bits === 64) return (vector, rows) => int32s(vector, rows * 2)
  let floats = new Float64Array(0)
  return (vector, rows) => {
    if (floats.length < rows) floats = new Float64Array(rows)
    if (layout.tag === 'float') floats.set(new Float32Array(vector.data.buffer, vector.data.byteOffset, rows))
    else if (layout.tag === 'int' && layout.bits === 32 && !layout.signed) {
      floats.set(new Uint32Array(vector.data.buffer, vector.data.byteOffset, rows))
    } else floats.set(smallInts(layout, vector, rows))
    return new Int32Array(floats.buffer)
  }
}

/** Days within PostgreSQL's range, none infinite. */
const loadDate = (): Load<Int32Array> => {
  let words = new Int32Array(0)
  return (vector, rows, nulls) => {
    const source = int32s(vector, rows)
    if (words.length < rows) words = new Int32Array(rows)
    for (let row = 0; row < rows; row++) {
      const days = source[row]! - 10957
      if ((days < -2451545 || days > 2145031948) && isLive(nulls, row)) return null
      words[row] = days
    }
    return words
  }
}

/** 946684800000000: microseconds from 1970 to 2000, as two words. */
const epochLow = 946_684_800_000_000 % 4294967296
const epochHigh = Math.floor(946_684_800_000_000 / 4294967296)

/** Instants within 290,000 years BC to AD 294,000 that PostgreSQL holds beyond doubt: the rest needs care. */
function loadTimestamp(unit: 's' | 'ms' | 'us' | 'ns'): Load<Int32Array> {
  const factor = unit === 's' ? 1_000_000 : unit === 'ms' ? 1000 : 1
  let words = new Int32Array(0)
  return (vector, rows, nulls) => {
    const source = int32s(vector, rows * 2)
    if (words.length < rows * 2) words = new Int32Array(rows * 2)
    for (let row = 0; row < rows; row++) {
      let low = source[row * 2]! >>> 0
      let high = source[row * 2 + 1]!
      if (unit === 'ns') {
        const top = Math.floor(high / 1000)
        const rest = (high - top * 1000) * 4294967296 + low
        low = Math.floor(rest / 1000)
        if (low * 1000 !== rest && isLive(nulls, row)) return null
        high = top
      } else if (factor !== 1) {
        const scaled = (high * 4294967296 + low) * factor
        if (!Number.isSafeInteger(scaled) && isLive(nulls, row)) return null
        high = Math.floor(scaled / 4294967296)
        low = scaled - high * 4294967296
      }
      // -49096000 · 2^32 µs lies just after 4714-11-24 BC; 2147270000 · 2^32 µs is in the year 294000.
      if ((high < -49_096_000 || high > 2_147_270_000) && isLive(nulls, row)) return null
      const shifted = low - epochLow
      words[row * 2] = shifted
      words[row * 2 + 1] = high - epochHigh - (shifted < 0 ? 1 : 0)
    }
    return words
  }
}

/** A fast encoder for the pair, if there is one here. */
export function fixedEncoder(layout: Layout, type: PgType): ColumnEncoder | null {
  const small = layout.tag === 'int' && (layout.bits < 32 || (layout.bits === 32 && layout.signed)) ? layout : null
  switch (type.tag) {
    case 'boolean':
      return layout.tag === 'boolean' ? words32(1, loadSmall(layout, 0, 1, false)) : null
    case 'int2':
      if (small !== null) {
        const fits = small.bits === 8 || (small.bits === 16 && small.signed)
        return words32(2, loadSmall(small, -32768, 32767, !fits))
      }
      return layout.tag === 'int' && layout.bits === 64 && layout.signed
        ? words32(2, loadNarrowed(-32768, 32767))
        : null
    case 'int4':
      if (small !== null) return words32(4, loadSmall(small, 0, 0, false))
      return layout.tag === 'int' && layout.bits === 64 && layout.signed
        ? words32(4, loadNarrowed(-2147483648, 2147483647))
        : null
    case 'int8':
      if (layout.tag !== 'int' || layout.bits === 128) return null
      if (layout.bits === 64) {
        return words64((vector, rows, nulls) => {
          const words = int32s(vector, rows * 2)
          if (!layout.signed)
            for (let row = 0; row < rows; row++) if (words[row * 2 + 1]! < 0 && isLive(nulls, row)) return null
          return words
        })
      }
      return words64(loadWidened(layout))
    case 'float4':
      return layout.tag === 'float' && layout.bits === 32 ? words32(4, (vector, rows) => int32s(vector, rows)) : null
    case 'float8':
      if (layout.tag === 'float' && layout.bits === 64) return words64(loadFloat8(layout))
      return layout.tag === 'float' || (layout.tag === 'int' && layout.bits <= 32) ? words64(loadFloat8(layout)) : null
    case 'date':
      return layout.tag === 'date' ? words32(4, loadDate()) : null
    case 'time':
      return layout.tag === 'time' && layout.unit === 'us' && (type.precision ?? 6) === 6
        ? words64((vector, rows) => int32s(vector, rows * 2))
        : null
    case 'timestamp':
    case 'timestamptz':
      return layout.tag === 'timestamp' && (type.precision ?? 6) === 6 ? words64(loadTimestamp(layout.unit)) : null
    case 'uuid':
      return layout.tag === 'uuid' ? uuids() : null
    default:
      return null
  }
}
