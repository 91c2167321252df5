/**
 * Who calls, and whether that is enough for the route: checked before the body is read. A token comes in the Authorization header, the
 * console's session in a cookie; the header wins. What changes something and comes by cookie has to prove that our own page sent it.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Access, Caller, Cause, OpenSession } from '../access/access.ts'
import { atLeast, type Role } from '../access/role.ts'
import { SluiceError } from '../lib/error.ts'
import type { ApiSettings } from './config.ts'
import { sessionCookie } from './cookie.ts'
import { isOwnOrigin } from './host.ts'
import { bearerOf, sameSecret } from './secret.ts'
import { tooMany } from './security.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** null on public routes only. */
    caller: Caller | null
    /** The session that the caller came with; null: a token. */
    session: OpenSession | null
  }
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Error('a public route has no caller')
  return request.caller
}

/** Who changes something, for the audit. */
export function causeOf(request: FastifyRequest): Cause {
  const { by, id, name } = callerOf(request)
  return { actor: { by, id, name }, requestId: request.id }
}

export function authenticate(app: FastifyInstance, access: Access, settings: ApiSettings): void {
  app.decorateRequest('caller', null)
  app.decorateRequest('session', null)
  const failures = app.createRateLimit({
    max: settings.rateLimit.failures,
    timeWindow: 60_000,
    keyGenerator: (request) => `refused ${request.ip}`,
  })
  app.addHook('onRequest', async (request, reply) => {
    const needs = request.routeOptions.config.role
    if (needs === undefined || needs === null) return
    try {
      await identify(request, access, settings)
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'UNAUTHENTICATED') throw error
      // Only who is refused is held up: behind a proxy one address is everybody's.
      const soFar = await failures(request)
      if (soFar.isAllowed || !soFar.isExceeded) throw error
      void reply.header('retry-after', soFar.ttlInSeconds)
      throw tooMany(soFar.ttl)
    }
    if (request.session !== null && isUnsafe(request.method)) refuseForged(request, request.session, settings)
    if (needs !== 'any') demand(callerOf(request), needs)
  })
}

/** Refuses a caller who lacks a role that not every request of the route takes. `FORBIDDEN`. */
export function demand({ role }: Caller, needed: Role): void {
  if (atLeast(role, needed)) return
  throw new SluiceError('FORBIDDEN', `This takes the role ${needed}`, {
    why: role === null ? 'who asks has no role here: it may only read endpoints' : `who asks is ${role}`,
    fix: `ask with a token of role ${needed}, or let an admin change the role`,
  })
}

async function identify(request: FastifyRequest, access: Access, settings: ApiSettings): Promise<void> {
  if (request.headers.authorization !== undefined) {
    request.caller = await access.authenticate(bearerOf(request))
    return
  }
  const cookie = request.cookies[sessionCookie(request, settings)]
  if (cookie === undefined) {
    throw new SluiceError('UNAUTHENTICATED', 'Who are you?', {
      why: 'the request has neither a token nor a session',
      fix: 'send `Authorization: Bearer <token>` (`sluice token create` makes one), or sign in to the console',
    })
  }
  request.session = await access.session(cookie)
  request.caller = request.session.caller
}

const isUnsafe = (method: string): boolean => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'

function refuseForged(request: FastifyRequest, session: OpenSession, settings: ApiSettings): void {
  refuseForeign(request, settings)
  const given = request.headers['x-csrf-token']
  if (typeof given === 'string' && sameSecret(given, session.csrf)) return
  throw forged(
    'the header X-CSRF-Token is missing or not the one of this session',
    'send `csrf` of GET /api/session in it',
  )
}

/** Refuses what a browser says comes from a page that is not ours. Programs send no Origin. */
export function refuseForeign(request: FastifyRequest, settings: ApiSettings): void {
  const { origin, host } = request.headers
  if (origin !== undefined && !isOwnOrigin(origin, host, settings))
    throw forged('its Origin is not this server', 'use the console of this server, or a token')
  const site = request.headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return
  throw forged('the browser says that another site sent it', 'use the console of this server, or a token')
}

function forged(why: string, fix: string): SluiceError {
  return new SluiceError('ORIGIN_REFUSED', 'The request may be forged by another site', { why, fix })
}
