import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cause } from '../access/access.ts'
import { createApi, type TestApi } from '../../test/support/api.ts'

const system: Cause = { actor: { by: 'system', id: null, name: 'test' }, requestId: null }

let api: TestApi
/** The secret of a token with the claim. */
let east: string
beforeAll(async () => {
  api = await createApi({
    worker: true,
    config: {
      endpoints: {
        'all-things': { table: 'things', filter: ['id', 'name'], sort: ['id'], path: '/api/v1/things' },
        'my-things': { table: 'things', sort: ['id'], scope: { name: 'name' }, shape: 'list' },
        totals: { table: 'things', aggregate: { count: { count: '*' } } },
        nowhere: { table: 'not_there' },
      },
    },
  })
  await api.ask({ method: 'POST', url: '/api/flows/things/runs', headers: { prefer: 'wait=30' } })
  east = (await api.sluice.access.tokens.create({ name: 'two', role: null, claims: { name: 'two' } }, system)).secret
})
afterAll(() => api[Symbol.asyncDispose]())

const read = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  api.ask({ url: path, as: 'none', headers })

describe('an endpoint', () => {
  test('gives rows with their age, to whoever has a token', async () => {
    const answer = await read('/api/data/all-things')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({
      items: [
        { id: 1, name: 'one' },
        { id: 2, name: 'two' },
        { id: 3, name: 'three' },
      ],
      next: null,
      total: 3,
    })
    const [slice] = await api.project.query<{ as_of: Date }>("select as_of from sluice.slice where flow = 'things'")
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'sluice-as-of': slice?.as_of.toISOString(),
      'cache-control': 'private, no-cache',
      etag: expect.stringMatching(/^".+"$/),
    })
    expect((await api.ask({ url: '/api/data/all-things', as: null })).statusCode).toBe(401)
  })

  test('answers 304 while nothing was published, and anew afterwards', async () => {
    const first = await read('/api/data/all-things')
    const etag = String(first.headers['etag'])
    const same = await read('/api/data/all-things', { 'if-none-match': etag })
    expect(same.statusCode).toBe(304)
    expect(same.body).toBe('')
    expect(same.headers).toMatchObject({ etag, 'sluice-as-of': first.headers['sluice-as-of'] })
    await api.ask({
      method: 'POST',
      url: '/api/flows/things/runs',
      headers: { prefer: 'wait=30' },
      payload: { force: true },
    })
    expect((await read('/api/data/all-things', { 'if-none-match': etag })).statusCode).toBe(200)
  })

  test('answers under its own path too, with and without a slash at the end', async () => {
    const { body } = await read('/api/data/all-things?id.gte=2')
    expect((await read('/api/v1/things?id.gte=2')).body).toBe(body)
    expect((await read('/api/v1/things/?id.gte=2')).body).toBe(body)
  })

  test('pages by cursor, each row once', async () => {
    const seen: number[] = []
    let cursor: string | null = null
    do {
      const page: { items: { id: number }[]; next: string | null } = (
        await read(`/api/data/all-things?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)
      ).json()
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== null)
    expect(seen).toEqual([1, 2, 3])
  })

  test.each([
    ['nam=one', 'nam'],
    ['id=one', 'id'],
    ['limit=100000', 'limit'],
    ['__proto__=1', '__proto__'],
    ['id.contains=1', 'id.contains'],
    ["name.like='; drop table things --", 'name.like'],
  ])('refuses %s, naming it', async (query, named) => {
    const answer = await read(`/api/data/all-things?${query}`)
    expect(answer.statusCode).toBe(400)
    expect(JSON.stringify(answer.json())).toContain(named)
    expect(answer.json()).toMatchObject({ code: expect.stringMatching(/^(FILTER_INVALID|PARAMETER_UNKNOWN)$/) })
  })

  test('that is bound to a claim gives those rows, and without the claim none', async () => {
    const bound = await api.app.inject({ url: '/api/data/my-things', headers: { authorization: `Bearer ${east}` } })
    expect(bound.json()).toEqual([{ id: 2, name: 'two' }])
    expect((await read('/api/data/my-things')).json()).toEqual([])
    expect((await api.ask({ url: '/api/data/my-things', as: 'admin' })).json()).toEqual([])
  })

  test('that does not exist, or whose table does not, says so', async () => {
    expect(await read('/api/data/all-thing')).toMatchObject({ statusCode: 404 })
    expect((await read('/api/data/all-thing')).json()).toMatchObject({ code: 'ENDPOINT_UNKNOWN' })
    expect((await read('/api/data/nowhere')).json()).toMatchObject({ code: 'TARGET_MISSING' })
  })

  test('is asked by HEAD without its rows', async () => {
    const answer = await api.ask({ method: 'HEAD', url: '/api/data/all-things', as: 'none' })
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe('')
    expect(answer.headers['etag']).toBeDefined()
  })
})

test('the endpoints are listed with what they take and give', async () => {
  const answer = await api.ask({ url: '/api/data', as: 'viewer' })
  expect(answer.json()).toMatchObject({ total: 4, next: null })
  expect(answer.json<{ items: unknown[] }>().items).toMatchObject([
    {
      name: 'all-things',
      path: '/api/data/all-things',
      alias: '/api/v1/things',
      table: 'public.things',
      claims: [],
      flows: ['things'],
      columns: [{ name: 'id' }, { name: 'name', type: 'text' }],
      problem: null,
    },
    { name: 'my-things', claims: ['name'], scope: { name: 'name' }, shape: 'list' },
    { name: 'nowhere', problem: expect.any(String) },
    { name: 'totals', shape: 'one' },
  ])
  expect((await api.ask({ url: '/api/data', as: 'none' })).statusCode).toBe(403)
})

test('each endpoint is an operation of the document, with its own parameters and columns', async () => {
  const { paths } = (await api.ask({ url: '/openapi.json', as: null })).json<{
    paths: Record<
      string,
      {
        get: {
          operationId: string
          parameters: { name: string; in: string }[]
          responses: Record<string, { content: Record<string, { schema: object }> }>
        }
      }
    >
  }>()
  const operation = paths['/api/data/all-things']?.get
  expect(operation?.operationId).toBe('dataAllThings')
  expect(operation?.parameters.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['id', 'id.gte', 'name', 'name.contains', 'limit', 'cursor']),
  )
  expect(operation?.parameters.every((one) => one.in === 'query')).toBe(true)
  expect(operation?.responses['200']?.content['application/json']?.schema).toMatchObject({
    properties: { items: { items: { properties: { id: { anyOf: [{ type: 'integer' }, { type: 'string' }] } } } } },
  })
  expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(['304', '401', '404']))
  expect(paths['/api/v1/things']?.get.operationId).toBe('dataAllThingsAlias')
  expect(Object.keys(paths)).not.toContain('/api/v1/things/')
})

test('a path that something else has is refused when it starts', async () => {
  const { buildApp } = await import('./app.ts')
  const { openSluice } = await import('../sluice.ts')
  await using sluice = await openSluice({
    directory: api.project.directory,
    config: {
      project: 'api',
      database: api.project.url,
      endpoints: { home: { table: 'things', path: '/api/home' } },
    },
  })
  const building = buildApp(sluice, { version: '0', settings: sluice.apiSettings(), consoleFolder: null })
  await expect(building).rejects.toMatchObject({ code: 'CONFIG_INVALID', why: expect.stringContaining('/api/home') })
})
