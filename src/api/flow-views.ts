/** A flow over time, and on both sides: what its runs published, and the columns of source and target. */
import { z } from 'zod'
import { flowPath, noFlow } from './flows.ts'
import { flowOf } from './overview.ts'
import { given } from './input.ts'
import { looking } from './look.ts'
import { changes } from './records/run.ts'
import { problemAnswer, type Resource } from './route.ts'
import { id, time, timeParameter } from './schemas.ts'

const historyPoint = z
  .object({
    run: id,
    at: time.describe('when it ended'),
    rows: z.number().nullable().meta({ description: 'of the slices that it published' }),
    changes: changes.nullable(),
    seconds: z.number().nullable().meta({ description: 'from its first attempt to its end' }),
  })
  .meta({ id: 'HistoryPoint' })

const sourceColumn = z.object({
  name: z.string(),
  type: z.string().meta({ description: 'as PostgreSQL writes it' }),
  sourceType: z.string().meta({ description: "in the source's own words" }),
})

const columnPair = z
  .object({
    source: sourceColumn.nullable().meta({ description: 'null: the source does not have it' }),
    target: z
      .object({ name: z.string(), type: z.string(), nullable: z.boolean() })
      .nullable()
      .meta({ description: 'as it stands; null: the table does not have it' }),
    planned: z
      .object({ name: z.string(), type: z.string() })
      .nullable()
      .meta({ description: 'what the flow makes of it; null: it is left alone' }),
    drift: z.enum(['none', 'added', 'unread', 'ignored', 'differs']).meta({
      description:
        '`added`: the next run adds it to the table; `unread`: only the table has it; `ignored`: only the source has it; `differs`: the types differ',
    }),
    says: z.string().nullable(),
  })
  .meta({ id: 'ColumnPair', description: 'a column on both sides' })

const flowSchema = z
  .object({
    flow: z.string(),
    columns: z.array(columnPair),
    ddl: z.object({ source: z.string(), target: z.string() }).meta({ description: 'the same as SQL' }),
  })
  .meta({ id: 'FlowSchema', description: 'the columns of both sides, and where they drift apart' })

export const flowViews: Resource = (app, sluice) => {
  app.route({
    method: 'GET',
    url: '/api/flows/:flow/history',
    config: { role: 'viewer' },
    schema: {
      operationId: 'getFlowHistory',
      summary: 'What the runs of a flow published, oldest first: the newest that fit the limit',
      tags: ['Flows'],
      params: flowPath,
      querystring: z.strictObject({
        since: timeParameter.optional().describe('ended at or after'),
        limit: z.coerce.number().int().min(1).max(500).default(100),
      }),
      response: { 200: z.object({ items: z.array(historyPoint) }).meta({ id: 'FlowHistory' }), 404: noFlow },
    },
    async handler({ params, query: { limit, since } }) {
      const { name } = flowOf(sluice, params.flow)
      return { items: [...(await sluice.engine.history(name, { limit, ...given({ since }) }))] }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/flows/:flow/schema',
    config: { role: 'viewer' },
    schema: {
      operationId: 'getFlowSchema',
      summary: 'The columns of both sides, and where they drift apart',
      description: 'Looks at both sides now.',
      tags: ['Flows'],
      params: flowPath,
      response: {
        200: flowSchema,
        404: noFlow,
        502: problemAnswer('a store of the flow refused'),
        503: problemAnswer('a store of the flow does not answer'),
      },
    },
    async handler({ params }) {
      const { flow, columns, ddl } = await looking(502, () => sluice.schemaOf(params.flow))
      return { flow, columns: [...columns], ddl }
    },
  })
}
