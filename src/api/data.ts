/**
 * Rows out to an application. Every endpoint of the config is an operation of its own; its parameters and columns come into the
 * OpenAPI document when that is asked for. What a caller may ask is checked by the endpoint itself, which names what it refuses.
 */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { EndpointAnswer, EndpointDescription } from '../endpoints/endpoints.ts'
import { SluiceError } from '../lib/error.ts'
import type { Sluice } from '../sluice.ts'
import { callerOf } from './authenticate.ts'
import { pageByName } from './cursor.ts'
import { addressesOf, lately } from './data-document.ts'
import { type Api, problemAnswer, type Resource } from './route.ts'
import { json, pageOf, pageQuery } from './schemas.ts'

const parameter = z
  .object({
    name: z.string().describe('as in the query string: `school`, `week_start.gte`, `limit`'),
    role: z.enum(['filter', 'param', 'search', 'sort', 'select', 'limit', 'cursor']),
    column: z.string().nullable(),
    operator: z.enum(['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'contains', 'between']).nullable(),
    type: z.string().nullable().describe("PostgreSQL's name of the type; null while the table was not looked at"),
    required: z.boolean(),
    description: z.string(),
    schema: json.describe('a JSON schema of the value as it stands in the query string'),
  })
  .meta({ id: 'EndpointParameter' })

const column = z
  .object({
    name: z.string(),
    type: z.string(),
    nullable: z.boolean(),
    schema: json.describe('a JSON schema of the value in an answer'),
  })
  .meta({ id: 'EndpointColumn' })

export const endpoint = z
  .object({
    name: z.string(),
    path: z.string().describe('`/api/data/<name>`'),
    alias: z.string().nullable().describe('where it answers besides'),
    summary: z.string().nullable(),
    store: z.string(),
    table: z.string().nullable().describe('null for a query'),
    shape: z.enum(['page', 'list', 'one', 'distinct']),
    parameters: z.array(parameter),
    columns: z.array(column).nullable().describe('null while the table was not looked at'),
    claims: z.array(z.string()).describe('the claims that its rows are bound to; empty: not bound'),
    scope: json,
    page: z.object({ size: z.int(), max: z.int() }).nullable(),
    flows: z.array(z.string()).describe('the flows whose publications tell its age'),
    answer: json.describe('a JSON schema of the whole answer'),
    problem: z.string().nullable().describe('why it cannot answer just now'),
  })
  .meta({ id: 'Endpoint', description: 'serves a table of the application' })

const names = z.object({ endpoint: z.string().min(1).max(200).describe("the endpoint's name") })

/** JSON that the database has written, and that is passed on as it is. */
export const rows = {
  description: 'rows',
  headers: {
    'Sluice-As-Of': { type: 'string', format: 'date-time', description: 'when the oldest of what it shows was true' },
    ETag: { type: 'string', description: 'for If-None-Match' },
  },
  content: { 'application/json': { schema: z.unknown() } },
}

/** What an endpoint may answer besides rows; the same for all. */
export const refusals = {
  304: z.undefined().describe('nothing was published since the ETag of If-None-Match'),
  404: problemAnswer('no such endpoint, or no row where one was asked for'),
  410: problemAnswer('the rows were published anew since the first page: begin again'),
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The endpoints with the columns that their tables have now, or had a moment ago. */
    endpointsLately: () => Promise<readonly EndpointDescription[]>
  }
}

export const data: Resource = (app, sluice) => {
  app.decorate('endpointsLately', lately(sluice.endpoints))
  app.route({
    method: 'GET',
    url: '/api/data',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listEndpoints',
      summary: 'The endpoints of the config, with parameters and columns',
      tags: ['Data'],
      querystring: pageQuery,
      response: { 200: pageOf(endpoint).meta({ id: 'EndpointPage' }) },
    },
    async handler({ query }) {
      return pageByName((await sluice.endpoints.describe()).map(toEndpoint), ({ name }) => name, query)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/data/:endpoint',
    config: { role: 'any' },
    validatorCompiler: unchecked,
    schema: {
      operationId: 'readEndpoint',
      summary: 'Rows of an endpoint',
      description:
        'Filters are `column=value` or `column.operator=value`; each endpoint has those of its own operation, and refuses others by name.',
      tags: ['Data'],
      params: names,
      querystring: z.looseObject({}),
      response: { 200: rows, ...refusals },
    },
    handler: (request, reply) => send(sluice, request.params.endpoint, request, reply),
  })

  const operations = new Set<string>()
  for (const one of sluice.endpoints.list()) serve(app, sluice, one, operations)
}

/** The operations of one endpoint: under its name, and where its config says. */
function serve(app: Api, sluice: Sluice, described: EndpointDescription, operations: Set<string>): void {
  const add = (url: string, operation: string | null): void => {
    if (app.hasRoute({ method: 'GET', url })) {
      throw new SluiceError('CONFIG_INVALID', 'Two things would answer at one address', {
        why: `endpoints.${described.name}.path: ${url} is taken`,
        fix: 'give the endpoint another path',
      })
    }
    app.route({
      method: 'GET',
      url,
      config: { role: 'any' },
      validatorCompiler: unchecked,
      schema:
        operation === null
          ? { hide: true }
          : {
              operationId: unique(operation, operations),
              summary: described.summary ?? `Rows of ${described.table ?? described.name}`,
              description: scopeWords(described),
              tags: ['Data'],
              querystring: z.looseObject({}),
              response: { 200: rows, ...refusals },
            },
      handler: (request, reply) => send(sluice, described.name, request, reply),
    })
  }
  const operation = `data${pascal(described.name)}`
  const [own, alias] = addressesOf(described)
  if (own !== undefined) add(own, operation)
  if (alias === undefined) return
  add(alias, `${operation}Alias`)
  // Clients written for Django end paths with a slash.
  add(`${alias}/`, null)
}

async function send(sluice: Sluice, name: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const given = request.headers['if-none-match']
  const answer = await sluice.endpoints.read(
    name,
    askedOf(request),
    callerOf(request),
    given === undefined ? {} : { ifNoneMatch: given },
  )
  return sendAnswer(answer, reply)
}

/** As the query string is parsed. */
export const askedOf = (request: FastifyRequest) =>
  request.query as Readonly<Record<string, string | readonly string[]>>

export function sendAnswer(answer: EndpointAnswer, reply: FastifyReply): FastifyReply {
  // May be kept by who asked, and has to be asked about again each time: two callers see two answers.
  void reply.header('cache-control', 'private, no-cache').header('vary', 'Authorization, Cookie')
  if (answer.asOf !== null) void reply.header('sluice-as-of', answer.asOf.toISOString())
  if (answer.etag !== null) void reply.header('etag', answer.etag)
  if (answer.status === 304) return reply.code(304).send()
  const { body } = answer
  void reply.type('application/json; charset=utf-8')
  return reply.send(typeof body === 'string' || body instanceof Uint8Array ? body : Readable.from(body))
}

export function toEndpoint(described: EndpointDescription): z.output<typeof endpoint> {
  const { path, parameters, columns, claims, scope, flows, answer, ...rest } = described
  return {
    ...rest,
    path: `/api/data/${encodeURIComponent(described.name)}`,
    alias: path,
    parameters: parameters.map((one) => ({ ...one, schema: json.parse(one.schema) })),
    columns: columns?.map((one) => ({ ...one, schema: json.parse(one.schema) })) ?? null,
    claims: [...claims],
    scope: scope === undefined || scope === null ? null : json.parse(scope),
    flows: [...flows],
    answer: json.parse(answer),
  }
}

function scopeWords({ claims }: EndpointDescription): string {
  return claims.length === 0
    ? 'Rows are not bound to claims.'
    : `Rows are bound to the caller's claims: ${claims.join(', ')}. Without them there is no row.`
}

/** The endpoint itself names what it refuses, better than a schema could. */
export function unchecked() {
  return (value: unknown) => ({ value })
}

function pascal(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
}

function unique(wanted: string, taken: Set<string>): string {
  let name = wanted
  for (let n = 2; taken.has(name); n += 1) name = `${wanted}${n}`
  taken.add(name)
  return name
}
