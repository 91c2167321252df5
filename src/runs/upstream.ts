/** What a flow still owes to those that name it in `after`. Pure. */
import { previousDue } from '../lib/schedule.ts'
import type { Judged } from './status.ts'

/**
 * What is missing for a downstream occurrence of that due time, in a few words; null: nothing. Owed is what was due at the
 * upstream by then; an upstream without a schedule owes only to have been done once.
 */
export function owedBy({ schedule, facts }: Pick<Judged, 'schedule' | 'facts'>, dueAt: Date): string | null {
  if (!facts.published) return facts.failure === null ? 'never done' : 'failed'
  const due = schedule === null ? null : previousDue(schedule, dueAt)
  if (due === null || (facts.doneTo !== null && facts.doneTo >= due)) return null
  const reason = facts.paused !== null ? 'paused' : facts.failure !== null ? 'failed' : 'not done'
  return `${reason}, due ${due.toISOString()}`
}
