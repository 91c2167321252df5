/**
 * Sees to it that a run is done: by a living worker of the project that can do it, or here.
 *
 *     finished? ──yes──> back
 *        │ no
 *     a live worker has the flow as it is defined here ──> wait a little, look again
 *        │ none
 *     a live worker holds an exclusive store of the flow, with another definition ──> cancelled, WORKER_OUTDATED
 *        │ none
 *     take up what was begun, broken off, and is nobody's now (see take-up.ts)
 *        │
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
import { takingUp, type TakingUp } from './take-up.ts'
import { describeWorker, registerWorker } from './worker.ts'

const lookMs = 500
/** How often what others broke off is looked for while the own run is being done. */
const besideMs = 2000

/** Resolves when the run is finished, and what was taken up beside it; or when the signal told it to stop. */
export async function ensure(engine: EngineContext, id: RunId, version: string, signal?: AbortSignal): Promise<void> {
  const run = await readRun(engine.state.db, engine.state, id)
  if (run === undefined) return
  // Who only looks (`doctor`, a plan) does nobody else's work.
  if (run.operation !== 'apply') return await see(engine, id, version, signal, null)
  const letGo = new AbortController()
  const stop = signal === undefined ? letGo.signal : AbortSignal.any([signal, letGo.signal])
  const others = takingUp(engine, { id, flow: run.flow }, (other) => see(engine, other, version, stop, null))
  try {
    await see(engine, id, version, signal, others)
  } catch (error) {
    letGo.abort()
    throw error
  } finally {
    const ended = await readRun(engine.state.db, engine.state, id).catch(() => undefined)
    // Who cancels wants to have the process back: what was taken up waits for the next.
    if (ended?.outcome === 'cancelled') letGo.abort()
    await others.ended()
  }
}

async function see(
  engine: EngineContext,
  id: RunId,
  version: string,
  signal: AbortSignal | undefined,
  others: TakingUp | null,
): Promise<void> {
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
        // What was taken up is not ours to end: whoever comes next may do it.
        if (refused !== null && (engine.takenUp.has(id) || (await withdraw(engine, id, refused)))) throw refused
        registration ??= await registerWorker(engine, worker)
        const claimed = ((await others?.look()) ?? true) ? await claim(engine, worker.id, { id }) : null
        if (claimed !== null) {
          await lookBeside(runAttempt(engine, claimed, signal), engine, others)
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

/** Until the attempt has ended, what loses its worker meanwhile is taken up. */
async function lookBeside(attempt: Promise<void>, engine: EngineContext, others: TakingUp | null): Promise<void> {
  if (others === null) return await attempt
  const waiter = new Waiter()
  const over = new AbortController()
  const ended = attempt.finally(() => over.abort())
  const looking = (async () => {
    for (;;) {
      await waiter.wait(besideMs, over.signal)
      if (over.signal.aborted) return
      try {
        await reap(engine)
        // What is found goes on by itself: of this flow there is nothing to wait for, since this attempt has it.
        others.look().catch(() => {})
      } catch {
        // The next look may get through; the attempt says for itself what is wrong.
      }
    }
  })()
  await ended
  await looking
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
