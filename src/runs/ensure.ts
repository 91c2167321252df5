/**
 * Sees to it that a run is done: by a living worker of the project that can do it, or here.
 *
 *     finished? ──yes──> back
 *        │ no
 *     a live worker has the flow as it is defined here ──> wait a little, look again
 *        │ none
 *     a live worker holds an exclusive store of the flow, with another definition ──> cancelled, WORKER_OUTDATED
 *        │ none
 *     claim this run and do it here; if it cannot begin yet (its store is full, another run is at its slices), look again
 *
 * A worker that dies meanwhile drops out of the living, and its attempt out of the leases: the next look takes over.
 */
import type { SluiceError } from '../lib/error.ts'
import { readAttempts } from '../state/attempt.ts'
import { lockRun, readRun } from '../state/run.ts'
import { readHolders } from '../state/worker.ts'
import { runAttempt } from './attempt.ts'
import { Waiter } from './bell.ts'
import { claim } from './claim.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { RunId } from './engine.ts'
import { endCancelled, reap } from './finish.ts'
import { canDo, outdated } from './holders.ts'
import { describeWorker, registerWorker } from './worker.ts'

const lookMs = 500

export async function ensure(engine: EngineContext, id: RunId, version: string, signal?: AbortSignal): Promise<void> {
  const { state } = engine
  const waiter = new Waiter()
  let listening: Disposable | undefined
  let registration: AsyncDisposable | undefined
  const worker = describeWorker(engine, ['run'], version)
  try {
    for (;;) {
      const run = await readRun(state.db, state, id)
      if (run === undefined || run.outcome !== null || signal?.aborted === true) return
      await reap(engine)
      const flow = engine.flows.get(run.flow)
      const holders = await readHolders(state.db, state, run.flow, engine.leases.leaseMs)
      if (!holders.some((holder) => canDo(holder, flow))) {
        const refused = flow === undefined ? null : outdated(flow, holders, engine.exclusiveStores)
        if (refused !== null && (await withdraw(engine, id, refused))) throw refused
        registration ??= await registerWorker(engine, worker)
        const claimed = await claim(engine, worker.id, { id })
        if (claimed !== null) {
          await runAttempt(engine, claimed, signal)
          continue
        }
      }
      listening ??= await engine.bell.on((ring) => {
        if (ring.topic === 'run' && ring.run === id) waiter.wake()
      })
      await waiter.wait(lookMs, signal)
    }
  } finally {
    listening?.[Symbol.dispose]()
    await registration?.[Symbol.asyncDispose]()
  }
}

/**
 * Ends a run that nobody works on as cancelled, so that what its caller is refused is not carried out later. False: somebody is
 * at it after all, or it has ended.
 */
async function withdraw(engine: EngineContext, id: RunId, refused: SluiceError): Promise<boolean> {
  const { state } = engine
  await engine.queue()
  return await inTransaction(engine, async (tx) => {
    const run = await lockRun(tx, state, id)
    if (run === undefined || run.outcome !== null) return false
    if ((await readAttempts(tx, state, [id])).some((attempt) => attempt.outcome === null)) return false
    await endCancelled(tx, engine, { ...run, cancel_by: 'sluice', cancel_reason: refused.summary })
    return true
  })
}
