import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

const csv = 'id,name\n1,one\n2,two\n3,three\n'

let api: TestApi
beforeAll(async () => {
  api = await createApi({ worker: true })
})
afterAll(() => api[Symbol.asyncDispose]())

interface Answer {
  readonly run: Readonly<Record<string, unknown>> & { readonly id: string; readonly outcome: string | null }
  readonly joined: boolean
  readonly warning: string | null
}

async function run(
  flow: string,
  body: object = {},
  headers: Readonly<Record<string, string>> = { prefer: 'wait=30' },
): Promise<{ readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly body: Answer }> {
  const answer = await api.ask({
    method: 'POST',
    url: `/api/flows/${flow}/runs`,
    as: 'operator',
    headers,
    payload: body,
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.json<Answer>() }
}

const get = async (url: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> => {
  const answer = await api.ask({ url, as: 'viewer' })
  return { status: answer.statusCode, body: answer.json() }
}

describe('a run', () => {
  test('is asked for, waited for, and then is what it was', async () => {
    const asked = await run('things')
    expect(asked).toMatchObject({
      status: 200,
      headers: { 'preference-applied': 'wait=30', location: `/api/runs/${asked.body.run.id}` },
      body: {
        joined: false,
        warning: null,
        run: {
          flow: 'things',
          operation: 'apply',
          state: 'succeeded',
          outcome: 'succeeded',
          trigger: 'api',
          requestedBy: 'the operator',
          rows: 3,
          attempt: 1,
          command: 'sluice run things',
          error: null,
        },
      },
    })
    expect(await api.project.query('select id::text, name from things order by id')).toEqual([
      { id: '1', name: 'one' },
      { id: '2', name: 'two' },
      { id: '3', name: 'three' },
    ])
    const read = await get(`/api/runs/${asked.body.run.id}`)
    expect(read).toEqual({ status: 200, body: asked.body.run })
    const abbreviated = await get(`/api/runs/${asked.body.run.id.slice(-12)}`)
    expect(abbreviated.body['id']).toBe(asked.body.run.id)
  })

  test('without waiting answers 202, and goes on', async () => {
    const asked = await run('things', { force: true }, {})
    expect(asked).toMatchObject({ status: 202, body: { run: { outcome: null, options: { force: true } } } })
    expect(asked.headers['preference-applied']).toBeUndefined()
    await expect
      .poll(async () => (await get(`/api/runs/${asked.body.run.id}`)).body['outcome'], { timeout: 20_000 })
      .toBe('succeeded')
  })

  test('that fails is said to have failed, with why and fix, and can be asked for again', async () => {
    await rm(join(api.project.directory, 'things.csv'))
    const asked = await run('things', { force: true })
    expect(asked).toMatchObject({
      status: 200,
      body: {
        run: {
          state: 'failed',
          outcome: 'failed',
          error: { code: expect.any(String), why: expect.any(String), fix: expect.any(String) },
        },
      },
    })
    await api.project.write('things.csv', csv.replace('two', 'deux'))
    const again = await api.ask({
      method: 'POST',
      url: `/api/runs/${asked.body.run.id}/retry`,
      as: 'operator',
      headers: { prefer: 'wait=30' },
    })
    expect(again.statusCode).toBe(200)
    expect(again.json()).toMatchObject({
      run: {
        outcome: 'succeeded',
        options: { force: true },
        changes: { inserted: 0, changed: 1, deleted: 0, unchanged: 2 },
      },
    })
    expect(again.json<Answer>().run.id).not.toBe(asked.body.run.id)
  })

  test('that is not due is skipped, and says why', async () => {
    const asked = await run('things')
    expect(asked.body.run).toMatchObject({ outcome: 'skipped', reason: expect.any(String) })
  })

  test('that has ended is not cancelled', async () => {
    const { body } = await run('things', { force: true })
    const answer = await api.ask({
      method: 'POST',
      url: `/api/runs/${body.run.id}/cancel`,
      as: 'operator',
      payload: { reason: 'too late' },
    })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ outcome: 'succeeded', cancelling: null })
  })

  test('is in the audit with who asked, and what came of it', async () => {
    const { body } = await run('things', { force: true })
    const audit = await api.ask({ url: '/api/audit?action=run.request&limit=1' })
    expect(audit.json()).toMatchObject({
      items: [
        { subject: 'things', actor: { name: 'the operator' }, after: { run: body.run.id, joined: false, force: true } },
      ],
    })
  })

  test('that a viewer asks for is refused, and not recorded', async () => {
    const before = await get('/api/runs')
    const answer = await api.ask({ method: 'POST', url: '/api/flows/things/runs', as: 'viewer', payload: {} })
    expect(answer.statusCode).toBe(403)
    expect((await get('/api/runs')).body['total']).toBe(before.body['total'])
  })

  test.each([
    [{ force: 'yes' }, 'body/force'],
    [{ forced: true }, 'forced'],
    [{ redo: true }, 'redo'],
    [{ slices: [] }, 'body/slices'],
    [{ step: 'dance' }, 'body/step'],
  ])('with %j is refused, naming it', async (body, named) => {
    const answer = await run('things', body)
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID', why: expect.stringContaining(named) },
    })
  })

  test('of a flow that is not there names the one that was meant', async () => {
    expect(await run('thing')).toMatchObject({
      status: 404,
      body: { code: 'FLOW_UNKNOWN', fix: 'did you mean things?' },
    })
  })

  test('with a longer wait than there may be is refused before anything is asked for', async () => {
    const before = (await get('/api/runs')).body['total']
    expect(await run('things', {}, { prefer: 'wait=61' })).toMatchObject({ status: 400 })
    expect((await get('/api/runs')).body['total']).toBe(before)
  })
})

describe('the list of runs', () => {
  interface Listed {
    readonly items: readonly { readonly id: string; readonly outcome: string }[]
    readonly next: string | null
    readonly total: number
  }
  const list = async (query: string): Promise<Listed> =>
    (await api.ask({ url: `/api/runs?${query}`, as: 'viewer' })).json<Listed>()

  test('has each run once over all its pages, newest first', async () => {
    for (let n = 0; n < 3; n += 1) await run('others', { force: true })
    const whole = await list('limit=500')
    expect(whole.items).toHaveLength(whole.total)
    const paged: string[] = []
    let cursor: string | null = null
    do {
      const page: Listed = await list(`limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)
      expect(page.total).toBe(whole.total)
      paged.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== null)
    expect(paged).toEqual(whole.items.map(({ id }) => id))
  })

  test('is of those that are asked for', async () => {
    const failed = await list('state=failed&flow=things')
    expect(failed.items.map(({ outcome }) => outcome)).toEqual(failed.items.map(() => 'failed'))
    expect(failed.total).toBeGreaterThan(0)
    const both = await list('state=failed,skipped')
    const twice = await list('state=failed&state=skipped')
    expect(both.total).toBe(twice.total)
    expect(both.total).toBeGreaterThan(failed.total)
    expect(await list('trigger=schedule')).toEqual({ items: [], next: null, total: 0 })
    expect((await list(`since=${new Date(Date.now() + 60_000).toISOString()}`)).total).toBe(0)
  })

  test.each(['limit=0', 'limit=501', 'limit=ten', 'stat=failed', 'state=broken', 'cursor=abc', 'since=yesterday'])(
    'with %s is refused, naming it',
    async (query) => {
      const answer = await api.ask({ url: `/api/runs?${query}`, as: 'viewer' })
      expect(answer.statusCode).toBe(400)
      expect(answer.json()).toMatchObject({
        code: query.startsWith('cursor') ? 'CURSOR_INVALID' : 'REQUEST_INVALID',
        why: expect.stringContaining(query.split('=')[0] ?? ''),
      })
    },
  )
})
