import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openMemory } from './memory.ts'

test('remembers for as long as it may, counted from when it was asked', async () => {
  const memory = openMemory<number>(60)
  const keep = memory.begin()
  await pause(30)
  keep('long', 1, Infinity)
  keep('short', 2, 35)
  keep('over', 3, 20)
  expect([memory.recall('long'), memory.recall('over'), memory.recall('unknown')]).toEqual([1, undefined, undefined])
  await pause(40)
  expect([memory.recall('long'), memory.recall('short')]).toEqual([undefined, undefined])
})

test('what was asked before it forgot is not remembered after', () => {
  const memory = openMemory<number>(10_000)
  const early = memory.begin()
  early('a', 1, Infinity)
  expect(memory.recall('a')).toBe(1)
  memory.forget()
  expect(memory.recall('a')).toBeUndefined()
  early('a', 1, Infinity)
  expect(memory.recall('a')).toBeUndefined()
  memory.begin()('a', 2, Infinity)
  expect(memory.recall('a')).toBe(2)
})

test('holds no more than it may, and nothing if it may not', () => {
  const memory = openMemory<number>(10_000, 3)
  for (let n = 0; n < 10; n++) memory.begin()(`k${n}`, n, Infinity)
  const held = Array.from({ length: 10 }, (_, n) => memory.recall(`k${n}`)).filter((one) => one !== undefined)
  expect(held.length).toBeLessThanOrEqual(3)
  expect(held).toContain(9)
  const none = openMemory<number>(0)
  none.begin()('a', 1, Infinity)
  expect(none.recall('a')).toBeUndefined()
})
