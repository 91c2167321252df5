/** Fast encoder of text and bytes: bytes go from the source's memory into the chunk, checked for 0x00 on the way. */
import type { PgType } from '../pgtype.ts'
import type { ColumnEncoder } from './column.ts'
import { inlineBytes, resolveViews, type Resolved } from './views.ts'
import { nullsOf, type Layout } from './vector.ts'

/** Longer pieces are copied by the engine's own memcpy, whose call costs as much as this many bytes of a loop. */
const bulk = 64

export function varlenEncoder(layout: Layout, type: PgType): ColumnEncoder | null {
  if (layout.tag === 'string' && (type.tag === 'text' || (type.tag === 'other' && type.textual)))
    return views(true, Infinity)
  // A text of so many bytes has at most as many characters.
  if (layout.tag === 'string' && (type.tag === 'varchar' || type.tag === 'char'))
    return views(true, type.length ?? Infinity)
  return layout.tag === 'bytes' && type.tag === 'bytea' ? views(false, Infinity) : null
}

function views(text: boolean, longest: number): ColumnEncoder {
  let nulls: Uint8Array | null = null
  let data = new Uint8Array(0)
  let lengths: Uint32Array = new Uint32Array(0)
  let resolved: Resolved = { heap: data, offsets: new Int32Array(0) }
  /** The memory behind the long ones holds no 0x00 at all, so that none has to be looked for. */
  let clean = true
  return {
    measure(vector, rows, sizes) {
      nulls = nullsOf(vector, rows)
      data = vector.data
      lengths = new Uint32Array(data.buffer, data.byteOffset, rows * 4)
      for (let row = 0; row < rows; row++) {
        if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) === 0) {
          sizes[row]! += 4
          continue
        }
        const length = lengths[row * 4]!
        if (length > longest) return false
        sizes[row]! += 4 + length
      }
      resolved = resolveViews(vector.data, nulls, rows, vector.fetch)
      clean = !text || resolved.heap.indexOf(0) === -1
      return true
    },
    write(from, to, { bytes, view }, cursors) {
      const { heap, offsets } = resolved
      for (let row = from; row < to; row++) {
        let at = cursors[row]!
        if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) === 0) {
          view.setInt32(at, -1)
          cursors[row] = at + 4
          continue
        }
        const length = lengths[row * 4]!
        view.setInt32(at, length)
        at += 4
        if (length <= inlineBytes) {
          const start = row * 16 + 4
          for (let index = 0; index < length; index++) {
            const byte = data[start + index]!
            if (byte === 0 && text) return false
            bytes[at + index] = byte
          }
        } else {
          const start = offsets[row]!
          if (length > bulk) {
            const piece = heap.subarray(start, start + length)
            if (!clean && piece.indexOf(0) !== -1) return false
            bytes.set(piece, at)
          } else {
            for (let index = 0; index < length; index++) {
              const byte = heap[start + index]!
              if (byte === 0 && text) return false
              bytes[at + index] = byte
            }
          }
        }
        cursors[row] = at + length
      }
      return true
    },
  }
}
