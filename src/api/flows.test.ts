import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi({ worker: true })
})
afterAll(() => api[Symbol.asyncDispose]())

interface Asked {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
}

async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  payload?: object,
  how: { readonly as?: 'viewer' | 'operator' | 'admin'; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Asked> {
  const answer = await api.ask({
    method,
    url: `/api${path}`,
    as: how.as ?? 'admin',
    headers: how.headers ?? {},
    ...(payload === undefined ? {} : { payload }),
  })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: answer.body === '' ? {} : answer.json<Record<string, unknown>>(),
  }
}

const draft = (change: object = {}): object => ({
  kind: 'sync',
  from: { csv: 'things.csv' },
  to: 'made',
  key: ['id'],
  ...change,
})

describe('flows of the file', () => {
  test('are listed by name, with their state and what to do next', async () => {
    const { status, body } = await ask('GET', '/flows', undefined, { as: 'viewer' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ next: null, total: 2 })
    expect(body['items']).toMatchObject([
      {
        name: 'others',
        kind: 'sync',
        origin: 'file',
        version: 1,
        state: 'never',
        after: ['things'],
        schedule: 'by hand',
        lastRun: null,
        advice: {
          command: 'sluice run others',
          action: { method: 'POST', path: '/api/flows/others/runs', body: {}, role: 'operator' },
        },
      },
      { name: 'things', schedule: 'every 1 h', after: [], paused: null },
    ])
  })

  test('are chosen by state and name, and come in pages', async () => {
    expect((await ask('GET', '/flows?state=failed,late')).body).toEqual({ items: [], next: null, total: 0 })
    expect((await ask('GET', '/flows?search=THING')).body).toMatchObject({ items: [{ name: 'things' }], total: 1 })
    const first = await ask('GET', '/flows?limit=1')
    expect(first.body).toMatchObject({ items: [{ name: 'others' }], total: 2 })
    const second = await ask('GET', `/flows?limit=1&cursor=${String(first.body['next'])}`)
    expect(second.body).toMatchObject({ items: [{ name: 'things' }], next: null, total: 2 })
    expect((await ask('GET', '/flows?status=failed')).status).toBe(400)
  })

  test('show what was written, what they read and write, and their slices', async () => {
    await ask('POST', '/flows/things/runs', {}, { headers: { prefer: 'wait=30' } })
    expect((await ask('GET', '/flows/things')).body).toMatchObject({
      name: 'things',
      state: 'fresh',
      why: null,
      rows: 3,
      definition: { kind: 'sync', from: { csv: 'things.csv' }, every: '1h' },
      timing: { schedule: { tag: 'every', every: 3_600_000, offset: 0 }, overlap: 'wait' },
      reads: [{ tag: 'files' }],
      writes: [{ store: 'database', tag: 'table', name: 'public.things' }],
      slices: { done: 1, failed: 0 },
      lastRun: { outcome: 'succeeded', rows: 3 },
      advice: null,
      problem: null,
    })
    expect((await ask('GET', '/flows/things/versions')).body).toMatchObject({ items: [{ version: 1 }], total: 1 })
    expect((await ask('GET', '/flows/things/history')).body).toMatchObject({ items: [{ rows: 3 }] })
    expect((await ask('GET', '/flows/things/slices')).body).toMatchObject({
      items: [{ key: 'all', state: 'done', rows: 3 }],
      total: 1,
      counts: { done: 1 },
    })
    expect((await ask('GET', '/flows/things/slices?state=failed')).body).toMatchObject({ items: [], total: 0 })
    expect((await ask('GET', '/flows/things/schema')).body).toMatchObject({
      flow: 'things',
      columns: [{ target: { name: 'id' }, drift: 'none' }, { target: { name: 'name' } }],
    })
  })

  test('are read-only here, but can be paused with a reason and let go on', async () => {
    expect(await ask('PUT', '/flows/things', { definition: draft(), version: 1 })).toMatchObject({
      status: 409,
      body: { code: 'FLOW_READ_ONLY' },
    })
    expect(await ask('DELETE', '/flows/things')).toMatchObject({ status: 409, body: { code: 'FLOW_READ_ONLY' } })
    const paused = await ask('POST', '/flows/things/pause', { reason: 'the source moves' }, { as: 'operator' })
    expect(paused).toMatchObject({
      status: 200,
      body: { state: 'paused', paused: { by: 'the operator', reason: 'the source moves' } },
    })
    expect(await ask('POST', '/flows/things/runs', {}, { as: 'operator' })).toMatchObject({
      status: 409,
      body: { code: 'FLOW_PAUSED', why: expect.stringContaining('the source moves') },
    })
    expect(await ask('POST', '/flows/things/resume', undefined, { as: 'operator' })).toMatchObject({
      status: 200,
      body: { paused: null },
    })
    expect((await ask('GET', '/audit?subject=things&limit=2')).body['items']).toMatchObject([
      { action: 'flow.resume', before: { paused: { reason: 'the source moves' } }, after: { paused: null } },
      { action: 'flow.pause', before: { paused: null }, after: { paused: { reason: 'the source moves' } } },
    ])
  })

  test('say what a run would do', async () => {
    const planned = await ask('POST', '/flows/others/plan', {}, { as: 'operator' })
    expect(planned).toMatchObject({
      status: 200,
      body: { flow: 'others', changes: null, slices: [{ action: 'run', slice: 'all' }] },
    })
    expect((planned.body['steps'] as readonly string[]).length).toBeGreaterThan(0)
    expect(await api.project.query("select to_regclass('others') as found")).toEqual([{ found: null }])
  })

  test('can be had as code', async () => {
    const parts = await ask('POST', '/flows/things/export', undefined, { as: 'viewer' })
    expect(parts).toMatchObject({
      status: 200,
      body: { flow: 'things', imports: ['sync'], entry: expect.stringContaining('things: sync({') },
    })
    const text = await api.ask({
      method: 'POST',
      url: '/api/flows/things/export',
      headers: { accept: 'text/plain' },
    })
    expect(text.headers['content-type']).toContain('text/plain')
    expect(text.body).toBe(parts.body['config'])
    const repeated = await api.ask({
      method: 'POST',
      url: '/api/flows/things/export',
      headers: { accept: 'text/plain', 'idempotency-key': 'export-once' },
    })
    expect(repeated.statusCode).toBe(200)
    expect(repeated.body).toBe(text.body)
  })

  test('are compared with their source', async () => {
    const same = await ask('POST', '/flows/things/verifications', {}, { headers: { prefer: 'wait=30' } })
    expect(same).toMatchObject({
      status: 200,
      body: { run: { operation: 'verify', result: { verifications: [{ verdict: 'identical', compared: 3 }] } } },
    })
    await api.project.query("update things set name = 'other' where id = 2")
    const differs = await ask('POST', '/flows/things/verifications', {}, { headers: { prefer: 'wait=30' } })
    expect(differs.body).toMatchObject({ run: { result: { verifications: [{ verdict: 'differs', changed: 1 }] } } })
    expect((await ask('GET', '/flows/things/verifications')).body).toMatchObject({
      items: [{ verdict: 'differs', changed: 1 }, { verdict: 'identical' }],
      next: null,
      total: 2,
    })
    const mended = await ask(
      'POST',
      '/flows/things/runs',
      { redo: true, slices: ['all'] },
      { headers: { prefer: 'wait=30' } },
    )
    expect(mended.body).toMatchObject({ run: { outcome: 'succeeded', changes: { changed: 1 } } })
  })
})

describe('flows made in the console', () => {
  test('are planned, saved, run, changed, exported and removed', async () => {
    const definition = draft()
    const planned = await ask('POST', '/flows/made/plan', { definition })
    expect(planned).toMatchObject({ status: 200, body: { flow: 'made', changes: 'new', slices: [{ action: 'run' }] } })
    expect((await ask('GET', '/flows/made')).status).toBe(404)

    const made = await ask('PUT', '/flows/made', { definition })
    expect(made).toMatchObject({
      status: 201,
      headers: { location: '/api/flows/made' },
      body: { origin: 'console', version: 1, definition, changedBy: 'the admin' },
    })
    const ran = await ask('POST', '/flows/made/runs', {}, { headers: { prefer: 'wait=30' } })
    expect(ran).toMatchObject({ status: 200, body: { run: { outcome: 'succeeded', rows: 3 } } })

    const changed = await ask(
      'PUT',
      '/flows/made',
      { definition: draft({ every: '2h' }) },
      { headers: { 'if-match': '"1"' } },
    )
    expect(changed).toMatchObject({ status: 200, body: { version: 2, schedule: 'every 2 h' } })
    expect(await ask('PUT', '/flows/made', { definition, version: 1 })).toMatchObject({
      status: 409,
      body: { code: 'FLOW_VERSION_CONFLICT' },
    })
    expect(await ask('PUT', '/flows/made', { definition })).toMatchObject({ status: 409 })
    expect(
      await ask('PUT', '/flows/made', { definition, version: 1 }, { headers: { 'if-match': '"2"' } }),
    ).toMatchObject({ status: 400 })
    expect((await ask('GET', '/flows/made/versions')).body).toMatchObject({ items: [{ version: 2 }, { version: 1 }] })
    expect((await ask('POST', '/flows/made/export')).body['entry']).toContain("every: '2h'")
    expect((await ask('GET', '/audit?action=flow.save&subject=made&limit=1')).body['items']).toMatchObject([
      { before: { version: 1 }, after: { version: 2, definition: { every: '2h' } } },
    ])

    expect(await ask('DELETE', '/flows/made')).toMatchObject({ status: 204 })
    expect((await ask('GET', '/flows/made')).status).toBe(404)
    expect((await ask('GET', '/runs')).body['items']).toContainEqual(expect.objectContaining({ flow: 'made' }))
  })

  test('fit the same schema as the file; each fault is named', async () => {
    for (const path of ['/flows/bad', '/flows/bad/plan'] as const) {
      const refused = await ask(path.endsWith('plan') ? 'POST' : 'PUT', path, {
        definition: draft({ evry: '2h', mode: 'append' }),
      })
      expect(refused).toMatchObject({ status: 422, body: { code: 'CONFIG_INVALID' } })
      expect(JSON.stringify(refused.body)).toMatch(/evry/)
    }
  })

  test('whose query the warehouse refuses are told so, in its words, before they are saved', async () => {
    for (const [from, code, said] of [
      [{ query: 'selec 1' }, 'STORE_QUERY', 'selec'],
      [{ query: 'select nothing from nowhere' }, 'STORE_QUERY', 'nowhere'],
      [{ csv: 'not-there.csv' }, 'FILE_NOT_FOUND', 'not-there.csv'],
    ] as const) {
      const planned = await ask('POST', '/flows/typo/plan', { definition: draft({ from }) })
      expect(planned).toMatchObject({ status: 422, body: { code, why: expect.stringContaining(said) } })
    }
    const missing = draft({ from: { query: 'select 1 as a' }, key: ['id'] })
    expect(await ask('POST', '/flows/typo/plan', { definition: missing })).toMatchObject({
      status: 422,
      body: { code: 'SOURCE_COLUMN_MISSING' },
    })
  })

  test('are made by admins', async () => {
    expect((await ask('PUT', '/flows/mine', { definition: draft() }, { as: 'operator' })).status).toBe(403)
    expect((await ask('DELETE', '/flows/things', undefined, { as: 'operator' })).status).toBe(403)
    expect((await ask('POST', '/flows/mine/plan', { definition: draft() }, { as: 'operator' })).status).toBe(403)
    expect((await ask('POST', '/flows/things/pause', {}, { as: 'viewer' })).status).toBe(403)
  })
})
