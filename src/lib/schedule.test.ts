import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dueBetween, nextDue, previousDue, type Schedule } from './schedule.ts'

const cron = (pattern: string, zone = 'UTC'): Schedule => ({ tag: 'cron', cron: pattern, zone })
const every = (ms: number, offset = 0): Schedule => ({ tag: 'every', every: ms, offset })
const next = (schedule: Schedule, after: string, count: number): string[] =>
  nextDue(schedule, new Date(after), count).map((due) => due.toISOString().slice(0, 19))

const hour = 3_600_000

test('every counts from the epoch and its offset, whatever the start', () => {
  expect(next(every(2 * hour), '2026-11-22T11:15Z', 2)).toEqual(['2026-11-22T12:00:00', '2026-11-22T14:00:00'])
  expect(next(every(2 * hour), '2026-11-22T12:00Z', 1)).toEqual(['2026-11-22T14:00:00'])
  expect(next(every(24 * hour, 5 * hour), '2026-11-22T05:00Z', 1)).toEqual(['2026-11-23T05:00:00'])
  expect(next(every(hour, 26.5 * hour), '2026-11-22T05:00Z', 1)).toEqual(['2026-11-22T05:30:00'])
  expect(previousDue(every(2 * hour), new Date('2026-11-22T13:59:59.999Z'))?.toISOString()).toBe(
    '2026-11-22T12:00:00.000Z',
  )
  expect(previousDue(every(2 * hour), new Date('2026-11-22T14:00Z'))?.toISOString()).toBe('2026-11-22T14:00:00.000Z')
})

describe('daylight saving: what is skipped runs at the next instant there is, what is repeated runs once', () => {
  test.each([
    ['30 2 * * *', 'America/New_York', '2025-03-08T12:00Z', ['2025-03-09T07:00:00', '2025-03-10T06:30:00']],
    // croner alone loses the night of the change for a list or a step.
    ['30 2,14 * * *', 'America/New_York', '2025-03-08T22:00Z', ['2025-03-09T07:00:00', '2025-03-09T18:30:00']],
    ['*/15 2 * * *', 'America/New_York', '2025-03-08T12:00Z', ['2025-03-09T07:00:00', '2025-03-10T06:00:00']],
    [
      '0 * * * *',
      'America/New_York',
      '2025-03-09T05:30Z',
      ['2025-03-09T06:00:00', '2025-03-09T07:00:00', '2025-03-09T08:00:00'],
    ],
    ['0 2,3 * * *', 'America/New_York', '2025-03-09T05:30Z', ['2025-03-09T07:00:00', '2025-03-10T06:00:00']],
    ['30 1 * * *', 'America/New_York', '2025-11-01T12:00Z', ['2025-11-02T05:30:00', '2025-11-03T06:30:00']],
    // croner alone repeats the hour.
    [
      '*/30 1 * * *',
      'America/New_York',
      '2025-11-01T12:00Z',
      ['2025-11-02T05:00:00', '2025-11-02T05:30:00', '2025-11-03T06:00:00'],
    ],
    [
      '0 * * * *',
      'America/New_York',
      '2025-11-02T03:30Z',
      ['2025-11-02T04:00:00', '2025-11-02T05:00:00', '2025-11-02T07:00:00'],
    ],
    ['15 2 * * *', 'Australia/Lord_Howe', '2025-10-04T00:00Z', ['2025-10-04T15:30:00', '2025-10-05T15:15:00']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2025-04-05T00:00Z', ['2025-04-05T14:45:00', '2025-04-06T15:15:00']],
    // The 30th of December 2011 never came.
    [
      '0 9 * * *',
      'Pacific/Apia',
      '2011-12-29T18:00Z',
      ['2011-12-29T19:00:00', '2011-12-30T10:00:00', '2011-12-30T19:00:00'],
    ],
    ['0 0 * * *', 'America/Sao_Paulo', '2018-11-03T12:00Z', ['2018-11-04T03:00:00', '2018-11-05T02:00:00']],
  ] as const)('%s in %s', (pattern, zone, after, due) => {
    expect(next(cron(pattern, zone), after, due.length)).toEqual(due)
  })

  test('a whole day of seconds that never came falls on one instant', () => {
    const page = dueBetween(
      cron('* * * * * *', 'Pacific/Apia'),
      new Date('2011-12-30T09:59:58Z'),
      new Date('2011-12-30T10:00:02Z'),
      10,
    )
    expect(page.due.map((due) => due.toISOString().slice(11, 19))).toEqual([
      '09:59:59',
      '10:00:00',
      '10:00:01',
      '10:00:02',
    ])
  })

  test('looking back from the second of two equal local times', () => {
    const back = (pattern: string, at: string): string | undefined =>
      previousDue(cron(pattern, 'America/New_York'), new Date(at))?.toISOString().slice(0, 19)
    expect(back('45 1 * * *', '2025-11-02T06:30Z')).toBe('2025-11-02T05:45:00')
    expect(back('0 2 * * *', '2025-11-02T06:59Z')).toBe('2025-11-01T06:00:00')
    expect(back('30 2 * * *', '2025-03-09T06:59:59.999Z')).toBe('2025-03-08T07:30:00')
    expect(back('30 2 * * *', '2025-03-09T07:00Z')).toBe('2025-03-09T07:00:00')
  })
})

test('pages are bounded and join without gap or overlap', () => {
  const start = new Date('2020-01-01T00:00Z')
  const end = new Date('2026-01-01T00:00Z')
  const first = dueBetween(every(1_000), start, end, 1_000)
  expect(first.due).toHaveLength(1_000)
  expect(first.complete).toBe(false)
  const second = dueBetween(every(1_000), first.due.at(-1) ?? start, end, 1)
  expect(second.due[0]?.getTime()).toBe(start.getTime() + 1_001_000)
  expect(dueBetween(every(1_000), start, new Date(start.getTime() + 3_000), 3)).toMatchObject({ complete: true })
})

test('a pattern that ends, or never comes', () => {
  expect(next(cron('0 0 12 1 1 * 2027'), '2026-01-01T00:00Z', 3)).toEqual(['2027-01-01T12:00:00'])
  expect(next(cron('0 0 30 2 *'), '2026-01-01T00:00Z', 3)).toEqual([])
  expect(previousDue(cron('0 0 30 2 *'), new Date('2026-01-01T00:00Z'))).toBeNull()
})

const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 3_000_000 }), fc.integer({ min: 0, max: 90_000_000 }))
    .map(([ms, offset]) => every(ms * 100, offset)),
  fc
    .tuple(
      fc.constantFrom(
        '*/7 * * * *',
        '0 * * * *',
        '30 2 * * *',
        '15,45 1-3 * * *',
        '*/10 2 * * *',
        '0 0 1 * *',
        '0 30 1,2 * * 0',
        '59 23 * * 1-5',
      ),
      fc.constantFrom(
        'UTC',
        'America/New_York',
        'Australia/Lord_Howe',
        'Europe/Berlin',
        'Africa/Casablanca',
        'Asia/Kathmandu',
      ),
    )
    .map(([pattern, zone]) => cron(pattern, zone)),
)
// Half of the instants are near a change of clocks.
const instants = fc.oneof(
  fc.integer({ min: Date.parse('2024-01-01T00:00Z'), max: Date.parse('2027-01-01T00:00Z') }),
  fc
    .tuple(
      fc.constantFrom(
        '2025-03-09T07:00Z',
        '2025-11-02T06:00Z',
        '2025-10-04T15:30Z',
        '2025-04-05T15:00Z',
        '2025-03-30T01:00Z',
      ),
      fc.integer({ min: -3 * hour, max: 3 * hour }),
    )
    .map(([change, distance]) => Date.parse(change) + distance),
)

test('next, previous and between agree; every instant once, in order', () => {
  fc.assert(
    fc.property(schedules, instants, fc.integer({ min: 1, max: 40 }), (schedule, start, count) => {
      const after = new Date(start)
      const due = nextDue(schedule, after, count)
      expect(due).toHaveLength(count)
      let last = after
      for (const at of due) {
        expect(at.getTime()).toBeGreaterThan(last.getTime())
        last = at
      }
      expect(dueBetween(schedule, after, last, count)).toEqual({ due, complete: true })
      // From any due time the same list goes on.
      for (const [index, at] of due.entries()) {
        expect(previousDue(schedule, at)).toEqual(at)
        const following = due[index + 1]
        if (following === undefined) break
        expect(nextDue(schedule, at, 1)[0]).toEqual(following)
        expect(previousDue(schedule, new Date(following.getTime() - 1))).toEqual(at)
      }
      const before = previousDue(schedule, after)
      if (before !== null) expect(nextDue(schedule, before, 1)[0]).toEqual(due[0])
    }),
    { numRuns: 300 },
  )
})
