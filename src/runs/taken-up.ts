/**
 * What a process does beside the runs that it was asked for: runs that lost their worker (see take-up.ts).
 *
 *     broken off ──take──> waiting ──its turn──> at work ──> ended
 *         ^                   └──────giveWay, handBack──┘
 *         └─────────────────────────────┘ the attempt ends released: whoever comes next may go on at once
 *
 * Nobody waits for them: they begin only while no run of the process's own waits to begin, give way to one that cannot, and are
 * handed back when the process has nothing else to do. What is of the same flow as an own run that waits is no such guest: the own
 * run is to find what it did; unless it is a slice of a backfill and the own run is none, which comes first.
 */
import type { RunId } from './engine.ts'

/** What is told of a run where one waits for another. */
interface Of {
  readonly flow: string
  readonly backfill: string | null
}

/** A slice of a backfill gives way to live work, which hence does not wait for it. */
export const yields = (one: Pick<Of, 'backfill'>, to: Pick<Of, 'backfill'>): boolean =>
  one.backfill !== null && to.backfill === null

interface Taken extends Of {
  readonly stop: AbortController
  readonly ended: Promise<void>
}

export class TakenUp {
  readonly #taken = new Map<RunId, Taken>()
  /** Runs that this process was asked for → flow. */
  readonly #own = new Map<RunId, string>()
  readonly #waiting = new Map<RunId, string>()
  #closed = false

  get size(): number {
    return this.#taken.size
  }

  /** Whether this process sees to the run already. */
  has(id: RunId): boolean {
    return this.#taken.has(id) || this.#own.has(id)
  }

  /** A run of the process's own, until disposed of. */
  own(id: RunId, flow: string): Disposable {
    return entry(this.#own, id, flow)
  }

  /** An own run cannot begin yet, until disposed of. */
  waits(id: RunId, flow: string): Disposable {
    return entry(this.#waiting, id, flow)
  }

  /** Whether something of its flow that it waits for was taken up and has not ended. */
  holds(own: Of): boolean {
    return [...this.#taken.values()].some((taken) => taken.flow === own.flow && !yields(taken, own))
  }

  /** Whether what was taken up of the flow may begin now. */
  mayBegin(flow: string): boolean {
    const waiting = [...this.#waiting.values()]
    return waiting.length === 0 || waiting.includes(flow)
  }

  /** `see` sees to the run until it has ended or its signal is aborted; it never rejects. */
  take(id: RunId, { flow, backfill }: Of, see: (signal: AbortSignal) => Promise<void>): void {
    if (this.#closed || this.has(id)) return
    const stop = new AbortController()
    const ended = see(stop.signal).finally(() => this.#taken.delete(id))
    this.#taken.set(id, { flow, backfill, stop, ended })
  }

  /** Hands back what keeps an own run from beginning: of other flows than those that wait, if `inTheWay`. */
  async giveWay(inTheWay: (flow: string) => boolean): Promise<void> {
    const waiting = [...this.#waiting.values()]
    await this.#release(({ flow }) => !waiting.includes(flow) && inTheWay(flow))
  }

  /** Hands everything back, and takes nothing any more; what it was. Idempotent. */
  async handBack(): Promise<readonly RunId[]> {
    this.#closed = true
    return await this.#release(() => true)
  }

  async #release(which: (taken: Taken) => boolean): Promise<readonly RunId[]> {
    const released = [...this.#taken].filter(([, taken]) => which(taken))
    for (const [, { stop }] of released) stop.abort()
    await Promise.all(released.map(([, { ended }]) => ended))
    return released.map(([id]) => id)
  }
}

function entry(map: Map<RunId, string>, id: RunId, flow: string): Disposable {
  map.set(id, flow)
  return { [Symbol.dispose]: () => void map.delete(id) }
}
