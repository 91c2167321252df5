/** The console's cookie. Scripts cannot read it, other sites cannot make a browser send it. */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SignedIn } from '../access/access.ts'
import type { ApiSettings } from './config.ts'
import { isSecure } from './security.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Cookies know no ports: two projects on one machine would sign each other out under one name. */
    cookieName: string
  }
}

export function cookieName(project: string): string {
  return `sluice_${createHash('sha256').update(project).digest('hex').slice(0, 8)}`
}

/** `__Host-`: the browser takes it from https alone, for this host alone. */
export function sessionCookie(request: FastifyRequest, settings: ApiSettings): string {
  const name = request.server.cookieName
  return isSecure(request, settings) ? `__Host-${name}` : name
}

export function setSession(
  request: FastifyRequest,
  reply: FastifyReply,
  opened: SignedIn,
  settings: ApiSettings,
): void {
  void reply.setCookie(sessionCookie(request, settings), opened.cookie, {
    ...attributes(request, settings),
    expires: opened.expiresAt,
  })
}

export function clearSession(request: FastifyRequest, reply: FastifyReply, settings: ApiSettings): void {
  void reply.clearCookie(sessionCookie(request, settings), attributes(request, settings))
}

function attributes(request: FastifyRequest, settings: ApiSettings) {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: isSecure(request, settings) } as const
}
