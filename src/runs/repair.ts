/**
 * A repair is a chain of runs, each recorded in the transaction in which the one before it ends, so that no process has to remember it:
 *
 *     verify (repair) ──differs──> apply (repair), of what differs, under the guard ──done──> verify
 *          └──does not──> nothing follows          └──failed, cancelled──> nothing follows
 */
import type { FlowName, SliceKey, Verification } from '../flows/flow.ts'
import type { Session } from '../lib/sql.ts'
import type { RunRow } from '../state/run.ts'
import { dirtySlices } from '../state/slice.ts'
import type { EngineContext } from './context.ts'
import type { RunRequest, RunResult } from './engine.ts'
import { recordRequest } from './request.ts'

type Follower = Pick<EngineContext, 'state' | 'queue' | 'bell'>

/** What was found to differ is redone, whether its source has changed or not. */
export async function repairAfter(
  tx: Session,
  engine: Follower,
  run: RunRow,
  verifications: readonly Verification[],
): Promise<RunResult> {
  const slices = differing(verifications)
  if (run.options['repair'] !== true || slices.length === 0) return {}
  await dirtySlices(tx, engine.state, run.flow, slices)
  return await follow(tx, engine, run, { operation: 'apply', slices, options: { ...strictness(run), repair: true } })
}

/** What was redone is compared again. */
export async function compareAfter(tx: Session, engine: Follower, run: RunRow): Promise<RunResult> {
  if (run.options['repair'] !== true) return {}
  const slices = run.slices as readonly SliceKey[] | null // written from a RunRequest
  return await follow(tx, engine, run, { operation: 'verify', slices, options: strictness(run) })
}

/** Pure. */
function differing(verifications: readonly Verification[]): readonly SliceKey[] {
  return verifications.flatMap(({ slice, verdict }) => (verdict === 'differs' ? [slice] : []))
}

function strictness({ options }: RunRow): RunRequest['options'] {
  return options['strict'] === true ? { strict: true } : {}
}

async function follow(
  tx: Session,
  engine: Follower,
  run: RunRow,
  what: Pick<RunRequest, 'operation' | 'slices' | 'options'>,
): Promise<RunResult> {
  const { id } = await recordRequest(tx, engine, {
    ...what,
    flow: run.flow as FlowName, // parsed before it was written
    trigger: run.trigger,
    requestedBy: run.requested_by,
  })
  return { followedBy: id }
}
