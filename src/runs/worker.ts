/**
 * Takes waiting runs and does them, several at once:
 *
 *     stopped ──start──> taking ──stop(drain)──> draining ──(nothing runs, or the time is up)──> stopped
 *                          │  ^                      └── what still runs is aborted: its attempts end `interrupted`
 *                          └──┘ a ring, a finished attempt, or a second's time: look again
 *
 * What the queue offers comes first; what waits without a job (its store was full, its worker died) is looked for after
 * every finished attempt and every second.
 */
import { hostname } from 'node:os'
import { v4 as uuid } from 'uuid'
import { asSluiceError } from '../lib/error.ts'
import { readRedefined } from '../state/flow.ts'
import { beatWorker, insertWorker, stopWorker, writeWorkerFlows, type NewWorker } from '../state/worker.ts'
import { runAttempt } from './attempt.ts'
import { settleBackfills } from './backfill-feed.ts'
import { Waiter } from './bell.ts'
import { claim } from './claim.ts'
import { hashesOf, type EngineContext } from './context.ts'
import type { Service } from './engine.ts'
import { reap } from './finish.ts'

const lookMs = 1000
/** How often it is looked whether flows were defined anew, and whether a backfill stands still. */
const nowAndThenMs = 5000
/** How often it is looked for flows of the console, unless a ring says that there is something. */
const refreshMs = 2000

/** This process, as the others of the project see it. */
export function describeWorker(engine: EngineContext, roles: NewWorker['roles'], version: string): NewWorker {
  return {
    id: uuid(),
    host: hostname(),
    pid: process.pid,
    roles,
    ...whatItHas(engine),
    version,
  }
}

function whatItHas({ flows }: Pick<EngineContext, 'flows'>): Pick<NewWorker, 'stores' | 'flows'> {
  const stores = new Set([...flows.values()].flatMap((flow) => flow.stores))
  return { stores: [...stores].toSorted(), flows: hashesOf(flows) }
}

/** A sign of life for as long as it is not disposed of. */
export async function registerWorker(engine: EngineContext, worker: NewWorker): Promise<AsyncDisposable> {
  const { state, leases, bell } = engine
  const taken = engine.registry.onChange(() =>
    writeWorkerFlows(state.db, state, { id: worker.id, ...whatItHas(engine) }),
  )
  await insertWorker(state.db, state, { ...worker, ...whatItHas(engine) })
  await bell.ring(state.db, { topic: 'worker' })
  const timer = setInterval(() => {
    beatWorker(state.db, state, worker.id).catch(() => {})
  }, leases.beatMs)
  let stopped: Promise<void> | undefined
  return {
    [Symbol.asyncDispose]: () => {
      clearInterval(timer)
      taken[Symbol.dispose]()
      stopped ??= stopWorker(state.db, state, worker.id)
        .then(() => bell.ring(state.db, { topic: 'worker' }))
        .catch(() => {})
      return stopped
    },
  }
}

export class Worker implements Service {
  readonly #engine: EngineContext
  readonly #worker: NewWorker
  readonly #concurrency: number
  readonly #waiter = new Waiter()
  readonly #drain = new AbortController()
  readonly #kill = new AbortController()
  readonly #running = new Set<Promise<void>>()
  /** How many of those are of backfills. */
  #backfills = 0
  /** Flow name → the definition that was spoken of. */
  readonly #redefined = new Map<string, string>()
  #lookedAt = -Infinity
  #loop: Promise<void> | undefined
  #registration: AsyncDisposable | undefined
  #listening: Disposable | undefined
  #stopping: Promise<void> | undefined

  constructor(engine: EngineContext, worker: NewWorker, concurrency: number) {
    this.#engine = engine
    this.#worker = worker
    this.#concurrency = concurrency
  }

  /** Idempotent. */
  async start(): Promise<void> {
    if (this.#loop !== undefined) return
    this.#loop = Promise.resolve()
    this.#registration = await registerWorker(this.#engine, this.#worker)
    this.#listening = await this.#engine.bell.on((ring) => {
      if (ring.topic === 'work' || ring.topic === 'flow' || ring.topic === 'lost') this.#waiter.wake()
    })
    this.#loop = this.#work()
  }

  stop(drainMs: number): Promise<void> {
    this.#stopping ??= this.#stop(drainMs)
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(0)
  }

  async #stop(drainMs: number): Promise<void> {
    this.#drain.abort()
    await this.#loop
    this.#listening?.[Symbol.dispose]()
    const timer = setTimeout(() => this.#kill.abort(), drainMs)
    await Promise.all(this.#running)
    clearTimeout(timer)
    await this.#registration?.[Symbol.asyncDispose]()
  }

  async #work(): Promise<void> {
    const { signal } = this.#drain
    while (!signal.aborted) {
      await this.#look().catch((thrown: unknown) => {
        const error = asSluiceError(thrown)
        this.#engine.log('error', `the worker could not look for work: ${error.summary}`, {
          code: error.code,
          why: error.why,
        })
      })
      await this.#waiter.wait(lookMs, signal)
    }
  }

  async #look(): Promise<void> {
    await this.#engine.registry.refresh(refreshMs)
    await reap(this.#engine)
    await this.#nowAndThen()
    for (const source of ['queue', 'waiting'] as const) {
      while (this.#running.size < this.#concurrency && !this.#drain.signal.aborted) {
        // The last place is left to live work.
        const live = this.#backfills >= Math.max(1, this.#concurrency - 1)
        const claimed = await claim(this.#engine, this.#worker.id, source, { live })
        if (claimed === null) break
        const part = claimed.run.trigger === 'backfill' ? 1 : 0
        this.#backfills += part
        const running = runAttempt(this.#engine, claimed, this.#kill.signal).finally(() => {
          this.#backfills -= part
          this.#running.delete(running)
          this.#waiter.wake()
        })
        this.#running.add(running)
      }
    }
  }

  async #nowAndThen(): Promise<void> {
    const now = performance.now()
    if (now < this.#lookedAt + nowAndThenMs) return
    this.#lookedAt = now
    await this.#sayRedefined()
    await settleBackfills(this.#engine)
  }

  /** Once for each definition: what was defined anew since this process was started is not taken here. */
  async #sayRedefined(): Promise<void> {
    const { state, flows, log } = this.#engine
    for (const { name, definition_hash } of await readRedefined(state.db, state, hashesOf(flows))) {
      if (this.#redefined.get(name) === definition_hash) continue
      this.#redefined.set(name, definition_hash)
      log('warn', `${name} was defined anew: its runs are not done here until \`sluice up\` is restarted`, {
        flow: name,
      })
    }
  }
}
