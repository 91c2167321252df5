/**
 * The fast way for one column: `measure` adds every row's size, `write` puts the rows where the cursors stand. Whatever
 * needs care (a value out of range, an infinity, a 0x00) makes either return false, and the batch's column is then
 * done value by value, where policies are known.
 */
import type { Vector } from './vector.ts'

export interface Out {
  readonly bytes: Uint8Array
  readonly view: DataView
}

export interface ColumnEncoder {
  /** Adds the size of each row's field, with its length word, to `sizes`. False: this batch needs care. */
  measure(vector: Vector, rows: number, sizes: Int32Array): boolean
  /** Writes rows `from` to `to` of the measured batch and moves their cursors. False: this batch needs care after all. */
  write(from: number, to: number, out: Out, cursors: Int32Array): boolean
}
