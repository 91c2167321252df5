import type { FlowName } from '../flows/flow.ts'
import { SluiceError } from '../lib/error.ts'
import type { Session } from '../lib/sql.ts'
import { readAttempts } from '../state/attempt.ts'
import { pauseFlow, resumeFlow } from '../state/flow.ts'
import { askToCancel, lockRun } from '../state/run.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { RunId, RunRecord } from './engine.ts'
import { endCancelled } from './finish.ts'
import { findRun } from './records.ts'

/**
 * Cancels a run: at once when nobody works on it; otherwise whoever does is told, within 2 s, and ends it. A run that has
 * ended stays as it is. The record shows which it was.
 */
export async function cancel(engine: EngineContext, id: RunId, by: string, reason: string | null): Promise<RunRecord> {
  // Opened beforehand: installing the queue does not belong into this transaction.
  await engine.queue()
  await inTransaction(engine, (tx) => cancelWithin(tx, engine, id, by, reason))
  return await findRun(engine.state.db, engine.state, id)
}

/** The same in the caller's transaction. */
export async function cancelWithin(
  tx: Session,
  engine: EngineContext,
  id: RunId,
  by: string,
  reason: string | null,
): Promise<void> {
  const { state } = engine
  const run = await lockRun(tx, state, id)
  if (run === undefined || run.outcome !== null) return
  await askToCancel(tx, state, id, by, reason)
  const working = (await readAttempts(tx, state, [id])).some((attempt) => attempt.outcome === null)
  if (working) return await engine.bell.ring(tx, { topic: 'run', run: id, flow: run.flow })
  await endCancelled(tx, engine, { ...run, cancel_by: run.cancel_by ?? by, cancel_reason: run.cancel_reason ?? reason })
}

/** Nothing of the flow begins any more; what runs goes on. */
export async function pause(
  engine: Pick<EngineContext, 'state' | 'bell' | 'leases'>,
  flow: FlowName,
  by: string,
  reason: string | null,
): Promise<void> {
  await inTransaction(engine, async (tx) => {
    if ((await pauseFlow(tx, engine.state, flow, by, reason)) === 0) throw unknownFlow(flow)
    await engine.bell.ring(tx, { topic: 'flow', flow })
  })
}

export async function resume(engine: Pick<EngineContext, 'state' | 'bell' | 'leases'>, flow: FlowName): Promise<void> {
  const { state } = engine
  await inTransaction(engine, async (tx) => {
    if ((await resumeFlow(tx, state, flow)) === 0) throw unknownFlow(flow)
    await engine.bell.ring(tx, { topic: 'work' })
    await engine.bell.ring(tx, { topic: 'flow', flow })
  })
}

export function unknownFlow(flow: string): SluiceError {
  return new SluiceError('FLOW_UNKNOWN', `There is no flow ${flow}`, {
    why: 'no config of this project has registered it',
    fix: 'sluice status lists the flows',
    where: { flow },
  })
}
