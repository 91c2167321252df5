/**
 * When a flow is due. Pure: no clock is read here.
 *
 * `every` counts from 1970-01-01T00:00Z plus its offset, so restarts give the same due times. `cron` is matched against the
 * local time of its zone: a local time skipped by daylight saving is due at the next instant there is, a repeated one once, at its
 * first. (croner alone keeps this rule only for patterns with a single second, minute and hour: `0,30 2 * * *` loses the night of
 * the change, `0 * * * *` repeats an hour. Hence croner sees plain UTC days here, and the zone is reckoned apart.)
 */
import { Cron } from 'croner'
import { formatDuration } from '../lib/duration.ts'
import { instantOf, localOf } from '../lib/zone.ts'
import type { Schedule } from '../flows/flow.ts'

/** Due times after `after`, in order, without end as long as the schedule has one: the caller stops. */
export function* dueTimes(schedule: Schedule, after: Date): Generator<Date, void, undefined> {
  switch (schedule.tag) {
    case 'every': {
      const { every, offset } = schedule
      let due = (Math.floor((after.getTime() - offset) / every) + 1) * every + offset
      for (; ; due += every) yield new Date(due)
    }
    case 'cron': {
      const { zone } = schedule
      const pattern = patternOf(schedule.cron)
      let last = after.getTime()
      // Local times up to this one are due at or before `last`: instantOf never decreases.
      let local = localOf(last, zone)
      for (;;) {
        const next = pattern.nextRun(new Date(local))
        if (next === null) return
        local = next.getTime()
        const { instant, how } = instantOf(local, zone)
        // What else was skipped in the same gap is due at the same instant, and so is the first local time after it.
        if (how === 'skipped') local = Math.max(local, localOf(instant, zone))
        if (instant <= last) continue
        last = instant
        yield new Date(instant)
      }
    }
  }
}

export interface DuePage {
  readonly due: readonly Date[]
  /** Whether every due time up to the end is in `due`; otherwise go on after the last. */
  readonly complete: boolean
}

/** Due times in (after, upTo], oldest first, at most `limit`. */
export function dueBetween(schedule: Schedule, after: Date, upTo: Date, limit: number): DuePage {
  const due: Date[] = []
  for (const at of dueTimes(schedule, after)) {
    if (at > upTo) break
    if (due.length === limit) return { due, complete: false }
    due.push(at)
  }
  return { due, complete: true }
}

/** The next `count` due times after `after`; fewer when the schedule ends. */
export function nextDue(schedule: Schedule, after: Date, count: number): readonly Date[] {
  const due: Date[] = []
  if (count <= 0) return due
  for (const at of dueTimes(schedule, after)) {
    due.push(at)
    if (due.length === count) break
  }
  return due
}

/** The latest due time that is not after `at`; null when there is none. */
export function previousDue(schedule: Schedule, at: Date): Date | null {
  switch (schedule.tag) {
    case 'every': {
      const { every, offset } = schedule
      return new Date(Math.floor((at.getTime() - offset) / every) * every + offset)
    }
    case 'cron': {
      const { zone } = schedule
      const pattern = patternOf(schedule.cron)
      const shown = localOf(at.getTime(), zone)
      // The second time that clocks show this: later local times of the repeated stretch were due before, too.
      const repeated = at.getTime() - instantOf(shown, zone).instant
      // croner looks strictly before a whole second.
      let local = Math.floor((shown + repeated) / 1_000) * 1_000 + 1_000
      for (;;) {
        const [previous] = pattern.previousRuns(1, new Date(local))
        if (previous === undefined) return null
        local = previous.getTime()
        const { instant } = instantOf(local, zone)
        if (instant <= at.getTime()) return new Date(instant)
      }
    }
  }
}

const patterns = new Map<string, Cron>()

/** The pattern over plain UTC days. The config has refused what croner cannot read. */
function patternOf(cron: string): Cron {
  const known = patterns.get(cron)
  if (known !== undefined) return known
  const made = new Cron(cron, { timezone: 'UTC', paused: true })
  patterns.set(cron, made)
  return made
}

/** For people: `every 2 h`, `every 1 d, 5 h after midnight UTC`, `daily at 05:00 (Europe/Berlin)`. */
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
