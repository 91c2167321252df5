import fc from 'fast-check'
import { expect, test } from 'vitest'
import { instantOf, localOf } from './zone.ts'

const at = (text: string): number => Date.parse(text)
const iso = (instant: number): string => new Date(instant).toISOString()

test.each([
  // zone, local time, instant, how
  ['America/New_York', '2025-03-09T02:30Z', '2025-03-09T07:00:00.000Z', 'skipped'],
  ['America/New_York', '2025-03-09T03:00Z', '2025-03-09T07:00:00.000Z', 'exact'],
  ['America/New_York', '2025-11-02T01:30Z', '2025-11-02T05:30:00.000Z', 'repeated'],
  ['America/New_York', '2025-11-02T02:00Z', '2025-11-02T07:00:00.000Z', 'exact'],
  ['Australia/Lord_Howe', '2025-10-05T02:15Z', '2025-10-04T15:30:00.000Z', 'skipped'],
  ['Australia/Lord_Howe', '2025-04-06T01:45Z', '2025-04-05T14:45:00.000Z', 'repeated'],
  ['Pacific/Apia', '2011-12-30T09:00Z', '2011-12-30T10:00:00.000Z', 'skipped'],
  ['Asia/Kathmandu', '2026-01-01T00:00Z', '2025-12-31T18:15:00.000Z', 'exact'],
  ['UTC', '2026-01-01T00:00Z', '2026-01-01T00:00:00.000Z', 'exact'],
] as const)('%s, clocks at %s: %s (%s)', (zone, local, instant, how) => {
  const found = instantOf(at(local), zone)
  expect([iso(found.instant), found.how]).toEqual([instant, how])
})

test('the first year of our era and the one before it', () => {
  const zone = 'Etc/GMT+1'
  for (const local of [at('0001-01-01T00:00:00Z'), at('0000-12-31T23:59:59.123Z'), at('0050-06-01T00:00:00Z')])
    expect(localOf(local + 3_600_000, zone)).toBe(local)
})

const zones = [
  'America/New_York',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'Europe/London',
]
const instants = fc.integer({ min: at('1990-01-01T00:00Z'), max: at('2037-01-01T00:00Z') })

test('there and back: an instant comes back, or its first twin does', () => {
  fc.assert(
    fc.property(fc.constantFrom(...zones), instants, (zone, instant) => {
      const local = localOf(instant, zone)
      const found = instantOf(local, zone)
      expect(found.how).not.toBe('skipped')
      expect(localOf(found.instant, zone)).toBe(local)
      expect(found.instant).toBeLessThanOrEqual(instant)
      if (found.how === 'exact') expect(found.instant).toBe(instant)
    }),
    { numRuns: 500 },
  )
})

test('later local times are never at an earlier instant', () => {
  fc.assert(
    fc.property(fc.constantFrom(...zones), instants, fc.integer({ min: 0, max: 172_800_000 }), (zone, local, step) => {
      expect(instantOf(local + step, zone).instant).toBeGreaterThanOrEqual(instantOf(local, zone).instant)
    }),
    { numRuns: 500 },
  )
})
