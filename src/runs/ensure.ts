/**
 * Sees to it that a run is done: by a living worker of the project that can do it, or here.
 *
 *     finished? ──yes──> back
 *        │ no
 *     a live worker has the flow as it is registered ──> wait a little, look again
 *        │ none
 *     it is registered otherwise than it is defined here, or a live worker holds an exclusive store of it, with another
 *     definition ──> cancelled, WORKER_OUTDATED
 *        │ neither
 *     take up what of this flow was begun, broken off, and is nobody's now, and what a backfill gives way to (see take-up.ts), and
 *     wait for it
 *        │ nothing of it is left
 *     claim this run and do it here, and beside it whatever else was broken off; if it cannot begin yet (its store is full,
 *     another run is at its slices), hand back what was taken up and uses its stores, look again
 *
 * A worker that dies meanwhile drops out of the living, and its attempt out of the leases: the next look takes over.
 */
import type { SluiceError } from '../lib/error.ts'
import { readAttempts } from '../state/attempt.ts'
import { lockRun, readRun, type RunRow } from '../state/run.ts'
import { readHolders } from '../state/worker.ts'
import { runAttempt } from './attempt.ts'
import { Waiter } from './bell.ts'
import { claim, type Claimed } from './claim.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { RunId } from './engine.ts'
import { endCancelled, reap } from './finish.ts'
import { canDo, mayHaveJoined, outdated } from './holders.ts'
import { readKnown } from './register.ts'
import { takeUp, type See } from './take-up.ts'
import { describeWorker, registerWorker } from './worker.ts'

const lookMs = 500
/** How often what others broke off is looked for while the own run is being done. */
const besideMs = 2000

/** Resolves when the run is finished, wherever; or when the signal told it to stop. What was taken up beside it goes on. */
export async function ensure(engine: EngineContext, id: RunId, version: string, signal?: AbortSignal): Promise<void> {
  const run = await readRun(engine.state.db, engine.state, id)
  if (run === undefined) return
  // Who only looks (`doctor`, a plan) does nobody else's work.
  if (run.operation !== 'apply') return await see(engine, id, version, signal, { tag: 'only' })
  const others: See = (other, stop, begun) => see(engine, other, version, stop, { tag: 'taken', begun })
  using _own = engine.takenUp.own(id, run.flow)
  await see(engine, id, version, signal, { tag: 'own', others })
}

/** What a run is to this process: nothing beside it; asked for; or taken up beside what was asked for. */
type Part =
  | { readonly tag: 'only' }
  | { readonly tag: 'own'; readonly others: See }
  | { readonly tag: 'taken'; readonly begun: () => Promise<void> }

async function see(
  engine: EngineContext,
  id: RunId,
  version: string,
  signal: AbortSignal | undefined,
  part: Part,
): Promise<void> {
  const { state, takenUp } = engine
  const waiter = new Waiter()
  let listening: Disposable | undefined
  let registration: AsyncDisposable | undefined
  let waiting: Disposable | undefined
  const worker = describeWorker(engine, ['run'], version)
  try {
    for (;;) {
      const run = await readRun(state.db, state, id)
      if (run === undefined || run.outcome !== null || signal?.aborted === true) return
      await reap(engine)
      const known = await readKnown(state.db, engine, run.flow)
      const holders = await readHolders(state.db, state, run.flow, engine.leases.leaseMs)
      if (!holders.some((holder) => canDo(holder, known))) {
        const refused = mayHaveJoined(known, holders) ? null : outdated(known, holders, engine.exclusiveStores)
        if (refused !== null && (isOthers(run, part) || (await withdraw(engine, id, refused)))) throw refused
        registration ??= await registerWorker(engine, worker)
        if (part.tag === 'own') waiting ??= takenUp.waits(id, run.flow)
        const claimed = (await mayClaim(engine, run, part)) ? await claim(engine, worker.id, { id }) : null
        if (claimed !== null) {
          waiting?.[Symbol.dispose]()
          waiting = undefined
          await work(engine, claimed, signal, part)
          continue
        }
        if (part.tag === 'own' && isDue(run)) await giveWay(engine, run.flow)
      }
      listening ??= await engine.bell.on((ring) => {
        if (ring.topic === 'run' && ring.run === id) waiter.wake()
      })
      await waiter.wait(lookMs, signal)
    }
  } finally {
    waiting?.[Symbol.dispose]()
    listening?.[Symbol.dispose]()
    await registration?.[Symbol.asyncDispose]()
  }
}

/** Not ours to end, whoever comes next may do it: what was taken up, and the slices of a backfill. */
function isOthers(run: RunRow, part: Part): boolean {
  return part.tag === 'taken' || run.backfill !== null
}

/** Of its own flow, what was broken off comes first; whatever else was taken up comes after what was asked for. */
async function mayClaim(engine: EngineContext, run: RunRow, part: Part): Promise<boolean> {
  switch (part.tag) {
    case 'only':
      return true
    case 'own':
      await takeUp(engine, run, part.others, 'before')
      return !engine.takenUp.holds(run)
    case 'taken':
      return engine.takenUp.mayBegin(run.flow)
  }
}

/** Not in the pause between two attempts, as far as this process's clock tells. */
function isDue({ not_before }: RunRow): boolean {
  return not_before === null || not_before.getTime() <= Date.now()
}

/** What was taken up may be what keeps the flow's stores full. */
async function giveWay({ flows, takenUp }: EngineContext, to: string): Promise<void> {
  const stores = flows.get(to)?.stores ?? []
  await takenUp.giveWay((other) => flows.get(other)?.stores.some((store) => stores.includes(store)) === true)
}

async function work(
  engine: EngineContext,
  claimed: Claimed,
  signal: AbortSignal | undefined,
  part: Part,
): Promise<void> {
  switch (part.tag) {
    case 'only':
      return await runAttempt(engine, claimed, signal)
    case 'own':
      return await lookBeside(runAttempt(engine, claimed, signal), engine, claimed.run, part.others)
    case 'taken': {
      const attempt = runAttempt(engine, claimed, signal)
      // Only words: the attempt does not depend on them.
      await part.begun().catch(() => {})
      return await attempt
    }
  }
}

/** Until the attempt has ended, what loses its worker meanwhile is taken up. */
async function lookBeside(attempt: Promise<void>, engine: EngineContext, run: RunRow, others: See): Promise<void> {
  const waiter = new Waiter()
  const over = new AbortController()
  const ended = attempt.finally(() => over.abort())
  const looking = (async () => {
    while (!over.signal.aborted) {
      try {
        await takeUp(engine, run, others, 'any')
        await waiter.wait(besideMs, over.signal)
        if (!over.signal.aborted) await reap(engine)
      } catch {
        // The next look may get through; the attempt says for itself what is wrong.
        await waiter.wait(besideMs, over.signal)
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
