/**
 * What Prometheus reads. What is counted here belongs to this process; what is about flows, runs and workers is read from the state when it is
 * asked for, so that every process of a project says the same. While the state cannot be read, `sluice_state_up` is 0 and the rest is
 * left out: no number is older than it seems.
 */
import { collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Engine, FlowState } from '../runs/engine.ts'
import { bearerOf, sameSecret } from './secret.ts'
import type { Resource } from './route.ts'
import { SluiceError } from '../lib/error.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

export interface Metrics {
  readonly contentType: string
  readonly requests: Histogram<'method' | 'route' | 'status'>
  /** What there is, for the documentation. */
  names(): readonly { readonly name: string; readonly help: string; readonly type: string }[]
  /** All of it, as Prometheus reads it. */
  text(): Promise<string>
}

type Read = () => Promise<void>

export function openMetrics(engine: Pick<Engine, 'status' | 'workers' | 'queue'>): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'sluice_http_request_duration_seconds',
    help: 'Requests to the API of this process, by method, route and status; a stream of events counts when it ends',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  const up = gauge(registry, 'sluice_state_up', "Whether this process can read Sluice's own tables: 1 or 0")
  const state = new Registry()
  const reads = [flows(state, engine), workers(state, engine), queue(state, engine)]
  const write = async (): Promise<string> => {
    const read = await Promise.all(reads.map((one) => one())).then(
      () => true,
      () => false,
    )
    up.set(read ? 1 : 0)
    return (await registry.metrics()) + (read ? await state.metrics() : '')
  }
  let writing: Promise<string> | undefined
  return {
    contentType: registry.contentType,
    requests,
    names: () =>
      [...registry.getMetricsAsArray(), ...state.getMetricsAsArray()].map(({ name, help, type }) => ({
        name,
        help,
        type,
      })),
    // Whoever asks meanwhile gets the same text: two at once would empty each other's gauges.
    text: () => (writing ??= write().finally(() => (writing = undefined))),
  }
}

function gauge<const Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[] = [],
): Gauge<Label> {
  return new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] })
}

/** By precedence, as CONTRACTS §2 has them. */
const states: readonly FlowState[] = ['paused', 'failed', 'late', 'stale', 'never', 'fresh']

function flows(registry: Registry, engine: Pick<Engine, 'status'>): Read {
  const by = ['flow'] as const
  const state = gauge(registry, 'sluice_flow_state', '1 for the state that a flow is in, 0 for the others', [
    'flow',
    'state',
  ])
  const running = gauge(registry, 'sluice_flow_running', 'Whether a run of the flow is under way: 1 or 0', by)
  const rows = gauge(registry, 'sluice_flow_rows', 'Rows that readers of the flow see', by)
  const asOf = gauge(registry, 'sluice_flow_as_of_timestamp_seconds', 'How old those rows are: when they were read', by)
  const due = gauge(
    registry,
    'sluice_flow_due_timestamp_seconds',
    'What is due and not done, else what is due next',
    by,
  )
  const took = gauge(registry, 'sluice_flow_last_run_seconds', 'How long the last finished run of the flow took', by)
  return async () => {
    const found = await engine.status()
    for (const one of [state, running, rows, asOf, due, took]) one.reset()
    for (const { name: flow, lastRun, ...is } of found) {
      for (const each of states) state.set({ flow, state: each }, is.state === each ? 1 : 0)
      running.set({ flow }, is.running ? 1 : 0)
      if (is.rows !== null) rows.set({ flow }, is.rows)
      if (is.asOf !== null) asOf.set({ flow }, is.asOf.getTime() / 1000)
      if (is.dueAt !== null) due.set({ flow }, is.dueAt.getTime() / 1000)
      if (lastRun !== null && lastRun.startedAt !== null && lastRun.finishedAt !== null)
        took.set({ flow }, (lastRun.finishedAt.getTime() - lastRun.startedAt.getTime()) / 1000)
    }
  }
}

function workers(registry: Registry, engine: Pick<Engine, 'workers'>): Read {
  const alive = gauge(registry, 'sluice_workers', 'Living processes of the project, by role', ['role'])
  const outdated = gauge(registry, 'sluice_workers_outdated', 'Those that hold an older definition of some flow')
  return async () => {
    const found = (await engine.workers()).filter((worker) => worker.alive)
    alive.reset()
    for (const role of ['scheduler', 'worker', 'api'] as const)
      alive.set({ role }, found.filter(({ roles }) => roles.includes(role)).length)
    outdated.set(found.filter((worker) => worker.outdated.length > 0).length)
  }
}

function queue(registry: Registry, engine: Pick<Engine, 'queue'>): Read {
  const runs = gauge(
    registry,
    'sluice_runs',
    'Unfinished runs: waiting for a worker, between attempts, paused, running',
    ['is'],
  )
  const oldest = gauge(
    registry,
    'sluice_queue_oldest_seconds',
    'How long the run that could begin has waited longest; 0: none waits',
  )
  const finished = gauge(
    registry,
    'sluice_runs_last_hour',
    'Runs that ended within the last hour, by whether they failed',
    ['failed'],
  )
  const wait = gauge(
    registry,
    'sluice_queue_wait_seconds',
    'From request to first attempt in the last hour: the 95th percentile; 0 without a run',
  )
  return async () => {
    const { waiting, delayed, paused, running, oldestMs, lastHour } = await engine.queue()
    for (const [is, count] of Object.entries({ waiting, delayed, paused, running })) runs.set({ is }, count)
    oldest.set((oldestMs ?? 0) / 1000)
    finished.set({ failed: 'true' }, lastHour.failed)
    finished.set({ failed: 'false' }, lastHour.finished - lastHour.failed)
    wait.set((lastHour.waitMs ?? 0) / 1000)
  }
}

export function countRequests(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    // The route, not the path: paths have names and ids in them, without end.
    const route = request.routeOptions.url ?? 'unknown'
    const labels = { method: request.method, route, status: String(reply.statusCode) }
    app.metrics.requests.observe(labels, reply.elapsedTime / 1000)
    done()
  })
}

export const metrics: Resource = (app) => {
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { role: null },
    schema: {
      operationId: 'getMetrics',
      summary: 'Metrics for Prometheus',
      description:
        'docs/metrics.md names each. Open unless the config has `api.metrics.token`; then it takes that one as bearer token.',
      tags: ['Operation'],
      response: { 200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } } },
    },
    async handler(request, reply) {
      const { metricsToken } = app.settings
      if (metricsToken !== null && !sameSecret(bearerOf(request), metricsToken)) {
        throw new SluiceError('UNAUTHENTICATED', 'The metrics ask for their token', {
          why: 'the request has no token, or another one',
          fix: 'send the token of `api.metrics.token` as bearer token',
        })
      }
      return reply.type(app.metrics.contentType).send(await app.metrics.text())
    },
  })
}
