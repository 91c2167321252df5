/** Tokens, cookies and link codes are nowhere in the log, nor in the database in clear: what a thief of either would read. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi({ settings: { log: 'debug' } })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

/** Every row of every table of every schema as text. */
async function dump(): Promise<string> {
  const tables = await api.project.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
  )
  const rows = await Promise.all(tables.map(({ name }) => api.project.query(`select t::text as row from ${name} t`)))
  return rows
    .flat()
    .map((row) => String(row['row']))
    .join('\n')
}

test('whatever is done with them', async () => {
  const { app, tokens } = api
  const secrets: string[] = Object.values(tokens)
  const key = { 'idempotency-key': 'once' }
  const payload = { name: 'kept', role: 'viewer' }
  const made = await api.ask({ method: 'POST', url: '/api/tokens', payload, headers: key })
  secrets.push(made.json<{ secret: string }>().secret)
  const again = await api.ask({ method: 'POST', url: '/api/tokens', payload, headers: key })
  expect(again.headers['idempotency-replayed']).toBe('true')
  expect(again.json()).toEqual({ ...made.json<object>(), secret: null })

  const person = await api.ask({ method: 'POST', url: '/api/principals', payload: { name: 'Ada', role: 'admin' } })
  const { id } = person.json<{ id: string }>()
  const link = await api.ask({
    method: 'POST',
    url: `/api/principals/${id}/link`,
    headers: { 'idempotency-key': 'link' },
  })
  expect(link.statusCode).toBe(201)
  const code = new URL(link.json<{ url: string }>().url).searchParams.get('code') ?? ''
  secrets.push(code)

  const opened = await app.inject({ method: 'POST', url: '/api/session', payload: { code } })
  const cookie = opened.cookies[0]?.value ?? ''
  const { csrf } = opened.json<{ csrf: string }>()
  secrets.push(cookie, csrf)
  const cookies = { [app.cookieName]: cookie }
  const host = { host: 'localhost' }
  await app.inject({ url: '/api/session', cookies, headers: host })
  // Where they do not belong: in the address, in a wrong header, in a body that is refused, in one that breaks.
  await app.inject({ url: `/api/session?token=${tokens.admin}&code=${code}` })
  await app.inject({ url: `/sign-in?code=${code}`, headers: { accept: 'text/html' } })
  await app.inject({ url: `/api/tokens/${tokens.admin}` })
  await api.ask({ method: 'POST', url: '/api/flows/things/resume', headers: { 'x-request-id': tokens.admin } })
  await api.ask({ url: `/api/flows?${tokens.admin}=1` })
  await app.inject({ url: '/api/session', headers: { authorization: `Basic ${tokens.admin}` } })
  await app.inject({ url: '/api/session', headers: { authorization: `Bearer ${tokens.admin}x` } })
  await app.inject({ url: '/api/session', cookies: { [app.cookieName]: `${cookie}x` } })
  await app.inject({ method: 'POST', url: '/api/session', payload: { code, token: tokens.admin } })
  await app.inject({
    method: 'POST',
    url: '/api/session',
    payload: `{"token":"${tokens.admin}`,
    headers: { 'content-type': 'application/json' },
  })
  await app.inject({ method: 'POST', url: '/api/session', payload: { code } })
  await app.inject({ method: 'DELETE', url: '/api/session', cookies, headers: { ...host, 'x-csrf-token': csrf } })

  expect(secrets.every((secret) => secret.length > 20)).toBe(true)
  const log = api.log()
  const stored = await dump()
  // Both have been written to.
  expect(log).toContain('"status":201')
  expect(stored).toContain('token.create')
  for (const secret of secrets) {
    expect(log).not.toContain(secret)
    expect(stored).not.toContain(secret)
    // Nor as bytes, which are shown in hex.
    expect(stored).not.toContain(Buffer.from(secret).toString('hex'))
    // Nor most of one.
    expect(log).not.toContain(secret.slice(8, 30))
    expect(stored).not.toContain(secret.slice(12, 34))
  }
})
