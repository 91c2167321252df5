import { describe, expect, test } from 'vitest'
import { localInWords, oddityInWords, policiesOf } from './words.ts'

describe('schedules in words', () => {
  test('what daylight saving does', () => {
    const local = '2026-03-29T03:00:00'
    expect(oddityInWords({ oddity: null, local, wanted: local })).toBeNull()
    expect(oddityInWords({ oddity: 'skipped', local, wanted: '2026-03-29T02:30:00' })).toBe(
      'no clock shows 02:30 that day; runs at 03:00',
    )
    expect(oddityInWords({ oddity: 'repeated', local: '2026-10-25T02:30:00', wanted: '2026-10-25T02:30:00' })).toBe(
      'clocks show 02:30 twice that day; runs the first time',
    )
  })

  test('a local time, with its day and only the seconds that are some', () => {
    expect(localInWords('2026-03-29T03:00:00')).toBe('Sun 2026-03-29 03:00')
    expect(localInWords('2026-03-29T03:00:15')).toBe('Sun 2026-03-29 03:00:15')
  })

  test('policies are named only where they say something', () => {
    const schedule = { catchUp: 'all', overlap: 'skip', late: 1_800_000, maxAge: null, after: [] } as const
    expect(policiesOf({ ...schedule, after: [] }).map(({ name, value }) => [name, value])).toEqual([
      ['Catch-up', 'all'],
      ['Overlap', 'skip'],
      ['Late', '30 min'],
    ])
    expect(policiesOf({ ...schedule, maxAge: 86_400_000, after: ['a', 'b'] }).map(({ value }) => value)).toEqual([
      'all',
      'skip',
      '30 min',
      '1 d',
      'a, b',
    ])
  })
})
