/**
 * Sees to it that a run is done: by a living worker of the project that can do it, or here.
 *
 *     finished? ──yes──> back
 *        │ no
 *     a live worker has the flow as it is defined here ──> wait a little, look again
 *        │ none
 *     a live worker holds an exclusive store of the flow, with another definition ──> WORKER_OUTDATED
 *        │ none
 *     claim this run and do it here; if it cannot begin yet (its store is full, another run is at its slices), look again
 *
 * A worker that dies meanwhile drops out of the living, and its attempt out of the leases: the next look takes over.
 */
import { SluiceError } from '../lib/error.ts'
import { readRun } from '../state/run.ts'
import { readHolders, type HolderRow } from '../state/worker.ts'
import type { Flow } from '../flows/flow.ts'
import { runAttempt } from './attempt.ts'
import { Waiter } from './bell.ts'
import { claim } from './claim.ts'
import type { EngineContext } from './context.ts'
import type { RunId } from './engine.ts'
import { reap } from './finish.ts'
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
        if (flow !== undefined)
          refuseOutdated(
            engine,
            flow,
            holders.filter((holder) => holder.id !== worker.id),
          )
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

function canDo(holder: HolderRow, flow: Flow | undefined): boolean {
  return (
    holder.roles.includes('worker') &&
    holder.hash !== null &&
    (flow === undefined || holder.hash === flow.definitionHash)
  )
}

/** A worker with an older definition cannot do it, and while it holds a store that only one process can hold, neither can we. */
function refuseOutdated(engine: EngineContext, flow: Flow, holders: readonly HolderRow[]): void {
  const needed = flow.stores.filter((store) => engine.exclusiveStores.includes(store))
  const holder = holders.find(
    (other) => other.roles.includes('worker') && needed.some((store) => other.stores.includes(store)),
  )
  if (holder === undefined) return
  throw new SluiceError('WORKER_OUTDATED', `The running worker does not know ${flow.name} as it is defined now`, {
    why: `process ${holder.pid} on ${holder.host} was started with ${holder.hash === null ? 'a config without it' : 'another definition of it'}, and holds ${needed.join(', ')}, which only one process can`,
    fix: `stop process ${holder.pid} and start \`sluice up\` again`,
    where: { flow: flow.name, store: needed[0] ?? '' },
  })
}
