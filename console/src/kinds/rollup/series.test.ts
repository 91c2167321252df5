import { describe, expect, test } from 'vitest'
import { growthWords, isDay, largest, linesOf, measureName, nameOf, usualRange } from './series.ts'

const point = (bucket: string, views: number | string | null) => ({
  bucket,
  to: bucket,
  values: { views },
  growth: { views: null },
  partial: false,
  live: false,
})

describe('lines', () => {
  const a = { key: { country: 'DE' }, points: [point('2026-01-01T00:00:00Z', 1), point('2026-01-02T00:00:00Z', '20')] }
  const b = { key: { country: null }, points: [point('2026-01-02T00:00:00Z', 300)] }

  test('stand on the same moments, with gaps where there is nothing', () => {
    const { at, lines } = linesOf([a, b], 'views')
    expect(at).toEqual([Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-01-02T00:00:00Z')])
    expect(lines.map(({ label, values }) => [label, values])).toEqual([
      ['DE', [1, 20]],
      ['null', [null, 300]],
    ])
    expect(new Set(lines.map(({ colour }) => colour)).size).toBe(2)
  })

  test('are those with the most, the largest first', () => {
    const many = Array.from({ length: 9 }, (_, n) => ({
      key: { blog: n },
      points: [point('2026-01-01T00:00:00Z', n)],
    }))
    expect(largest(many, 'views').map(({ key }) => key.blog)).toEqual([8, 7, 6, 5, 4, 3])
    expect(largest([a, b], 'views')[0]).toBe(b)
  })

  test.each([
    [{}, 'total'],
    [{ country: 'DE' }, 'DE'],
    [{ country: null }, 'null'],
    [{ country: 'DE', blog: '7' }, 'DE · 7'],
  ])('%j is called %s', (key, name) => {
    expect(nameOf(key)).toBe(name)
  })
})

test('the usual range ends with the day that is being counted, by the clocks of its zone', () => {
  expect(usualRange('hour', '2026-11-26T03:00:00Z', 'America/New_York')).toEqual({
    from: '2026-11-19',
    to: '2026-11-25',
  })
  expect(usualRange('quarter-hour', '2026-11-26T03:00:00Z', 'UTC')).toEqual({ from: '2026-11-26', to: '2026-11-26' })
})

test.each([
  ['2026-01-31', true],
  ['2026-13-01', false],
  ['yesterday', false],
  [undefined, false],
])('%s is a day: %s', (text, is) => {
  expect(isDay(text)).toBe(is)
})

test.each([
  [12.54, '+12.5 %'],
  [-3, '−3 %'],
  [0, '0 %'],
  [null, '–'],
])('growth of %s is %s', (percent, words) => {
  expect(growthWords(percent)).toBe(words)
})

test('a measure that is approximate is called so', () => {
  expect(measureName('users', { error: 0.03 })).toBe('≈ users')
  expect(measureName('users', null)).toBe('users')
})
