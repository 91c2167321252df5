import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bucketAt, bucketsBetween, bucketsInOrder, writtenDay, type Calendar } from './calendar.ts'
import { grains, madeOf, type Grain } from './grain.ts'

const at = (text: string): number => Date.parse(text)
const iso = (instant: number): string => new Date(instant).toISOString()
const newYork: Calendar = { zone: 'America/New_York', weekStart: 'monday' }

const hoursOf = (day: string, calendar: Calendar): number => {
  const { from, to } = bucketAt(writtenDay(day, calendar.zone, false) ?? 0, 'day', calendar)
  return [...bucketsBetween(from, to, 'hour', calendar)].length
}

describe('buckets of local time', () => {
  test('a day has as many hours as clocks show', () => {
    expect(hoursOf('2025-11-02', newYork)).toBe(25)
    expect(hoursOf('2025-03-09', newYork)).toBe(23)
    expect(hoursOf('2025-06-01', newYork)).toBe(24)
  })

  test('weeks begin where they are said to', () => {
    const week = (weekStart: Calendar['weekStart']): string =>
      iso(bucketAt(at('2027-01-02T12:00Z'), 'week', { zone: 'UTC', weekStart }).from)
    expect(week('monday')).toBe('2026-12-28T00:00:00.000Z')
    expect(week('sunday')).toBe('2026-12-27T00:00:00.000Z')
    expect(week('saturday')).toBe('2027-01-02T00:00:00.000Z')
  })

  test('days of zones with odd offsets, and hours of them', () => {
    const { from } = bucketAt(at('2025-05-05T18:20Z'), 'day', { zone: 'Asia/Kathmandu', weekStart: 'monday' })
    expect(iso(from)).toBe('2025-05-05T18:15:00.000Z')
    const hour = bucketAt(at('2025-05-05T18:20Z'), 'hour', { zone: 'Asia/Kolkata', weekStart: 'monday' })
    expect([iso(hour.from), iso(hour.to)]).toEqual(['2025-05-05T17:30:00.000Z', '2025-05-05T18:30:00.000Z'])
  })

  test('where clocks are moved by half an hour, an hour ends with the change', () => {
    const calendar: Calendar = { zone: 'Australia/Lord_Howe', weekStart: 'monday' }
    const hours = [...bucketsBetween(at('2025-04-05T14:00Z'), at('2025-04-05T17:00Z'), 'hour', calendar)]
    expect(hours.map(({ from }) => iso(from).slice(11, 16))).toEqual(['14:00', '15:00', '15:30', '16:30'])
  })

  test('a day that begins at an hour that was skipped begins with the first instant there was', () => {
    const { from, to } = bucketAt(at('2018-11-04T12:00Z'), 'day', { zone: 'America/Sao_Paulo', weekStart: 'monday' })
    expect([iso(from), iso(to)]).toEqual(['2018-11-04T03:00:00.000Z', '2018-11-05T02:00:00.000Z'])
  })

  test('a day that begins twice begins with the first of the two', () => {
    const { from } = bucketAt(at('2025-11-02T05:30Z'), 'day', { zone: 'America/Havana', weekStart: 'monday' })
    expect(iso(from)).toBe('2025-11-02T04:00:00.000Z')
  })

  const anyCalendar = fc.record({
    zone: fc.constantFrom(
      'UTC',
      'America/New_York',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'America/Havana',
      'Africa/Casablanca',
      'Pacific/Apia',
    ),
    weekStart: fc.constantFrom('monday', 'sunday', 'saturday'),
  }) as fc.Arbitrary<Calendar>
  const anyInstant = fc.integer({ min: at('1995-01-01'), max: at('2040-01-01') })

  test.each(grains)('by %s they meet, overlap nowhere, and an instant lies in its own', (grain: Grain) => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, (calendar, instant) => {
        const bucket = bucketAt(instant, grain, calendar)
        expect(bucket.from).toBeLessThanOrEqual(instant)
        expect(bucket.to).toBeGreaterThan(instant)
        expect(bucketAt(bucket.from, grain, calendar)).toEqual(bucket)
        expect(bucketAt(bucket.to - 1, grain, calendar)).toEqual(bucket)
        expect(bucketAt(bucket.to, grain, calendar).from).toBe(bucket.to)
      }),
      { numRuns: 150 },
    )
  })

  test.each(grains)('by %s they lie within those that are made of them', (grain: Grain) => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, (calendar, instant) => {
        const bucket = bucketAt(instant, grain, calendar)
        for (const coarser of grains) {
          if (madeOf(coarser, [grain]) === null) continue
          const around = bucketAt(instant, coarser, calendar)
          expect(around.from).toBeLessThanOrEqual(bucket.from)
          expect(around.to).toBeGreaterThanOrEqual(bucket.to)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('in order, and one by one, they are the same', () => {
    for (const grain of grains) {
      const bucketOf = bucketsInOrder(grain, newYork)
      let next = at('2025-10-25T10:10Z')
      for (const bucket of bucketsBetween(next, at('2025-11-05'), grain, newYork)) {
        expect(bucket).toEqual(bucketAt(next, grain, newYork))
        expect(bucketOf(bucket.from)).toEqual(bucket)
        next = bucket.to
      }
      expect(next).toBeGreaterThanOrEqual(at('2025-11-05'))
    }
  })
})

test('a day is written as a day, a month or a year', () => {
  expect(iso(writtenDay('2025-01-31', 'UTC', true) ?? 0)).toBe('2025-02-01T00:00:00.000Z')
  expect(iso(writtenDay('2025-01', 'America/New_York', true) ?? 0)).toBe('2025-02-01T05:00:00.000Z')
  expect(iso(writtenDay('2025', 'UTC', true) ?? 0)).toBe('2026-01-01T00:00:00.000Z')
  // Years before 100 are what they are; there is no year 0.
  expect(iso(writtenDay('0001-02', 'UTC', true) ?? 0)).toBe('0001-03-01T00:00:00.000Z')
  for (const odd of ['2025-02-30', '2025-13', '25', '2025-1-1', '', 'yesterday', '0000', '0000-01-01'])
    expect(writtenDay(odd, 'UTC', false)).toBeNull()
})
