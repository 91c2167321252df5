import { SluiceError } from '../lib/error.ts'
import type { Session } from '../lib/sql.ts'
import { lockBackfill, moveSlices, writeBackfillState } from '../state/backfill.ts'
import type { EngineContext } from './context.ts'
import type { RunId } from './engine.ts'
import { findRun } from './records.ts'
import { request } from './request.ts'

/**
 * A new run of the same request. A slice of a backfill goes with it, so that the backfill shows what becomes of it.
 *
 * @throws SluiceError `RUN_UNKNOWN`, `RUN_NOT_FINISHED`, and what `request` refuses
 */
export async function retryRun(
  engine: EngineContext,
  id: string,
  by: string,
): Promise<{ readonly id: RunId; readonly joined: boolean }> {
  const run = await findRun(engine.state.db, engine.state, id)
  if (run.outcome === null) {
    throw new SluiceError('RUN_NOT_FINISHED', `Run ${run.id} of ${run.flow} still goes on`, {
      why: 'a run is tried again when it has ended',
      fix: `wait for its end, or cancel it: sluice cancel ${run.id}`,
      where: { flow: run.flow },
    })
  }
  const { operation, flow, slices, options, backfill } = run
  const asked = { operation, flow, slices, options, trigger: 'api', requestedBy: by } as const
  return await request(engine, asked, async (tx, again) => {
    if (backfill !== null) await moveOn(tx, engine, backfill, run.id, again)
  })
}

async function moveOn(tx: Session, engine: EngineContext, backfill: string, from: RunId, to: RunId): Promise<void> {
  const { state, bell } = engine
  const row = await lockBackfill(tx, state, backfill)
  if (row === undefined || (await moveSlices(tx, state, from, to)).length === 0) return
  if (row.state === 'failed')
    await writeBackfillState(tx, state, backfill, { state: 'running', finished: false, stopped: null })
  await bell.ring(tx, { topic: 'backfill', backfill, flow: row.flow })
}
