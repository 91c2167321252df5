/** Tokens of Sluice. A secret is shown in the answer that made it, and never again. */
import { z } from 'zod'
import { claims, name, role } from '../access/role.ts'
import { causeOf } from './authenticate.ts'
import { problemAnswer, type Resource } from './route.ts'
import { futureTime, pageOf, pageQuery, shownClaims, time } from './schemas.ts'

const person = z.object({ id: z.string(), name: z.string() })

const token = z
  .object({
    id: z.string(),
    name: z.string(),
    prefix: z.string().describe('the first characters of the secret, to tell tokens apart by'),
    role: role.nullable().describe('null: may only read endpoints'),
    claims: shownClaims,
    principal: person.nullable().describe('the person it acts for'),
    state: z.enum(['active', 'expired', 'revoked']),
    createdAt: time,
    createdBy: z.string(),
    expiresAt: time.nullable(),
    lastUsedAt: time.nullable().describe('to the minute'),
    revokedAt: time.nullable(),
    revokedBy: z.string().nullable(),
  })
  .meta({ id: 'Token', description: 'a token, without its secret' })

const newToken = z
  .strictObject({
    name,
    role: role.nullable().describe('null: may only read endpoints'),
    claims: claims.default({}),
    expiresAt: futureTime.nullable().default(null).describe('null: it does not expire'),
    principal: z.uuid().nullable().default(null).describe('the person it acts for: never with more than that role'),
  })
  .meta({ id: 'NewToken' })

const tokenId = z.object({ token: z.uuid().describe("the token's id") })

export const tokens: Resource = (app, { access }) => {
  app.route({
    method: 'GET',
    url: '/api/tokens',
    config: { role: 'admin' },
    schema: {
      operationId: 'listTokens',
      summary: 'Tokens, newest first',
      tags: ['Access'],
      querystring: pageQuery,
      response: { 200: pageOf(token).meta({ id: 'TokenPage' }) },
    },
    handler: async ({ query }) => access.tokens.list({ limit: query.limit, cursor: query.cursor ?? null }),
  })

  app.route({
    method: 'POST',
    url: '/api/tokens',
    config: { role: 'admin', audit: 'access' },
    schema: {
      operationId: 'createToken',
      summary: 'Make a token',
      description: 'The secret is in this answer and nowhere else: only its hash is kept.',
      tags: ['Access'],
      body: newToken,
      response: {
        201: z.object({
          secret: z.string().nullable().describe('null when the answer is repeated for an Idempotency-Key'),
          token,
        }),
        404: problemAnswer('no such person'),
      },
    },
    async handler(request, reply) {
      const made = await access.tokens.create(request.body, causeOf(request))
      return reply.code(201).header('location', `/api/tokens/${made.token.id}`).send(made)
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/tokens/:token',
    config: { role: 'admin', audit: 'access' },
    schema: {
      operationId: 'revokeToken',
      summary: 'Revoke a token',
      description: 'From now on it is refused, and sessions opened with it end. Its record stays.',
      tags: ['Access'],
      params: tokenId,
      response: { 200: token, 404: problemAnswer('no such token') },
    },
    handler: async (request) => access.tokens.revoke(request.params.token, causeOf(request)),
  })
}
