import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

describe('the table that a flow writes', () => {
  test('before it was published there is none, and that is said', async () => {
    const answer = await api.ask({ url: '/api/flows/things/rows' })
    expect(answer.json().code).toBe('TARGET_MISSING')
    expect((await api.ask({ url: '/api/flows/things/table' })).json().problem).not.toBeNull()
  })

  test('its columns filter and sort by what their types allow, with the age of the publication', async () => {
    await api.sluice.run(['things'])
    const described = (await api.ask({ url: '/api/flows/things/table' })).json()
    expect(described).toMatchObject({ path: '/api/flows/things/rows', claims: [], flows: ['things'] })
    const names: readonly string[] = described.parameters.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['id', 'id.gte', 'name.contains', 'sort', 'limit', 'cursor']))

    const answer = await api.ask({ url: '/api/flows/things/rows?id.gte=2&sort=-id&limit=1' })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['sluice-as-of']).toBeDefined()
    const page = answer.json()
    expect(page).toMatchObject({ items: [{ id: 3, name: 'three' }], total: 2 })
    const next = await api.ask({ url: `/api/flows/things/rows?id.gte=2&sort=-id&limit=1&cursor=${page.next}` })
    expect(next.json()).toMatchObject({ items: [{ id: 2, name: 'two' }], next: null })
  })

  test('what no column is, is refused by name', async () => {
    const answer = await api.ask({ url: '/api/flows/things/rows?nothing=1' })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'PARAMETER_UNKNOWN', title: expect.stringContaining('nothing') })
    expect((await api.ask({ url: '/api/flows/nobody/rows' })).statusCode).toBe(404)
    expect((await api.ask({ url: '/api/flows/nobody/table' })).json().code).toBe('FLOW_UNKNOWN')
  })

  test('only for admins: no claim binds its rows', async () => {
    for (const as of ['none', 'viewer', 'operator'] as const)
      for (const url of ['/api/flows/things/rows', '/api/flows/things/table'])
        expect((await api.ask({ url, as })).statusCode, `${as} ${url}`).toBe(403)
    expect((await api.ask({ url: '/api/flows/things/rows', as: null })).statusCode).toBe(401)
  })
})
