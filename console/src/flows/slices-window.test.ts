import { expect, it } from 'vitest'
import type { Slice } from '../client/model/slice.ts'
import { screenOf } from './slices-window.ts'

const slice = (period: Slice['period']): Slice => ({
  flow: 'f',
  key: 'k',
  ordinal: 1,
  span: null,
  period,
  state: 'done',
  dueAt: null,
  asOf: null,
  rows: null,
  changes: null,
  run: null,
  publishedAt: null,
  verified: null,
})
const hourly = slice({ from: '2026-10-31T23:00:00Z', to: '2026-11-01T00:00:00Z' })

it('shows the local month of the newest hour, or the one that was asked for', () => {
  expect(screenOf(hourly, undefined, 'UTC')).toMatchObject({ layout: 'month', window: '2026-10', latest: '2026-10' })
  expect(screenOf(hourly, undefined, 'Europe/Berlin')).toMatchObject({ window: '2026-11', latest: '2026-11' })
  expect(screenOf(hourly, '2025-02', 'UTC')).toMatchObject({ window: '2025-02', latest: '2026-10' })
})

it('drops what is no month, and shows no calendar of what stands for no time', () => {
  expect(screenOf(hourly, '2025', 'UTC')?.window).toBe('2026-10')
  expect(screenOf(slice(null), undefined, 'UTC')).toBeNull()
  expect(screenOf(undefined, undefined, 'UTC')).toBeNull()
})
