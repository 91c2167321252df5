import { isNull, type Fetch } from './vector.ts'

/** Views of up to this many bytes hold their text themselves. */
export const inlineBytes = 12
/** Two stretches of memory less than a page apart share no unmapped page between them, so both are read at once. */
const page = 4096

/**
 * Where the bytes behind a batch of 16-byte views lie. What is longer than 12 bytes is fetched once a run of
 * neighbouring addresses instead of once a value, since each fetch costs as much as copying some hundred bytes.
 */
export interface Resolved {
  /** All runs, one after the other. */
  readonly heap: Uint8Array
  /** Row → where its bytes begin in `heap`; meaningless for short and null values. */
  readonly offsets: Int32Array
}

const none = new Uint8Array(0)

export function resolveViews(
  data: Uint8Array<ArrayBuffer>,
  nulls: Uint8Array | null,
  rows: number,
  fetch: Fetch,
): Resolved {
  const words = new Uint32Array(data.buffer, data.byteOffset, rows * 4)
  const offsets = new Int32Array(rows)
  const long: number[] = []
  for (let row = 0; row < rows; row++) {
    if (!isNull(nulls, row) && (words[row * 4] ?? 0) > inlineBytes) long.push(row)
  }
  if (long.length === 0) return { heap: none, offsets }
  const runs = runsOf(words, long)
  return runs.length > 8 && runs.length * 4 > long.length
    ? read(
        words,
        runsOf(
          words,
          long.toSorted((a, b) => address(words, a) - address(words, b)),
        ),
        offsets,
        fetch,
      )
    : read(words, runs, offsets, fetch)
}

interface Run {
  start: number
  end: number
  readonly rows: number[]
}

const address = (words: Uint32Array, row: number): number =>
  (words[row * 4 + 3] ?? 0) * 4294967296 + (words[row * 4 + 2] ?? 0)

function runsOf(words: Uint32Array, rows: readonly number[]): Run[] {
  const runs: Run[] = []
  let run: Run = { start: -page * 2, end: -page * 2, rows: [] }
  for (const row of rows) {
    const start = address(words, row)
    const end = start + (words[row * 4] ?? 0)
    if (start < run.end + page && end > run.start - page) {
      if (start < run.start) run.start = start
      if (end > run.end) run.end = end
      run.rows.push(row)
    } else {
      run = { start, end, rows: [row] }
      runs.push(run)
    }
  }
  return runs
}

function read(words: Uint32Array, runs: readonly Run[], offsets: Int32Array, fetch: Fetch): Resolved {
  let total = 0
  for (const run of runs) total += run.end - run.start
  const pointer = new ArrayBuffer(8)
  const halves = new Uint32Array(pointer)
  let heap: Uint8Array = none
  let at = 0
  for (const run of runs) {
    halves[0] = run.start % 4294967296
    halves[1] = Math.floor(run.start / 4294967296)
    const bytes = fetch(pointer, 0, run.end - run.start)
    if (runs.length === 1) heap = bytes
    else {
      if (at === 0) heap = new Uint8Array(total)
      heap.set(bytes, at)
    }
    for (const row of run.rows) offsets[row] = at + address(words, row) - run.start
    at += run.end - run.start
  }
  return { heap, offsets }
}
