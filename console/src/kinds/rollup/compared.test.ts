import { describe, expect, test } from 'vitest'
import { comparedWords, differs, errorWords, measuresShown, numberText, sidesText } from './compared.ts'

const counts = { events: 0, table: 0, missing: 0, extra: 0, changed: 0 }

test.each([
  [counts, 'waiting', 'Nothing is counted of it yet.'],
  [counts, 'done', 'No event lies in it, and the table has no row of it.'],
  [{ ...counts, events: 3, table: 3 }, 'done', 'Both sides agree: 3 rows.'],
  [
    { ...counts, events: 3, table: 3, changed: 1 },
    'dirty',
    '1 row differs: 1 with other values. The events make 3 rows, the table has 3.',
  ],
  [
    { events: 1, table: 2_000, missing: 1, extra: 1_999, changed: 1 },
    'done',
    '2,001 rows differ: 1 missing in the table, 1,999 that no event makes, 1 with other values. The events make 1 row, the table has 2,000.',
  ],
] as const)('%j of a bucket that is %s', (of, state, words) => {
  expect(comparedWords({ counts: of, state })).toBe(words)
})

describe('measures', () => {
  const row = {
    level: 'total',
    key: {},
    difference: 'changed' as const,
    events: {},
    table: {},
  }
  const measures = ['views', 'mean', 'mean_sum', 'mean_count', 'total_count']

  test('what an average is made of is shown where the average hides a difference', () => {
    expect(measuresShown({ measures, rows: [{ ...row, columns: ['views'] }] })).toEqual([
      'views',
      'mean',
      'total_count',
    ])
    expect(measuresShown({ measures, rows: [{ ...row, columns: ['mean_sum'] }] })).toContain('mean_sum')
    expect(measuresShown({ measures, rows: [{ ...row, columns: ['mean', 'mean_sum'] }] })).not.toContain('mean_sum')
  })

  test('an approximate one differs where what it is told from does', () => {
    const one = { ...row, events: { users: '5' }, table: { users: '5' } }
    expect(differs({ ...one, columns: ['users_sketch'] }, 'users', true)).toBe(true)
    expect(differs({ ...one, columns: ['users_sketch'] }, 'users', false)).toBe(false)
    expect(differs({ ...one, columns: ['users'] }, 'users', false)).toBe(true)
    expect(differs({ ...one, columns: [] }, 'users', true)).toBe(false)
    expect(differs({ ...one, columns: [], table: null }, 'users', true)).toBe(true)
    expect(errorWords({ error: 0.0313 })).toBe('±3.1 %')
  })

  test('no more digits than tell both sides apart', () => {
    const of = (events: string, table: string, columns: string[]) =>
      sidesText({ ...row, columns, events: { mean: events }, table: { mean: table } }, 'mean')
    expect(of('121.5454545454545455', '146.7777777777777778', ['mean'])).toEqual(['121.545455', '146.777778'])
    expect(of('1.00000001', '1.00000002', ['mean'])).toEqual(['1.00000001', '1.00000002'])
    expect(of('2.5000000000000000', '2.50', [])).toEqual(['2.5', '2.5'])
    expect(sidesText({ ...row, columns: [], events: null, table: { mean: '2' } }, 'mean')).toEqual(['–', '2'])
  })

  test.each([
    [{ views: '1234567' }, '1,234,567'],
    [{ views: '12345678901234567890' }, '12345678901234567890'],
    [{ views: '12.50' }, '12.5'],
    [{ views: '100.000' }, '100'],
    [{ views: '2.5e+20' }, '2.5e+20'],
    [{ views: null }, 'null'],
    [null, '–'],
  ])('%j is shown as %s', (side, text) => {
    expect(numberText(side, 'views')).toBe(text)
  })
})
