/**
 * When a flow is due. Pure: no clock is read here.
 *
 * `every` counts from 1970-01-01T00:00Z plus its offset, so restarts give the same due times. `cron` is matched against the
 * local time of its zone: a local time skipped by daylight saving is due at the next instant there is, a repeated one once, at its
 * first. (croner alone keeps this rule only for patterns with a single second, minute and hour: `0,30 2 * * *` loses the night of
 * the change, `0 * * * *` repeats an hour. Hence croner sees plain UTC days here, and the zone is reckoned apart.)
 */
import { Cron } from 'croner'
import { instantOf, localOf } from './zone.ts'

export type Schedule =
  /** Counts from 1970-01-01T00:00Z plus `offset`. */
  | { readonly tag: 'every'; readonly every: number; readonly offset: number }
  | { readonly tag: 'cron'; readonly cron: string; readonly zone: string }

/** A due time, and the local time that the schedule named for it. Local times as in zone.ts: milliseconds as if they were UTC. */
export interface DueMoment {
  readonly at: Date
  /** What the schedule asks for; of several in one gap the first. */
  readonly wanted: number
  readonly how: 'exact' | 'skipped' | 'repeated'
}

/** Due times after `after`, in order, without end as long as the schedule has one: the caller stops. */
export function* dueTimes(schedule: Schedule, after: Date): Generator<Date, void, undefined> {
  for (const { at } of dueMoments(schedule, after)) yield at
}

/** The same, with what daylight saving does to each. */
export function* dueMoments(schedule: Schedule, after: Date): Generator<DueMoment, void, undefined> {
  switch (schedule.tag) {
    case 'every': {
      const { every, offset } = schedule
      let due = (Math.floor((after.getTime() - offset) / every) + 1) * every + offset
      for (; ; due += every) yield { at: new Date(due), wanted: due, how: 'exact' }
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
        const wanted = local
        const { instant, how } = instantOf(local, zone)
        // What else was skipped in the same gap is due at the same instant, and so is the first local time after it.
        if (how === 'skipped') local = Math.max(local, localOf(instant, zone))
        if (instant <= last) continue
        last = instant
        yield { at: new Date(instant), wanted, how }
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
