import { v7 as uuid } from 'uuid'
import { SluiceError } from '../lib/error.ts'
import { insertNotification } from '../state/notification.ts'
import { readNow } from '../state/status.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { Webhook } from './engine.ts'
import { findNotification } from './lists.ts'
import type { Outbox } from './outbox.ts'
import type { NotificationRecord } from './views.ts'

/** Long enough for a slow receiver, short enough for somebody who waits. */
const patienceMs = 15_000

/** See `Engine.notifyTest`. What does not arrive stays due, as any notification. */
export async function sendTest(
  engine: Pick<EngineContext, 'state' | 'bell' | 'leases'>,
  webhooks: readonly Pick<Webhook, 'id'>[],
  outbox: Pick<Outbox, 'send'>,
  webhook: string,
  by: string,
): Promise<NotificationRecord> {
  const { state, bell } = engine
  if (!webhooks.some(({ id }) => id === webhook)) throw unknown(webhook, webhooks)
  const id = uuid()
  const timestamp = (await readNow(state.db, state)).toISOString()
  const payload = { type: 'test', timestamp, data: { project: state.project, by } }
  await inTransaction(engine, async (tx) => {
    await insertNotification(tx, state, { id, flow: null, kind: 'test', payload }, [webhook])
    await bell.ring(tx, { topic: 'notification' })
  })
  const end = performance.now() + patienceMs
  for (;;) {
    // Others of this webhook may be due before it, and another process may be at it.
    await outbox.send(AbortSignal.timeout(patienceMs))
    const record = await findNotification(state.db, state, id)
    if (record === undefined) throw new Error('the test that was just written is not there')
    const tried = record.deliveries.every((delivery) => delivery.state !== 'waiting' || delivery.error !== null)
    if (tried || performance.now() > end) return record
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function unknown(webhook: string, webhooks: readonly Pick<Webhook, 'id'>[]): SluiceError {
  return new SluiceError('WEBHOOK_UNKNOWN', `There is no webhook ${webhook}`, {
    why: webhooks.length === 0 ? 'the config has none' : `the config has ${webhooks.map(({ id }) => id).join(', ')}`,
    fix: 'name one of them, or add one to `notify` in the config',
  })
}
