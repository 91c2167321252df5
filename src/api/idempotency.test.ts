import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

const create = (name: string, key: string, as: 'admin' | 'viewer' = 'admin') =>
  api.ask({
    method: 'POST',
    url: '/api/principals',
    payload: { name, role: 'viewer' },
    headers: { 'idempotency-key': key },
    as,
  })
const people = async (name: string): Promise<number> =>
  (await api.project.query('select from sluice.principal where name = $1', [name])).length
const changes = async (): Promise<number> => (await api.project.query('select from sluice.audit')).length

test('the same request under the same key is done once, and answered the same', async () => {
  const key = randomUUID()
  const first = await create('once', key)
  expect(first.statusCode).toBe(201)
  const before = await changes()
  const again = await create('once', key)
  expect(again.statusCode).toBe(201)
  expect(again.json()).toEqual(first.json())
  expect(again.headers['location']).toBe(first.headers['location'])
  expect(again.headers['content-type']).toBe(first.headers['content-type'])
  expect(again.headers['idempotency-replayed']).toBe('true')
  expect(first.headers).not.toHaveProperty('idempotency-replayed')
  expect(await people('once')).toBe(1)
  expect(await changes()).toBe(before)
})

test('without a key each is done', async () => {
  const ask = () => api.ask({ method: 'POST', url: '/api/tokens', payload: { name: 'twice', role: 'viewer' } })
  expect([(await ask()).statusCode, (await ask()).statusCode]).toEqual([201, 201])
  expect(await api.project.query("select from sluice.token where name = 'twice'")).toHaveLength(2)
})

test('another request under the key is refused', async () => {
  const key = randomUUID()
  await create('mine', key)
  const other = await create('other', key)
  expect(other.statusCode).toBe(422)
  expect(other.json()).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
  expect(await people('other')).toBe(0)
})

test('many at once are done once', async () => {
  const key = randomUUID()
  const answers = await Promise.all(Array.from({ length: 20 }, () => create('many', key)))
  const statuses = new Set(answers.map(({ statusCode }) => statusCode))
  expect([...statuses].every((status) => status === 201 || status === 409)).toBe(true)
  expect(answers.filter(({ statusCode }) => statusCode === 201).length).toBeGreaterThan(0)
  for (const answer of answers.filter(({ statusCode }) => statusCode === 409))
    expect(answer.json()).toMatchObject({ code: 'IDEMPOTENCY_IN_FLIGHT' })
  expect(await people('many')).toBe(1)
})

test('what was refused may be tried again under the same key', async () => {
  const key = randomUUID()
  await create('taken', randomUUID())
  expect((await create('taken', key)).statusCode).toBe(409)
  await api.project.query("delete from sluice.principal where name = 'taken'")
  expect((await create('taken', key)).statusCode).toBe(201)
})

test('a role that is not enough is refused before the key counts', async () => {
  const key = randomUUID()
  expect((await create('role', key, 'viewer')).statusCode).toBe(403)
  expect((await create('role', key)).statusCode).toBe(201)
  // Another caller's key is another key: neither the answer nor the refusal of it is to be had.
  expect((await create('role', key, 'viewer')).statusCode).toBe(403)
})

test.each(['', ' ', 'a b', 'x'.repeat(201), 'ü'])('%j is no key', async (key) => {
  expect((await create('never', key)).statusCode).toBe(400)
  expect(await people('never')).toBe(0)
})
