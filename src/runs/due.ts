/** The coming due times of a flow, as people read them. Pure. */
import { dueMoments, type Schedule } from '../lib/schedule.ts'
import { localOf } from '../lib/zone.ts'
import type { DueTime } from './views.ts'

/** The next `count` after `after`; fewer when the schedule ends. */
export function comingDue(schedule: Schedule | null, after: Date, count: number): readonly DueTime[] {
  const due: DueTime[] = []
  if (schedule === null || count <= 0) return due
  const zone = schedule.tag === 'cron' ? schedule.zone : 'UTC'
  for (const { at, wanted, how } of dueMoments(schedule, after)) {
    const local = clock(localOf(at.getTime(), zone))
    due.push({ at, local, zone, oddity: how === 'exact' ? null : how, wanted: clock(wanted) })
    if (due.length === count) break
  }
  return due
}

/** Milliseconds as if they were UTC → `2026-03-29T03:00:00`. */
function clock(local: number): string {
  return new Date(local).toISOString().slice(0, 19)
}
