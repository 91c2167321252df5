/**
 * The audit: every operation that can change something says under which action, and its row is written before its answer leaves. A
 * resource adds what it knows (`request.change.before = …`); it cannot leave the row out.
 *
 *   handler done ──▶ refused (4xx): nothing changed, no row
 *                └─▶ answered or failed: row ──▶ answer
 */
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import type { Access, Actor } from '../access/access.ts'
import type { Json } from '../lib/json.ts'
import { callerOf } from './authenticate.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required on every operation but GET: `flow.pause`; 'access': `access` writes it, in the transaction of the change. */
    audit?: string
  }
  interface FastifyRequest {
    /** What the audit says of this request; null on routes that change nothing. */
    change: Change | null
  }
}

export interface Change {
  /** What it is done to. Default: what the address names. */
  subject: string
  before: Json
  after: Json
}

/** The change of a route that has `audit`. */
export function changeOf(request: FastifyRequest): Change {
  if (request.change === null) throw new Error('a route without `audit` changes nothing')
  return request.change
}

/** Throws for a route that could change something and does not say under which action. */
export function audited(route: RouteOptions): void {
  const methods = [route.method].flat()
  if (methods.every((method) => method === 'GET' || method === 'HEAD' || method === 'OPTIONS')) return
  if (route.config?.audit === undefined)
    throw new Error(`${methods.join()} ${route.url} does not say what the audit calls it`)
}

export function audit(app: FastifyInstance, access: Access): void {
  app.decorateRequest('change', null)
  app.addHook('preHandler', async (request) => {
    const { audit: action } = request.routeOptions.config
    if (action === undefined || action === 'access') return
    const named = Object.values(request.params ?? {}).map(String)
    request.change = { subject: named.join('/'), before: null, after: null }
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const { change } = request
    const { audit: action } = request.routeOptions.config
    if (change === null || action === undefined || refused(reply.statusCode)) return payload
    // Once, even if what comes after fails and the error is sent instead.
    request.change = null
    // It broke on the way, and may have been done or not: who looks has to know that.
    const after = reply.statusCode >= 500 && change.after === null ? { failed: reply.statusCode } : change.after
    await access.audit.record({ action, ...change, after }, { actor: actorOf(request), requestId: request.id })
    return payload
  })
}

const refused = (status: number): boolean => status >= 400 && status < 500

function actorOf(request: FastifyRequest): Actor {
  const { by, id, name } = callerOf(request)
  return { by, id, name }
}
