/** What both ways of publishing have in common: what the state records of a slice. */
import type { SliceKey, SliceResult } from '../flows/flow.ts'
import type { Session } from '../lib/sql.ts'
import { finishSlice, type Published } from '../state/slice.ts'
import type { Claimed } from './claim.ts'
import type { EngineContext } from './context.ts'
import { leaseLost } from './finish.ts'

export type Apply = (tx: Session) => Promise<SliceResult>

/** What the state records of a slice that this attempt has published. */
export function published(claimed: Claimed, result: SliceResult): Published {
  return {
    run: claimed.run.id,
    definitionHash: claimed.flow.definitionHash,
    sourceMark: result.sourceMark,
    asOf: result.asOf,
    rows: result.rows,
    changes: result.changes,
    dueAt: claimed.run.due_at,
  }
}

/** Writes that the slice is done, in the caller's transaction. */
export async function record(
  tx: Session,
  engine: EngineContext,
  claimed: Claimed,
  slice: SliceKey,
  done: Published,
): Promise<void> {
  const recorded = await finishSlice(tx, engine.state, claimed.flow.name, slice, claimed.token, done)
  if (recorded === 0) throw leaseLost(claimed.run.id)
  await engine.bell.ring(tx, { topic: 'slice', flow: claimed.flow.name })
}
