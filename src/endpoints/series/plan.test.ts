/** Where each bucket of a series is read from. */
import { describe, expect, test } from 'vitest'
import { bucketsBetween, type Calendar } from '../../lib/calendar.ts'
import type { Grain } from '../../lib/grain.ts'
import { raw } from '../../lib/sql.ts'
import {
  automaticGrain,
  dirtyStretches,
  levelFor,
  nestedGrains,
  readAdding,
  readDistinct,
  type Reading,
  type Wanted,
} from './plan.ts'
import type { SeriesMark, SeriesRollup } from './rollup.ts'

const at = (text: string): number => Date.parse(text)
const iso = (instant: number): string => new Date(instant).toISOString().slice(0, 16)
const day = 86_400_000
const newYork: Calendar = { zone: 'America/New_York', weekStart: 'monday' }
const utc: Calendar = { zone: 'UTC', weekStart: 'monday' }

const rollupOf = (more: Partial<SeriesRollup> = {}): SeriesRollup => ({
  name: 'views',
  hash: 'hash',
  table: raw('views'),
  calendar: utc,
  grains: ['hour', 'day', 'month', 'year'],
  dimensions: ['blog', 'country'],
  levels: new Map([
    ['blog+country', ['blog', 'country']],
    ['country', ['country']],
    ['total', []],
  ]),
  measures: [],
  keep: {},
  keepRaw: null,
  events: () => Promise.resolve(raw('events')),
  position: () => Promise.resolve(null),
  marks: () => Promise.resolve([]),
  ...more,
})
const wantedOf = (grain: Grain, from: string, to: string, calendar: Calendar = utc): Wanted => ({
  grain,
  calendar,
  buckets: [...bucketsBetween(at(from), at(to), grain, calendar)],
})
const whole = (from: string, to: string): Wanted => ({
  grain: 'year',
  calendar: utc,
  buckets: [{ from: at(from), to: at(to) }],
})
const marked = (...list: readonly string[]): readonly SeriesMark[] =>
  list.map((one) => ({ grain: null, at: new Date(at(one)) }))
const standing = (through: string, marks: readonly SeriesMark[] = [], now = '2025-06-15T12:20Z') => ({
  through: at(through),
  now: at(now),
  marks,
  since: {},
})
/** `day 2025-01-01T00:00`, `live 2025-01-01T00:00/2025-01-02T00:00`, `unknown 0` */
const said = ({ stored, live, unknown }: Reading): readonly string[] => [
  ...stored.map(({ grain, from }) => `${grain} ${iso(from)}`),
  ...live.map(({ from, to }) => `live ${iso(from)}/${iso(to)}`),
  ...[...unknown].map((place) => `unknown ${place}`),
]

describe('what adds up', () => {
  test('a bucket that is up to date is one row', () => {
    const wanted = wantedOf('month', '2025-01-01T00:00Z', '2025-03-01T00:00Z')
    expect(said(readAdding(rollupOf(), wanted, standing('2025-06-15T12:00Z'), 'total'))).toEqual([
      'month 2025-01-01T00:00',
      'month 2025-02-01T00:00',
    ])
  })

  test('of one that is not, only what is out of date is counted: finer rows give the rest', () => {
    const wanted = wantedOf('month', '2025-02-01T00:00Z', '2025-03-01T00:00Z')
    const found = readAdding(rollupOf(), wanted, standing('2025-06-15T12:00Z', marked('2025-02-10T05:15Z')), 'total')
    expect(found.live.map(({ from, to }) => [iso(from), iso(to)])).toEqual([['2025-02-10T05:00', '2025-02-10T06:00']])
    const of = (grain: Grain): number => found.stored.filter((one) => one.grain === grain).length
    expect([of('month'), of('day'), of('hour')]).toEqual([0, 27, 23])
  })

  test('what is newer than the table is one stretch, to the end of the bucket', () => {
    const wanted = wantedOf('day', '2025-06-15T00:00Z', '2025-06-17T00:00Z')
    const found = readAdding(rollupOf(), wanted, standing('2025-06-15T02:00Z'), 'total')
    expect(said(found)).toEqual([
      'hour 2025-06-15T00:00',
      'hour 2025-06-15T01:00',
      'live 2025-06-15T02:00/2025-06-16T00:00',
      'live 2025-06-16T00:00/2025-06-17T00:00',
    ])
  })

  test('without a level that has the dimensions, or with everything marked, all of it is counted', () => {
    const wanted = wantedOf('month', '2025-01-01T00:00Z', '2025-02-01T00:00Z')
    const all = ['live 2025-01-01T00:00/2025-02-01T00:00']
    expect(said(readAdding(rollupOf(), wanted, standing('2025-06-15T12:00Z'), null))).toEqual(all)
    const everything = standing('2025-06-15T12:00Z', [{ grain: null, at: null }])
    expect(said(readAdding(rollupOf(), wanted, everything, 'total'))).toEqual(all)
  })

  test('a day of another zone is made of hours, where clocks differ by whole ones', () => {
    const rollup = rollupOf({ calendar: newYork })
    const found = readAdding(
      rollup,
      wantedOf('day', '2025-01-10T00:00Z', '2025-01-11T00:00Z'),
      standing('2025-06-15T12:00Z'),
      'total',
    )
    expect(found.stored.map(({ grain }) => grain)).toEqual(Array.from({ length: 24 }, () => 'hour'))
    const kathmandu = wantedOf('day', '2025-01-10T00:00Z', '2025-01-11T00:00Z', { ...utc, zone: 'Asia/Kathmandu' })
    expect(readAdding(rollup, kathmandu, standing('2025-06-15T12:00Z'), 'total').stored).toEqual([])
  })

  test('of events in a store, what was counted of a bucket is what there is of it, and of one that has not begun nothing is known', () => {
    const rollup = rollupOf({ events: null })
    const days = wantedOf('day', '2025-06-14T00:00Z', '2025-06-17T00:00Z')
    expect(said(readAdding(rollup, days, standing('2025-06-15T02:00Z'), 'total'))).toEqual([
      'day 2025-06-14T00:00',
      'day 2025-06-15T00:00',
      'unknown 2',
    ])
    expect(said(readDistinct(rollup, days, standing('2025-06-15T02:00Z'), 'total'))).toEqual([
      'day 2025-06-14T00:00',
      'day 2025-06-15T00:00',
      'unknown 2',
    ])
    // The month is out of date, what it is made of is not.
    const month = { ...standing('2025-06-15T02:00Z'), marks: [{ grain: 'month', at: new Date('2025-06-01T00:00Z') }] }
    expect(said(readAdding(rollup, days, month, 'total'))).toContain('day 2025-06-14T00:00')
    expect(said(readDistinct(rollup, days, month, 'total'))).toContain('day 2025-06-14T00:00')
    const weekly = rollupOf({ events: null, grains: ['week', 'month'] })
    const june = wantedOf('month', '2025-06-01T00:00Z', '2025-07-01T00:00Z')
    expect(said(readAdding(weekly, june, standing('2025-06-09T00:00Z'), 'total'))).toEqual(['month 2025-06-01T00:00'])
    const kathmandu = wantedOf('day', '2025-01-10T00:00Z', '2025-01-11T00:00Z', { ...utc, zone: 'Asia/Kathmandu' })
    expect(said(readAdding(rollup, kathmandu, standing('2025-06-15T12:00Z'), 'total'))).toEqual([
      'unknown 0',
      'unknown 1',
    ])
    const out = standing('2025-06-15T12:00Z', marked('2025-06-14T05:15Z'))
    expect(said(readDistinct(rollup, wantedOf('day', '2025-06-14T00:00Z', '2025-06-15T00:00Z'), out, 'total'))).toEqual(
      ['unknown 0'],
    )
  })

  test('a range as one bucket is made of what lies within it', () => {
    expect(
      said(
        readAdding(rollupOf(), whole('2024-12-31T22:30Z', '2025-02-01T00:00Z'), standing('2025-06-15T12:00Z'), 'total'),
      ),
    ).toEqual(['month 2025-01-01T00:00', 'live 2024-12-31T22:30/2025-01-01T00:00'])
  })

  test('what is asked may not be put together of more than so many', () => {
    const days = rollupOf({ grains: ['day'] })
    expect(() =>
      readAdding(
        days,
        wantedOf('year', '1800-01-01T00:00Z', '2025-01-01T00:00Z'),
        standing('2025-06-15T12:00Z'),
        'total',
      ),
    ).toThrow(expect.objectContaining({ code: 'FILTER_INVALID', why: expect.stringContaining('50,000') as string }))
    // What is to come is one stretch, however long.
    expect(
      readAdding(
        days,
        wantedOf('year', '2026-01-01T00:00Z', '2900-01-01T00:00Z'),
        standing('2025-06-15T00:00Z'),
        'total',
      ).live,
    ).toHaveLength(874)
  })
})

describe('what is kept', () => {
  const now = standing('2025-06-15T12:00Z', marked('2025-01-10T05:15Z', '2025-05-20T05:15Z', '2025-06-10T05:15Z'))

  test('rows that are gone are made of others, or counted', () => {
    const rollup = rollupOf({ keep: { hour: 10 * day, day: 60 * day } })
    const january = wantedOf('day', '2025-01-10T00:00Z', '2025-01-11T00:00Z')
    expect(said(readAdding(rollup, january, now, 'total'))).toEqual(['live 2025-01-10T00:00/2025-01-11T00:00'])
    const month = wantedOf('month', '2025-02-01T00:00Z', '2025-03-01T00:00Z')
    expect(said(readAdding(rollup, month, now, 'total'))).toEqual(['month 2025-02-01T00:00'])
  })

  test('where events are gone, too, nothing is known', () => {
    const rollup = rollupOf({ keep: { hour: 10 * day, day: 60 * day }, keepRaw: 30 * day })
    const days = wantedOf('day', '2025-01-10T00:00Z', '2025-01-12T00:00Z')
    expect(said(readAdding(rollup, days, now, 'total'))).toEqual(['unknown 0', 'unknown 1'])
    expect(said(readDistinct(rollup, days, now, 'total'))).toEqual(['unknown 0', 'unknown 1'])
    expect(said(readAdding(rollup, days, now, null))).toEqual(['unknown 0', 'unknown 1'])
  })

  test('what is out of date and older than the events stays as it was', () => {
    const rollup = rollupOf({ keepRaw: 90 * day })
    for (const marks of [now.marks, [{ grain: null, at: null }]])
      for (const read of [readAdding, readDistinct])
        expect(
          said(read(rollup, wantedOf('month', '2025-01-01T00:00Z', '2025-02-01T00:00Z'), { ...now, marks }, 'total')),
        ).toEqual(['month 2025-01-01T00:00'])
  })

  test('of a bucket with events in part, that part is counted', () => {
    const rollup = rollupOf({ keepRaw: 30 * day })
    const may = wantedOf('month', '2025-05-01T00:00Z', '2025-06-01T00:00Z')
    const found = readAdding(rollup, may, now, 'total')
    expect(found.live.map(({ from, to }) => [iso(from), iso(to)])).toEqual([['2025-05-20T05:00', '2025-05-20T06:00']])
    expect(found.stored).toHaveLength(30 + 23)
    // Without its hours and days there is only the row.
    const gone = rollupOf({ keepRaw: 30 * day, keep: { hour: day, day: day } })
    expect(said(readAdding(gone, may, now, 'total'))).toEqual(['month 2025-05-01T00:00'])
  })
})

describe('what does not add up', () => {
  test('is a row of just that grain, or counted as a whole', () => {
    const now = standing('2025-06-15T12:00Z', marked('2025-02-10T05:15Z'))
    const months = wantedOf('month', '2025-01-01T00:00Z', '2025-03-01T00:00Z')
    expect(said(readDistinct(rollupOf(), months, now, 'total'))).toEqual([
      'month 2025-01-01T00:00',
      'live 2025-02-01T00:00/2025-03-01T00:00',
    ])
    expect(said(readDistinct(rollupOf({ grains: ['hour', 'day'] }), months, now, 'total'))).toHaveLength(2)
    expect(readDistinct(rollupOf({ grains: ['hour', 'day'] }), months, now, 'total').stored).toEqual([])
    expect(readDistinct(rollupOf(), months, now, null).stored).toEqual([])
  })

  test('a range as one bucket is a row only if it is one', () => {
    const now = standing('2025-06-15T12:00Z')
    expect(said(readDistinct(rollupOf(), whole('2024-01-01T00:00Z', '2024-03-01T00:00Z'), now, 'total'))).toEqual([
      'live 2024-01-01T00:00/2024-03-01T00:00',
    ])
    expect(said(readDistinct(rollupOf(), whole('2024-01-01T00:00Z', '2024-02-01T00:00Z'), now, 'total'))).toEqual([
      'month 2024-01-01T00:00',
    ])
  })
})

test('a mark is of a quarter of an hour, or of the bucket of a grain; what is newer is out of date', () => {
  const marks = [
    ...marked('2025-02-10T05:45Z', '2025-02-10T06:00Z'),
    { grain: 'day', at: new Date(at('2025-03-01T10:00Z')) },
  ]
  const found = dirtyStretches(rollupOf(), standing('2025-06-15T12:00Z', marks), 'year')
  expect(found === 'all' ? found : found.map(({ from }) => iso(from))).toEqual([
    '2025-02-10T05:00',
    '2025-03-01T00:00',
    '2025-06-15T12:00',
  ])
})

test('weeks are made of days and make nothing; hours of other zones fit where clocks differ by whole hours', () => {
  const rollup = rollupOf({ grains: ['hour', 'day', 'week', 'month'], calendar: newYork })
  const nested = (grain: Grain, calendar: Calendar): readonly Grain[] =>
    nestedGrains(rollup, wantedOf(grain, '2025-01-01T00:00Z', '2025-03-01T00:00Z', calendar))
  expect(nested('month', newYork)).toEqual(['month', 'day', 'hour'])
  expect(nested('week', newYork)).toEqual(['week', 'day', 'hour'])
  expect(nested('week', { ...newYork, weekStart: 'sunday' })).toEqual(['day', 'hour'])
  expect(nested('month', utc)).toEqual(['hour'])
  expect(nested('month', { ...utc, zone: 'Asia/Kolkata' })).toEqual([])
})

test('the level with the fewest dimensions that has all of them is read', () => {
  expect(levelFor(rollupOf(), [])).toBe('total')
  expect(levelFor(rollupOf(), ['country'])).toBe('country')
  expect(levelFor(rollupOf(), ['blog'])).toBe('blog+country')
  expect(levelFor(rollupOf({ levels: new Map([['country', ['country']]]) }), ['blog'])).toBeNull()
})

test.each([
  ['2025-01-01T05:00Z', '2025-01-08T05:00Z', 'day'],
  ['2025-01-01T05:00Z', '2025-01-08T06:00Z', 'week'],
  // A day of 25 hours is a day.
  ['2025-10-30T04:00Z', '2025-11-06T05:00Z', 'day'],
  ['2025-01-01T05:00Z', '2025-01-31T05:00Z', 'week'],
  ['2025-01-01T05:00Z', '2025-02-01T05:00Z', 'month'],
  ['2025-01-01T05:00Z', '2026-01-01T05:00Z', 'month'],
  ['2024-01-01T05:00Z', '2025-01-01T05:00Z', 'year'],
])('from %s to %s is shown by %s', (from, to, grain) => {
  expect(automaticGrain(at(from), at(to), 'America/New_York')).toBe(grain)
})
