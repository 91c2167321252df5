/** What can be done with a flow besides running it: plan, pause, resume, export. */
import { z } from 'zod'
import { SluiceError } from '../lib/error.ts'
import type { Sluice } from '../sluice.ts'
import { callerOf, demand } from './authenticate.ts'
import { changeOf } from './change.ts'
import { asPartOfBody } from './fit.ts'
import { flowPath, noFlow } from './flows.ts'
import { optionalBody, reasonBody } from './input.ts'
import { looking } from './look.ts'
import { overview } from './overview.ts'
import { Told } from './problem.ts'
import { definition, flow } from './records/flow.ts'
import { plannedSlice, runAnswer, toPlan } from './records/run.ts'
import { type Api, problemAnswer, type Resource } from './route.ts'
import { closingOf } from './sse.ts'
import { askFor, sendAsked, workOptions } from './work.ts'
import { awaitRun, patiently, preferHeader, secondsToWait } from './wait.ts'

const plan = z
  .object({
    flow: z.string(),
    changes: z
      .enum(['new', 'nothing', 'timing', 'content'])
      .nullable()
      .meta({ description: 'what saving the definition would change; null: none was sent' }),
    slices: z.array(plannedSlice),
    steps: z.array(z.string()).meta({ description: 'what would be done, in the order in which it happens' }),
  })
  .meta({ id: 'FlowPlan', description: 'what a run would do; nothing was changed' })

const planRequest = z
  .strictObject({
    definition: definition.optional().describe('plan this instead of what is registered; needs the role admin'),
    ...workOptions,
  })
  .meta({ id: 'PlanRequest' })

const exported = z
  .object({
    flow: z.string(),
    entry: z.string().meta({ description: 'an entry of `flows`' }),
    imports: z.array(z.string()).meta({ description: 'what the entry needs from `sluice`' }),
    config: z.string().meta({ description: 'a whole config file with this one flow' }),
  })
  .meta({ id: 'ExportedFlow', description: 'a flow as code of a config file' })

/** How long a plan is waited for unless the caller prefers otherwise. */
const planSeconds = 20

export const flowActions: Resource = (app, sluice) => {
  planning(app, sluice)
  pausing(app, sluice)
  exporting(app, sluice)
}

function planning(app: Api, sluice: Sluice): void {
  const closing = closingOf(app)
  app.route({
    method: 'POST',
    url: '/api/flows/:flow/plan',
    config: { role: 'operator', audit: 'flow.plan' },
    schema: {
      operationId: 'planFlow',
      summary: 'What a run would do',
      description: `Changes nothing. With a \`definition\` (admin) it plans that one, saved or not. Waits up to ${planSeconds} s unless \`Prefer: wait=N\` says otherwise; then answers 202 with the run that plans.`,
      tags: ['Flows'],
      params: flowPath,
      headers: preferHeader,
      body: optionalBody(planRequest),
      response: {
        200: plan,
        202: runAnswer,
        404: noFlow,
        422: problemAnswer('the definition does not fit its schema, or its stores; each fault is named'),
        502: problemAnswer('planning failed: a store of the flow refused'),
      },
    },
    async handler(request, reply) {
      const { definition: planned, ...options } = request.body
      const name = request.params.flow
      const caller = callerOf(request)
      if (planned !== undefined) {
        demand(caller, 'admin')
        const { changes, ...found } = await looking(422, () =>
          asPartOfBody('/definition', () => sluice.definitions.plan(name, planned, closing)),
        )
        changeOf(request).after = { definition: planned, changes }
        return reply.code(200).send({ flow: name, changes, ...toPlan(found) })
      }
      const seconds = secondsToWait(request.headers.prefer, planSeconds)
      const asked = await askFor(sluice, name, 'plan', options, caller)
      changeOf(request).after = { run: asked.id }
      const run = await patiently(reply, closing, (gone) =>
        awaitRun(sluice.engine, asked.id, asked.warning === null ? seconds : 0, gone),
      )
      if (run.outcome === null) return sendAsked(reply, run, asked, null)
      if (run.error !== null) {
        const { code, summary, ...detail } = run.error
        throw new Told(new SluiceError(code, summary, detail), 502)
      }
      return reply
        .code(200)
        .send({ flow: name, changes: null, ...toPlan(run.result?.plan ?? { slices: [], steps: [] }) })
    },
  })
}

function pausing(app: Api, sluice: Sluice): void {
  const state = async (name: string): Promise<z.output<typeof flow>> => {
    const [found] = (await overview(sluice, name)).flows
    if (found === undefined) throw new Error('a definition that was found is gone')
    return found
  }

  app.route({
    method: 'POST',
    url: '/api/flows/:flow/pause',
    config: { role: 'operator', audit: 'flow.pause' },
    schema: {
      operationId: 'pauseFlow',
      summary: 'Pause a flow: nothing of it begins any more; what runs goes on',
      tags: ['Flows'],
      params: flowPath,
      body: reasonBody,
      response: { 200: flow, 404: noFlow },
    },
    async handler(request) {
      const before = await state(request.params.flow)
      const { name } = await sluice.definitions.get(request.params.flow)
      await sluice.engine.pause(name, callerOf(request).name, request.body.reason)
      const after = await state(name)
      const change = changeOf(request)
      change.before = { paused: pauseOf(before) }
      change.after = { paused: pauseOf(after) }
      return after
    },
  })

  app.route({
    method: 'POST',
    url: '/api/flows/:flow/resume',
    config: { role: 'operator', audit: 'flow.resume' },
    schema: {
      operationId: 'resumeFlow',
      summary: 'Let a paused flow go on',
      tags: ['Flows'],
      params: flowPath,
      response: { 200: flow, 404: noFlow },
    },
    async handler(request) {
      const before = await state(request.params.flow)
      const { name } = await sluice.definitions.get(request.params.flow)
      await sluice.engine.resume(name, callerOf(request).name)
      const change = changeOf(request)
      change.before = { paused: pauseOf(before) }
      change.after = { paused: null }
      return state(name)
    },
  })
}

function pauseOf({ paused }: z.output<typeof flow>) {
  return paused === null ? null : { at: paused.at.toISOString(), by: paused.by, reason: paused.reason }
}

function exporting(app: Api, sluice: Sluice): void {
  app.route({
    method: 'POST',
    url: '/api/flows/:flow/export',
    config: { role: 'viewer', audit: 'flow.export' },
    schema: {
      operationId: 'exportFlow',
      summary: 'A flow as code of a config file',
      description: 'JSON with the parts, or with `Accept: text/plain` a whole config file with this one flow.',
      tags: ['Flows'],
      params: flowPath,
      response: {
        200: {
          description: 'the code',
          content: { 'application/json': { schema: exported }, 'text/plain': { schema: z.string() } },
        },
        404: noFlow,
      },
    },
    async handler(request, reply) {
      const { entry, imports, config } = await sluice.definitions.export(request.params.flow)
      if (/\btext\/plain\b/.test(request.headers.accept ?? ''))
        return reply.type('text/plain; charset=utf-8').send(config)
      return reply.type('application/json').send({ flow: request.params.flow, entry, imports: [...imports], config })
    },
  })
}
