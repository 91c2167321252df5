/** The ends of ranges, as they are written. */
import { expect, test } from 'vitest'
import { writtenBound } from './written.ts'

test.each([
  ['2025-01-31', '2025-01-31T05:00:00.000Z', '2025-02-01T05:00:00.000Z'],
  ['2025-01', '2025-01-01T05:00:00.000Z', '2025-02-01T05:00:00.000Z'],
  [' 2025 ', '2025-01-01T05:00:00.000Z', '2026-01-01T05:00:00.000Z'],
  ['2025-01-31T12:00:00Z', '2025-01-31T12:00:00.000Z', '2025-01-31T12:00:00.000Z'],
  ['2025-01-31 12:00:00.5+0530', '2025-01-31T06:30:00.500Z', '2025-01-31T06:30:00.500Z'],
  ['2025-01-31T12:00:00 05:30', '2025-01-31T06:30:00.000Z', '2025-01-31T06:30:00.000Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z', '2024-02-29T00:00:00.000Z'],
])('%s', (text, from, to) => {
  expect(new Date(writtenBound(text, 'America/New_York', false) ?? 0).toISOString()).toBe(from)
  expect(new Date(writtenBound(text, 'America/New_York', true) ?? 0).toISOString()).toBe(to)
})

test.each([
  '2025-02-30',
  '2025-02-30T00:00:00Z',
  '2025-02-29T00:00:00Z',
  '2025-04-31T00:00:00+02:00',
  '2025-13-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '2025-01-31T24:00:00Z',
  '2025-01-31T12:00:00',
  '2025-01-31T12:00:00+16:00',
  'yesterday',
  '',
])('%s is none', (text) => {
  expect(writtenBound(text, 'UTC', false)).toBeNull()
})
