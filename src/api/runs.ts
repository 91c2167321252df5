/** Runs: asked for, looked at, waited for, cancelled and asked for again. */
import { z } from 'zod'
import type { SliceKey } from '../flows/flow.ts'
import type { Sluice } from '../sluice.ts'
import { callerOf } from './authenticate.ts'
import { changeOf } from './change.ts'
import { fromCursor, toCursor } from './cursor.ts'
import { flowPath, noFlow } from './flows.ts'
import { flowOf } from './overview.ts'
import { anyOf, given, optionalBody, reasonBody } from './input.ts'
import { operation, runAnswer, runDetail, runPage, runState, toRun, toRunDetail, trigger } from './records/run.ts'
import { type Api, problemAnswer, type Resource } from './route.ts'
import { flowName, pageQuery, runId, timeParameter } from './schemas.ts'
import { closingOf } from './sse.ts'
import { awaitRun, patiently, preferHeader, secondsToWait } from './wait.ts'
import { askFor, sendAsked, warningFor, workOptions } from './work.ts'

export const runPath = z.object({ run: runId })
export const noRun = problemAnswer('no such run, or the abbreviation fits several')

const runRequest = z
  .strictObject({
    ...workOptions,
    redo: z
      .boolean()
      .default(false)
      .describe('do the `slices` again although their source has not changed; the guard still holds'),
  })
  .refine(({ redo, slices }) => !redo || slices !== null, { path: ['slices'], error: '`redo` says which slices' })
  .meta({ id: 'RunRequest' })

export const runs: Resource = (app, sluice) => {
  reading(app, sluice)
  asking(app, sluice)
}

function reading(app: Api, sluice: Sluice): void {
  const { engine } = sluice
  app.route({
    method: 'GET',
    url: '/api/runs',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listRuns',
      summary: 'Runs, newest first',
      tags: ['Runs'],
      querystring: z.strictObject({
        flow: flowName.optional(),
        operation: operation.optional(),
        state: anyOf(runState.options, 'only runs in this state'),
        trigger: anyOf(trigger.options, 'only what was asked for so'),
        backfill: z.uuid().optional().describe('only runs of this backfill'),
        since: timeParameter.optional().describe('requested at or after'),
        until: timeParameter.optional().describe('requested before'),
        ...pageQuery.shape,
      }),
      response: { 200: runPage, 404: noFlow, 410: problemAnswer('the run at which the page began is gone') },
    },
    async handler({ query: { limit, cursor, flow, state, trigger: triggers, ...rest } }) {
      const before = fromCursor(z.uuid(), cursor)
      const filter = given({
        ...rest,
        flow: flow === undefined ? undefined : flowOf(sluice, flow).name,
        outcomes: state,
        triggers,
      })
      const [found, total] = await Promise.all([
        engine.runs({ ...filter, limit: limit + 1, ...given({ before }) }),
        engine.countRuns(filter),
      ])
      const items = found.slice(0, limit).map(toRun)
      return { items, next: found.length > limit ? toCursor(items.at(-1)?.id ?? null) : null, total }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/runs/:run',
    config: { role: 'viewer' },
    schema: {
      operationId: 'getRun',
      summary: 'A run with its attempts, and what it found out',
      tags: ['Runs'],
      params: runPath,
      response: { 200: runDetail, 404: noRun },
    },
    handler: async ({ params }) => toRunDetail(await engine.run(params.run)),
  })
}

function asking(app: Api, sluice: Sluice): void {
  const { engine } = sluice
  const closing = closingOf(app)
  app.route({
    method: 'POST',
    url: '/api/flows/:flow/runs',
    config: { role: 'operator', audit: 'run.request' },
    schema: {
      operationId: 'requestRun',
      summary: 'Bring a flow up to date',
      description:
        'Answers 202 with the run and its Location. With `Prefer: wait=N` it waits, and answers 200 if the run has ended by then, whatever its outcome: `run.outcome` says. Asking for what is unfinished joins it.',
      tags: ['Runs'],
      params: flowPath,
      headers: preferHeader,
      body: optionalBody(runRequest),
      response: { 200: runAnswer, 202: runAnswer, 404: noFlow, 409: problemAnswer('the flow is paused') },
    },
    async handler(request, reply) {
      const { redo, ...options } = request.body
      const waited = secondsToWait(request.headers.prefer, 0)
      const flow = flowOf(sluice, request.params.flow)
      if (redo && options.slices !== null) {
        // Of a paused flow nothing is marked: what is refused changes nothing.
        const [status] = await engine.status([flow.name])
        if (status?.paused === null) {
          await engine.redo(flow.name, options.slices as SliceKey[]) // compared, never parsed
          changeOf(request).after = { redo, slices: options.slices }
        }
      }
      const asked = await askFor(sluice, flow.name, 'apply', options, callerOf(request))
      changeOf(request).after = { run: asked.id, joined: asked.joined, ...options, redo }
      const run = await patiently(reply, closing, (gone) =>
        awaitRun(engine, asked.id, asked.warning === null ? waited : 0, gone),
      )
      return sendAsked(reply, run, asked, waited > 0 ? waited : null)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/runs/:run/cancel',
    config: { role: 'operator', audit: 'run.cancel' },
    schema: {
      operationId: 'cancelRun',
      summary: 'Cancel a run: at once when nobody works on it, else within seconds',
      description: 'Readers keep the old content. A run that has ended stays as it is; the answer shows how it stands.',
      tags: ['Runs'],
      params: runPath,
      body: reasonBody,
      response: { 200: runDetail, 202: runDetail.describe('its worker was told'), 404: noRun },
    },
    async handler(request, reply) {
      const before = await engine.run(request.params.run)
      const after = await engine.cancel(before.id, callerOf(request).name, request.body.reason)
      const change = changeOf(request)
      change.subject = before.id
      change.before = { flow: before.flow, outcome: before.outcome }
      change.after = { flow: after.flow, outcome: after.outcome, reason: request.body.reason }
      return reply
        .code(after.outcome === null ? 202 : 200)
        .header('location', `/api/runs/${after.id}`)
        .send(toRunDetail(after))
    },
  })

  app.route({
    method: 'POST',
    url: '/api/runs/:run/retry',
    config: { role: 'operator', audit: 'run.retry' },
    schema: {
      operationId: 'retryRun',
      summary: 'Ask for the same again, as a new run',
      tags: ['Runs'],
      params: runPath,
      headers: preferHeader,
      response: {
        200: runAnswer,
        202: runAnswer,
        404: noRun,
        409: problemAnswer('the run goes on, or its flow is paused'),
      },
    },
    async handler(request, reply) {
      const waited = secondsToWait(request.headers.prefer, 0)
      const before = await engine.run(request.params.run)
      const again = await engine.retry(before.id, callerOf(request).name)
      const asked = { ...again, warning: await warningFor(sluice, flowOf(sluice, before.flow)) }
      const change = changeOf(request)
      change.subject = before.id
      change.before = { flow: before.flow, outcome: before.outcome }
      change.after = { run: asked.id, joined: asked.joined }
      const run = await patiently(reply, closing, (gone) =>
        awaitRun(engine, asked.id, asked.warning === null ? waited : 0, gone),
      )
      return sendAsked(reply, run, asked, waited > 0 ? waited : null)
    },
  })
}
