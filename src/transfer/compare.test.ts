import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareHashes, type HashBatch, type Side } from './compare.ts'

interface Row {
  readonly key: number
  readonly value: number
}

/** A hash that spreads, so that rows land in many partitions. */
function mix(value: number): readonly [number, number] {
  const low = Math.imul(value ^ (value >>> 16), 0x45d9f3b) >>> 0
  return [low ^ (low >>> 13), Math.imul(low ^ 0x9e3779b9, 0x85ebca6b) >>> 0]
}

function side(rows: readonly Row[], keyed: boolean, size: number): Side {
  return async function* () {
    for (let from = 0; from < rows.length; from += size) {
      const part = rows.slice(from, from + size)
      const row = Uint32Array.from(part.flatMap(({ key, value }) => mix(key * 1_000 + value)))
      const key = keyed ? Uint32Array.from(part.flatMap(({ key }) => mix(key))) : row
      yield { rows: part.length, key, row } satisfies HashBatch
    }
  }
}

/** The same by brute force: per key, equal rows cancel, the rest pair up. */
function expected(
  source: readonly Row[],
  target: readonly Row[],
  keyed: boolean,
): { missing: number; extra: number; changed: number } {
  const left = [...source]
  const right = [...target]
  for (const row of source) {
    const at = right.findIndex(({ key, value }) => key === row.key && value === row.value)
    if (at >= 0) {
      right.splice(at, 1)
      left.splice(left.indexOf(row), 1)
    }
  }
  let changed = 0
  if (keyed) {
    for (const row of left.slice()) {
      const at = right.findIndex(({ key }) => key === row.key)
      if (at >= 0) {
        right.splice(at, 1)
        left.splice(left.indexOf(row), 1)
        changed++
      }
    }
  }
  return { missing: left.length, extra: right.length, changed }
}

const rows = fc.array(fc.record({ key: fc.nat(30), value: fc.nat(3) }), { maxLength: 60 })

test.each([true, false])(
  'counts equal those of a comparison by brute force (keyed: %s), whatever the budget and the batches',
  async (keyed) => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        rows,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 7 }),
        async (a, b, budget, size) => {
          const result = await compareHashes(side(a, keyed, size), side(b, keyed, size), {
            keyed,
            examples: 1_000,
            budget,
          })
          expect(result).toMatchObject({ source: a.length, target: b.length, ...expected(a, b, keyed) })
          const named = result.examples.reduce((sum, { count }) => sum + count, 0)
          expect(named).toBe(result.missing + result.extra + result.changed)
        },
      ),
      { numRuns: 300 },
    )
  },
)

test('equal sides in another order are identical and are read once', async () => {
  const all = Array.from({ length: 5_000 }, (_, key) => ({ key, value: key % 7 }))
  let read = 0
  const counted = (inner: Side): Side =>
    async function* () {
      read++
      yield* inner()
    }
  const result = await compareHashes(counted(side(all, true, 100)), counted(side(all.toReversed(), true, 33)), {
    keyed: true,
    examples: 10,
  })
  expect(result).toEqual({ source: 5_000, target: 5_000, missing: 0, extra: 0, changed: 0, examples: [] })
  expect(read).toBe(2)
})

test('names at most as many examples as are wanted', async () => {
  const all = Array.from({ length: 100 }, (_, key) => ({ key, value: 0 }))
  const result = await compareHashes(side(all, true, 10), side([], true, 10), { keyed: true, examples: 10, budget: 7 })
  expect(result.missing).toBe(100)
  expect(result.examples).toHaveLength(10)
})
