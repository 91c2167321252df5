import { expect, test } from 'vitest'
import { backfillCommand } from './command.ts'

const asked = { from: null, to: null, slices: null, force: false, grain: null, clear: false, atOnce: 2 }

test.each([
  [asked, 'sluice backfill views'],
  [
    { ...asked, from: '2026-01-01', to: '2026-02-01', force: true, atOnce: 4 },
    'sluice backfill views --from 2026-01-01 --to 2026-02-01 --force --at-once 4',
  ],
  [
    { ...asked, grain: 'day', from: '2026-01-01', to: '2026-01-31', clear: true, force: true },
    'sluice backfill views --grain day --from 2026-01-01 --to 2026-01-31 --clear --force',
  ],
  [
    { ...asked, slices: ['all', '2025-11[America/New_York]/day'] },
    "sluice backfill views --slice all '2025-11[America/New_York]/day'",
  ],
])('%j is %s', (range, command) => {
  expect(backfillCommand('views', range)).toBe(command)
})
