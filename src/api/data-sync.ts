/**
 * What one team's clients ask: is the data fresh, and sync it now. Field names are theirs. A run that failed is never answered
 * as a success.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Caller } from '../access/access.ts'
import { asSluiceError, SluiceError } from '../lib/error.ts'
import type { FlowStatus, RunRecord } from '../runs/engine.ts'
import type { Sluice } from '../sluice.ts'
import { callerOf } from './authenticate.ts'
import { changeOf } from './change.ts'
import { noFlow } from './flows.ts'
import { optionalBody } from './input.ts'
import { flowOf } from './overview.ts'
import { toProblem } from './problem.ts'
import { runOutcome } from './records/run.ts'
import { problemAnswer, type Resource } from './route.ts'
import { errorRecord, flowName, id, problem, time } from './schemas.ts'
import { closingOf } from './sse.ts'
import { awaitRun, patiently, preferHeader, secondsToWait } from './wait.ts'
import { type Asked, askFor } from './work.ts'

const recentSync = z
  .object({
    sync_type: z.string().describe('the flow'),
    status: z.enum(['running', 'success', 'failed', 'skipped']).describe('a cancelled one has failed'),
    records_processed: z.number(),
    started_at: time.describe('or when it was asked for, while nobody has begun it'),
    completed_at: time.nullable(),
    error_message: z.string().nullable().describe('why it failed, was cancelled or skipped'),
  })
  .meta({ id: 'RecentSync' })

const syncStatus = z
  .object({
    data_freshness: z
      .record(z.string(), z.boolean())
      .describe('`<flow>_fresh` for each sync, and `all_fresh`: what was due by now is done'),
    recent_syncs: z.array(recentSync).describe('of the last 24 hours, newest first'),
  })
  .meta({ id: 'DataSyncStatus' })

const triggerRequest = z
  .strictObject({
    data_type: z
      .union([z.literal('all'), flowName])
      .default('all')
      .describe('a flow, or all syncs'),
    force: z.boolean().default(false).describe('ignore freshness and guard'),
  })
  .meta({ id: 'DataSyncRequest' })

const triggered = {
  message: z.string(),
  data_type: z.string(),
  force: z.boolean(),
  outcome: runOutcome.nullable().describe('of all: the worst; null: not all have ended'),
  run: id.nullable().describe('the run; of several the one that tells the outcome'),
  runs: z.array(
    z.object({
      flow: z.string(),
      run: id.nullable().describe('null: it was refused'),
      outcome: runOutcome.nullable(),
      rows: z.number().nullable(),
      error: errorRecord.nullable(),
      reason: z.string().nullable().describe('why it was skipped or cancelled, or waits'),
    }),
  ),
}
const triggerAnswer = z.object(triggered).meta({ id: 'DataSyncAnswer' })
const triggerFailure = z.object({ ...problem.shape, ...triggered }).meta({ id: 'DataSyncFailure' })

/** How long a trigger waits unless the caller prefers otherwise. */
const triggerSeconds = 20
const dayMs = 86_400_000
/** More than any cron of theirs makes in a day; the newest are shown. */
const mostSyncs = 500

export const dataSync: Resource = (app, sluice) => {
  const closing = closingOf(app)
  const paths = (path: string) => [
    { url: path, hide: false },
    { url: `${path}/`, hide: true },
  ]

  for (const { url, hide } of paths('/api/data-sync/status')) {
    app.route({
      method: 'GET',
      url,
      config: { role: 'viewer' },
      schema: {
        operationId: 'getDataSyncStatus',
        summary: 'Whether the synced data is fresh, and the syncs of the last day',
        tags: ['Data sync'],
        hide,
        querystring: z.strictObject({}),
        response: { 200: syncStatus },
      },
      handler: () => status(sluice),
    })
  }

  for (const { url, hide } of paths('/api/data-sync/trigger')) {
    app.route({
      method: 'POST',
      url,
      config: { role: 'operator', audit: 'run.request' },
      schema: {
        operationId: 'triggerDataSync',
        summary: 'Sync now',
        description: `Waits ${triggerSeconds} s unless \`Prefer: wait=N\` says otherwise. 200: all have ended and none failed; 202: not all have ended; 502: a run failed, with its code.`,
        tags: ['Data sync'],
        hide,
        headers: preferHeader,
        body: optionalBody(triggerRequest),
        response: {
          200: triggerAnswer,
          202: triggerAnswer,
          404: noFlow,
          409: problemAnswer('the flow is paused'),
          502: {
            description: 'a run failed',
            content: { 'application/problem+json': { schema: triggerFailure } },
          },
        },
      },
      async handler(request, reply) {
        const { data_type: wanted, force } = request.body
        const waited = secondsToWait(request.headers.prefer, triggerSeconds)
        const names = wanted === 'all' ? syncs(sluice) : [String(flowOf(sluice, wanted).name)]
        const change = changeOf(request)
        change.subject = wanted
        const runs: string[] = []
        const begun = (run: string): void => {
          runs.push(run)
          change.after = { force, runs }
        }
        const asked = await askAll(sluice, names, force, callerOf(request), begun)
        const deadline = Date.now() + waited * 1_000
        const ended = await patiently(reply, closing, async (gone) => {
          const all: Ended[] = []
          for (const one of asked) all.push(await endOf(sluice, one, deadline, gone))
          return all
        })
        return answer(request, reply, { wanted, force, waited, ended })
      },
    })
  }
}

/** The names of all syncs, each after those it comes after. */
function syncs({ engine }: Sluice): string[] {
  const all = engine.flows().filter(({ kind }) => kind === 'sync')
  const ordered = new Set<string>()
  const visit = (name: string): void => {
    const flow = all.find((one) => one.name === name)
    if (flow === undefined || ordered.has(name)) return
    for (const upstream of flow.timing.after) visit(upstream)
    ordered.add(name)
  }
  for (const { name } of all) visit(name)
  return [...ordered]
}

type AskedFlow = { readonly flow: string } & (Asked | { readonly refused: SluiceError })

/** Asks for each. One flow alone that is refused is an answer of its own; of several, the others go on. `begun` hears of each run. */
async function askAll(
  sluice: Sluice,
  names: readonly string[],
  force: boolean,
  caller: Caller,
  begun: (run: string) => void,
): Promise<AskedFlow[]> {
  const asked: AskedFlow[] = []
  for (const flow of names) {
    try {
      const one = await askFor(sluice, flow, 'apply', { force }, caller)
      begun(one.id)
      asked.push({ flow, ...one })
    } catch (thrown) {
      const refused = asSluiceError(thrown)
      if (names.length === 1 || refused.code !== 'FLOW_PAUSED') throw thrown
      asked.push({ flow, refused })
    }
  }
  return asked
}

interface Ended {
  readonly flow: string
  readonly run: RunRecord | null
  readonly reason: string | null
}

async function endOf(sluice: Sluice, asked: AskedFlow, deadline: number, gone: AbortSignal): Promise<Ended> {
  const { flow } = asked
  if ('refused' in asked) return { flow, run: null, reason: `${asked.refused.summary}: ${asked.refused.why}` }
  const seconds = asked.warning === null ? Math.max(0, (deadline - Date.now()) / 1_000) : 0
  const run = await awaitRun(sluice.engine, asked.id, seconds, gone)
  return { flow, run, reason: run.outcome === null ? asked.warning : run.reason }
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    wanted,
    force,
    waited,
    ended,
  }: { readonly wanted: string; readonly force: boolean; readonly waited: number; readonly ended: readonly Ended[] },
): FastifyReply {
  const worst = worstOf(ended)
  const body: z.output<typeof triggerAnswer> = {
    message: messageOf(wanted, ended, worst),
    data_type: wanted,
    force,
    outcome: worst.outcome,
    run: worst.run?.id ?? null,
    runs: ended.map(({ flow, run, reason }) => ({
      flow,
      run: run?.id ?? null,
      outcome: run === null ? 'skipped' : run.outcome,
      rows: run?.rows ?? null,
      error: run?.error ?? null,
      reason,
    })),
  }
  if (worst.run !== null) void reply.header('location', `/api/runs/${worst.run.id}`)
  if (waited > 0) void reply.header('preference-applied', `wait=${waited}`)
  if (worst.outcome === 'failed' || worst.outcome === 'cancelled') {
    const failure = { ...toProblem(errorOf(worst), request.id, 502), ...body }
    return reply.code(502).type('application/problem+json').send(failure)
  }
  return reply.code(worst.outcome === null ? 202 : 200).send(body)
}

interface Worst {
  readonly outcome: z.output<typeof runOutcome> | null
  readonly run: RunRecord | null
}

/** What is said of all: one failure is a failure; before all have ended nothing else is certain. Pure. */
export function worstOf(ended: readonly Pick<Ended, 'run'>[]): Worst {
  const runs = ended.flatMap(({ run }) => (run === null ? [] : [run]))
  for (const outcome of ['failed', 'cancelled', null, 'succeeded', 'skipped'] as const) {
    const found = runs.find((run) => run.outcome === outcome)
    if (found !== undefined) return { outcome, run: found }
  }
  return { outcome: 'skipped', run: null }
}

function errorOf({ run, outcome }: Worst): SluiceError {
  if (run !== null && run.error !== null) {
    const { code, summary, ...detail } = run.error
    return new SluiceError(code, summary, detail)
  }
  const flow = run?.flow ?? 'the sync'
  return outcome === 'cancelled'
    ? new SluiceError('RUN_CANCELLED', `The run of ${flow} was cancelled`, {
        why: run?.reason ?? 'somebody cancelled it',
        fix: 'trigger it again',
      })
    : new SluiceError('INTERNAL', `The run of ${flow} failed without an error`, {
        why: 'its record has none',
        fix: `sluice logs ${run?.id ?? ''}`,
      })
}

function messageOf(wanted: string, ended: readonly Ended[], { outcome, run }: Worst): string {
  const what = wanted === 'all' ? 'data sync' : `data sync of ${wanted}`
  switch (outcome) {
    case null:
      return `The ${what} goes on`
    case 'succeeded':
      return `The ${what} succeeded`
    case 'skipped':
      return `The ${what} was skipped: ${run?.reason ?? ended[0]?.reason ?? 'there was nothing to do'}`
    case 'failed':
    case 'cancelled':
      return `The ${what} ${outcome}: ${errorOf({ outcome, run }).summary}`
  }
}

async function status({ engine }: Sluice): Promise<z.output<typeof syncStatus>> {
  const [flows, recent] = await Promise.all([
    engine.status(),
    engine.runs({ operation: 'apply', since: new Date(Date.now() - dayMs), limit: mostSyncs }),
  ])
  const synced = flows.filter(({ kind }) => kind === 'sync')
  const names = new Set(synced.map(({ name }) => name))
  return {
    data_freshness: freshness(synced),
    recent_syncs: recent.filter(({ flow }) => names.has(flow)).map(toRecentSync),
  }
}

/** Pure. */
export function freshness(flows: readonly Pick<FlowStatus, 'name' | 'state'>[]): Record<string, boolean> {
  const each = flows.map(({ name, state }): [string, boolean] => [`${name}_fresh`, state === 'fresh'])
  return { ...Object.fromEntries(each), all_fresh: each.length > 0 && each.every(([, fresh]) => fresh) }
}

function toRecentSync(run: RunRecord): z.output<typeof recentSync> {
  return {
    sync_type: run.flow,
    status: statusOf(run.outcome),
    records_processed: run.rows ?? 0,
    started_at: run.startedAt ?? run.requestedAt,
    completed_at: run.finishedAt,
    error_message: run.error === null ? run.reason : `${run.error.code}: ${run.error.summary}: ${run.error.why}`,
  }
}

function statusOf(outcome: RunRecord['outcome']): z.output<typeof recentSync>['status'] {
  switch (outcome) {
    case null:
      return 'running'
    case 'succeeded':
      return 'success'
    case 'failed':
    case 'cancelled':
      return 'failed'
    case 'skipped':
      return 'skipped'
  }
}
