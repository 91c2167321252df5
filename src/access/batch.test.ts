import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { batched } from './batch.ts'

test('whoever asks during a look-up gets the next one’s answer: never one older than the question', async () => {
  let truth = 1
  let loads = 0
  const find = batched<number>(async (keys) => {
    loads += 1
    const seen = truth
    await pause(20)
    return new Map(keys.map((key) => [key, seen]))
  })
  const early = find('a')
  await pause(5)
  truth = 2
  const late = await Promise.all([find('a'), find('a'), find('b')])
  expect([await early, ...late]).toEqual([1, 2, 2, 2])
  expect(loads).toBe(2)
})

test('a look-up that fails fails for those who asked, and no others', async () => {
  let broken = true
  const find = batched<string>(async (keys) => {
    await pause(1)
    if (broken) throw new Error('down')
    return new Map(keys.map((key) => [key, key]))
  })
  await expect(Promise.all([find('a'), find('a')])).rejects.toThrow('down')
  broken = false
  expect(await find('a')).toBe('a')
})

test('no more at once than may be', async () => {
  const sizes: number[] = []
  const find = batched<string>(async (keys) => {
    sizes.push(keys.length)
    await pause(1)
    return new Map([['k7', 'seven']])
  }, 4)
  const found = await Promise.all(Array.from({ length: 10 }, (_, n) => find(`k${n}`)))
  expect(found.filter((one) => one !== undefined)).toEqual(['seven'])
  expect(Math.max(...sizes)).toBeLessThanOrEqual(4)
})
