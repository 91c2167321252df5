/** A stream outlives the moment at which its caller was let in: now and then the caller is looked at again. */
import type { FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import { atLeast, type Role } from '../access/role.ts'
import { SluiceError } from '../lib/error.ts'
import { sessionCookie } from './cookie.ts'
import { bearerOf } from './secret.ts'

/** Whether who opened the stream may still read it. Where nobody can tell just now, it goes on. */
export function stillMay(request: FastifyRequest, access: Access, needs: Role): () => Promise<boolean> {
  const { authorization } = request.headers
  const cookie = request.cookies[sessionCookie(request, request.server.settings)]
  return async () => {
    try {
      const caller =
        authorization === undefined
          ? (await access.session(cookie ?? '')).caller
          : await access.authenticate(bearerOf(request))
      return atLeast(caller.role, needs)
    } catch (error) {
      return !(error instanceof SluiceError && error.code === 'UNAUTHENTICATED')
    }
  }
}
