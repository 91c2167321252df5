import { describe, expect, it } from 'vitest'
import { absolute, duration, localParts, relative, roughly, shortly } from './moment.ts'

describe('absolute', () => {
  it('tells the two 01:30 of the day of 25 hours apart', () => {
    const first = absolute(new Date('2025-11-02T05:30:00Z'), 'America/New_York')
    const second = absolute(new Date('2025-11-02T06:30:00Z'), 'America/New_York')
    expect(first).toBe('2025-11-02 01:30:00 GMT-4')
    expect(second).toBe('2025-11-02 01:30:00 GMT-5')
  })

  it('says UTC for UTC, and 00 for midnight', () => {
    expect(absolute(new Date('2026-01-31T00:00:05Z'), 'UTC')).toBe('2026-01-31 00:00:05 UTC')
  })

  it('follows zones whose offset is no whole hour', () => {
    expect(absolute(new Date('2026-01-31T18:15:00Z'), 'Asia/Kathmandu')).toBe('2026-02-01 00:00:00 GMT+5:45')
  })
})

describe('shortly', () => {
  const now = new Date('2026-05-10T12:00:00Z')
  it.each([
    ['2026-05-10T05:00:00Z', '05:00'],
    ['2026-05-09T05:00:00Z', '9 May 05:00'],
    ['2025-05-10T05:00:00Z', '2025-05-10 05:00'],
  ])('%s is %s', (at, text) => {
    expect(shortly(new Date(at), 'UTC', now)).toBe(text)
  })
})

it('a day and an hour are local', () => {
  const at = new Date('2026-01-31T23:30:00Z')
  expect(localParts(at, 'UTC')).toEqual({ year: 2026, month: 1, day: 31, hour: 23, minute: 30 })
  expect(localParts(at, 'Europe/Berlin')).toEqual({ year: 2026, month: 2, day: 1, hour: 0, minute: 30 })
})

it.each([
  [0, '0 ms'],
  [340, '340 ms'],
  [4_260, '4.2 s'],
  [9_999, '9.9 s'],
  [12_000, '12 s'],
  [200_000, '3 min 20 s'],
  [180_000, '3 min'],
  [7_500_000, '2 h 5 min'],
  [273_600_000, '3 d 4 h'],
])('duration of %d ms', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

it.each([
  [500, '0 s'],
  [59_999, '59 s'],
  [3_599_999, '59 min'],
  [172_800_000, '2 d'],
])('roughly %d ms', (ms, text) => {
  expect(roughly(ms)).toBe(text)
})

it('relative says before and after', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  expect(relative(new Date('2025-12-31T23:48:00Z'), now)).toBe('12 min ago')
  expect(relative(new Date('2026-01-01T03:00:00Z'), now)).toBe('in 3 h')
  expect(relative(now, now)).toBe('now')
})
