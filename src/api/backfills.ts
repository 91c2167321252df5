/** Backfills: slices of a flow that are redone on request, each as a run with less priority than live work. */
import { z } from 'zod'
import type { BackfillPreview, BackfillRange, BackfillRecord } from '../runs/backfills.ts'
import type { SliceKey } from '../flows/flow.ts'
import type { Sluice } from '../sluice.ts'
import { callerOf } from './authenticate.ts'
import { changeOf } from './change.ts'
import { fromCursor, toCursor } from './cursor.ts'
import { flowPath, noFlow } from './flows.ts'
import { flowOf } from './overview.ts'
import { anyOf, given, reason } from './input.ts'
import { looking } from './look.ts'
import { runOutcome } from './records/run.ts'
import { type Api, problemAnswer, type Resource } from './route.ts'
import { flowName, id, pageOf, pageQuery, time } from './schemas.ts'
import { workOptions } from './work.ts'
import { closingOf } from './sse.ts'

const backfillState = z
  .enum(['running', 'paused', 'done', 'failed', 'cancelled'])
  .meta({ id: 'BackfillState', description: '`failed`: all slices ended, and at least one failed' })

const sliceState = z.enum(['waiting', 'running', ...runOutcome.options])

const backfill = z
  .object({
    id,
    flow: z.string(),
    state: backfillState,
    from: z.string().nullable(),
    to: z.string().nullable(),
    force: z.boolean(),
    grain: z.string().nullable(),
    clear: z.boolean(),
    atOnce: z.int().meta({ description: 'how many of its slices are worked on at once' }),
    requestedAt: time,
    requestedBy: z.string(),
    finishedAt: time.nullable(),
    stopped: z
      .object({ by: z.string(), reason: z.string().nullable() })
      .nullable()
      .meta({ description: 'who paused or cancelled it, and why' }),
    slices: z
      .object({
        waiting: z.number(),
        running: z.number(),
        succeeded: z.number(),
        failed: z.number(),
        cancelled: z.number(),
        skipped: z.number(),
        total: z.number(),
      })
      .meta({ description: 'by what became of them' }),
    etaMs: z.number().nullable().meta({ description: 'milliseconds until it is done; null: unknown' }),
  })
  .meta({ id: 'Backfill', description: 'a recorded request over a range of slices' })

const backfillSlice = z
  .object({ key: z.string(), ordinal: z.number(), state: sliceState, run: id.nullable() })
  .meta({ id: 'BackfillSlice' })

const range = {
  from: workOptions.from,
  to: workOptions.to,
  slices: workOptions.slices,
  force: z.boolean().default(false).describe('redo what is up to date, too; ignores the guard'),
  grain: z
    .string()
    .min(1)
    .max(63)
    .nullable()
    .default(null)
    .describe('only what a rollup counts by this period; null: all'),
  clear: z.boolean().default(false).describe('what lies in the range and cannot be made again goes, too'),
}
const backfillRange = z.strictObject(range).meta({ id: 'BackfillRange' })
const backfillRequest = z
  .strictObject({
    ...range,
    atOnce: z.int().min(1).max(16).default(2).describe('how many of its slices are worked on at once'),
  })
  .meta({ id: 'BackfillRequest' })

const preview = z
  .object({
    slices: z
      .array(z.object({ key: z.string(), ordinal: z.number(), why: z.string() }))
      .meta({ description: 'in the order in which they are done: newest first' }),
    skipped: z
      .array(z.object({ key: z.string(), why: z.string() }))
      .meta({ description: 'slices of the range that are left as they are' }),
  })
  .meta({ id: 'BackfillPreview', description: 'the exact slices of a backfill' })

const backfillPath = z.object({ backfill: z.uuid().describe("the backfill's id") })
const noBackfill = problemAnswer('no such backfill')
const noLook = problemAnswer('a store of the flow refused to be looked at')
const backfillPage = pageOf(backfill).meta({ id: 'BackfillPage' })

export const backfills: Resource = (app, sluice) => {
  asking(app, sluice)
  reading(app, sluice)
  changing(app, sluice)
}

const toBackfill = (record: BackfillRecord): z.output<typeof backfill> => ({ ...record, slices: { ...record.slices } })

function asking(app: Api, sluice: Sluice): void {
  const closing = closingOf(app)
  const rangeOf = (name: string, body: z.output<typeof backfillRange>): BackfillRange => ({
    ...body,
    flow: flowOf(sluice, name).name,
    slices: body.slices as readonly SliceKey[] | null, // the kind refuses keys that it does not know
  })

  app.route({
    method: 'POST',
    url: '/api/flows/:flow/backfills/preview',
    config: { role: 'operator', audit: 'backfill.preview' },
    schema: {
      operationId: 'previewBackfill',
      summary: 'The exact slices that a backfill would do',
      description: 'Changes nothing.',
      tags: ['Backfills'],
      params: flowPath,
      body: backfillRange,
      response: { 200: preview, 404: noFlow, 502: noLook },
    },
    async handler(request) {
      const { flow } = request.params
      const range = rangeOf(flow, request.body)
      const found = await looking(502, () => sluice.engine.backfills.preview(range, callerOf(request).name, closing))
      changeOf(request).after = { ...request.body, slices: found.slices.length }
      return toPreview(found)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/flows/:flow/backfills',
    config: { role: 'operator', audit: 'backfill.create' },
    schema: {
      operationId: 'createBackfill',
      summary: 'Begin a backfill',
      tags: ['Backfills'],
      params: flowPath,
      body: backfillRequest,
      response: {
        202: backfill,
        404: noFlow,
        409: problemAnswer('there is nothing to do, or the flow is paused'),
        502: noLook,
      },
    },
    async handler(request, reply) {
      const { atOnce, ...rest } = request.body
      const wanted = { ...rangeOf(request.params.flow, rest), atOnce }
      const begun = await looking(502, () => sluice.engine.backfills.create(wanted, callerOf(request).name, closing))
      changeOf(request).after = { backfill: begun.id, ...rest, atOnce, total: begun.slices.total }
      return reply.code(202).header('location', `/api/backfills/${begun.id}`).send(toBackfill(begun))
    },
  })
}

function toPreview({ slices, skipped }: BackfillPreview): z.output<typeof preview> {
  return { slices: [...slices], skipped: [...skipped] }
}

const listQuery = z.strictObject({
  state: anyOf(backfillState.options, 'only backfills in this state'),
  ...pageQuery.shape,
})

function reading(app: Api, sluice: Sluice): void {
  const { backfills: all } = sluice.engine
  const page = async (name: string | undefined, { limit, cursor, state }: z.output<typeof listQuery>) => {
    const flow = name === undefined ? undefined : flowOf(sluice, name).name
    const filter = given({ flow, states: state })
    const before = fromCursor(z.uuid(), cursor)
    const [found, total] = await Promise.all([
      all.list({ ...filter, ...given({ before }), limit: limit + 1 }),
      all.count(filter),
    ])
    const items = found.slice(0, limit).map(toBackfill)
    return { items, next: found.length > limit ? toCursor(items.at(-1)?.id ?? null) : null, total }
  }

  app.route({
    method: 'GET',
    url: '/api/backfills',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listBackfills',
      summary: 'Backfills, newest first',
      tags: ['Backfills'],
      querystring: listQuery.extend({ flow: flowName.optional() }),
      response: { 200: backfillPage, 404: noFlow },
    },
    handler: ({ query: { flow, ...rest } }) => page(flow, rest),
  })

  app.route({
    method: 'GET',
    url: '/api/flows/:flow/backfills',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listFlowBackfills',
      summary: 'The backfills of a flow, newest first',
      tags: ['Backfills'],
      params: flowPath,
      querystring: listQuery,
      response: { 200: backfillPage, 404: noFlow },
    },
    handler: ({ params, query }) => page(params.flow, query),
  })

  app.route({
    method: 'GET',
    url: '/api/backfills/:backfill',
    config: { role: 'viewer' },
    schema: {
      operationId: 'getBackfill',
      summary: 'A backfill',
      tags: ['Backfills'],
      params: backfillPath,
      response: { 200: backfill, 404: noBackfill },
    },
    handler: async ({ params }) => toBackfill(await all.get(params.backfill)),
  })

  app.route({
    method: 'GET',
    url: '/api/backfills/:backfill/slices',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listBackfillSlices',
      summary: 'The slices of a backfill, in the order in which they are done',
      tags: ['Backfills'],
      params: backfillPath,
      querystring: z.strictObject({
        state: anyOf(sliceState.options, 'only slices of which this became'),
        ...pageQuery.shape,
      }),
      response: { 200: pageOf(backfillSlice).meta({ id: 'BackfillSlicePage' }), 404: noBackfill },
    },
    async handler({ params, query: { limit, cursor, state } }) {
      const after = fromCursor(z.string(), cursor) as SliceKey | undefined // compared, never parsed
      // Counted for the first page alone: for the others it would take longer than to read them.
      const [counted, found] = await Promise.all([
        after === undefined ? all.get(params.backfill) : null,
        all.slices(params.backfill, { limit: limit + 1, ...given({ states: state, after }) }),
      ])
      const items = found.slice(0, limit)
      const total =
        counted === null
          ? null
          : state === undefined
            ? counted.slices.total
            : state.reduce((sum, one) => sum + counted.slices[one], 0)
      return { items, next: found.length > limit ? toCursor(items.at(-1)?.key ?? null) : null, total }
    },
  })
}

function changing(app: Api, sluice: Sluice): void {
  const { backfills: all } = sluice.engine
  app.route({
    method: 'PATCH',
    url: '/api/backfills/:backfill',
    config: { role: 'operator', audit: 'backfill.change' },
    schema: {
      operationId: 'changeBackfill',
      summary: 'Pause a backfill, let it go on, or cancel it',
      tags: ['Backfills'],
      params: backfillPath,
      body: z
        .strictObject({
          state: z.enum(['paused', 'running', 'cancelled']),
          reason,
        })
        .meta({ id: 'BackfillChange' }),
      response: { 200: backfill, 404: noBackfill, 409: problemAnswer('its state does not allow that') },
    },
    async handler(request) {
      const { backfill: backfillId } = request.params
      const before = await all.get(backfillId)
      const by = callerOf(request).name
      const { body } = request
      const after = await change(backfillId, body.state, by, body.reason)
      Object.assign(changeOf(request), {
        before: { state: before.state },
        after: { state: after.state, reason: body.reason },
      })
      return toBackfill(after)
    },
  })

  function change(
    backfillId: string,
    to: 'paused' | 'running' | 'cancelled',
    by: string,
    why: string | null,
  ): Promise<BackfillRecord> {
    switch (to) {
      case 'paused':
        return all.pause(backfillId, by, why)
      case 'running':
        return all.resume(backfillId, by)
      case 'cancelled':
        return all.cancel(backfillId, by, why)
    }
  }

  app.route({
    method: 'POST',
    url: '/api/backfills/:backfill/retry',
    config: { role: 'operator', audit: 'backfill.retry' },
    schema: {
      operationId: 'retryBackfill',
      summary: 'Do again what failed or was cancelled, and only that',
      tags: ['Backfills'],
      params: backfillPath,
      response: { 202: backfill, 404: noBackfill, 409: problemAnswer('its state does not allow that') },
    },
    async handler(request, reply) {
      const { backfill: backfillId } = request.params
      const before = await all.get(backfillId)
      const after = await all.retry(backfillId, callerOf(request).name)
      Object.assign(changeOf(request), { before: { state: before.state }, after: { state: after.state } })
      return reply.code(202).header('location', `/api/backfills/${after.id}`).send(toBackfill(after))
    },
  })
}
