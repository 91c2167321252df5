import { describe, expect, test } from 'vitest'
import { bucketWords, labelsOf, standWords, untilWords } from './words.ts'

const york = 'America/New_York'

describe('labels of buckets', () => {
  test.each([
    ['quarter-hour', '2025-11-02T15:15:00Z', '10:15'],
    ['hour', '2025-11-02T15:00:00Z', '10:00'],
    ['day', '2025-11-02T04:00:00Z', '2 Nov'],
    ['week', '2025-10-27T04:00:00Z', '27 Oct'],
    ['month', '2025-11-01T04:00:00Z', 'Nov'],
    ['quarter', '2025-10-01T04:00:00Z', 'Q4'],
    ['year', '2025-01-01T05:00:00Z', '2025'],
  ])('of a %s', (grain, start, label) => {
    expect(labelsOf([start], grain, york)).toEqual([label])
  })

  test('an hour that clocks show twice has its offset', () => {
    const hours = ['2025-11-02T04:00:00Z', '2025-11-02T05:00:00Z', '2025-11-02T06:00:00Z', '2025-11-02T07:00:00Z']
    expect(labelsOf(hours, 'hour', york)).toEqual(['00:00', '01:00 GMT-4', '01:00 GMT-5', '02:00'])
  })
})

test.each([
  ['hour', '2025-11-02T15:00:00Z', '2025-11-02T16:00:00Z', '2 Nov 2025, 10:00 to 11:00'],
  ['hour', '2025-11-02T05:00:00Z', '2025-11-02T06:00:00Z', '2 Nov 2025, 01:00 to 01:00 (GMT-4 to GMT-5)'],
  ['day', '2025-11-02T04:00:00Z', '2025-11-03T05:00:00Z', 'Sun 2 Nov 2025'],
  ['week', '2025-10-27T04:00:00Z', '2025-11-03T05:00:00Z', 'week from 27 Oct 2025'],
  ['month', '2025-11-01T04:00:00Z', '2025-12-01T05:00:00Z', 'November 2025'],
  ['quarter', '2025-10-01T04:00:00Z', '2026-01-01T05:00:00Z', 'Q4 2025'],
  ['year', '2025-01-01T05:00:00Z', '2026-01-01T05:00:00Z', '2025'],
])('a %s from %s', (grain, from, to, words) => {
  // Which short form a weekday and a day have between them is left to the browser.
  expect(bucketWords(from, to, grain, york).replace('Sun, ', 'Sun ')).toBe(words)
})

test.each([
  ['2026-11-26T19:00:00Z', '14:00'],
  ['2026-11-25T19:00:00Z', '25 Nov 14:00'],
  ['2025-11-25T19:00:00Z', '25 Nov 2025 14:00'],
])('counted until %s is until %s', (through, words) => {
  expect(untilWords(new Date(through), york, new Date('2026-11-26T19:20:00Z'))).toBe(words)
})

describe('how far it has come', () => {
  const now = new Date('2026-11-26T14:20:00Z')
  const stand = {
    through: '2026-11-26T14:00:00Z',
    anew: null,
    zone: 'UTC',
    grains: [
      { grain: 'hour', dirty: 0 },
      { grain: 'day', dirty: 0 },
      { grain: 'month', dirty: 0 },
    ],
  }
  const dirty = (...counts: readonly number[]) => stand.grains.map((one, at) => ({ ...one, dirty: counts[at] ?? 0 }))

  test.each([
    [{ ...stand, through: null, anew: 'never counted' }, 'Nothing is counted yet.'],
    [stand, 'Everything before 14:00 is counted, and no event has changed since.'],
    [
      { ...stand, grains: dirty(0, 1) },
      'Everything before 14:00 is counted, but for 1 day whose events have changed since. The next run counts them anew.',
    ],
    [
      { ...stand, grains: dirty(3, 2, 1) },
      'Everything before 14:00 is counted, but for 3 hours, 2 days and 1 month whose events have changed since. The next run counts them anew.',
    ],
    [
      { ...stand, anew: 'the definition changed' },
      'Everything before 14:00 is counted, but the definition changed: the next run counts everything anew.',
    ],
  ])('%j', (given, words) => {
    expect(standWords(given, now)).toBe(words)
  })
})
