/** Every operation that can change something leaves its row in the audit: who, what, in which request. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../support/api.ts'
import { type Document, documentOf, type Operation, operationsOf } from './operations.ts'
import { sample } from './samples.ts'

let api: TestApi
let document: Document
let operations: readonly Operation[]
beforeAll(async () => {
  api = await createApi({ worker: true })
  document = await documentOf(api)
  operations = operationsOf(document)
  await api.sluice.run(['things'])
  // Whoever signs in as the first of all is made an admin, which is a change of its own.
  await api.ask({ method: 'POST', url: '/api/principals', payload: { name: 'test', role: 'admin' } })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

const rows = async (requestId: string) =>
  (await api.sluice.access.audit.list({}, { limit: 100, cursor: null })).items.filter(
    (row) => row.requestId === requestId,
  )

test('what was done has a row, what was refused or only read has none', async () => {
  const done: string[] = []
  for (const operation of operations.filter(({ streams }) => !streams)) {
    const requestId = `request-of-${operation.id}`
    const request = await sample(api, document, operation)
    // Sign-out needs a session to end; without one there is nothing that changes.
    if (operation.id === 'signOut') continue
    const answer = await api.ask({ ...request, headers: { ...request.headers, 'x-request-id': requestId } })
    expect(answer.headers['x-request-id']).toBe(requestId)
    const found = await rows(requestId)
    const said = `${operation.id}: ${answer.statusCode} ${answer.body.slice(0, 300)}`
    expect(answer.statusCode, said).toBeLessThan(500)
    if (operation.method === 'GET' || answer.statusCode >= 400) expect(found, said).toEqual([])
    else {
      expect(found, said).toHaveLength(1)
      expect(found[0]?.action, said).toMatch(/^[a-z-]+\.[a-z-]+$/)
      expect(found[0]?.subject, said).not.toBe('')
      if (operation.id !== 'signIn') expect(found[0]?.actor, said).toMatchObject({ by: 'token', name: 'the admin' })
      done.push(operation.id)
    }
  }
  // Whatever else there is: these have to have been tried for good.
  expect(done).toEqual(
    expect.arrayContaining([
      'signIn',
      'createToken',
      'revokeToken',
      'createPrincipal',
      'changePrincipal',
      'removePrincipal',
      'createSignInLink',
    ]),
  )
}, 60_000)

test('signing out is in the audit, too', async () => {
  const { access } = api.sluice
  const { cookie } = await access.signIn(api.tokens.admin, { ip: null, userAgent: null, requestId: null })
  const answer = await api.app.inject({
    method: 'DELETE',
    url: '/api/session',
    cookies: { [api.app.cookieName]: cookie },
    headers: { 'x-request-id': 'request-out' },
  })
  expect(answer.statusCode).toBe(204)
  expect(await rows('request-out')).toMatchObject([{ action: 'session.remove' }])
})

test('a row says what was before and what is after', async () => {
  const made = await api.ask({ method: 'POST', url: '/api/principals', payload: { name: 'Ada', role: 'viewer' } })
  const { id } = made.json<{ id: string }>()
  const headers = { 'x-request-id': 'request-ada' }
  await api.ask({ method: 'PATCH', url: `/api/principals/${id}`, payload: { role: 'operator' }, headers })
  expect(await rows('request-ada')).toMatchObject([
    { action: 'principal.change', subject: id, before: { role: 'viewer' }, after: { role: 'operator' } },
  ])
})

test('what is refused after a part of it was done has a row of that part', async () => {
  const headers = { 'x-request-id': 'request-half' }
  const payload = { redo: true, slices: ['all'], from: '2026-01-01' }
  const answer = await api.ask({ method: 'POST', url: '/api/flows/things/runs', payload, headers })
  expect(answer.statusCode).toBe(400)
  expect(await rows('request-half')).toMatchObject([
    { action: 'run.request', subject: 'things', after: { redo: true, slices: ['all'] } },
  ])
})
