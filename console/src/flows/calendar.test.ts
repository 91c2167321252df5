import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { Slice } from '../client/model/slice.ts'
import { bounds, grid, isWindow, layoutFor, layouts, shifted, stateOf, windowOf, windowWords } from './calendar.ts'

const hour = 3_600_000

const slice = (from: string, lengthMs = hour, state: Slice['state'] = 'done'): Slice => ({
  flow: 'f',
  key: from,
  ordinal: Date.parse(from),
  span: null,
  period: { from, to: new Date(Date.parse(from) + lengthMs).toISOString() },
  state,
  dueAt: null,
  asOf: null,
  rows: 1,
  changes: null,
  run: null,
  publishedAt: null,
  verified: null,
})

/** `count` slices in a row. */
const row = (from: string, count: number, lengthMs = hour): readonly Slice[] =>
  Array.from({ length: count }, (_, at) => slice(new Date(Date.parse(from) + at * lengthMs).toISOString(), lengthMs))

describe('the layout', () => {
  it.each([
    [15 * 60_000, 'day'],
    [hour, 'month'],
    [23 * hour, 'year'],
    [24 * hour, 'year'],
    [25 * hour, 'year'],
    [7 * 24 * hour, 'year'],
    [28 * 24 * hour, 'decade'],
    [31 * 24 * hour + hour, 'decade'],
    [365 * 24 * hour, 'century'],
  ])('of slices of %d ms is %s', (length, layout) => {
    expect(layoutFor(length)).toBe(layout)
  })
})

test('a century has a row a decade and a column a year', () => {
  const drawn = grid([slice('2026-01-01T00:00:00Z', 365 * 24 * hour)], '2000', 'century', 'UTC', 365 * 24 * hour)
  expect(drawn.rows[2]).toBe('2020s')
  expect(drawn.cells).toMatchObject([{ row: 2, column: 6 }])
})

describe('the window', () => {
  it('is local', () => {
    const at = new Date('2025-12-31T23:30:00Z')
    expect(layouts.map((layout) => windowOf(at, layout, 'UTC'))).toEqual([
      '2025-12-31',
      '2025-12',
      '2025',
      '2020',
      '2000',
    ])
    expect(layouts.map((layout) => windowOf(at, layout, 'Europe/Berlin'))).toEqual([
      '2026-01-01',
      '2026-01',
      '2026',
      '2020',
      '2000',
    ])
  })

  it('goes on and back', () => {
    expect(shifted('2025-12-31', 'day', 1)).toBe('2026-01-01')
    expect(shifted('2026-01', 'month', -1)).toBe('2025-12')
    expect(shifted('2026', 'year', 1)).toBe('2027')
    expect(shifted('2020', 'decade', -1)).toBe('2010')
    expect(shifted('2000', 'century', 1)).toBe('2100')
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1980-01-01'), max: new Date('2080-01-01'), noInvalidDate: true }),
        fc.constantFrom(...layouts),
        (at, layout) => {
          const window = windowOf(at, layout, 'UTC')
          expect(isWindow(window, layout)).toBe(true)
          expect(shifted(shifted(window, layout, 1), layout, -1)).toBe(window)
          const { from, to } = bounds(window, layout)
          expect(Date.parse(from)).toBeLessThan(at.getTime())
          expect(Date.parse(to)).toBeGreaterThan(at.getTime())
        },
      ),
    )
  })

  it('refuses what names none', () => {
    expect(isWindow('2026-13', 'month')).toBe(false)
    expect(isWindow('2026', 'month')).toBe(false)
    expect(isWindow("2026' or 1=1", 'year')).toBe(false)
  })

  it.each([
    ['2026-05-10', 'day', '10 May 2026'],
    ['2026-05', 'month', 'May 2026'],
    ['2026', 'year', '2026'],
    ['2020', 'decade', '2020 to 2029'],
    ['2000', 'century', '2000 to 2099'],
  ] as const)('%s reads %s', (window, layout, words) => {
    expect(windowWords(window, layout)).toBe(words)
  })
})

describe('the grid', () => {
  it('of a month of hours has a cell an hour, and the hour that comes twice holds two', () => {
    // November 2025 in New York: 30 days and one hour more.
    const slices = row('2025-11-01T00:00:00Z', 31 * 24 + 12)
    const { rows, columns, cells } = grid(slices, '2025-11', 'month', 'America/New_York', hour)
    expect([rows.length, columns.length, cells.length]).toEqual([30, 24, 30 * 24])
    expect(cells.reduce((sum, cell) => sum + cell.slices.length, 0)).toBe(30 * 24 + 1)
    const twice = cells.filter((cell) => cell.slices.length > 1)
    expect(twice.map((cell) => [cell.row, cell.column])).toEqual([[1, 1]])
  })

  it('leaves the hour empty that clocks do not show', () => {
    const { cells } = grid(row('2025-03-01T00:00:00Z', 31 * 24), '2025-03', 'month', 'America/New_York', hour)
    expect(cells.some((cell) => cell.row === 8 && cell.column === 2)).toBe(false)
    expect(cells.some((cell) => cell.row === 8 && cell.column === 3)).toBe(true)
  })

  it('of a year of days has a row a month', () => {
    const { rows, cells } = grid(row('2024-01-01T00:00:00Z', 366, 24 * hour), '2024', 'year', 'UTC', 24 * hour)
    expect(rows).toHaveLength(12)
    expect(cells).toHaveLength(366)
    expect(cells.find((cell) => cell.slices[0]?.period?.from.startsWith('2024-02-29'))).toMatchObject({
      row: 1,
      column: 28,
    })
  })

  it('of a year has no cell for days that there are not', () => {
    const holes = (year: string) => [...grid([], year, 'year', 'UTC', 24 * hour).holes]
    expect(holes('2025')).toEqual(['1 28', '1 29', '1 30', '3 30', '5 30', '8 30', '10 30'])
    expect(holes('2024')).not.toContain('1 28')
  })

  it('of a day of quarter hours has four columns', () => {
    const { columns, cells } = grid(row('2026-01-01T00:00:00Z', 96, hour / 4), '2026-01-01', 'day', 'UTC', hour / 4)
    expect(columns).toEqual([':00', ':15', ':30', ':45'])
    expect(cells).toHaveLength(96)
  })

  it('draws nothing from outside the window, and nothing without a period', () => {
    const without: Slice = { ...slice('2026-01-01T00:00:00Z'), period: null }
    expect(grid([slice('2025-12-31T23:00:00Z'), without], '2026-01', 'month', 'UTC', hour).cells).toEqual([])
  })
})

it('a cell of several slices looks like the worst of them', () => {
  const of = (...states: Slice['state'][]) => stateOf(states.map((state) => slice('2026-01-01T00:00:00Z', hour, state)))
  expect(of('done', 'failed', 'running')).toBe('failed')
  expect(of('done', 'dirty')).toBe('dirty')
  expect(of('done', 'frozen')).toBe('done')
})
