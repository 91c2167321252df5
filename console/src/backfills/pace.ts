/** How far a backfill is, and how fast. Pure. */
import type { Backfill } from '../client/model/backfill.ts'
import type { BackfillSliceWord } from './words.ts'

/** What has ended, whatever became of it. */
const ended = ['succeeded', 'failed', 'cancelled', 'skipped'] as const satisfies readonly BackfillSliceWord[]

export interface Pace {
  readonly ended: number
  readonly total: number
  /** Whole percents, never 100 before all has ended. */
  readonly percent: number
  /** Slices a minute since it began; null: nothing has ended yet. */
  readonly perMinute: number | null
}

/** `now` counts while it is not finished. */
export function paceOf(backfill: Pick<Backfill, 'slices' | 'requestedAt' | 'finishedAt'>, now: number): Pace {
  const done = ended.reduce((sum, state) => sum + backfill.slices[state], 0)
  const { total } = backfill.slices
  const end = backfill.finishedAt === null ? now : Date.parse(backfill.finishedAt)
  const minutes = (end - Date.parse(backfill.requestedAt)) / 60_000
  return {
    ended: done,
    total,
    percent: total === 0 ? 100 : done === total ? 100 : Math.min(99, Math.floor((100 * done) / total)),
    perMinute: done === 0 || minutes <= 0 ? null : done / minutes,
  }
}

/** `12 / min`, `3 / h`: so that it is no fraction. */
export function rate(perMinute: number): string {
  if (perMinute >= 10) return `${Math.round(perMinute)} / min`
  if (perMinute >= 1) return `${perMinute.toFixed(1)} / min`
  const perHour = perMinute * 60
  return `${perHour >= 10 ? Math.round(perHour) : perHour.toFixed(1)} / h`
}
