/**
 * Who waits is woken: one channel a project, one connection an engine, opened when somebody first waits. A ring is a hint: it
 * can be lost, and everybody who waits also looks by himself now and then.
 */
import { createHash } from 'node:crypto'
import { sql, type Sql } from '../lib/sql.ts'
import type { State } from '../state/state.ts'

export type Ring =
  /** A run waits for a worker. */
  | { readonly topic: 'work' }
  /** Something of this run has changed: log, progress, a wish to cancel, its end. */
  | { readonly topic: 'run'; readonly run: string }

export interface Bell extends AsyncDisposable {
  /** Rings when the transaction commits. */
  ring(tx: Sql, ring: Ring): Promise<void>
  /** Calls back for each ring until disposed. */
  on(rung: (ring: Ring) => void): Promise<Disposable>
}

export function channelOf(state: Pick<State, 'schema' | 'project'>): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([state.schema, state.project]))
    .digest('hex')
  return `sluice_${hash.slice(0, 24)}`
}

export function openBell(state: State): Bell {
  const channel = channelOf(state)
  const listeners = new Set<(ring: Ring) => void>()
  let listening: Promise<AsyncDisposable | null> | undefined
  return {
    ring: async (tx, ring) => {
      await tx.run(sql`select pg_notify(${channel}, ${ring.topic === 'work' ? 'work' : `run ${ring.run}`})`)
    },
    on: async (rung) => {
      listeners.add(rung)
      // Without a channel to listen on (a pooler in between), looking now and then is all there is.
      listening ??= state.db
        .listen(channel, (payload) => {
          const ring: Ring = payload.startsWith('run ') ? { topic: 'run', run: payload.slice(4) } : { topic: 'work' }
          for (const listener of listeners) listener(ring)
        })
        .catch(() => null)
      await listening
      return { [Symbol.dispose]: () => void listeners.delete(rung) }
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
