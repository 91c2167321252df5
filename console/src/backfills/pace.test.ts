import { describe, expect, test } from 'vitest'
import { paceOf, rate } from './pace.ts'

const slices = { waiting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0, skipped: 0 }
const at = '2026-01-31T05:00:00.000Z'
const begin = Date.parse(at)

describe('how far a backfill is', () => {
  test('what has ended counts, whatever became of it', () => {
    const pace = paceOf(
      {
        requestedAt: at,
        finishedAt: null,
        slices: { ...slices, waiting: 5, running: 1, succeeded: 2, failed: 1, skipped: 1, total: 10 },
      },
      begin + 120_000,
    )
    expect(pace).toEqual({ ended: 4, total: 10, percent: 40, perMinute: 2 })
  })

  test('it is not done before it is', () => {
    const almost = { ...slices, succeeded: 9_999, running: 1, total: 10_000 }
    expect(paceOf({ requestedAt: at, finishedAt: null, slices: almost }, begin + 1).percent).toBe(99)
    const none = { ...slices, waiting: 3, total: 3 }
    expect(paceOf({ requestedAt: at, finishedAt: null, slices: none }, begin)).toMatchObject({
      percent: 0,
      perMinute: null,
    })
  })

  test('after the end, its pace stays', () => {
    const done = { ...slices, succeeded: 6, total: 6 }
    const finished = { requestedAt: at, finishedAt: '2026-01-31T05:03:00.000Z', slices: done }
    expect(paceOf(finished, begin + 1e9)).toMatchObject({ percent: 100, perMinute: 2 })
  })

  test('a rate is in whole words', () => {
    expect([rate(120), rate(2.25), rate(0.5), rate(0.05)]).toEqual(['120 / min', '2.3 / min', '30 / h', '3.0 / h'])
  })
})
