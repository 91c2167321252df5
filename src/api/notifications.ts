/** What the webhooks were told, whether it arrived, and a message to try one. */
import { z } from 'zod'
import type { NotificationRecord } from '../runs/views.ts'
import { callerOf } from './authenticate.ts'
import { changeOf } from './change.ts'
import { fromCursor, toCursor } from './cursor.ts'
import { given } from './input.ts'
import { problemAnswer, type Resource } from './route.ts'
import { id, json, pageOf, pageQuery, time } from './schemas.ts'

const webhookName = z.string().min(1).max(100).describe('a webhook by its place in the config: `notify[0]`')

const delivery = z
  .object({
    webhook: z.string().describe('by its place in the config, never its address'),
    state: z.enum(['waiting', 'delivered', 'given up']),
    attempts: z.int(),
    nextAt: time.nullable().describe('when it is tried (again)'),
    deliveredAt: time.nullable(),
    givenUpAt: time.nullable(),
    error: z.string().nullable().describe('why the last attempt failed'),
  })
  .meta({ id: 'Delivery' })

const notification = z
  .object({
    id,
    flow: z.string().nullable().describe('null: a test, which is of no flow'),
    kind: z.enum(['failed', 'late', 'recovered', 'guard', 'test']),
    payload: json.describe('what is sent, as it is sent'),
    createdAt: time,
    deliveries: z.array(delivery),
  })
  .meta({ id: 'Notification', description: 'a change of state that webhooks are told of' })

const webhook = z
  .object({
    id: z.string(),
    on: z.array(z.enum(['failed', 'late', 'recovered', 'guard'])),
    signed: z.boolean(),
  })
  .meta({ id: 'Webhook', description: 'a webhook of the config; its address is not shown: it may be a secret' })

const toNotification = (record: NotificationRecord): z.output<typeof notification> => ({
  ...record,
  deliveries: [...record.deliveries],
})

export const notifications: Resource = (app, { engine }) => {
  app.route({
    method: 'GET',
    url: '/api/notifications',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listNotifications',
      summary: 'What was sent, newest first',
      tags: ['Notifications'],
      querystring: pageQuery,
      response: { 200: pageOf(notification).meta({ id: 'NotificationPage' }) },
    },
    async handler({ query: { limit, cursor } }) {
      const before = fromCursor(z.uuid(), cursor)
      const [found, total] = await Promise.all([
        engine.notifications({ limit: limit + 1, ...given({ before }) }),
        engine.countNotifications(),
      ])
      const items = found.slice(0, limit).map(toNotification)
      return { items, next: found.length > limit ? toCursor(items.at(-1)?.id ?? null) : null, total }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/notifications/webhooks',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listWebhooks',
      summary: 'The webhooks of the config',
      tags: ['Notifications'],
      querystring: z.strictObject({}),
      response: { 200: z.object({ items: z.array(webhook), total: z.int() }).meta({ id: 'Webhooks' }) },
    },
    handler() {
      const items = engine.webhooks().map((one) => ({ ...one, on: [...one.on] }))
      return { items, total: items.length }
    },
  })

  app.route({
    method: 'POST',
    url: '/api/notifications/test',
    config: { role: 'operator', audit: 'notification.test' },
    schema: {
      operationId: 'testWebhook',
      summary: 'Send a test to a webhook, at once',
      description: 'The answer says whether it arrived: `deliveries[0].state`.',
      tags: ['Notifications'],
      body: z.strictObject({ webhook: webhookName }).meta({ id: 'WebhookTest' }),
      response: { 200: notification, 404: problemAnswer('no such webhook') },
    },
    async handler(request) {
      const sent = await engine.notifyTest(request.body.webhook, callerOf(request).name)
      const change = changeOf(request)
      change.subject = request.body.webhook
      change.after = { notification: sent.id, state: sent.deliveries[0]?.state ?? null }
      return toNotification(sent)
    },
  })
}
