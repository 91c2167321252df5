import { expect, test } from 'vitest'
import { kindOf } from '../kinds.ts'
import type { Asked } from './ask.ts'
import { growthOf, pointsOf } from './points.ts'
import type { SeriesMeasure } from './rollup.ts'

const measure = (name: string, fn: SeriesMeasure['fn']): SeriesMeasure => ({
  name,
  fn,
  columns: [name],
  ofEvents: [],
  ofCounted: null,
  sketch: null,
  approximate: null,
})
const hour = 3_600_000
const asked: Asked = {
  grain: 'hour',
  calendar: { zone: 'Asia/Kathmandu', weekStart: 'monday' },
  from: 0,
  to: 3 * hour,
  buckets: [0, 1, 2].map((at) => ({ from: at * hour, to: (at + 1) * hour })),
  by: ['paid', 'born'],
  filter: null,
}
const fields = new Map([
  ['paid', kindOf('boolean', false)],
  ['born', kindOf('timestamp with time zone', false)],
  ['least', kindOf('text', true)],
  ['first', kindOf('timestamp with time zone', false)],
  ['most', kindOf('numeric', false)],
])

test('what was read has the types of its columns; what was not is 0, or null', () => {
  const measures = [
    measure('views', 'count'),
    measure('least', 'min'),
    measure('first', 'min'),
    measure('most', 'max'),
    measure('mean', 'avg'),
  ]
  const key = ['true', '2025-01-01 00:00:00+00']
  const values = {
    views: '2',
    least: '007',
    first: '2025-01-01 00:00:00.5+00',
    most: '12345678901234567890.5',
    mean: '0.3333333333333333333',
  }
  const answered = {
    rows: [
      { key, at: 0, values },
      { key, at: 2, values: { ...values, views: '3', least: '008' } },
    ],
    live: new Set([2]),
    unknown: new Map([['mean', new Set([1])]]),
  }
  const [series, ...others] = pointsOf({ measures }, asked, answered, fields, 2.5 * hour)
  expect(others).toEqual([])
  expect(series?.key).toEqual({ paid: true, born: '2025-01-01T00:00:00Z' })
  expect(series?.points.map((one) => one.values)).toEqual([
    {
      views: 2,
      least: '007',
      first: '2025-01-01T00:00:00.5Z',
      most: '12345678901234567890.5',
      mean: 0.3333333333333333,
    },
    { views: 0, least: null, first: null, most: null, mean: null },
    {
      views: 3,
      least: '008',
      first: '2025-01-01T00:00:00.5Z',
      most: '12345678901234567890.5',
      mean: 0.3333333333333333,
    },
  ])
  expect(series?.points.map(({ growth }) => growth['views'])).toEqual([null, -100, 100])
  expect(series?.points.map(({ growth }) => growth['least'])).toEqual([null, null, null])
  expect(series?.points.map(({ partial, live }) => [partial, live])).toEqual([
    [false, false],
    [false, false],
    [true, true],
  ])
  expect(series?.points[0]?.label).toBe('1970-01-01 05:30')
})

test('without dimensions there is a series, though nothing happened; by dimensions there is none', () => {
  const none = { rows: [], live: new Set<number>(), unknown: new Map<string, ReadonlySet<number>>() }
  const measures = [measure('views', 'count')]
  expect(pointsOf({ measures }, { ...asked, by: [] }, none, fields, 0)[0]?.points).toHaveLength(3)
  expect(pointsOf({ measures }, asked, none, fields, 0)).toEqual([])
})

test.each([
  [null, 1, null],
  [0, 0, null],
  [0, 5, 100],
  [4, 5, 25],
  [4, 0, -100],
  [-4, -2, 50],
  ['12345678901234567890', '24691357802469135780', 100],
  ['Infinity', 1, null],
  [5e-324, 1e308, null],
  [1, null, null],
] as const)('from %j to %j is %j percent', (before, now, growth) => {
  expect(growthOf(before, now)).toBe(growth)
})
