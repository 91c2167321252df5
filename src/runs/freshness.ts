/**
 * In what state a flow is, and why. Pure.
 *
 *     paused > failed > late > stale > never > fresh      the first that holds
 *
 * Judged by due time, never by "something ran lately": what was due by now has to be done. A run that was asked for before a due
 * time does not answer to it; one that was asked for after it does, whoever asked.
 */
import { formatDuration } from '../lib/duration.ts'
import type { ErrorRecord } from '../lib/error.ts'
import type { FlowState, RunId } from './engine.ts'
import { nextDue, previousDue, type Schedule } from '../lib/schedule.ts'

export interface FlowFacts {
  readonly now: Date
  readonly paused: { readonly at: Date; readonly by: string; readonly reason: string | null } | null
  /** The last due time that counts; null: nothing was due yet. */
  readonly due: Due | null
  /** Milliseconds. */
  readonly late: number
  /** Milliseconds; null: unknown. */
  readonly sourceEvery: number | null
  /** Whether readers see the slice that is expected. */
  readonly published: boolean
  /** Whether they see any slice: of a flow that gets new ones, the expected one may not be there yet. */
  readonly ever: boolean
  /** The latest time up to which everything due is done; null: never. */
  readonly doneTo: Date | null
  /** The last failure, if nothing has succeeded since. */
  readonly failure: { readonly run: RunId; readonly at: Date; readonly error: ErrorRecord | null } | null
  /** How old the published content is. */
  readonly asOf: Date | null
}

export interface Due {
  readonly at: Date
  /** Why its occurrence was skipped, or what it waits for; null: neither. */
  readonly reason: string | null
}

export interface Judgement {
  readonly state: FlowState
  /** One line; null when fresh. */
  readonly why: string | null
}

export function judge(facts: FlowFacts): Judgement {
  const { now, paused, failure, due, asOf, sourceEvery, late } = facts
  if (paused !== null) {
    return { state: 'paused', why: `by ${paused.by}${paused.reason === null ? '' : `: ${paused.reason}`}` }
  }
  if (failure !== null) return { state: 'failed', why: failureLine(failure.error) }
  if (due !== null && !isDone(facts) && now.getTime() > due.at.getTime() + late) {
    const reason = due.reason === null ? '' : `: ${due.reason}`
    return { state: 'late', why: `due ${stamp(due.at)}, not done after ${span(now, due.at)}${reason}` }
  }
  if (facts.published && asOf !== null && sourceEvery !== null && now.getTime() > asOf.getTime() + sourceEvery + late) {
    return {
      state: 'stale',
      why: `the source is as of ${stamp(asOf)}, ${span(now, asOf)} old; it is rebuilt every ${formatDuration(sourceEvery)}`,
    }
  }
  if (!facts.ever) return { state: 'never', why: 'never published' }
  return { state: 'fresh', why: null }
}

/** Whether what was due by now is done. */
export function isDone({ due, doneTo, published }: Pick<FlowFacts, 'due' | 'doneTo' | 'published'>): boolean {
  if (due === null) return published
  return published && doneTo !== null && doneTo >= due.at
}

function failureLine(error: ErrorRecord | null): string {
  if (error === null) return 'the last run failed'
  return `${error.code}: ${error.summary}${error.why === '' ? '' : ` (${firstLine(error.why)})`}`
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? ''
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

const stamp = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
const span = (now: Date, then: Date): string => formatDuration(now.getTime() - then.getTime())

/**
 * The last due time that counts: the newest occurrence, or a later due time that nobody has decided upon yet. What was due
 * before the schedule was there does not count.
 */
export function lastDue(schedule: Schedule | null, decidedTo: Date | null, newest: Due | null, now: Date): Due | null {
  if (schedule === null || decidedTo === null) return null
  const previous = previousDue(schedule, now)
  if (previous !== null && previous > decidedTo && (newest === null || previous > newest.at)) {
    return { at: previous, reason: null }
  }
  return newest
}

/** The due time to show: what is due and not done, else what is due next. */
export function shownDue(facts: FlowFacts, schedule: Schedule | null): Date | null {
  if (facts.due !== null && !isDone(facts)) return facts.due.at
  if (schedule === null) return null
  return nextDue(schedule, facts.now, 1)[0] ?? null
}

/** What a flow's webhooks were last told: a problem, or nothing that still stands. */
export type Told = 'failed' | 'late' | 'guard' | null
export type Telling = 'failed' | 'late' | 'guard' | 'recovered'

/**
 * What is to be told, given what was: each change once. A paused flow is left alone until it is resumed; a stale or a
 * never-published one is no change.
 */
export function tellingOf(
  told: Told,
  judged: FlowState,
  error: ErrorRecord | null,
): { readonly told: Told; readonly telling: Telling } | null {
  const problem = problemOf(judged, error)
  if (problem === undefined || problem === told) return null
  return { told: problem, telling: problem ?? 'recovered' }
}

function problemOf(judged: FlowState, error: ErrorRecord | null): Told | undefined {
  switch (judged) {
    case 'paused':
      return undefined
    case 'failed':
      return error?.code === 'GUARD_EMPTY' || error?.code === 'GUARD_SHRUNK' ? 'guard' : 'failed'
    case 'late':
      return 'late'
    case 'stale':
    case 'never':
    case 'fresh':
      return null
  }
}
