import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

test('the schema of each kind says what a definition may say, with defaults and words', async () => {
  const answer = await api.ask({ url: '/api/kinds', as: 'viewer' })
  expect(answer.statusCode).toBe(200)
  const { items } = answer.json()
  expect(items.map(({ kind }: { kind: string }) => kind)).toContain('sync')
  const [{ schema }] = items
  expect(schema.properties.kind).toMatchObject({ const: 'sync' })
  expect(schema.required).toEqual(expect.arrayContaining(['kind', 'from', 'to']))
  expect(schema.properties.mode).toMatchObject({ default: 'replace', enum: ['replace', 'upsert', 'append'] })
  expect(schema.properties.every.description).toContain('how often')
  expect(schema.additionalProperties).toBe(false)
})

test('nobody sees it without a token', async () => {
  expect((await api.ask({ url: '/api/kinds', as: null })).statusCode).toBe(401)
  expect((await api.ask({ url: '/api/kinds', as: 'none' })).statusCode).toBe(403)
})
