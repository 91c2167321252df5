/**
 * Who waits is woken, and who shows something is told what has changed: one channel a project, one connection an engine, opened
 * when somebody first listens. A ring is a hint: it can be lost, and everybody who waits also looks by himself now and then.
 */
import { createHash } from 'node:crypto'
import { sql, type Sql } from '../lib/sql.ts'
import type { State } from '../state/state.ts'

export type Ring =
  /** A run waits for a worker. */
  | { readonly topic: 'work' }
  /** Lines were added to this run's log. */
  | { readonly topic: 'log'; readonly run: string }
  /** Something of this run has changed: it was asked for, begun, is further, is to be cancelled, has ended. */
  | { readonly topic: 'run'; readonly run: string; readonly flow: string }
  | { readonly topic: 'flow' | 'slice' | 'occurrence'; readonly flow: string }
  | { readonly topic: 'backfill'; readonly backfill: string; readonly flow: string }
  | { readonly topic: 'worker' | 'notification' }

/** What a listener hears: a ring, or that rings were lost while the connection was broken. */
export type Heard = Ring | { readonly topic: 'lost' }

export interface Bell extends AsyncDisposable {
  /** Rings when the transaction commits. */
  ring(tx: Sql, ring: Ring): Promise<void>
  /** Calls back for each ring until disposed. When this resolves, nothing is missed from here on, if `listening`. */
  on(rung: (ring: Heard) => void): Promise<Disposable & { readonly listening: boolean }>
}

export function channelOf(state: Pick<State, 'schema' | 'project'>): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([state.schema, state.project]))
    .digest('hex')
  return `sluice_${hash.slice(0, 24)}`
}

/** As it travels: a few words, far below the 8000 bytes that a notification may have. Names have no spaces. Pure. */
export function write(ring: Ring): string {
  switch (ring.topic) {
    case 'work':
    case 'worker':
    case 'notification':
      return ring.topic
    case 'log':
      return `log ${ring.run}`
    case 'run':
      return `run ${ring.run} ${ring.flow}`
    case 'flow':
    case 'slice':
    case 'occurrence':
      return `${ring.topic} ${ring.flow}`
    case 'backfill':
      return `backfill ${ring.backfill} ${ring.flow}`
  }
}

/** The other way; what is not understood means that there is something to do. Pure. */
export function read(payload: string): Ring {
  const [topic = '', first = '', second = ''] = payload.split(' ')
  switch (topic) {
    case 'log':
      return { topic, run: first }
    case 'run':
      return { topic, run: first, flow: second }
    case 'flow':
    case 'slice':
    case 'occurrence':
      return { topic, flow: first }
    case 'backfill':
      return { topic, backfill: first, flow: second }
    case 'worker':
    case 'notification':
      return { topic }
    default:
      return { topic: 'work' }
  }
}

/** `first` hears every ring before anybody else does, but only once somebody listens. */
export function openBell(state: State, first: (ring: Heard) => void = () => {}): Bell {
  const channel = channelOf(state)
  const listeners = new Set<(ring: Heard) => void>()
  let listening: Promise<AsyncDisposable | null> | undefined
  const tell = (ring: Heard): void => {
    first(ring)
    for (const listener of listeners) listener(ring)
  }
  return {
    ring: async (tx, ring) => {
      await tx.run(sql`select pg_notify(${channel}, ${write(ring)})`)
    },
    on: async (rung) => {
      listeners.add(rung)
      // Without a channel to listen on (a pooler in between), looking now and then is all there is.
      listening ??= state.db
        .listen(
          channel,
          (payload) => tell(read(payload)),
          () => tell({ topic: 'lost' }),
        )
        .catch(() => null)
      const connection = await listening
      return { listening: connection !== null, [Symbol.dispose]: () => void listeners.delete(rung) }
    },
    [Symbol.asyncDispose]: async () => {
      listeners.clear()
      await (await listening)?.[Symbol.asyncDispose]()
      listening = undefined
    },
  }
}

/** Something that somebody waits for with patience: woken by `wake`, by time, or by the signal, whichever comes first. */
export class Waiter {
  #wake: (() => void) | null = null
  #woken = false

  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  /** Resolves at once when woken since the last wait. Never rejects. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#woken && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          this.#wake = null
          resolve()
        }
        const timer = setTimeout(done, ms)
        signal?.addEventListener('abort', done)
        this.#wake = done
      })
    }
    this.#woken = false
  }
}
