/**
 * Comparing two sides by the hashes of their rows, in bounded memory whatever their size.
 *
 * 1. Both sides are read once; each row adds its hash to the sum of its partition (by key hash). Equal counts and sums in all
 *    partitions: identical. (Sums of 64 bits over hashes of 64 bits: two different contents look alike once in 2^64.)
 * 2. Only if partitions differ, both sides are read again and the rows of those partitions are matched, in as many readings as
 *    the budget of rows asks for.
 *
 * A side that gives different rows when it is read again makes the comparison meaningless; whoever calls holds a snapshot.
 */

/**
 * Hashes of consecutive rows: two 32-bit halves a row, low first. Without a key, `key` is the row's own hash. The arrays may be
 * longer, and are used again for the next batch.
 */
export interface HashBatch {
  readonly rows: number
  readonly key: Uint32Array
  readonly row: Uint32Array
}

/** A side that can be read several times. */
export type Side = () => AsyncIterable<HashBatch>

export interface CompareOptions {
  /** Rows have a key: a row on both sides under one key with different hashes is changed, not missing and extra. */
  readonly keyed: boolean
  /** How many differences to name. */
  readonly examples: number
  /** Rows of one side that may be held at once (16 bytes each). */
  readonly budget?: number
}

export interface Comparison {
  readonly source: number
  readonly target: number
  readonly missing: number
  readonly extra: number
  readonly changed: number
  readonly examples: readonly HashDifference[]
}

/** One difference, still as hashes (`hi:lo` in hex, see `hashName`). */
export interface HashDifference {
  readonly difference: 'missing' | 'extra' | 'changed'
  readonly key: string
  /** The row on that side; null where there is none. */
  readonly source: string | null
  readonly target: string | null
  readonly count: number
}

const partitions = 1 << 16
const defaultBudget = 1 << 20

/** A hash as text, to find its row again. */
export function hashName(low: number, high: number): string {
  return `${(high >>> 0).toString(16)}:${(low >>> 0).toString(16)}`
}

/** Compares two sides; reads each once when they are equal. */
export async function compareHashes(source: Side, target: Side, options: CompareOptions): Promise<Comparison> {
  const [left, right] = await Promise.all([summarise(source()), summarise(target())])
  const total = { source: left.rows, target: right.rows, missing: 0, extra: 0, changed: 0 }
  const examples: HashDifference[] = []
  for (const group of groupsOf(left, right, options.budget ?? defaultBudget)) {
    const [from, to] = await Promise.all([collect(source(), group), collect(target(), group)])
    const found = match(from, to, options.keyed, options.examples - examples.length)
    total.missing += found.missing
    total.extra += found.extra
    total.changed += found.changed
    examples.push(...found.examples)
  }
  return { ...total, examples }
}

interface Summary {
  rows: number
  readonly count: Uint32Array
  readonly low: Uint32Array
  readonly high: Uint32Array
}

async function summarise(batches: AsyncIterable<HashBatch>): Promise<Summary> {
  const count = new Uint32Array(partitions)
  const low = new Uint32Array(partitions)
  const high = new Uint32Array(partitions)
  let rows = 0
  for await (const batch of batches) {
    const { key, row } = batch
    for (let at = 0; at < batch.rows * 2; at += 2) {
      // Indexes stay within arrays that were made for them; `!` would say the same.
      const partition = (key[at] as number) & (partitions - 1)
      count[partition] = (count[partition] as number) + 1
      const sum = (low[partition] as number) + (row[at] as number)
      low[partition] = sum
      high[partition] = (high[partition] as number) + (row[at + 1] as number) + (sum > 0xffffffff ? 1 : 0)
    }
    rows += batch.rows
  }
  return { rows, count, low, high }
}

/** The partitions that differ, in groups that fit the budget (one partition at least). */
function* groupsOf(left: Summary, right: Summary, budget: number): Iterable<Uint8Array> {
  let group = new Uint8Array(partitions)
  let held = 0
  for (let partition = 0; partition < partitions; partition++) {
    const same =
      left.count[partition] === right.count[partition] &&
      left.low[partition] === right.low[partition] &&
      left.high[partition] === right.high[partition]
    if (same) continue
    const rows = Math.max(left.count[partition] as number, right.count[partition] as number)
    if (held > 0 && held + rows > budget) {
      yield group
      group = new Uint8Array(partitions)
      held = 0
    }
    group[partition] = 1
    held += Math.max(rows, 1)
  }
  if (held > 0) yield group
}

/** Rows of a group, as (key low, key high, row low, row high), sorted. */
interface Held {
  readonly order: Uint32Array
  readonly data: Uint32Array
}

async function collect(batches: AsyncIterable<HashBatch>, group: Uint8Array): Promise<Held> {
  let data = new Uint32Array(4096)
  let used = 0
  for await (const { rows, key, row } of batches) {
    for (let at = 0; at < rows * 2; at += 2) {
      const low = key[at] as number
      if (group[low & (partitions - 1)] === 0) continue
      if (used + 4 > data.length) {
        const grown = new Uint32Array(data.length * 2)
        grown.set(data)
        data = grown
      }
      data[used] = low
      data[used + 1] = key[at + 1] as number
      data[used + 2] = row[at] as number
      data[used + 3] = row[at + 1] as number
      used += 4
    }
  }
  const order = new Uint32Array(used / 4).map((_, index) => index)
  order.sort((a, b) => compareEntries(data, a, data, b, 4))
  return { order, data }
}

/** Compares the first `words` words of two entries. */
function compareEntries(left: Uint32Array, a: number, right: Uint32Array, b: number, words: number): number {
  for (let word = 0; word < words; word++) {
    const difference = (left[a * 4 + word] as number) - (right[b * 4 + word] as number)
    if (difference !== 0) return difference
  }
  return 0
}

interface Matched {
  missing: number
  extra: number
  changed: number
  readonly examples: HashDifference[]
}

/** Walks two sorted sides; what is left of a key on both sides after equal rows cancelled out is changed. */
function match(source: Held, target: Held, keyed: boolean, wanted: number): Matched {
  const found: Matched = { missing: 0, extra: 0, changed: 0, examples: [] }
  const words = keyed ? 2 : 4
  let at = 0
  let to = 0
  while (at < source.order.length || to < target.order.length) {
    const order = compareHeads(source, at, target, to, words)
    const left = order <= 0 ? runOf(source, at, words) : at
    const right = order >= 0 ? runOf(target, to, words) : to
    settle({ source, at, left, target, to, right }, found, wanted)
    at = left
    to = right
  }
  return found
}

function compareHeads(source: Held, at: number, target: Held, to: number, words: number): number {
  if (at >= source.order.length) return 1
  if (to >= target.order.length) return -1
  return compareEntries(source.data, source.order[at] as number, target.data, target.order[to] as number, words)
}

function runOf(held: Held, from: number, words: number): number {
  let end = from + 1
  while (
    end < held.order.length &&
    compareEntries(held.data, held.order[from] as number, held.data, held.order[end] as number, words) === 0
  )
    end++
  return end
}

interface Stretch {
  readonly source: Held
  readonly at: number
  readonly left: number
  readonly target: Held
  readonly to: number
  readonly right: number
}

/** Settles one key's rows: equal ones cancel, the rest are changed in pairs, then missing or extra. */
function settle({ source, at, left, target, to, right }: Stretch, found: Matched, wanted: number): void {
  const missing: number[] = []
  const extra: number[] = []
  let i = at
  let j = to
  while (i < left || j < right) {
    const a = source.order[i] as number
    const b = target.order[j] as number
    const order = i >= left ? 1 : j >= right ? -1 : compareEntries(source.data, a, target.data, b, 4)
    if (order < 0) missing.push(a)
    if (order > 0) extra.push(b)
    if (order <= 0) i++
    if (order >= 0) j++
  }
  const changed = Math.min(missing.length, extra.length)
  found.changed += changed
  found.missing += missing.length - changed
  found.extra += extra.length - changed
  for (const difference of describe(source.data, target.data, missing, extra)) {
    if (found.examples.length >= wanted) return
    found.examples.push(difference)
  }
}

function* describe(
  source: Uint32Array,
  target: Uint32Array,
  missing: readonly number[],
  extra: readonly number[],
): Iterable<HashDifference> {
  const changed = Math.min(missing.length, extra.length)
  const name = (data: Uint32Array, entry: number, word: number): string =>
    hashName(data[entry * 4 + word] as number, data[entry * 4 + word + 1] as number)
  for (let pair = 0; pair < changed; pair++) {
    const a = missing[pair] as number
    const b = extra[pair] as number
    yield {
      difference: 'changed',
      key: name(source, a, 0),
      source: name(source, a, 2),
      target: name(target, b, 2),
      count: 1,
    }
  }
  yield* counted(source, missing.slice(changed), 'missing', name)
  yield* counted(target, extra.slice(changed), 'extra', name)
}

/** Equal rows of one side as one difference with its count. */
function* counted(
  data: Uint32Array,
  entries: readonly number[],
  difference: 'missing' | 'extra',
  name: (data: Uint32Array, entry: number, word: number) => string,
): Iterable<HashDifference> {
  const counts = new Map<string, { key: string; count: number }>()
  for (const entry of entries) {
    const row = name(data, entry, 2)
    const seen = counts.get(row)
    if (seen === undefined) counts.set(row, { key: name(data, entry, 0), count: 1 })
    else seen.count++
  }
  for (const [row, { key, count }] of counts) {
    yield {
      difference,
      key,
      source: difference === 'missing' ? row : null,
      target: difference === 'extra' ? row : null,
      count,
    }
  }
}
