import { expect, test } from 'vitest'
import { formatBytes, formatCount, formatRelative, formatRows } from './format.ts'
import { formatBarred, formatPhase } from './progress.ts'
import { shorten } from './commands/runs.ts'
import { formatTable } from './table.ts'

test('counts and sizes for people', () => {
  expect(formatCount(3_000_000)).toBe('3,000,000')
  expect(formatCount(null)).toBe('-')
  expect(formatRows(1)).toBe('1 row')
  expect(formatRows(3376)).toBe('3,376 rows')
  expect([0, 999, 1000, 1_450_000, 250_000_000, 3e12].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '1.4 MB',
    '250 MB',
    '3.0 TB',
  ])
})

test('times from now', () => {
  const now = new Date('2026-11-22T18:00:00Z')
  const at = (text: string) => formatRelative(new Date(text), now)
  expect(at('2026-11-22T18:00:00.400Z')).toBe('now')
  expect(at('2026-11-22T17:59:55Z')).toBe('5 s ago')
  expect(at('2026-11-22T15:55:00Z')).toBe('2 h 5 min ago')
  expect(at('2026-11-25T18:00:00Z')).toBe('in 3 d')
  expect(formatRelative(null, now)).toBe('-')
})

test('columns are aligned whatever their characters and colours', () => {
  const table = formatTable(
    [{ title: 'FLOW' }, { title: 'ROWS', align: 'right' }, { title: 'WHY' }],
    [
      ['é😀👩‍👩‍👧', '1', ''],
      ['\u001B[31mred\u001B[39m', '1,000', 'x'],
    ],
  )
  expect(table.split('\n')).toEqual(['FLOW   ROWS  WHY', 'é😀👩‍👩‍👧       1', '\u001B[31mred\u001B[39m   1,000  x'])
})

test('a phase as a line', () => {
  const phase = { name: 'load', rows: 1_200_000, rowsExpected: 3_000_000, bytes: 120_000_000 }
  expect(formatPhase(phase, 800_000, 2_300)).toBe(
    'load  1,200,000 of 3,000,000 rows · 800,000 rows/s · 120 MB · 2.0 s left',
  )
  expect(formatBarred(phase, 800_000, 2_300)).toBe(
    'load  ████████░░░░░░░░░░░░  1,200,000 of 3,000,000 rows · 800,000 rows/s · 120 MB · 2.0 s left',
  )
  expect(formatBarred({ name: 'index', rows: 0, rowsExpected: null, bytes: 0 }, null, null)).toBe('index')
  // More than was expected fills the bar and no more.
  expect(formatBarred({ ...phase, rows: 9_000_000 }, null, null)).toContain('████████████████████  9,000,000')
})

test('ids are cut to what tells them apart', () => {
  expect(shorten(['019aab12-3456-7abc-8def-0123456789ab'])).toEqual(['019aab12-3456'])
  expect(shorten(['019aab12-3456-7abc-8def-0123456789ab', '019aab12-3456-7abd-8def-0123456789ab'])).toEqual([
    '019aab12-3456-7abc',
    '019aab12-3456-7abd',
  ])
})
