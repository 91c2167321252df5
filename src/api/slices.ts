/** Slices: the parts of a flow that are redone as a whole. */
import { z } from 'zod'
import type { SliceKey } from '../flows/flow.ts'
import { fromCursor, toCursor } from './cursor.ts'
import { flowPath, noFlow } from './flows.ts'
import { flowOf } from './overview.ts'
import { anyOf, given } from './input.ts'
import { slice, sliceCounts, sliceState } from './records/slice.ts'
import { problemAnswer, type Resource } from './route.ts'
import { pageOf, pageQuery, timeParameter } from './schemas.ts'

const slicePage = pageOf(slice)
  .extend({ counts: sliceCounts.describe('of all slices in the range, whatever `state` asks for') })
  .meta({ id: 'SlicePage' })

export const slices: Resource = (app, sluice) => {
  const { engine } = sluice
  app.route({
    method: 'GET',
    url: '/api/flows/:flow/slices',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listSlices',
      summary: 'The slices of a flow, newest first',
      tags: ['Flows'],
      params: flowPath,
      querystring: z.strictObject({
        state: anyOf(sliceState.options, 'only slices in this state'),
        from: timeParameter.optional().describe('only slices whose period ends after this'),
        to: timeParameter.optional().describe('only slices whose period begins before this'),
        search: z.string().min(1).max(200).optional().describe('only slices with this text in their key'),
        ...pageQuery.shape,
      }),
      response: { 200: slicePage, 404: noFlow, 410: problemAnswer('the slice at which the page began is gone') },
    },
    async handler({ params, query: { limit, cursor, state, from, to, search } }) {
      const filter = { flow: flowOf(sluice, params.flow).name, ...given({ from, to, search }) }
      const after = fromCursor(z.string(), cursor) as SliceKey | undefined // compared, never parsed
      const [found, counts] = await Promise.all([
        engine.slices({ ...filter, ...given({ states: state, after }), limit: limit + 1 }),
        engine.countSlices(filter),
      ])
      const items = found.slice(0, limit)
      const total = (state ?? sliceState.options).reduce((sum, one) => sum + counts[one], 0)
      return { items, next: found.length > limit ? toCursor(items.at(-1)?.key ?? null) : null, total, counts }
    },
  })
}
