/**
 * A run as stretches of time, waiting apart from working: before each attempt it waits, in an attempt it is in one phase after the
 * other. Pure.
 */
import type { Attempt } from '../client/model/attempt.ts'
import type { RunDetail } from '../client/model/runDetail.ts'

export interface Stretch {
  readonly tag: 'wait' | 'phase' | 'other'
  /** The phase; of a wait, what for. */
  readonly name: string
  readonly attempt: number | null
  /** Milliseconds from the request. */
  readonly from: number
  readonly to: number
  /** Still going on. */
  readonly open: boolean
}

export interface Timeline {
  readonly stretches: readonly Stretch[]
  readonly total: number
  readonly waited: number
  readonly worked: number
}

/** `now` counts for what has not ended. */
export function timelineOf(
  run: Pick<RunDetail, 'requestedAt' | 'finishedAt'> & { readonly attempts: readonly Attempt[] },
  now: number,
): Timeline {
  const begin = Date.parse(run.requestedAt)
  const end = Math.max(begin, run.finishedAt === null ? now : Date.parse(run.finishedAt))
  const stretches: Stretch[] = []
  let at = 0
  for (const attempt of run.attempts) {
    const from = Math.max(at, Date.parse(attempt.startedAt) - begin)
    if (from > at) stretches.push(wait(attempt.n === 1 ? 'for a worker' : 'for the next attempt', at, from, false))
    const to = Math.max(from, (attempt.finishedAt === null ? end : Date.parse(attempt.finishedAt)) - begin)
    stretches.push(...phasesOf(attempt, from, to))
    at = to
  }
  const total = end - begin
  const last = run.attempts.at(-1)
  // After the last attempt of a run that has ended nothing is waited for: the outcome is written.
  if (last === undefined)
    stretches.push(...(total > 0 ? [wait('for a worker', 0, total, run.finishedAt === null)] : []))
  else if (run.finishedAt === null && last.finishedAt !== null && total > at)
    stretches.push(wait('for the next attempt', at, total, true))
  const sum = (wanted: boolean): number =>
    stretches.filter(({ tag }) => (tag === 'wait') === wanted).reduce((all, { from, to }) => all + to - from, 0)
  return { stretches, total: stretches.at(-1)?.to ?? 0, waited: sum(true), worked: sum(false) }
}

function wait(name: string, from: number, to: number, open: boolean): Stretch {
  return { tag: 'wait', name, attempt: null, from, to, open }
}

/** Phases follow each other; what they leave of the attempt is the phase that runs, else preparing and clearing up. */
function phasesOf(attempt: Attempt, from: number, to: number): readonly Stretch[] {
  const found: Stretch[] = []
  let at = from
  for (const { name, seconds } of attempt.phases) {
    const until = Math.min(to, at + seconds * 1_000)
    found.push({ tag: 'phase', name, attempt: attempt.n, from: at, to: until, open: false })
    at = until
  }
  const open = attempt.finishedAt === null
  if (to > at || open)
    found.push(
      open && attempt.phase !== null
        ? { tag: 'phase', name: attempt.phase.name, attempt: attempt.n, from: at, to, open }
        : { tag: 'other', name: 'between the phases', attempt: attempt.n, from: at, to, open },
    )
  return found
}
