import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cause } from '../access/access.ts'
import { createApi, type TestApi } from '../../test/support/api.ts'

const cause: Cause = { actor: { by: 'system', id: null, name: 'test' }, requestId: null }

let api: TestApi
beforeAll(async () => {
  api = await createApi({ settings: { rateLimit: { requests: null, failures: 1_000, signIns: 1_000 } } })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

const own = { host: 'localhost:8321', origin: 'http://localhost:8321' }

function signIn(payload: object, headers: Readonly<Record<string, string>> = own): Promise<LightMyRequestResponse> {
  return api.app.inject({ method: 'POST', url: '/api/session', payload, headers })
}

interface Open {
  readonly cookie: { readonly name: string; readonly value: string }
  readonly csrf: string
}

async function session(role: 'viewer' | 'operator' | 'admin' = 'admin'): Promise<Open> {
  const answer = await signIn({ token: api.tokens[role] })
  const [cookie] = answer.cookies
  if (cookie === undefined) throw new Error(answer.body)
  return { cookie, csrf: answer.json<{ csrf: string }>().csrf }
}

/** As the console's page asks. */
function asPage({ cookie, csrf }: Open, request: InjectOptions): Promise<LightMyRequestResponse> {
  const headers = { ...own, 'x-csrf-token': csrf, 'sec-fetch-site': 'same-origin', ...request.headers }
  return api.app.inject({ ...request, headers, cookies: { [cookie.name]: cookie.value } })
}

const newPerson = { method: 'POST', url: '/api/principals', payload: { name: 'Grace', role: 'viewer' } } as const

describe('signing in', () => {
  test('a link signs in once, and its first user becomes admin', async () => {
    const { code } = await api.sluice.access.link(cause)
    const answer = await signIn({ code })
    expect(answer.statusCode, answer.body).toBe(201)
    expect(answer.json()).toMatchObject({
      caller: { by: 'session', role: 'admin' },
      csrf: expect.stringMatching(/\S{20,}/),
      project: 'api',
    })
    const again = await signIn({ code })
    expect(again.statusCode).toBe(401)
    expect(again.json()).toMatchObject({ code: 'LINK_INVALID' })
    expect(again.cookies).toEqual([])
  })

  test('a token signs in with its role', async () => {
    const open = await session('viewer')
    const me = await asPage(open, { url: '/api/session' })
    expect(me.json()).toMatchObject({ caller: { by: 'session', role: 'viewer' }, csrf: open.csrf })
    expect((await asPage(open, newPerson)).statusCode).toBe(403)
  })

  test.each([{ token: 'slc_nonsense' }, { code: 'nonsense' }])('%j does not', async (payload) => {
    const answer = await signIn(payload)
    expect(answer.statusCode).toBe(401)
    expect(answer.cookies).toEqual([])
  })

  test.each([{}, { code: 'a', token: 'b' }, { code: 1 }, { password: 'x' }])('%j is not a way to', async (payload) => {
    expect((await signIn(payload)).statusCode).toBe(400)
  })

  test('a page of another site cannot sign anybody in', async () => {
    const answer = await signIn({ token: api.tokens.admin }, { host: 'localhost:8321', origin: 'https://evil.example' })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({ code: 'ORIGIN_REFUSED' })
    const cross = await signIn({ token: api.tokens.admin }, { host: 'localhost:8321', 'sec-fetch-site': 'cross-site' })
    expect(cross.statusCode).toBe(403)
  })

  test('guessing is stopped', async () => {
    await using strict = await createApi({ settings: { rateLimit: { requests: null, failures: 3, signIns: 3 } } })
    const guess = () => strict.app.inject({ method: 'POST', url: '/api/session', payload: { code: 'guess' } })
    const statuses = [await guess(), await guess(), await guess(), await guess()].map(({ statusCode }) => statusCode)
    expect(statuses).toEqual([401, 401, 401, 429])
    const held = await guess()
    expect(held.json()).toMatchObject({ code: 'RATE_LIMITED' })
    expect(Number(held.headers['retry-after'])).toBeGreaterThan(0)
    const wrong = (bearer: string) =>
      strict.app.inject({ url: '/api/session', headers: { authorization: `Bearer ${bearer}` } })
    for (let turn = 0; turn < 3; turn++) expect((await wrong('slc_wrong')).statusCode).toBe(401)
    const stopped = await wrong('slc_wrong')
    expect(stopped.statusCode).toBe(429)
    expect(Number(stopped.headers['retry-after'])).toBeGreaterThan(0)
    // Others at that address, which may be a proxy's, are not: a token that counts is no guess.
    expect((await strict.ask({ url: '/api/session' })).statusCode).toBe(200)
  })
})

describe('the cookie', () => {
  test('is kept from scripts and from other sites', async () => {
    const [cookie] = (await signIn({ token: api.tokens.viewer })).cookies
    expect(cookie).toMatchObject({
      name: expect.stringMatching(/^sluice_[0-9a-f]{8}$/),
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
    })
    expect(cookie).not.toHaveProperty('secure')
    expect(cookie).not.toHaveProperty('domain')
    expect(cookie?.expires?.getTime()).toBeGreaterThan(Date.now())
  })

  test('is of https alone where there is https', async () => {
    await using served = await createApi({ settings: { publicUrl: new URL('https://sluice.example/') } })
    const headers = { host: 'sluice.example', origin: 'https://sluice.example' }
    const answer = await served.app.inject({
      method: 'POST',
      url: '/api/session',
      payload: { token: served.tokens.viewer },
      headers,
    })
    const [cookie] = answer.cookies
    expect(cookie).toMatchObject({
      name: `__Host-${served.app.cookieName}`,
      secure: true,
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
    })
    const value = cookie?.value ?? ''
    const me = (name: string) => served.app.inject({ url: '/api/session', headers, cookies: { [name]: value } })
    expect((await me(`__Host-${served.app.cookieName}`)).statusCode).toBe(200)
    // One without the prefix could have been set by a neighbour over http.
    expect((await me(served.app.cookieName)).statusCode).toBe(401)
  })

  test('ends with signing out', async () => {
    const open = await session()
    const out = await asPage(open, { method: 'DELETE', url: '/api/session' })
    expect(out.statusCode).toBe(204)
    expect(out.cookies[0]).toMatchObject({ name: open.cookie.name, value: '' })
    expect((await asPage(open, { url: '/api/session' })).statusCode).toBe(401)
  })

  test.each(['', 'x', 'sls_nonsense', '%00', 'a'.repeat(3_000)])('%j is none', async (value) => {
    const answer = await api.app.inject({ url: '/api/session', cookies: { [api.app.cookieName]: value } })
    expect(answer.statusCode).toBe(401)
  })
})

describe('a change by cookie', () => {
  test('needs the proof that our page sent it', async () => {
    const open = await session()
    expect((await asPage(open, newPerson)).statusCode).toBe(201)
    const forged: readonly Readonly<Record<string, string>>[] = [
      { 'x-csrf-token': '' },
      { 'x-csrf-token': 'wrong' },
      { 'x-csrf-token': (await session()).csrf },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost:3000' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of forged) {
      const answer = await asPage(open, { ...newPerson, headers })
      expect(answer.statusCode, JSON.stringify(headers)).toBe(403)
      expect(answer.json()).toMatchObject({ code: 'ORIGIN_REFUSED' })
    }
    // Looking needs none of it.
    expect((await asPage(open, { url: '/api/principals', headers: { 'x-csrf-token': '' } })).statusCode).toBe(200)
  })

  test('with a token beside it counts as the token', async () => {
    const open = await session('admin')
    const headers = { authorization: `Bearer ${api.tokens.viewer}` }
    expect((await asPage(open, { ...newPerson, headers })).statusCode).toBe(403)
    const wrong = { authorization: 'Bearer slc_wrong' }
    expect((await asPage(open, { url: '/api/session', headers: wrong })).statusCode).toBe(401)
  })
})
