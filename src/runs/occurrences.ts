/**
 * What becomes of an occurrence. Pure; the scheduler writes down what is said here, in one transaction a flow.
 *
 *     (due) ──> run                         it becomes a run
 *       ├─────> skipped                     with its reason
 *       └─────> waiting ──> run | skipped   for what `after` names, or for the flow's own run to end
 *
 * Every occurrence ends as a run or as a skip with a reason, never neither. What waits is looked at again each tick. At most one
 * occurrence of a flow becomes a run at a time: the next waits until that run has ended.
 */
import { formatDuration } from '../lib/duration.ts'
import type { FlowName, Timing } from '../flows/flow.ts'
import type { RunId } from './engine.ts'

/** An occurrence decided later than this after its due time was missed: nobody was there to decide it. */
export const graceMs = 60_000

export interface Waiting {
  readonly dueAt: Date
  /** When it was first decided that it waits. */
  readonly since: Date
}

/** An unfinished run of the flow, backfills left out: live work does not wait for them. */
export interface OpenRun {
  readonly id: RunId
  readonly scheduled: boolean
  readonly cancelling: boolean
}

export interface OccurrenceFacts {
  readonly now: Date
  readonly timing: Pick<Timing, 'catchUp' | 'maxAge' | 'overlap' | 'after' | 'late'>
  readonly paused: { readonly by: string; readonly reason: string | null } | null
  /** Due times not decided upon yet, oldest first; perhaps not all of them. */
  readonly due: readonly Date[]
  /** The latest due time that is not after `now`, whether it is in `due` or not. */
  readonly newest: Date | null
  /** Oldest first. */
  readonly waiting: readonly Waiting[]
  readonly open: readonly OpenRun[]
  /** What an upstream flow still owes for that due time; null: nothing. */
  readonly owes: (upstream: FlowName, dueAt: Date) => string | null
}

export type Verdict =
  | { readonly tag: 'run' }
  | { readonly tag: 'wait'; readonly reason: string }
  | { readonly tag: 'skip'; readonly reason: string }

export interface Decision {
  readonly dueAt: Date
  readonly verdict: Verdict
}

export interface Decisions {
  /** One for each of `waiting` and `due`, oldest first. */
  readonly occurrences: readonly Decision[]
  /** Runs to be cancelled for `overlap: cancel`. */
  readonly cancel: readonly RunId[]
}

interface Candidate {
  readonly dueAt: Date
  readonly since: Date
  readonly missed: boolean
}

export function decideOccurrences(facts: OccurrenceFacts): Decisions {
  const { now, timing } = facts
  const verdicts = new Map<number, Verdict>()
  const skip = (dueAt: Date, reason: string): void => void verdicts.set(dueAt.getTime(), { tag: 'skip', reason })

  const candidates: Candidate[] = []
  for (const { dueAt, since } of facts.waiting) {
    const reason = pausedReason(facts) ?? ageReason(facts, dueAt)
    if (reason !== null) skip(dueAt, reason)
    else candidates.push({ dueAt, since, missed: since.getTime() - dueAt.getTime() > graceMs })
  }
  for (const dueAt of facts.due) {
    const reason = pausedReason(facts) ?? ageReason(facts, dueAt) ?? catchUpReason(facts, dueAt)
    if (reason !== null) skip(dueAt, reason)
    else candidates.push({ dueAt, since: now, missed: now.getTime() - dueAt.getTime() > graceMs })
  }
  // Whoever does not want all of them wants the newest of those that wait.
  const last = candidates.at(-1)
  if (timing.catchUp !== 'all' && last !== undefined) {
    for (const { dueAt } of candidates.splice(0, candidates.length - 1))
      skip(dueAt, `overtaken by the occurrence of ${last.dueAt.toISOString()} while it waited`)
  }

  const cancel = new Set<RunId>()
  let first: Date | null = null
  for (const candidate of candidates) {
    const { dueAt } = candidate
    const verdict: Verdict =
      upstreamVerdict(facts, candidate) ??
      (first === null
        ? overlapVerdict(facts, candidate, cancel)
        : { tag: 'wait', reason: `waits for the occurrence of ${first.toISOString()}, which comes first` })
    verdicts.set(dueAt.getTime(), verdict)
    if (verdict.tag === 'run') first = dueAt
  }
  const all = [...facts.waiting.map(({ dueAt }) => dueAt), ...facts.due]
  return {
    occurrences: all.map((dueAt) => ({ dueAt, verdict: verdicts.get(dueAt.getTime()) ?? neither(dueAt) })),
    cancel: [...cancel],
  }
}

function neither(dueAt: Date): never {
  throw new Error(`the occurrence of ${dueAt.toISOString()} became neither a run nor a skip`)
}

function pausedReason({ paused }: OccurrenceFacts): string | null {
  if (paused === null) return null
  return `paused by ${paused.by}${paused.reason === null ? '' : `: ${paused.reason}`}`
}

function ageReason({ now, timing }: OccurrenceFacts, dueAt: Date): string | null {
  const age = now.getTime() - dueAt.getTime()
  if (timing.maxAge === null || age <= timing.maxAge) return null
  return `${formatDuration(age)} old; maxAge: ${formatDuration(timing.maxAge)}`
}

function catchUpReason({ now, timing, newest }: OccurrenceFacts, dueAt: Date): string | null {
  const age = now.getTime() - dueAt.getTime()
  const isNewest = newest === null || dueAt >= newest
  const missed = `missed by ${formatDuration(age)}`
  switch (timing.catchUp) {
    case 'all':
      return null
    case 'latest':
      return isNewest ? null : `${missed}; catchUp: latest runs only the newest`
    case 'skip':
      return isNewest && age <= graceMs ? null : `${missed}; catchUp: skip`
  }
}

/** Waits for upstream flows up to `late`, counted from when it was due or, if nobody was there then, from when it began to wait. */
function upstreamVerdict({ now, timing, owes }: OccurrenceFacts, { dueAt, since }: Candidate): Verdict | null {
  const owed = timing.after.flatMap((upstream) => {
    const debt = owes(upstream, dueAt)
    return debt === null ? [] : [`${upstream} (${debt})`]
  })
  if (owed.length === 0) return null
  const waited = now.getTime() - Math.max(dueAt.getTime(), since.getTime())
  if (waited < timing.late) return { tag: 'wait', reason: `waits for ${owed.join(', ')}` }
  return { tag: 'skip', reason: `waited ${formatDuration(timing.late)} for ${owed.join(', ')}` }
}

function overlapVerdict({ timing, open }: OccurrenceFacts, { missed }: Candidate, cancel: Set<RunId>): Verdict {
  const [busy] = open
  if (busy === undefined) return { tag: 'run' }
  const wait: Verdict = { tag: 'wait', reason: `waits for run ${busy.id} to end` }
  // What was missed came due while nothing ran: it waits its turn and disturbs nobody.
  if (missed) return wait
  switch (timing.overlap) {
    case 'wait':
      return wait
    case 'skip':
      return { tag: 'skip', reason: `run ${busy.id} was not over yet; overlap: skip` }
    case 'cancel':
      // A run that a person asked for is not the schedule's to cancel.
      for (const run of open) if (run.scheduled && !run.cancelling) cancel.add(run.id)
      return wait
  }
}
