/**
 * The table that a flow writes, row by row. Bound to no claim: only for admins, who could give themselves any claim.
 */
import { z } from 'zod'
import { askedOf, endpoint, refusals, rows, sendAnswer, toEndpoint, unchecked } from './data.ts'
import { flowPath, noFlow } from './flows.ts'
import type { Resource } from './route.ts'

export const tableRows: Resource = (app, { tables }) => {
  app.route({
    method: 'GET',
    url: '/api/flows/:flow/table',
    config: { role: 'admin' },
    schema: {
      operationId: 'getFlowTable',
      summary: 'The table that a flow writes: its columns, and how its rows can be asked for',
      tags: ['Data'],
      params: flowPath,
      response: { 200: endpoint, 404: noFlow },
    },
    async handler({ params }) {
      const described = toEndpoint(await tables.describe(params.flow))
      return { ...described, path: `/api/flows/${encodeURIComponent(params.flow)}/rows` }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/flows/:flow/rows',
    config: { role: 'admin' },
    validatorCompiler: unchecked,
    schema: {
      operationId: 'listFlowRows',
      summary: 'Rows of the table that a flow writes',
      description: 'Every column filters: `column=value` or `column.operator=value`, as of an endpoint.',
      tags: ['Data'],
      params: flowPath,
      querystring: z.looseObject({}),
      response: { 200: rows, ...refusals },
    },
    async handler(request, reply) {
      const given = request.headers['if-none-match']
      const answer = await tables.read(
        request.params.flow,
        askedOf(request),
        given === undefined ? {} : { ifNoneMatch: given },
      )
      return sendAnswer(answer, reply)
    },
  })
}
