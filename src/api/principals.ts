/** People. */
import { z } from 'zod'
import { claims, name, role } from '../access/role.ts'
import { causeOf } from './authenticate.ts'
import { problemAnswer, type Resource } from './route.ts'
import { signInUrl } from './sign-in-url.ts'
import { pageOf, pageQuery, shownClaims, time } from './schemas.ts'

const principal = z
  .object({
    id: z.string(),
    name: z.string(),
    role,
    claims: shownClaims,
    disabled: z.boolean().describe('cannot sign in; sessions have ended, tokens are refused'),
    createdAt: time,
    createdBy: z.string(),
    lastSeenAt: time.nullable(),
  })
  .meta({ id: 'Principal', description: 'a person' })

const newPrincipal = z.strictObject({ name, role, claims: claims.default({}) }).meta({ id: 'NewPrincipal' })
const changes = z
  .strictObject({
    name: name.optional(),
    role: role.optional(),
    claims: claims.optional(),
    disabled: z.boolean().optional(),
  })
  .meta({ id: 'PrincipalChanges', description: 'what is left out stays' })
const link = z
  .object({
    url: z.string().describe('opens the console, signed in; works once'),
    expiresAt: time,
  })
  .meta({ id: 'SignInLink' })

const principalId = z.object({ principal: z.uuid().describe("the person's id") })

export const principals: Resource = (app, { access }) => {
  const unknown = { 404: problemAnswer('no such person') }

  app.route({
    method: 'GET',
    url: '/api/principals',
    config: { role: 'admin' },
    schema: {
      operationId: 'listPrincipals',
      summary: 'People, newest first',
      tags: ['Access'],
      querystring: pageQuery,
      response: { 200: pageOf(principal).meta({ id: 'PrincipalPage' }) },
    },
    handler: async ({ query }) => access.principals.list({ limit: query.limit, cursor: query.cursor ?? null }),
  })

  app.route({
    method: 'POST',
    url: '/api/principals',
    config: { role: 'admin', audit: 'access' },
    schema: {
      operationId: 'createPrincipal',
      summary: 'Add a person',
      tags: ['Access'],
      body: newPrincipal,
      response: { 201: principal, 409: problemAnswer('another person has that name') },
    },
    async handler(request, reply) {
      const made = await access.principals.create(request.body, causeOf(request))
      return reply.code(201).header('location', `/api/principals/${made.id}`).send(made)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/principals/:principal',
    config: { role: 'admin' },
    schema: {
      operationId: 'getPrincipal',
      summary: 'A person',
      tags: ['Access'],
      params: principalId,
      response: { 200: principal, ...unknown },
    },
    handler: async ({ params }) => access.principals.get(params.principal),
  })

  app.route({
    method: 'PATCH',
    url: '/api/principals/:principal',
    config: { role: 'admin', audit: 'access' },
    schema: {
      operationId: 'changePrincipal',
      summary: 'Change a person: name, role, claims, disabled',
      tags: ['Access'],
      params: principalId,
      body: changes,
      response: { 200: principal, ...unknown, 409: problemAnswer('the name is taken, or it is the last admin') },
    },
    handler: async (request) =>
      access.principals.change(request.params.principal, given(request.body), causeOf(request)),
  })

  app.route({
    method: 'DELETE',
    url: '/api/principals/:principal',
    config: { role: 'admin', audit: 'access' },
    schema: {
      operationId: 'removePrincipal',
      summary: 'Remove a person, with sessions; tokens made for it are revoked',
      tags: ['Access'],
      params: principalId,
      response: { 204: z.undefined().describe('removed'), ...unknown, 409: problemAnswer('it is the last admin') },
    },
    async handler(request, reply) {
      await access.principals.remove(request.params.principal, causeOf(request))
      return reply.code(204).send()
    },
  })

  app.route({
    method: 'POST',
    url: '/api/principals/:principal/link',
    config: { role: 'admin', audit: 'access' },
    schema: {
      operationId: 'createSignInLink',
      summary: 'A link that signs this person in, once, within 10 minutes',
      tags: ['Access'],
      params: principalId,
      response: { 201: link, ...unknown },
    },
    async handler(request, reply) {
      const { code, expiresAt } = await access.link(causeOf(request), request.params.principal)
      const base = app.settings.publicUrl ?? new URL(`${request.protocol}://${request.host}`)
      return reply.code(201).send({ url: signInUrl(base, code), expiresAt })
    },
  })
}

/** Without the keys that were not given: to leave one out and to give nothing are the same. */
function given<T extends object>(body: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof given<T>
  > // the same keys, but those
}
