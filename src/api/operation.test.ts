/** What an operator looks at besides flows and runs: the home page, schedules, workers, notifications, stores, backfills. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

let api: TestApi
let receiver: Server
const received: string[] = []

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => (body += part))
    request.on('end', () => {
      received.push(body)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has such an address.
  const { port } = receiver.address() as AddressInfo
  api = await createApi({
    config: {
      notify: [{ webhook: `http://127.0.0.1:${port}/hook`, secret: { $env: 'HOME' }, on: ['failed'] }],
      flows: {
        things: { kind: 'sync', from: { csv: 'things.csv' }, to: 'things', key: ['id'], every: '1h' },
        nightly: {
          kind: 'sync',
          from: { csv: 'things.csv' },
          to: 'nightly',
          key: ['id'],
          cron: '30 2 * * *',
          zone: 'Europe/Berlin',
          after: ['things'],
        },
      },
    },
  })
  await api.sluice.engine.start(['worker'])
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  receiver.close()
})

type Body = Record<string, unknown>
async function get(path: string): Promise<{ readonly status: number; readonly body: Body }> {
  const answer = await api.ask({ url: `/api${path}`, as: 'viewer' })
  return { status: answer.statusCode, body: answer.json<Body>() }
}
async function send(
  method: 'POST' | 'PATCH',
  path: string,
  payload: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: Body }> {
  const answer = await api.ask({ method, url: `/api${path}`, as: 'operator', payload, headers })
  return { status: answer.statusCode, body: answer.json<Body>() }
}
const run = (flow: string, body: object = {}) =>
  send('POST', `/flows/${flow}/runs`, body, { prefer: 'wait=30' }).then(({ body: answer }) => answer)

test('home says what is wrong and what mends it, and the request that it names mends it', async () => {
  await rm(join(api.project.directory, 'things.csv'))
  expect(await run('things')).toMatchObject({ run: { outcome: 'failed' } })
  const { body } = await get('/home')
  expect(body).toMatchObject({
    project: 'api',
    flows: { failed: 1, never: 1, total: 2, running: 0 },
    failures: { total: 1, items: [{ flow: 'things', outcome: 'failed', error: { fix: expect.any(String) } }] },
    running: { total: 0, items: [] },
    alive: { scheduler: false, worker: true },
    queue: { waiting: 0, running: 0 },
  })
  const troubles = body['troubles'] as readonly {
    says: string
    severity: string
    advice: { command: string; action: { method: 'POST'; path: string; body: object } | null }
  }[]
  expect(troubles).toMatchObject([
    { severity: 'problem', says: 'Nothing keeps the schedules', advice: { command: 'sluice up', action: null } },
    {
      severity: 'problem',
      says: 'things is failed',
      advice: { command: expect.stringMatching(/^sluice logs /), action: { path: '/api/flows/things/runs' } },
    },
    { severity: 'warning', says: 'nightly is not published yet', advice: { action: { method: 'POST' } } },
  ])
  await api.project.write('things.csv', 'id,name\n1,one\n2,two\n3,three\n')
  for (const { advice } of troubles) {
    if (advice.action === null) continue
    const path = advice.action.path.replace(/^\/api/, '')
    expect(await send(advice.action.method, path, advice.action.body, { prefer: 'wait=30' })).toMatchObject({
      status: 200,
      body: { run: { outcome: 'succeeded' } },
    })
  }
  const after = (await get('/home')).body
  expect(after).toMatchObject({ flows: { fresh: 2, failed: 0 }, late: [] })
  expect(after['troubles']).toHaveLength(1)
})

test('schedules are in words, with the next due times and their oddities', async () => {
  const { body } = await get('/schedules?next=3&limit=1')
  expect(body).toMatchObject({ total: 2, next: expect.any(String) })
  const [nightly] = body['items'] as readonly { words: string; next: readonly Body[] }[]
  expect(nightly).toMatchObject({
    flow: 'nightly',
    words: 'daily at 02:30 (Europe/Berlin)',
    spec: { tag: 'cron', zone: 'Europe/Berlin' },
    after: ['things'],
    paused: null,
    last: [],
    missed: [],
  })
})

test('as many coming due times are told as are asked for', async () => {
  const { body } = await get('/schedules?next=100')
  const [nightly] = body['items'] as readonly {
    next: readonly { at: string; local: string; oddity: string | null }[]
  }[]
  expect(nightly?.next).toHaveLength(100)
  expect(nightly?.next[0]).toMatchObject({ local: expect.stringMatching(/T02:30:00$/), zone: 'Europe/Berlin' })
  expect((await get('/schedules?next=101')).status).toBe(400)
})

test('occurrences come in pages, each once, and are chosen by what became of them', async () => {
  await api.project.query(
    `insert into sluice.occurrence (project, flow, due_at, state, reason)
     select 'api', 'things', timestamptz '2026-01-01T00:00Z' + n * interval '1 hour', 'skipped', 'nobody was there'
     from generate_series(1, 7) n`,
  )
  const seen: string[] = []
  let cursor = ''
  do {
    const { body } = await get(`/occurrences?flow=things&state=skipped&limit=3${cursor}`)
    const next = body['next'] as string | null
    expect(body['total']).toBe(7)
    seen.push(...(body['items'] as readonly { dueAt: string }[]).map(({ dueAt }) => dueAt))
    cursor = next === null ? '' : `&cursor=${next}`
  } while (cursor !== '')
  expect(seen).toEqual(seen.toSorted().toReversed())
  expect(new Set(seen).size).toBe(7)
  expect((await get('/occurrences?state=waiting')).body).toMatchObject({ items: [], total: 0 })
  expect((await get('/schedules')).body['items']).toMatchObject([
    { flow: 'nightly' },
    { flow: 'things', missed: [{ reason: 'nobody was there' }, {}, {}, {}, {}, {}, {}] },
  ])
})

test('workers say who they are and what waits for them', async () => {
  const { body } = await get('/workers')
  expect(body).toMatchObject({
    alive: { scheduler: false, worker: true },
    queue: { waiting: 0, oldest: null },
    items: [
      { pid: process.pid, alive: true, roles: ['worker'], flows: ['nightly', 'things'], outdated: [], doing: [] },
    ],
  })
})

test('notifications say what was sent, and a test arrives', async () => {
  await expect.poll(() => received.length, { timeout: 10_000 }).toBeGreaterThan(0)
  expect(await get('/notifications/webhooks')).toEqual({
    status: 200,
    body: { items: [{ id: 'notify[0]', on: ['failed'], signed: true }], total: 1 },
  })
  const before = received.length
  expect(await send('POST', '/notifications/test', { webhook: 'notify[0]' })).toMatchObject({
    status: 200,
    body: { kind: 'test', flow: null, deliveries: [{ webhook: 'notify[0]', state: 'delivered', error: null }] },
  })
  expect(received).toHaveLength(before + 1)
  const { body } = await get('/notifications')
  expect(body['items']).toContainEqual(
    expect.objectContaining({
      kind: 'failed',
      flow: 'things',
      deliveries: [expect.objectContaining({ state: 'delivered' })],
    }),
  )
  expect(JSON.stringify(body)).not.toContain('/hook')
  expect(await send('POST', '/notifications/test', { webhook: 'notify[1]' })).toMatchObject({
    status: 404,
    body: { code: 'WEBHOOK_UNKNOWN' },
  })
})

test('stores are named without a secret', async () => {
  const { body } = await get('/stores')
  expect(body['items']).toContainEqual(expect.objectContaining({ name: 'database', kind: 'postgres' }))
  expect(JSON.stringify(body)).not.toContain(new URL(api.project.url).password)
})

test('lineage goes from files through flows to tables', async () => {
  const { body } = await get('/lineage')
  expect(body['nodes']).toContainEqual(expect.objectContaining({ tag: 'flow', name: 'things' }))
  expect(body['nodes']).toContainEqual(expect.objectContaining({ tag: 'target', name: 'public.things' }))
  const ids = new Set((body['nodes'] as readonly { id: string }[]).map(({ id }) => id))
  for (const { from, to } of body['edges'] as readonly { from: string; to: string }[])
    expect([ids.has(from), ids.has(to)]).toEqual([true, true])
})

test('the doctor looks, once for all who ask at once', async () => {
  const runs = async () => (await get('/runs?operation=check')).body['total'] as number
  const before = await runs()
  const answers = await Promise.all([1, 2, 3].map(() => api.ask({ url: '/api/doctor', as: 'operator' })))
  for (const answer of answers) {
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ problems: 0, items: expect.any(Array) })
  }
  expect(await runs()).toBe(before + 2)
})

test('a backfill is looked at beforehand, begun, and seen to its end', async () => {
  const previewed = await send('POST', '/flows/things/backfills/preview', { force: true })
  expect(previewed).toMatchObject({ status: 200, body: { slices: [{ key: 'all' }], skipped: [] } })
  const begun = await send('POST', '/flows/things/backfills', { force: true })
  expect(begun).toMatchObject({ status: 202, body: { flow: 'things', force: true, slices: { total: 1 } } })
  const id = String(begun.body['id'])
  await expect.poll(async () => (await get(`/backfills/${id}`)).body['state'], { timeout: 20_000 }).toBe('done')
  expect((await get(`/backfills/${id}/slices`)).body).toMatchObject({
    items: [{ key: 'all', state: 'succeeded', run: expect.any(String) }],
    next: null,
    total: 1,
  })
  expect((await get('/backfills?flow=things')).body).toMatchObject({ items: [{ id }], total: 1 })
  expect((await get('/flows/things/backfills?state=paused')).body).toMatchObject({ items: [], total: 0 })
  expect((await get(`/runs?backfill=${id}`)).body).toMatchObject({ items: [{ trigger: 'backfill' }], total: 1 })
  expect(await send('PATCH', `/backfills/${id}`, { state: 'paused' })).toMatchObject({
    status: 409,
    body: { code: 'BACKFILL_STATE' },
  })
  expect((await get('/backfills/019aab12-0000-7000-8000-000000000000')).status).toBe(404)
  expect((await get('/backfills/nothing')).status).toBe(400)
})
