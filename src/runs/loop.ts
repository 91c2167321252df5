/**
 * Something that looks, again and again, until it is told to stop:
 *
 *     stopped ──start──> looking ──> sleeping ──woken, or the time is up──> looking
 *        ^                  └──────────┴──stop──┐
 *        └──────────── the look has ended ──────┘
 */
import { Waiter } from './bell.ts'

/** `look` does what is to be done and says for how many milliseconds to sleep. It must not reject. */
export class Loop implements AsyncDisposable {
  readonly #look: (signal: AbortSignal) => Promise<number>
  readonly #waiter = new Waiter()
  #stopping: AbortController | undefined
  #running: Promise<void> | undefined

  constructor(look: (signal: AbortSignal) => Promise<number>) {
    this.#look = look
  }

  /** Idempotent. */
  start(): void {
    if (this.#running !== undefined) return
    this.#stopping = new AbortController()
    this.#running = this.#run(this.#stopping.signal)
  }

  /** Something has changed: look now, or again as soon as the present look has ended. */
  wake(): void {
    this.#waiter.wake()
  }

  /** Resolves when the look that is under way has ended; its signal is aborted. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping?.abort()
    await this.#running
    this.#running = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // One look after the other.
      const sleepMs = await this.#look(signal)
      if (sleepMs > 0) await this.#waiter.wait(sleepMs, signal)
    }
  }
}
