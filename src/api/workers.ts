/** The processes of the project, what they do now, and what waits for them. */
import { z } from 'zod'
import { operation } from './records/run.ts'
import type { Resource } from './route.ts'
import { id, time } from './schemas.ts'

const worker = z
  .object({
    id,
    host: z.string(),
    pid: z.int(),
    version: z.string().describe('of Sluice'),
    roles: z
      .array(z.enum(['scheduler', 'worker', 'run', 'api']))
      .describe('`run`: a command that does the one run it asked for'),
    stores: z.array(z.string()),
    flows: z.array(z.string()).describe('flows that it knows'),
    outdated: z.array(z.string()).describe('flows that it has in another definition than the registered one'),
    startedAt: time,
    heartbeatAt: time,
    stoppedAt: time.nullable().describe('when it said that it ends'),
    alive: z.boolean().describe('it gave a sign within the time of a lease, and has not said that it ends'),
    doing: z
      .array(
        z.object({
          run: id,
          flow: z.string(),
          operation,
          attempt: z.int(),
          startedAt: time,
          phase: z.string().nullable(),
        }),
      )
      .describe('what it does now'),
  })
  .meta({ id: 'Worker', description: 'a process of the project' })

export const queue = z
  .object({
    waiting: z.number().describe('unfinished runs that could begin now'),
    delayed: z.number().describe('unfinished runs in the pause between two attempts'),
    paused: z.number().describe('unfinished runs of paused flows and paused backfills'),
    running: z.number(),
    oldest: time.nullable().describe('since when the run that has waited longest waits'),
    oldestMs: z.number().nullable(),
    lastHour: z.object({
      finished: z.number(),
      failed: z.number(),
      waitMs: z.number().nullable().describe('from the request to the first attempt, the 95th percentile'),
    }),
  })
  .meta({ id: 'Queue', description: 'what waits for a worker, and how well the workers keep up' })

export const alive = z
  .object({ scheduler: z.boolean(), worker: z.boolean() })
  .meta({ id: 'Alive', description: 'which roles some living process of the project has' })

export const workers: Resource = (app, { engine }) => {
  app.route({
    method: 'GET',
    url: '/api/workers',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listWorkers',
      summary: 'Processes that live or ended within a day, what they do, and what waits for them',
      tags: ['Operation'],
      querystring: z.strictObject({}),
      response: {
        200: z.object({ items: z.array(worker), total: z.int(), alive, queue }).meta({ id: 'Workers' }),
      },
    },
    async handler() {
      const [found, queued, living] = await Promise.all([engine.workers(), engine.queue(), engine.alive()])
      const items = found.map(({ roles, stores, flows, outdated, doing, ...rest }) => ({
        ...rest,
        roles: [...roles],
        stores: [...stores],
        flows: Object.keys(flows).toSorted(),
        outdated: [...outdated],
        doing: [...doing],
      }))
      return { items, total: items.length, alive: living, queue: queued }
    },
  })
}
