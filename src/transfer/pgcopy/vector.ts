/**
 * Columns as a source's engine lays them out in memory: little-endian values in a row, a bit mask of what is not null,
 * and 16-byte views for what has no fixed width. No store is known here; DuckDB's vectors happen to look like this.
 */
export type Layout =
  | { readonly tag: 'null' }
  /** One byte a value. */
  | { readonly tag: 'boolean' }
  | { readonly tag: 'int'; readonly bits: 8 | 16 | 32 | 64 | 128; readonly signed: boolean }
  | { readonly tag: 'float'; readonly bits: 32 | 64 }
  /** A two's-complement integer to be divided by 10^scale. */
  | { readonly tag: 'decimal'; readonly bits: 16 | 32 | 64 | 128; readonly precision: number; readonly scale: number }
  /** UTF-8 behind 16-byte views; `json`: the source says that every value is a JSON document. */
  | { readonly tag: 'string'; readonly json: boolean }
  | { readonly tag: 'bytes' }
  /** Behind a view: one byte that says how many leading bits of the rest are padding, then the bits. */
  | { readonly tag: 'bits' }
  | { readonly tag: 'enum'; readonly bits: 8 | 16 | 32; readonly labels: readonly string[] }
  /** int32 days since 1970-01-01; ±(2^31 - 1) are the infinities. */
  | { readonly tag: 'date' }
  | { readonly tag: 'time'; readonly unit: 'us' | 'ns' }
  /** 40 bits of microseconds, then 24 bits of 57599 minus the offset in seconds east. */
  | { readonly tag: 'timetz' }
  /** int64 since 1970-01-01T00:00; ±(2^63 - 1) are the infinities. */
  | { readonly tag: 'timestamp'; readonly unit: 's' | 'ms' | 'us' | 'ns'; readonly zoned: boolean }
  /** int32 months, int32 days, int64 microseconds. */
  | { readonly tag: 'interval' }
  /** A 128-bit integer with its highest bit flipped. */
  | { readonly tag: 'uuid' }
  /** uint64 offset and uint64 length into the child. */
  | { readonly tag: 'list'; readonly of: Layout }
  /** `size` children a row. */
  | { readonly tag: 'array'; readonly of: Layout; readonly size: number }

export interface Vector {
  readonly layout: Layout
  /** At least `rows` values; aligned to 8 bytes. */
  readonly data: Uint8Array<ArrayBuffer>
  /** Bit i is set: value i is not null. Null: there are no nulls. */
  readonly validity: Uint8Array | null
  /** The values of a list or array. */
  readonly child: Vector | null
  /** Reads memory that a view points at. */
  readonly fetch: Fetch
}

/** Copies `length` bytes from the address that stands (8 bytes, little-endian) at `offset` of `address`. */
export type Fetch = (address: ArrayBuffer, offset: number, length: number) => Uint8Array

/** A batch of rows, column by column. Valid only until the next batch is asked for. */
export interface Batch {
  readonly rows: number
  readonly columns: readonly Vector[]
}

export function isNull(validity: Uint8Array | null, row: number): boolean {
  return validity !== null && ((validity[row >> 3] ?? 0) & (1 << (row & 7))) === 0
}

/** The mask, or null when it marks none of the first `rows`. */
export function nullsOf(vector: Vector, rows: number): Uint8Array | null {
  const mask = vector.validity
  if (mask === null) return null
  const whole = rows >> 3
  for (let index = 0; index < whole; index++) if (mask[index] !== 255) return mask
  const rest = (1 << (rows & 7)) - 1
  return ((mask[whole] ?? 0) & rest) === rest ? null : mask
}
