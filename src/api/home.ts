/** One answer for one question: is my data fresh? */
import { z } from 'zod'
import { overview, type Overview } from './overview.ts'
import { type Advice, advice } from './records/advice.ts'
import { flow, type flowState } from './records/flow.ts'
import { run, toRun } from './records/run.ts'
import type { Resource } from './route.ts'
import { time } from './schemas.ts'
import { alive, queue } from './workers.ts'

const counts = z
  .object({
    paused: z.int(),
    failed: z.int(),
    late: z.int(),
    stale: z.int(),
    never: z.int(),
    fresh: z.int(),
    total: z.int(),
    running: z.int(),
  })
  .meta({ id: 'FlowCounts', description: 'flows by state; `running` beside it' })

const trouble = z
  .object({
    severity: z.enum(['problem', 'warning']),
    says: z.string(),
    why: z.string().nullable(),
    advice,
  })
  .meta({ id: 'Trouble', description: 'what is wrong, and what mends it' })

const home = z
  .object({
    at: time,
    project: z.string(),
    flows: counts,
    late: z.array(flow).describe('late now; `why` says what they wait for'),
    failures: z
      .object({ total: z.int(), items: z.array(run).describe('the newest') })
      .describe('runs that failed within 24 hours'),
    running: z.object({ total: z.int(), items: z.array(run) }),
    queue,
    alive,
    troubles: z.array(trouble).describe('worst first'),
  })
  .meta({ id: 'Home', description: 'is my data fresh?' })

type Trouble = z.output<typeof trouble>

/** So many failures, running runs and troubles are shown. */
const shown = 20
const dayMs = 86_400_000

export const homePage: Resource = (app, sluice) => {
  const { engine } = sluice
  app.route({
    method: 'GET',
    url: '/api/home',
    config: { role: 'viewer' },
    schema: {
      operationId: 'getHome',
      summary: 'Is my data fresh? What is late, failed and running, and what mends it',
      tags: ['Operation'],
      querystring: z.strictObject({}),
      response: { 200: home },
    },
    async handler() {
      const at = new Date()
      const failed = { outcomes: ['failed'], since: new Date(at.getTime() - dayMs) } as const
      const running = { outcomes: ['running'] } as const
      const [seen, failures, failureCount, now, runningCount, queued] = await Promise.all([
        overview(sluice),
        engine.runs({ ...failed, limit: shown }),
        engine.countRuns(failed),
        engine.runs({ ...running, limit: shown }),
        engine.countRuns(running),
        engine.queue(),
      ])
      return {
        at,
        project: sluice.project,
        flows: countsOf(seen),
        late: seen.flows.filter(({ state }) => state === 'late'),
        failures: { total: failureCount, items: failures.map(toRun) },
        running: { total: runningCount, items: now.map(toRun) },
        queue: queued,
        alive: seen.surroundings.alive,
        troubles: troublesOf(seen, queued.waiting).slice(0, shown),
      }
    },
  })
}

function countsOf({ flows }: Pick<Overview, 'flows'>): z.output<typeof counts> {
  const of = (state: z.output<typeof flowState>): number => flows.filter((one) => one.state === state).length
  return {
    paused: of('paused'),
    failed: of('failed'),
    late: of('late'),
    stale: of('stale'),
    never: of('never'),
    fresh: of('fresh'),
    total: flows.length,
    running: flows.filter(({ running }) => running).length,
  }
}

/** The worse, the earlier: what keeps everything from working, then flows by state. Pure. */
export function troublesOf({ flows, surroundings, defined }: Overview, waiting: number): Trouble[] {
  const scheduled = [...defined.values()].some(({ timing }) => timing !== null && timing.schedule !== null)
  const { scheduler, worker } = surroundings.alive
  const found: Trouble[] = []
  if (scheduled && !scheduler) found.push(start('Nothing keeps the schedules', 'no scheduler of this project is alive'))
  if (!worker && (scheduled || waiting > 0))
    found.push(start('Nothing does what is due', `no worker of this project is alive; ${waiting} runs wait`))
  const order = ['failed', 'late', 'stale', 'never', 'paused'] as const
  for (const state of order) {
    for (const one of flows) {
      if (one.state !== state || one.advice === null) continue
      const severity = state === 'failed' || state === 'late' ? 'problem' : 'warning'
      found.push({ severity, says: `${one.name} is ${words[state]}`, why: one.why, advice: one.advice })
    }
  }
  return found
}

const words = {
  failed: 'failed',
  late: 'late',
  stale: 'stale',
  never: 'not published yet',
  paused: 'paused',
} as const

function start(says: string, why: string): Trouble {
  const next: Advice = {
    flow: null,
    text: 'start scheduler and worker',
    command: 'sluice up',
    run: null,
    action: null,
  }
  return { severity: 'problem', says, why, advice: next }
}
