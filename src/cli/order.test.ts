import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inOrder } from './order.ts'

const good = (result: boolean): boolean => result

/** Names 0…n, each after some of those before it: no circles. */
const graphs = fc.integer({ min: 1, max: 8 }).chain((size) =>
  fc.tuple(
    ...Array.from({ length: size }, (_, at) =>
      fc.record({
        name: fc.constant(String(at)),
        after: fc.subarray(Array.from({ length: at }, (_, before) => String(before))),
        ok: fc.boolean(),
      }),
    ),
  ),
)

test('each begins when those before it have ended well, and only then', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, async (all) => {
      const ended = new Set<string>()
      const begun = new Set<string>()
      const fates = await inOrder(
        all.toReversed(),
        async (name) => {
          const one = all.find((other) => other.name === name)
          for (const upstream of one?.after ?? []) expect(ended.has(upstream)).toBe(true)
          begun.add(name)
          await Promise.resolve()
          ended.add(name)
          return one?.ok ?? false
        },
        good,
      )
      for (const one of all) {
        const fate = fates.find(({ name }) => name === one.name)
        const bad = one.after.find(
          (upstream) => !(all.find(({ name }) => name === upstream)?.ok && begun.has(upstream)),
        )
        expect(fate?.tag).toBe(bad === undefined ? 'done' : 'left')
        expect(begun.has(one.name)).toBe(bad === undefined)
      }
    }),
  )
})

test('what does not wait for each other runs at once', async () => {
  let together = 0
  let most = 0
  await inOrder(
    ['a', 'b', 'c'].map((name) => ({ name, after: [] })),
    async () => {
      together += 1
      most = Math.max(most, together)
      await new Promise((resolve) => setTimeout(resolve, 5))
      together -= 1
      return true
    },
    good,
  )
  expect(most).toBe(3)
})

test('a defect is thrown after all have ended', async () => {
  let ended = false
  const work = inOrder(
    [
      { name: 'a', after: [] },
      { name: 'b', after: [] },
    ],
    async (name) => {
      if (name === 'a') throw new Error('broken')
      await new Promise((resolve) => setTimeout(resolve, 10))
      ended = true
      return true
    },
    good,
  )
  await expect(work).rejects.toThrow('broken')
  expect(ended).toBe(true)
})
