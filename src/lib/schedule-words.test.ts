import { expect, test } from 'vitest'
import type { Sluice } from '../sluice.ts'
import { describeSchedule } from './schedule-words.ts'

type Schedule = Sluice['flows'][number]['timing']['schedule']

const cron = (pattern: string, zone = 'UTC'): Schedule => ({ tag: 'cron', cron: pattern, zone })
const every = (ms: number, offset = 0): Schedule => ({ tag: 'every', every: ms, offset })
const hour = 3_600_000

test.each([
  [null, 'by hand'],
  [every(2 * hour), 'every 2 h'],
  [every(24 * hour, 5 * hour), 'every 1 d, shifted by 5 h'],
  [cron('0 5 * * *', 'Europe/Berlin'), 'daily at 05:00 (Europe/Berlin)'],
  [cron('30 2,14 * * *'), 'daily at 02:30 and 14:30 (UTC)'],
  [cron('0 * * * *'), 'every hour (UTC)'],
  [cron('@hourly'), 'every hour (UTC)'],
  [cron('5 * * * *'), 'every hour at minute 5 (UTC)'],
  [cron('*/15 * * * *'), 'every 15 minutes (UTC)'],
  [cron('10 */2 * * *'), 'every 2 hours at :10 (UTC)'],
  [cron('0 6 * * 1-5'), 'Monday to Friday at 06:00 (UTC)'],
  [cron('0 6 * * 1,4'), 'Monday and Thursday at 06:00 (UTC)'],
  [cron('0 0 1 * *'), 'on day 1 of every month at 00:00 (UTC)'],
  [cron('0 0 13 * 5'), 'cron "0 0 13 * 5" (UTC)'],
  [cron('7/9 1 L * *'), 'cron "7/9 1 L * *" (UTC)'],
] as const)('%j is said as %s', (schedule, words) => {
  expect(describeSchedule(schedule)).toBe(words)
})
