import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sql } from '../lib/sql.ts'
import { insertNotification, readDeliveries, readNotifications, type ToldRow } from '../state/notification.ts'
import { createDatabase, type TestDatabase } from '../../test/support/database.ts'
import { flowOf, hour, openClockwork, shiftClock, type Clockwork } from '../../test/support/clockwork.ts'
import type { Webhook } from './engine.ts'
import { listNotifications } from './lists.ts'
import { Outbox } from './outbox.ts'

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let own: TestDatabase
let work: Clockwork
let server: Server
let webhook: Webhook
let received: Received[]
let answer: (response: ServerResponse) => void
let ahead = 0

const respond =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end('a token that nobody should keep')

beforeEach(async () => {
  own = await createDatabase()
  received = []
  answer = respond(204)
  ahead = 0
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  webhook = {
    id: 'notify[0]',
    url: `http://127.0.0.1:${port}/hook?token=hidden`,
    secret: 'sesame',
    on: ['failed', 'late', 'recovered', 'guard'],
  }
  work = await openClockwork(own.database, [flowOf('hourly', {}), flowOf('other', {})], { webhooks: [webhook] })
})
afterEach(async () => {
  await work[Symbol.asyncDispose]()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await own[Symbol.asyncDispose]()
})

const outbox = (change: Partial<ConstructorParameters<typeof Outbox>[0]> = {}): Outbox =>
  new Outbox({ state: work.state, webhooks: [webhook], log: work.engine.log, pollMs: 50, timeoutMs: 300, ...change })

let count = 0
async function notify(
  flow = 'hourly',
  kind: 'failed' | 'recovered' = 'failed',
  webhooks = [webhook.id],
): Promise<string> {
  count += 1
  const id = `00000000-0000-7000-8000-${String(count).padStart(12, '0')}`
  await insertNotification(
    own.database,
    work.state,
    { id, flow, kind, payload: { type: `flow.${kind}`, data: { flow } } },
    webhooks,
  )
  return id
}

async function later(ms: number): Promise<void> {
  ahead += ms
  await shiftClock(own.database, 'sluice', ahead)
}

/** Of the newest notification first. */
async function deliveries(): Promise<readonly ToldRow[]> {
  const ids = ((await readNotifications(own.database, work.state, { limit: 100 })) ?? []).map(({ id }) => id)
  const rows = await readDeliveries(own.database, work.state, ids)
  return ids.flatMap((id) => rows.filter(({ notification }) => notification === id))
}

test('a signed notification that the receiver can check', async () => {
  const id = await notify()
  await outbox().send()
  const [one] = received
  expect(received).toHaveLength(1)
  const { 'webhook-id': messageId, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = one?.headers ?? {}
  expect(messageId).toBe(`msg_${id}`)
  expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(5)
  const expected = createHmac('sha256', 'sesame')
    .update(`${String(messageId)}.${String(timestamp)}.${one?.body}`)
    .digest('base64')
  expect(signature).toBe(`v1,${expected}`)
  expect(JSON.parse(one?.body ?? '')).toEqual({ type: 'flow.failed', data: { flow: 'hourly' } })
  await outbox().send()
  expect(received).toHaveLength(1)
  expect((await deliveries())[0]).toMatchObject({ attempts: 1, error: null, given_up_at: null })
})

describe('a receiver in trouble loses nothing', () => {
  test('it fails, hangs, is not there, and recovers: one message, one id', async () => {
    const id = await notify()
    answer = respond(503)
    await outbox().send()
    expect((await deliveries())[0]).toMatchObject({ attempts: 1, error: 'HTTP 503', delivered_at: null })
    // Not before its pause is over.
    await outbox().send()
    expect(received).toHaveLength(1)
    await later(7_000)
    answer = () => {}
    const began = performance.now()
    await outbox().send()
    expect(performance.now() - began).toBeLessThan(20_000)
    expect((await deliveries())[0]).toMatchObject({ attempts: 2, error: 'no answer within 300 ms' })
    await later(15_000)
    const gone = { ...webhook, url: 'http://127.0.0.1:1/hook?token=hidden' }
    await outbox({ webhooks: [gone] }).send()
    expect((await deliveries())[0]).toMatchObject({ attempts: 3, delivered_at: null })
    expect((await deliveries())[0]?.error).toMatch(/^no connection/)
    await later(30_000)
    answer = respond(200)
    await outbox().send()
    const [done] = await deliveries()
    expect(done?.attempts).toBe(4)
    expect(done?.delivered_at).not.toBeNull()
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([`msg_${id}`]))
    // Neither address, answer nor secret is kept or logged.
    const kept = JSON.stringify([await own.query('select * from sluice.notification_delivery'), work.lines])
    for (const secret of ['hidden', 'sesame', 'nobody should keep']) expect(kept).not.toContain(secret)
  })

  test('it asks for patience', async () => {
    await notify()
    answer = respond(429, { 'retry-after': '600' })
    await outbox().send()
    await later(500_000)
    await outbox().send()
    expect(received).toHaveLength(1)
    await later(101_000)
    await outbox().send()
    expect(received).toHaveLength(2)
  })

  test('a redirect is a refusal', async () => {
    await notify()
    answer = respond(302, { location: webhook.url })
    await outbox().send()
    expect(received).toHaveLength(1)
    expect((await deliveries())[0]).toMatchObject({ error: 'HTTP 302', delivered_at: null })
  })

  test('a flow is told of in order, and another flow does not wait for it', async () => {
    await notify('hourly', 'failed')
    answer = respond(500)
    await outbox().send()
    answer = respond(200)
    await notify('hourly', 'recovered')
    await notify('other', 'failed')
    while ((await outbox().send()) > 0) continue
    const heard = (): readonly string[] =>
      received.slice(1).map(({ body }) => `${JSON.parse(body).data.flow} ${JSON.parse(body).type}`)
    expect(heard()).toEqual(['other flow.failed'])
    await later(10_000)
    while ((await outbox().send()) > 0) continue
    expect(heard()).toEqual(['other flow.failed', 'hourly flow.failed', 'hourly flow.recovered'])
  })
})

test('given up after a bounded time, and visible', async () => {
  await notify()
  await notify('other', 'failed', ['notify[7]'])
  answer = respond(500)
  const sender = outbox({ giveUpMs: hour })
  sender.start()
  await expect.poll(() => received.length).toBe(1)
  await later(hour + 1_000)
  await expect.poll(async () => (await deliveries()).filter((row) => row.given_up_at !== null).length).toBe(2)
  await sender.stop()
  expect((await deliveries()).map(({ webhook: id, error }) => [id, error])).toEqual([
    ['notify[7]', 'never tried: no sender had this webhook in its config'],
    ['notify[0]', 'HTTP 500'],
  ])
  expect(work.lines).toContain('notify[0] was never told that hourly is failed: given up')
})

test('410: the receiver wants no more of it', async () => {
  await notify()
  answer = respond(410)
  await outbox().send()
  expect((await deliveries())[0]).toMatchObject({ attempts: 1, error: 'HTTP 410' })
  expect((await deliveries())[0]?.given_up_at).not.toBeNull()
})

test('several senders at once do not send twice', async () => {
  for (let n = 0; n < 40; n += 1) await notify(`flow_${n}`)
  const senders = [1, 2, 3, 4].map(() => outbox({ timeoutMs: 5_000 }))
  for (const sender of senders) sender.start()
  await expect
    .poll(async () => (await deliveries()).filter((row) => row.delivered_at !== null).length, { timeout: 10_000 })
    .toBe(40)
  await Promise.all(senders.map((sender) => sender.stop()))
  expect(received).toHaveLength(40)
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(40)
})

test('a sender that died leaves its delivery to another; a stopped one gives it back at once', async () => {
  await notify()
  // Taken, and never heard of again.
  answer = () => {}
  const hanging = outbox({ timeoutMs: 60_000 })
  hanging.start()
  await expect.poll(() => received.length).toBe(1)
  expect(await outbox().send()).toBe(0)
  await later(81_000)
  answer = respond(200)
  expect(await outbox().send()).toBe(1)
  expect((await deliveries())[0]?.delivered_at).not.toBeNull()
  await hanging.stop()
  expect((await deliveries())[0]?.delivered_at).not.toBeNull()

  await notify()
  answer = () => {}
  const stopped = outbox({ timeoutMs: 60_000 })
  stopped.start()
  await expect.poll(() => received.length).toBe(3)
  await stopped.stop()
  answer = respond(200)
  expect(await outbox().send()).toBe(1)
})

test('only those who want to hear of it are told', async () => {
  const quiet: Webhook = { ...webhook, id: 'notify[1]', on: ['late'] }
  await work[Symbol.asyncDispose]()
  work = await openClockwork(own.database, [flowOf('hourly', {})], { webhooks: [webhook, quiet] })
  const { state } = work
  await own.database.transaction(async (tx) => {
    await tx.run(sql`
      insert into ${state.t('run')} (project, id, operation, flow, trigger, requested_by, work, outcome, error, frozen_at, finished_at)
      values (${state.project}, gen_random_uuid(), 'apply', 'hourly', 'manual', 'ann', 'x', 'failed',
        '{"code": "GUARD_EMPTY", "summary": "no rows", "why": "0 rows, was 10", "fix": "look", "where": {"table": "t", "key": "the-row-itself"}}',
        ${state.now}, ${state.now})`)
    await work.engine.ended(tx, { run: 'x', flow: 'hourly', operation: 'apply', outcome: 'failed', error: null })
  })
  const told = await listNotifications(own.database, work.state, { limit: 100 })
  const rows = told.flatMap(({ kind, deliveries: to }) => to.map(({ webhook: id }) => ({ kind, webhook: id })))
  expect(rows.map(({ kind, webhook: id }) => [kind, id])).toEqual([['guard', 'notify[0]']])
  await outbox().send()
  expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
    type: 'flow.guard',
    data: {
      project: 'clockwork',
      flow: 'hourly',
      state: 'failed',
      error: { code: 'GUARD_EMPTY', table: 't', column: null },
    },
  })
  expect(received[0]?.body).not.toContain('the-row-itself')
})
