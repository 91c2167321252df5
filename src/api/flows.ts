/** Flows: what Sluice keeps true. Those of the config file can be looked at, run and paused; those made in the console changed, too. */
import { z } from 'zod'
import { SluiceError } from '../lib/error.ts'
import type { Sluice } from '../sluice.ts'
import { callerOf } from './authenticate.ts'
import { changeOf } from './change.ts'
import { pageByName } from './cursor.ts'
import { asPartOfBody } from './fit.ts'
import { overview } from './overview.ts'
import { anyOf } from './input.ts'
import { definition, flowDetail, flowPage, flowState, toFlowDetail } from './records/flow.ts'
import { type Api, problemAnswer, type Resource } from './route.ts'
import { flowName, pageOf, pageQuery, time } from './schemas.ts'

export const flowPath = z.object({ flow: flowName })
export const noFlow = problemAnswer('no such flow')

const version = z
  .object({
    flow: z.string(),
    version: z.int(),
    kind: z.string(),
    origin: z.enum(['file', 'console']),
    definition,
    definitionHash: z.string(),
    createdAt: time,
    createdBy: z.string(),
  })
  .meta({ id: 'FlowVersion', description: 'a definition that the flow had' })

const draft = z
  .strictObject({
    definition,
    version: z
      .int()
      .min(1)
      .nullable()
      .default(null)
      .describe('the version that it was made from; null: it is new. The same as If-Match'),
  })
  .meta({ id: 'FlowDraft' })

const ifMatch = z.looseObject({
  'if-match': z
    .string()
    .regex(/^"\d{1,9}"$/, 'is not a version in quotes, as "3"')
    .optional()
    .describe('the version that the change was made from, in quotes'),
})

export const flows: Resource = (app, sluice) => {
  read(app, sluice)
  write(app, sluice)
}

/** One flow with all that is said of it. `FLOW_UNKNOWN` */
async function detail(sluice: Sluice, name: string): Promise<z.output<typeof flowDetail>> {
  const { flows: found, defined } = await overview(sluice, name)
  const [base] = found
  const of = defined.get(name)
  if (base === undefined || of === undefined) throw new Error('a definition that was found is gone')
  return toFlowDetail(of, base, await sluice.engine.countSlices({ flow: of.name }))
}

function read(app: Api, sluice: Sluice): void {
  app.route({
    method: 'GET',
    url: '/api/flows',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listFlows',
      summary: 'Flows by name, with their state and what to do next',
      tags: ['Flows'],
      querystring: z.strictObject({
        state: anyOf(flowState.options, 'only flows in this state'),
        search: z.string().min(1).max(63).optional().describe('only flows whose name contains it'),
        ...pageQuery.shape,
      }),
      response: { 200: flowPage },
    },
    async handler({ query: { state, search, ...page } }) {
      const all = (await overview(sluice)).flows
      const wanted = all.filter(
        (flow) =>
          (state === undefined || state.includes(flow.state)) &&
          (search === undefined || flow.name.toLowerCase().includes(search.toLowerCase())),
      )
      return pageByName(wanted, ({ name }) => name, page)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/flows/:flow',
    config: { role: 'viewer' },
    schema: {
      operationId: 'getFlow',
      summary: 'A flow with its definition',
      tags: ['Flows'],
      params: flowPath,
      response: { 200: flowDetail, 404: noFlow },
    },
    handler: ({ params }) => detail(sluice, params.flow),
  })

  app.route({
    method: 'GET',
    url: '/api/flows/:flow/versions',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listFlowVersions',
      summary: 'The definitions that a flow had, newest first; also of a flow that was removed',
      tags: ['Flows'],
      params: flowPath,
      querystring: pageQuery,
      response: { 200: pageOf(version).meta({ id: 'FlowVersionPage' }), 404: noFlow },
    },
    async handler({ params, query }) {
      const found = (await sluice.definitions.versions(params.flow)).map((one) => ({
        ...one,
        definition: definition.parse(one.definition),
      }))
      // By number, newest first: the cursor compares texts.
      return pageByName(found, (one) => String(1_000_000_000 - one.version), query)
    },
  })
}

function write(app: Api, sluice: Sluice): void {
  app.route({
    method: 'PUT',
    url: '/api/flows/:flow',
    config: { role: 'admin', audit: 'flow.save' },
    schema: {
      operationId: 'saveFlow',
      summary: 'Make a flow in the console, or change one',
      description:
        'Checked like the config file. A flow of the config file is read-only here. POST …/plan with the definition shows beforehand what it would do.',
      tags: ['Flows'],
      params: flowPath,
      headers: ifMatch,
      body: draft,
      response: {
        200: flowDetail.describe('changed'),
        201: flowDetail.describe('made'),
        409: problemAnswer('the flow belongs to the config file, or was changed since that version'),
        422: problemAnswer('the definition does not fit its schema; each fault is named'),
      },
    },
    async handler(request, reply) {
      const { flow: name } = request.params
      const expected = versionOf(request.body.version, request.headers['if-match'])
      const before = (await sluice.definitions.list()).find((one) => one.name === name)
      const { definition: written } = request.body
      const by = callerOf(request).name
      const saved = await asPartOfBody('/definition', () => sluice.definitions.save(name, written, by, expected))
      const change = changeOf(request)
      change.before = before === undefined ? null : { version: before.version, definition: before.definition }
      change.after = { version: saved.version, definition: saved.definition }
      const answer = await detail(sluice, name)
      return before === undefined
        ? reply
            .code(201)
            .header('location', `/api/flows/${encodeURIComponent(name)}`)
            .send(answer)
        : reply.code(200).send(answer)
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/flows/:flow',
    config: { role: 'admin', audit: 'flow.remove' },
    schema: {
      operationId: 'removeFlow',
      summary: 'Remove a flow that was made in the console',
      description: 'What waits is cancelled, what runs ends. Its history stays, and so does its table.',
      tags: ['Flows'],
      params: flowPath,
      response: {
        204: z.undefined().describe('removed'),
        404: noFlow,
        409: problemAnswer('the flow belongs to the config file, or another flow comes after it'),
      },
    },
    async handler(request, reply) {
      const { flow: name } = request.params
      const before = await sluice.definitions.get(name)
      await sluice.definitions.remove(name, callerOf(request).name)
      changeOf(request).before = { version: before.version, definition: before.definition }
      return reply.code(204).send()
    },
  })
}

/** The version that a change was made from: by the body, by the header, or by both alike. */
function versionOf(body: number | null, header: string | undefined): number | null {
  if (header === undefined) return body
  const matched = Number(header.slice(1, -1))
  if (body === null || body === matched) return matched
  throw new SluiceError('REQUEST_INVALID', 'The request does not fit its schema', {
    why: `headers/if-match says version ${matched}, body/version says ${body}`,
    fix: 'send one of them, or the same',
    problems: [{ path: '/version', fault: `is not ${matched}, which If-Match says` }],
  })
}
