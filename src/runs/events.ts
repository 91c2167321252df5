/**
 * What changes, for those who show it. Rings of the project's one channel, however many subscribe:
 *
 *     subscribing ──listening──> hello ──ring──> pending ──taken──> (nothing pending)
 *                                           └──too many pending, or the connection was lost──> reload
 *
 * Each subscriber has a small store of its own: the same change is kept once, and what does not fit becomes one `reload`. So nobody
 * waits for anybody, and nobody grows.
 */
import type { FlowName } from '../flows/flow.ts'
import { Waiter, write, type Bell, type Heard } from './bell.ts'
import type { ChangeEvent } from './views.ts'

/** Different changes that one subscriber may have waiting. */
const most = 200
/** How often it is reloaded where no channel can be listened to. */
const blindMs = 5_000

/** Ends when the signal is aborted; never rejects for want of a channel. */
export async function* events(
  bell: Pick<Bell, 'on'>,
  signal: AbortSignal,
  options: { readonly most?: number; readonly blindMs?: number } = {},
): AsyncGenerator<ChangeEvent, void, undefined> {
  const waiter = new Waiter()
  const pending = new Pending(options.most ?? most)
  using listening = await bell.on((ring) => {
    if (pending.add(ring)) waiter.wake()
  })
  let number = 0
  const event = <T>(change: T): T & { readonly id: string; readonly at: Date } => {
    number += 1
    return { ...change, id: String(number), at: new Date() }
  }
  if (signal.aborted) return
  yield event({ tag: 'hello' })
  while (!signal.aborted) {
    const change = pending.take()
    if (change !== null) {
      yield event(change)
      continue
    }
    const blind = !listening.listening
    await waiter.wait(blind ? (options.blindMs ?? blindMs) : 60_000, signal)
    if (blind) pending.lose()
  }
}

type Change = ChangeEvent extends infer E ? (E extends ChangeEvent ? Omit<E, 'id' | 'at'> : never) : never

/** What one subscriber has not taken yet, in the order in which it first changed. */
export class Pending {
  readonly #most: number
  readonly #changes = new Map<string, Change>()
  #lost = false

  constructor(most: number) {
    this.#most = most
  }

  /** False: it is nothing to be told of. */
  add(ring: Heard): boolean {
    if (ring.topic === 'lost') {
      this.lose()
      return true
    }
    const change = changeOf(ring)
    if (change === null) return false
    // Whatever is reloaded later shows this, too.
    if (this.#lost) return true
    this.#changes.set(write(ring), change)
    if (this.#changes.size > this.#most) this.lose()
    return true
  }

  lose(): void {
    this.#lost = true
    this.#changes.clear()
  }

  take(): Change | null {
    if (this.#lost) {
      this.#lost = false
      return { tag: 'reload' }
    }
    for (const [key, change] of this.#changes) {
      this.#changes.delete(key)
      return change
    }
    return null
  }
}

/** Names of flows were parsed before they were written. */
function changeOf(ring: Exclude<Heard, { topic: 'lost' }>): Change | null {
  switch (ring.topic) {
    case 'work':
    case 'log':
      return null
    case 'worker':
    case 'notification':
      return { tag: ring.topic }
    case 'flow':
    case 'slice':
    case 'occurrence':
      return { tag: ring.topic, flow: ring.flow as FlowName }
    case 'run':
      return { tag: 'run', flow: ring.flow as FlowName, run: ring.run }
    case 'backfill':
      return { tag: 'backfill', flow: ring.flow as FlowName, backfill: ring.backfill }
  }
}
