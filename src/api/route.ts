/**
 * What every route has to say besides its schema. A route without a role, or an operation without id, summary and tags, does not
 * start: nothing is served by accident, nothing is undocumented.
 */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifySchema,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
  RouteOptions,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Role } from '../access/role.ts'
import type { Sluice } from '../sluice.ts'
import { problem } from './schemas.ts'

/** Who may: null everybody, 'any' every authenticated caller (even one without a role), else at least that role. */
export type Needs = Role | 'any' | null

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required on every route. */
    role?: Needs
  }
  interface FastifySchema {
    /** Written by `documented`. */
    'x-sluice-role'?: Needs
  }
}

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** A file of resources: `export const runs: Resource = (app, sluice) => { app.route({ … }) }`. */
export type Resource = (app: Api, sluice: Sluice) => void

/** The answers that any operation may give, by what guards it. */
function problemsFor(needs: Needs, method: string): Readonly<Record<number, string>> {
  return {
    400: 'the request does not fit its schema, or has text that nothing can keep',
    ...(needs === null ? {} : { 401: 'no credentials, or none that count' }),
    ...(needs === null || needs === 'any' ? {} : { 403: `the caller is no ${needs}, or another site sent it` }),
    ...(method === 'GET' ? {} : { 413: 'the body is too large', 415: 'the body is not JSON' }),
    ...(method === 'POST' && needs !== null
      ? {
          409: 'a request with this Idempotency-Key is under way',
          422: 'the Idempotency-Key was given with another request',
        }
      : {}),
    429: 'too many requests',
    500: 'a defect; the log has more under the request id',
    503: 'the state cannot be reached, or the answer took too long',
  }
}

const answer = (description: string) => ({ description, content: { 'application/problem+json': { schema: problem } } })

/** An answer that is no success, for the `response` of a route: `{ 404: problemAnswer('no such flow') }`. */
export const problemAnswer = answer

/** What the document has to know of a route, added before it is compiled. Throws where something is missing. */
export function documented(route: RouteOptions): void {
  const needs = route.config?.role
  const name = `${String(route.method)} ${route.url}`
  if (needs === undefined) throw new Error(`${name} does not say which role it needs`)
  const schema: FastifySchema = route.schema ?? {}
  if (schema.hide === true) return
  for (const part of ['operationId', 'summary', 'tags'] as const)
    if (schema[part] === undefined) throw new Error(`${name} has no ${part}`)
  if (schema.response === undefined) throw new Error(`${name} does not say what it answers`)
  // An event stream lasts as long as it is read: no answer limit but the longest there is.
  if ('text/event-stream' in contentOf(schema.response)) route.handlerTimeout = 2 ** 31 - 1
  const problems = Object.entries(problemsFor(needs, String(route.method))).map(([status, says]) => [
    status,
    answer(says),
  ])
  route.schema = {
    ...schema,
    'x-sluice-role': needs,
    security: needs === null ? [] : [{ bearer: [] }, { session: [] }],
    response: { ...Object.fromEntries(problems), ...schema.response },
  }
}

/** The media types of the success. */
function contentOf(response: unknown): object {
  const { 200: success } = response as { readonly 200?: { readonly content?: object } } // by status, as OpenAPI has it
  return success?.content ?? {}
}
