/**
 * `Idempotency-Key` on POST: the same request under the same key is done once, and answered the same again.
 *
 * An answer that is said again ends the request here: the audit, which comes after, sees nothing of it.
 *
 *   new key ──▶ handler ──▶ done: kept         again ──▶ the same answer, Idempotency-Replayed: true
 *                       └─▶ refused or failed: forgotten, may be tried again
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Access, IdempotencyClaim } from '../access/access.ts'
import { SluiceError } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'

declare module 'fastify' {
  interface FastifyRequest {
    idempotency: IdempotencyClaim | null
  }
}

const key = z.string().regex(/^[\x21-\x7e]{1,200}$/)

/** The headers that an answer is made of, as far as they are ours. */
const kept = ['content-type', 'location', 'preference-applied'] as const

export function idempotency(app: FastifyInstance, access: Access): void {
  app.decorateRequest('idempotency', null)
  app.addHook('preHandler', async (request, reply) => {
    const given = request.headers['idempotency-key']
    if (given === undefined || request.method !== 'POST' || request.caller === null) return undefined
    const parsed = key.safeParse(given)
    if (!parsed.success) {
      throw new SluiceError('REQUEST_INVALID', 'The Idempotency-Key is malformed', {
        why: 'it has to be 1 to 200 printable ASCII characters without spaces',
        fix: 'send a UUID',
        problems: [{ path: 'idempotency-key', fault: 'has to be 1 to 200 printable ASCII characters without spaces' }],
      })
    }
    const begun = await access.idempotency.begin(parsed.data, request.caller, {
      method: request.method,
      path: request.url,
      body: (request.body ?? null) as Json, // parsed from JSON
    })
    if (begun.tag === 'proceed') {
      request.idempotency = begun.claim
      return undefined
    }
    const { status, headers, body } = begun.answer
    return reply
      .code(status)
      .headers({ ...headers, 'idempotency-replayed': 'true' })
      .serializer((payload: unknown) => (typeof payload === 'string' ? payload : JSON.stringify(payload)))
      .send(body === null ? undefined : body)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const claim = request.idempotency
    if (claim === null) return payload
    request.idempotency = null
    if (!settled(reply.statusCode)) {
      await claim.abandon()
      return payload
    }
    const headers = Object.fromEntries(
      kept.flatMap((name) => {
        const value = reply.getHeader(name)
        return value === undefined ? [] : [[name, String(value)]]
      }),
    )
    const body = typeof payload === 'string' && payload !== '' ? read(payload, headers['content-type']) : null
    await claim.complete({ status: reply.statusCode, headers, body })
    return payload
  })
}

/** Done, or a run that was waited for and failed (502): work that is not to be done again under this key. */
const settled = (status: number): boolean => status < 400 || status === 502

/** JSON of our own as what it says, so that secrets in it can be left out; any other text as it is. */
function read(payload: string, type: string | undefined): Json {
  return type?.includes('json') === true ? (JSON.parse(payload) as Json) : payload // our own JSON
}
