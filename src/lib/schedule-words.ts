import { formatDuration } from './duration.ts'
import type { Schedule } from './schedule.ts'

/** For people: `every 2 h`, `every 1 d, shifted by 5 h`, `daily at 05:00 (Europe/Berlin)`. */
export function describeSchedule(schedule: Schedule | null): string {
  if (schedule === null) return 'by hand'
  switch (schedule.tag) {
    case 'every': {
      const offset = schedule.offset % schedule.every
      const shift = offset === 0 ? '' : `, shifted by ${formatDuration(offset)}`
      return `every ${formatDuration(schedule.every)}${shift}`
    }
    case 'cron':
      return `${describeCron(schedule.cron)} (${schedule.zone})`
  }
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** The common patterns in words; any other as it was written. */
function describeCron(cron: string): string {
  const written = `cron "${cron}"`
  const fields = (nicknames[cron.trim().toLowerCase()] ?? cron).trim().split(/\s+/)
  if (fields.length === 6 && /^0+$/.test(fields[0] ?? '')) fields.shift()
  const [minute, hour, day, month, weekday] = fields
  if (fields.length !== 5 || minute === undefined || hour === undefined || day === undefined || weekday === undefined)
    return written
  const number = (text: string): boolean => /^\d{1,2}$/.test(text)
  const wild = (text: string | undefined): boolean => text === '*' || text === '?'
  if (!wild(month)) return written
  const everyDay = wild(day) && wild(weekday)
  const minutes = /^\*\/(\d+)$/.exec(minute)?.[1]
  const hours = /^\*\/(\d+)$/.exec(hour)?.[1]
  if (everyDay && minute === '*' && hour === '*') return 'every minute'
  if (everyDay && minutes !== undefined && hour === '*' && 60 % Number(minutes) === 0) return `every ${minutes} minutes`
  if (!number(minute)) return written
  if (everyDay && hour === '*') return minute === '0' ? 'every hour' : `every hour at minute ${Number(minute)}`
  const at = `:${minute.padStart(2, '0')}`
  if (everyDay && hours !== undefined && 24 % Number(hours) === 0) return `every ${hours} hours at ${at}`
  const times = hour.split(',')
  if (!times.every(number)) return written
  const clock = times.map((time) => `${time.padStart(2, '0')}${at}`).join(' and ')
  if (everyDay) return `daily at ${clock}`
  if (wild(weekday) && number(day)) return `on day ${Number(day)} of every month at ${clock}`
  if (!wild(day)) return written
  if (weekday === '1-5' || weekday.toUpperCase() === 'MON-FRI') return `Monday to Friday at ${clock}`
  const named = weekday.split(',').map((text) => (number(text) ? days[Number(text)] : undefined))
  return named.includes(undefined) ? written : `${named.join(' and ')} at ${clock}`
}
