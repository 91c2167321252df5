/**
 * The audit: every operation that can change something says under which action. Its row is written before it begins, so that whoever
 * dies on the way leaves one, and says how it ended before the answer leaves. A resource adds what it knows
 * (`request.change.before = …`) as soon as it is so; it cannot leave the row out.
 *
 *   row: unfinished ──▶ handler ──▶ refused (4xx), nothing changed: the row goes
 *                               └─▶ answered or failed: what is known now ──▶ answer
 */
import type {
  FastifyInstance,
  FastifyRequest,
  onSendAsyncHookHandler,
  preHandlerAsyncHookHandler,
  RouteOptions,
} from 'fastify'
import type { Access, BegunAudit } from '../access/access.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Json } from '../lib/json.ts'
import { causeOf } from './authenticate.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required on every operation but GET: `flow.pause`; 'access': `access` writes it, in the transaction of the change. */
    audit?: string
  }
  interface FastifyRequest {
    /** What the audit says of this request; null on routes that change nothing. */
    change: Change | null
    /** The row of the change; null: none was begun, or it says how it ended. */
    audit: BegunAudit | null
  }
}

export interface Change {
  /** What it is done to. Default: what the address names. */
  subject: string
  before: Json
  /** What has been changed so far: a refusal after that does not take the row away. */
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
  app.decorateRequest('audit', null)
  const begin =
    (action: string): preHandlerAsyncHookHandler =>
    async (request) => {
      const subject = Object.values(request.params ?? {})
        .map(String)
        .join('/')
      request.audit = await access.audit.begin({ action, subject }, causeOf(request))
      request.change = { subject, before: null, after: null }
    }
  const end: onSendAsyncHookHandler = async (request, reply, payload) => {
    const { audit: row, change } = request
    if (row === null || change === null) return payload
    // Once, even if what comes after fails and the error is sent instead.
    request.audit = null
    await failpoint('audit:before-complete')
    const status = reply.statusCode
    if (isRefusal(status) && change.after === null) await row.abandon()
    // It broke on the way, and may have been done or not: who looks has to know that.
    else await row.complete(status >= 500 && change.after === null ? { ...change, after: { failed: status } } : change)
    return payload
  }
  app.addHook('onRoute', (route) => {
    const action = route.config?.audit
    if (action === undefined || action === 'access') return
    route.preHandler = [route.preHandler ?? [], begin(action)].flat()
    route.onSend = [route.onSend ?? [], end].flat()
  })
}

const isRefusal = (status: number): boolean => status >= 400 && status < 500
