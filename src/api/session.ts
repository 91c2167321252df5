/** Signing in to the console: by a link that works once, or by a token; and out again. */
import { z } from 'zod'
import type { About, Access, Caller, SignedIn } from '../access/access.ts'
import { callerOf, refuseForeign } from './authenticate.ts'
import { clearSession, sessionCookie, setSession } from './cookie.ts'
import { callerShape } from './records/caller.ts'
import { problemAnswer, type Resource } from './route.ts'
import { time } from './schemas.ts'

const session = z
  .object({
    caller: callerShape,
    csrf: z
      .string()
      .nullable()
      .describe('send it as X-CSRF-Token with what changes something; null: a token needs none'),
    expiresAt: time.nullable().describe('when the session ends at the latest; null: the caller came with a token'),
    project: z.string(),
    version: z.string().describe('of Sluice'),
  })
  .meta({ id: 'Session', description: 'who you are, and what a page needs to change something' })

const credentials = z
  .union([
    z.strictObject({ code: z.string().min(1).max(200).describe('of a link that `sluice up` printed; works once') }),
    z.strictObject({ token: z.string().min(1).max(1_000).describe('a token of Sluice') }),
  ])
  .meta({ id: 'Credentials' })

interface Shown {
  readonly caller: Caller
  readonly csrf: string | null
  readonly expiresAt: Date | null
}

export const sessions: Resource = (app, { access, project }) => {
  const { settings, release } = app
  const shown = ({ caller, csrf, expiresAt }: Shown) => ({ caller, csrf, expiresAt, project, version: release })

  app.route({
    method: 'GET',
    url: '/api/session',
    config: { role: 'any' },
    schema: {
      operationId: 'getSession',
      summary: 'Who I am',
      tags: ['Session'],
      response: { 200: session },
    },
    handler: (request) => shown(request.session ?? { caller: callerOf(request), csrf: null, expiresAt: null }),
  })

  app.route({
    method: 'POST',
    url: '/api/session',
    config: {
      role: null,
      audit: 'access',
      rateLimit: {
        max: settings.rateLimit.signIns,
        timeWindow: 60_000,
        keyGenerator: (request) => `sign-in ${request.ip}`,
      },
    },
    schema: {
      operationId: 'signIn',
      summary: 'Sign in to the console, by the code of a link or by a token',
      description: 'Answers with a cookie that scripts cannot read.',
      tags: ['Session'],
      body: credentials,
      response: {
        201: session,
        401: problemAnswer('the code or token is unknown, expired, used or revoked'),
        403: problemAnswer('another site sent it'),
      },
    },
    async handler(request, reply) {
      refuseForeign(request, settings)
      const opened = await open(access, request.body, {
        ip: request.ip,
        userAgent: request.headers['user-agent']?.slice(0, 500) ?? null,
        requestId: request.id,
      })
      setSession(request, reply, opened, settings)
      return reply.code(201).send(shown(opened))
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/session',
    config: { role: null, audit: 'access' },
    schema: {
      operationId: 'signOut',
      summary: 'Sign out',
      description: 'Ends the session of the cookie. Without one there is nothing to end, and that is no error.',
      tags: ['Session'],
      response: { 204: z.undefined().describe('signed out'), 403: problemAnswer('another site sent it') },
    },
    async handler(request, reply) {
      refuseForeign(request, settings)
      const cookie = request.cookies[sessionCookie(request, settings)]
      if (cookie !== undefined) await access.signOut(cookie, request.id)
      clearSession(request, reply, settings)
      return reply.code(204).send()
    },
  })
}

function open(access: Access, given: z.output<typeof credentials>, about: About): Promise<SignedIn> {
  return 'code' in given ? access.redeem(given.code, about) : access.signIn(given.token, about)
}
