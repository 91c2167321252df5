import { describe, expect, test } from 'vitest'
import { applicable, bulkFilter, doEach } from './bulk.ts'

const runs = [
  { state: 'waiting' },
  { state: 'running' },
  { state: 'failed' },
  { state: 'succeeded' },
  { state: 'cancelled' },
] as const

describe('many runs at once', () => {
  test('what has ended is tried again, what has not is cancelled', () => {
    expect(applicable(runs, 'retry')).toEqual([runs[2], runs[4]])
    expect(applicable(runs, 'cancel')).toEqual([runs[0], runs[1]])
  })

  test('the filter is narrowed to what the action applies to', () => {
    expect(bulkFilter(undefined, 'retry')).toBe('failed,cancelled')
    expect(bulkFilter('failed,succeeded', 'retry')).toBe('failed')
    expect(bulkFilter('succeeded', 'cancel')).toBeNull()
  })

  test('what is refused is told, and the others are done, few at a time', async () => {
    let atOnce = 0
    let most = 0
    const told: number[] = []
    const result = await doEach(
      Array.from({ length: 20 }, (_, index) => String(index)),
      async (id) => {
        atOnce += 1
        most = Math.max(most, atOnce)
        await Promise.resolve()
        atOnce -= 1
        if (id === '7') throw new Error('refused')
      },
      ({ done, failed }) => told.push(done + failed.length),
      new AbortController().signal,
    )
    expect(result.done).toBe(19)
    expect(result.failed.map(({ id }) => id)).toEqual(['7'])
    expect(told).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(most).toBeLessThanOrEqual(4)
  })

  test('nothing begins after it was stopped', async () => {
    const stop = new AbortController()
    const begun: string[] = []
    await doEach(
      ['a', 'b', 'c', 'd', 'e', 'f'],
      async (id) => {
        begun.push(id)
        stop.abort()
      },
      () => {},
      stop.signal,
    )
    expect(begun.length).toBeLessThanOrEqual(4)
    expect(begun).not.toContain('f')
  })
})
