/** Refused input is told field by field, so that whoever sent it can mark what is meant. */
import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'
import type { Problem } from './schemas.ts'

let api: TestApi
beforeAll(async () => {
  const endpoints = { things: { table: 'things', filter: ['id'], sort: ['id'] } }
  api = await createApi({ worker: true, config: { endpoints } })
  await api.sluice.run(['things'])
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

async function problemsOf(request: InjectOptions): Promise<Problem['problems']> {
  const answer = await api.ask(request)
  expect(answer.statusCode).toBeGreaterThanOrEqual(400)
  const { problems, why } = answer.json<Problem>()
  expect(why).not.toBe('')
  return problems
}

const post = (url: string, payload: object): InjectOptions => ({ method: 'POST', url, payload })

test('a body, by JSON pointer', async () => {
  expect(await problemsOf(post('/api/tokens', { name: '', role: 'king', more: 1, claims: { 'a/b~c': {} } }))).toEqual([
    { path: '/name', fault: expect.stringContaining('>=1') as string },
    { path: '/role', fault: expect.stringContaining('viewer') as string },
    { path: '/claims/a~1b~0c', fault: 'Invalid input' },
    { path: '/more', fault: expect.stringContaining('Unrecognized') as string },
  ])
  expect(await problemsOf(post('/api/tokens', { name: 'a\0b', role: null }))).toEqual([
    { path: '/name', fault: 'has the character U+0000' },
  ])
})

test('parameters and headers, by name', async () => {
  expect(await problemsOf({ url: '/api/tokens?limit=501&limt=3' })).toEqual([
    { path: 'limit', fault: expect.stringContaining('<=500') as string },
    { path: 'limt', fault: expect.stringContaining('Unrecognized') as string },
  ])
  expect(await problemsOf({ url: '/api/runs/nobody' })).toMatchObject([{ path: 'run' }])
  expect(await problemsOf({ url: '/api/runs?cursor=x' })).toMatchObject([{ path: 'cursor' }])
  expect(await problemsOf({ url: '/api/tokens?cursor=x' })).toMatchObject([{ path: 'cursor' }])
  for (const [header, value] of Object.entries({ prefer: 'wait=61', 'idempotency-key': 'a b' }))
    expect(
      await problemsOf({ ...post('/api/flows/things/runs', {}), headers: { [header]: value } }),
      header,
    ).toMatchObject([{ path: header }])
})

test('what an endpoint is asked', async () => {
  expect(await problemsOf({ url: '/api/data/things?id=one' })).toEqual([
    { path: 'id', fault: expect.stringContaining('whole number') as string },
  ])
  expect(await problemsOf({ url: '/api/data/things?di=1' })).toEqual([
    { path: 'di', fault: 'is no parameter of this endpoint' },
  ])
  expect(await problemsOf({ url: '/api/data/things?cursor=x' })).toMatchObject([{ path: 'cursor' }])
})

test('a definition, where it stands in the body', async () => {
  const definition = { kind: 'sync', from: { csv: '../x.csv' }, to: 'made', evry: '2h' }
  const unfit = [{ path: '/definition/evry', fault: expect.stringContaining('every') as string }]
  expect(await problemsOf({ method: 'PUT', url: '/api/flows/made', payload: { definition } })).toEqual(unfit)
  expect(await problemsOf(post('/api/flows/made/plan', { definition }))).toEqual(unfit)
  const { evry: _evry, ...outside } = definition
  expect(await problemsOf({ method: 'PUT', url: '/api/flows/made', payload: { definition: outside } })).toEqual([
    { path: '/definition/from/csv', fault: expect.stringContaining('leaves the folder') as string },
  ])
})

test('what is not about the input has none', async () => {
  expect(await problemsOf({ url: '/api/flows/nobody' })).toBeUndefined()
})
