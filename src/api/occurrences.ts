/** Due times and what became of them: a run, or a skip with its reason. */
import { z } from 'zod'
import { fromCursor, toCursor } from './cursor.ts'
import { noFlow } from './flows.ts'
import { flowOf } from './overview.ts'
import { anyOf, given } from './input.ts'
import { occurrence } from './records/schedule.ts'
import type { Resource } from './route.ts'
import { flowName, pageOf, pageQuery, timeParameter } from './schemas.ts'
import type { FlowName } from '../flows/flow.ts'

const position = z.object({ dueAt: z.iso.datetime(), flow: z.string() })

export const occurrences: Resource = (app, sluice) => {
  const { engine } = sluice
  app.route({
    method: 'GET',
    url: '/api/occurrences',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listOccurrences',
      summary: 'Due times and what became of them, latest first',
      tags: ['Schedules'],
      querystring: z.strictObject({
        flow: flowName.optional(),
        state: anyOf(['waiting', 'run', 'skipped'], 'only those of which this became'),
        since: timeParameter.optional().describe('due at or after'),
        until: timeParameter.optional().describe('due before'),
        ...pageQuery.shape,
      }),
      response: { 200: pageOf(occurrence).meta({ id: 'OccurrencePage' }), 404: noFlow },
    },
    async handler({ query: { limit, cursor, flow, state, since, until } }) {
      const named = flow === undefined ? undefined : flowOf(sluice, flow).name
      const filter = given({ flow: named, states: state, since, until })
      const at = fromCursor(position, cursor)
      // A cursor of ours names a flow that had an occurrence; another only finds other rows.
      const before = at === undefined ? undefined : { dueAt: new Date(at.dueAt), flow: at.flow as FlowName }
      const [found, total] = await Promise.all([
        engine.occurrences({ ...filter, ...given({ before }), limit: limit + 1 }),
        engine.countOccurrences(filter),
      ])
      const items = found.slice(0, limit)
      const last = items.at(-1)
      const next =
        found.length > limit && last !== undefined
          ? toCursor({ dueAt: last.dueAt.toISOString(), flow: last.flow })
          : null
      return { items, next, total }
    },
  })
}
