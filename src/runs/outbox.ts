/**
 * Sends notifications to webhooks, each at least once, from any number of processes:
 *
 *     due ──claim──> being sent ──accepted──> delivered
 *      ^                 ├──failed, later──┐
 *      │                 ├──sender dies────┤  after its lease
 *      └─────────────────┼─────────────────┘
 *                        └──410, or undeliverable for three days──> given up (stays visible, is logged)
 *
 * A delivery is taken in a transaction of its own, so that no connection is held while a receiver thinks. A receiver that is down
 * loses nothing; one that answered while its sender died hears the same `webhook-id` again.
 */
import { failpoint } from '../lib/failpoint.ts'
import {
  claimDeliveries,
  giveUpDeliveries,
  recordDelivered,
  recordUndelivered,
  type DeliveryRow,
} from '../state/notification.ts'
import type { State } from '../state/state.ts'
import type { Bell } from './bell.ts'
import type { EngineContext } from './context.ts'
import type { Webhook } from './engine.ts'
import { Loop } from './loop.ts'
import { backoff, post } from './webhook.ts'

export interface OutboxOptions {
  readonly state: State
  readonly webhooks: readonly Webhook[]
  readonly log: EngineContext['log']
  /** Rung when it is known what became of a delivery. */
  readonly bell?: Pick<Bell, 'ring'>
  readonly pollMs?: number
  /** For one request. */
  readonly timeoutMs?: number
  /** After how long an undeliverable notification is given up; three days if left out. */
  readonly giveUpMs?: number
}

const batch = 8

export class Outbox implements AsyncDisposable {
  readonly #state: State
  readonly #webhooks: ReadonlyMap<string, Webhook>
  readonly #log: OutboxOptions['log']
  readonly #bell: OutboxOptions['bell']
  readonly #pollMs: number
  readonly #timeoutMs: number
  readonly #giveUpMs: number
  readonly #loop = new Loop((signal) => this.#look(signal))
  /** Looks in a row that the database did not answer. */
  #failures = 0

  constructor(options: OutboxOptions) {
    this.#state = options.state
    this.#webhooks = new Map(options.webhooks.map((webhook) => [webhook.id, webhook]))
    this.#log = options.log
    this.#bell = options.bell
    this.#pollMs = options.pollMs ?? 3_000
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#giveUpMs = options.giveUpMs ?? 3 * 86_400_000
  }

  /** Idempotent. */
  start(): void {
    this.#loop.start()
  }

  /** Something may be there to send. */
  wake(): void {
    this.#loop.wake()
  }

  /** Interrupts what is being sent; it stays due. Idempotent. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Sends what is due now, once; the number of deliveries that were tried. */
  async send(signal?: AbortSignal): Promise<number> {
    const state = this.#state
    const leaseMs = this.#timeoutMs + 20_000
    const due = await claimDeliveries(state.db, state, [...this.#webhooks.keys()], leaseMs, batch)
    await Promise.all(due.map((delivery) => this.#deliver(delivery, signal)))
    if (due.length > 0) await this.#bell?.ring(state.db, { topic: 'notification' })
    return due.length
  }

  async #deliver(delivery: DeliveryRow, signal?: AbortSignal): Promise<void> {
    const webhook = this.#webhooks.get(delivery.webhook)
    if (webhook === undefined) return
    const state = this.#state
    const { notification, attempts, now } = delivery
    const body = JSON.stringify(delivery.payload)
    await failpoint('outbox:before-send')
    const sent = await post(webhook, { id: `msg_${notification}`, at: now, body }, this.#timeoutMs, signal)
    await failpoint('outbox:after-send')
    switch (sent.tag) {
      case 'accepted':
        return await recordDelivered(state.db, state, notification, delivery.webhook)
      case 'gone':
        this.#log('error', `${delivery.webhook} wants no notifications any more: ${sent.error}`, { notification })
        return await recordUndelivered(state.db, state, delivery, sent.error, null)
      case 'failed': {
        const afterMs = signal?.aborted === true ? 0 : backoff(attempts, sent.retryAfterMs, Math.random())
        if (signal?.aborted !== true)
          this.#log('warn', `${delivery.webhook} did not accept a notification: ${sent.error}`, {
            notification,
            attempts,
            afterMs,
          })
        return await recordUndelivered(state.db, state, delivery, sent.error, afterMs)
      }
    }
  }

  async #giveUp(): Promise<void> {
    const state = this.#state
    for (const { flow, kind, webhook, attempts, error } of await giveUpDeliveries(state.db, state, this.#giveUpMs))
      this.#log(
        'error',
        `${webhook} was never told ${flow === null ? 'of the test' : `that ${flow} is ${kind}`}: given up`,
        { attempts, error },
      )
  }

  async #look(signal: AbortSignal): Promise<number> {
    let tried = 0
    try {
      // One round after the other, until nothing is due.
      tried = await this.send(signal)
      if (tried === 0) await this.#giveUp()
      this.#failures = 0
    } catch (error) {
      this.#failures += 1
      if (!signal.aborted) this.#log('warn', `the outbox could not be read: ${String(error)}`)
    }
    return tried > 0 ? 0 : this.#pollMs * 2 ** Math.min(this.#failures, 4)
  }
}
