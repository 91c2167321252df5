import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Loop } from './loop.ts'

test('it looks at once, when woken, and when the time is up; never twice at the same time', async () => {
  let looks = 0
  let at = 0
  let most = 0
  const next = [60_000, 60_000, 5, 60_000]
  const loop = new Loop(async () => {
    at += 1
    most = Math.max(most, at)
    await sleep(5)
    at -= 1
    return next[looks++] ?? 60_000
  })
  loop.start()
  loop.start()
  await expect.poll(() => looks).toBe(1)
  loop.wake()
  await expect.poll(() => looks).toBe(2)
  loop.wake()
  // The third sleeps only for a moment.
  await expect.poll(() => looks).toBe(4)
  expect(most).toBe(1)
  await loop.stop()
})

test('woken while it looks, it looks again; stopped, it ends after the look and can be started again', async () => {
  let looks = 0
  const ended: boolean[] = []
  const loop: Loop = new Loop(async (signal) => {
    looks += 1
    if (looks === 1) loop.wake()
    // Longer than the expectation polls, so that it is stopped within its second look.
    await sleep(300)
    ended.push(signal.aborted)
    return 60_000
  })
  loop.start()
  await expect.poll(() => looks).toBe(2)
  await Promise.all([loop.stop(), loop.stop()])
  expect(ended).toEqual([false, true])
  loop.start()
  await expect.poll(() => looks).toBe(3)
  await loop.stop()
  expect(ended).toHaveLength(3)
})
