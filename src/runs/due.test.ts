import { expect, test } from 'vitest'
import { comingDue } from './due.ts'

const cron = (text: string, zone: string) => ({ tag: 'cron', cron: text, zone }) as const

test('a local time that no clock shows runs at the next there is, and says so', () => {
  const due = comingDue(cron('30 2 * * *', 'Europe/Berlin'), new Date('2026-03-27T12:00:00Z'), 3)
  expect(due).toEqual([
    {
      at: new Date('2026-03-28T01:30:00Z'),
      local: '2026-03-28T02:30:00',
      wanted: '2026-03-28T02:30:00',
      zone: 'Europe/Berlin',
      oddity: null,
    },
    {
      at: new Date('2026-03-29T01:00:00Z'),
      local: '2026-03-29T03:00:00',
      wanted: '2026-03-29T02:30:00',
      zone: 'Europe/Berlin',
      oddity: 'skipped',
    },
    {
      at: new Date('2026-03-30T00:30:00Z'),
      local: '2026-03-30T02:30:00',
      wanted: '2026-03-30T02:30:00',
      zone: 'Europe/Berlin',
      oddity: null,
    },
  ])
})

test('a local time that clocks show twice runs once, the first time, and says so', () => {
  const due = comingDue(cron('30 1 * * *', 'America/New_York'), new Date('2026-10-31T12:00:00Z'), 2)
  expect(due.map(({ at, local, oddity }) => [at.toISOString(), local, oddity])).toEqual([
    ['2026-11-01T05:30:00.000Z', '2026-11-01T01:30:00', 'repeated'],
    ['2026-11-02T06:30:00.000Z', '2026-11-02T01:30:00', null],
  ])
})

test('an interval knows no local time, and no schedule has no due time', () => {
  const every = { tag: 'every', every: 7_200_000, offset: 0 } as const
  expect(comingDue(every, new Date('2026-03-29T00:30:00Z'), 2)).toMatchObject([
    { local: '2026-03-29T02:00:00', zone: 'UTC', oddity: null },
    { local: '2026-03-29T04:00:00', zone: 'UTC', oddity: null },
  ])
  expect(comingDue(null, new Date(), 5)).toEqual([])
  expect(comingDue(every, new Date(), 0)).toEqual([])
  // The 30th of February.
  expect(comingDue(cron('0 0 30 2 *', 'UTC'), new Date(), 5)).toEqual([])
})
