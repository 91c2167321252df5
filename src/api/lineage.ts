/** What reads what, left to right. */
import { z } from 'zod'
import type { Resource } from './route.ts'

const node = z
  .object({
    id: z.string(),
    tag: z.enum(['source', 'flow', 'target', 'endpoint']),
    name: z.string(),
    store: z.string().nullable().meta({ description: 'of sources and targets' }),
  })
  .meta({ id: 'LineageNode' })

const edge = z
  .object({
    from: z.string().meta({ description: 'the id of a node' }),
    to: z.string(),
    tag: z
      .enum(['reads', 'writes', 'after', 'serves'])
      .meta({ description: '`after`: the second waits for the first' }),
  })
  .meta({ id: 'LineageEdge' })

const lineageSchema = z.object({ nodes: z.array(node), edges: z.array(edge) }).meta({ id: 'Lineage' })

export const lineage: Resource = (app, sluice) => {
  app.route({
    method: 'GET',
    url: '/api/lineage',
    config: { role: 'viewer' },
    schema: {
      operationId: 'getLineage',
      summary: 'Sources, flows, targets and endpoints, and what reads what',
      tags: ['Flows'],
      querystring: z.strictObject({}),
      response: { 200: lineageSchema },
    },
    async handler() {
      const { nodes, edges } = await sluice.definitions.lineage()
      return { nodes: [...nodes], edges: [...edges] }
    },
  })
}
