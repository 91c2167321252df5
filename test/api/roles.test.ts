/** Every operation of the document, asked by everybody: exactly those get past the door whom the document lets in. */
import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { atLeast, type Role } from '../../src/access/role.ts'
import { createApi, type TestApi } from '../support/api.ts'
import { type Document, documentOf, type Needs, type Operation, operationsOf } from './operations.ts'
import { sample } from './samples.ts'

let api: TestApi
let document: Document
let operations: readonly Operation[]
/** Tokens that do not count, by what is wrong with them. */
let dead: Readonly<Record<string, string>>

beforeAll(async () => {
  api = await createApi({ worker: true, settings: { rateLimit: { requests: null, failures: 1e9, signIns: 1e9 } } })
  document = await documentOf(api)
  operations = operationsOf(document)
  await api.sluice.run(['things'])
  dead = await deadTokens()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

async function deadTokens(): Promise<Readonly<Record<string, string>>> {
  const cause = { actor: { by: 'system', id: null, name: 'test' }, requestId: null } as const
  const { tokens } = api.sluice.access
  const revoked = await tokens.create({ name: 'revoked', role: 'admin' }, cause)
  await tokens.revoke(revoked.token.id, cause)
  const expired = await tokens.create(
    { name: 'expired', role: 'admin', expiresAt: new Date(Date.now() + 60_000) },
    cause,
  )
  await api.project.query("update sluice.token set expires_at = now() - interval '1 second' where name = 'expired'")
  const other = await tokens.create({ name: 'other', role: 'admin' }, cause)
  return {
    'none at all': '',
    'an unknown one': `Bearer slc_${'x'.repeat(43)}`,
    'not even one': 'Bearer hello',
    'an altered one': `Bearer ${other.secret.slice(0, -2)}xx`,
    'an expired one': `Bearer ${expired.secret}`,
    'a revoked one': `Bearer ${revoked.secret}`,
    'a password': `Basic ${Buffer.from(`admin:${other.secret}`).toString('base64')}`,
  }
}

async function ask(
  operation: Operation,
  authorization: string,
): Promise<Pick<LightMyRequestResponse, 'statusCode' | 'headers'>> {
  const request = await sample(api, document, operation)
  const headers = { ...request.headers, ...(authorization === '' ? {} : { authorization }) }
  const answer = await api.app.inject({ ...request, headers, payloadAsStream: true })
  answer.stream().destroy()
  return answer
}

const callers = ['none', 'viewer', 'operator', 'admin'] as const
const roleOf = (caller: (typeof callers)[number]): Role | null => (caller === 'none' ? null : caller)

function lets(needs: Needs, role: Role | null): boolean {
  return needs === null || needs === 'any' || atLeast(role, needs)
}

describe('of every operation', () => {
  test('there are many, and each says whom it lets in', () => {
    expect(operations.length).toBeGreaterThan(15)
    for (const { id, role, summary } of operations) {
      expect([null, 'any', 'viewer', 'operator', 'admin'], id).toContain(role)
      expect(summary, id).not.toBe('')
    }
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length)
  })

  // Beside the document, which says what the routes say: one that let in too many would say so there, and all else would follow.
  test('what is for admins alone, and what is for everybody, is what is meant to be', () => {
    const needing = (role: Needs) => operations.flatMap((one) => (one.role === role ? [one.id] : [])).toSorted()
    expect(needing('admin')).toEqual([
      'changePrincipal',
      'createPrincipal',
      'createSignInLink',
      'createToken',
      'getFlowTable',
      'getPrincipal',
      'listAudit',
      'listFlowRows',
      'listPrincipals',
      'listTokens',
      'removeFlow',
      'removePrincipal',
      'revokeToken',
      'saveFlow',
    ])
    expect(needing('any')).toEqual(['getSession', 'readEndpoint'])
    expect(needing(null)).toEqual(['getHealth', 'getMetrics', 'getReadiness', 'signIn', 'signOut'])
  })

  test("what changes something takes at least an operator, but for one's own session", () => {
    const changing = operations.filter(({ method }) => method !== 'GET')
    const open = changing.filter(({ role }) => role === null || role === 'any' || role === 'viewer').map(({ id }) => id)
    // Exporting and planning look at a flow, and change nothing.
    expect(open.toSorted()).toEqual(expect.arrayContaining(['signIn', 'signOut']))
    for (const id of open) expect(['signIn', 'signOut', 'exportFlow', 'planFlow', 'previewBackfill']).toContain(id)
  })

  test('a token that does not count is refused with 401, whatever is wrong with it', async () => {
    for (const operation of operations) {
      for (const [wrong, authorization] of Object.entries(dead)) {
        const { statusCode, headers } = await ask(operation, authorization)
        const said = `${operation.id} with ${wrong}`
        if (operation.role === null) expect(statusCode, said).not.toBe(401)
        else {
          expect(statusCode, said).toBe(401)
          expect(headers['www-authenticate'], said).toBe('Bearer realm="sluice"')
        }
      }
    }
  }, 120_000)

  test('each role gets what the document says, and nothing else', async () => {
    const passed: string[] = []
    for (const operation of operations) {
      for (const caller of callers) {
        const { statusCode } = await ask(operation, `Bearer ${api.tokens[caller]}`)
        const said = `${operation.id} as ${caller}: ${statusCode}`
        if (lets(operation.role, roleOf(caller))) {
          expect([401, 403], said).not.toContain(statusCode)
          if (statusCode < 300) passed.push(`${operation.id} ${caller}`)
        } else expect(statusCode, said).toBe(403)
      }
    }
    // Most of them did what they are for: the door is not all that was seen.
    expect(passed.length).toBeGreaterThan(operations.length)
  }, 120_000)
})
