import { describe, expect, test } from 'vitest'
import { isFiltered, runsParams, runsSearch } from './filter.ts'

describe('the filter of the runs', () => {
  test('what does not fit is dropped', () => {
    expect(
      runsSearch({ state: 'failed,burnt,waiting', trigger: 'x', operation: 'apply', since: '2y', flow: ' ' }),
    ).toEqual({
      state: 'waiting,failed',
      trigger: undefined,
      operation: 'apply',
      since: undefined,
      flow: undefined,
      backfill: undefined,
    })
    expect(isFiltered(runsSearch({ since: '2y' }))).toBe(false)
    expect(isFiltered(runsSearch({ since: '7d' }))).toBe(true)
  })

  test('the API is asked for lists, and for a minute that is the same a second later', () => {
    const search = runsSearch({ state: 'failed,cancelled', since: '1h' })
    const at = Date.UTC(2026, 0, 31, 5, 0, 12)
    expect(runsParams(search, at)).toEqual({ state: ['failed', 'cancelled'], since: '2026-01-31T04:00:00.000Z' })
    expect(runsParams(search, at + 1_000)).toEqual(runsParams(search, at))
    expect(runsParams({}, at)).toEqual({})
  })
})
