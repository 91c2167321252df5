/** For load balancers and supervisors: whether this process answers, and whether the project around it works. */
import { z } from 'zod'
import { asSluiceError } from '../lib/error.ts'
import type { Sluice } from '../sluice.ts'
import type { Resource } from './route.ts'

const missing = z
  .object({
    what: z.enum(['state', 'scheduler', 'worker', 'definition']),
    says: z.string(),
    fix: z.string(),
  })
  .meta({ id: 'Missing', description: 'what keeps the project from working, and what to do about it' })

const readiness = z.object({ status: z.enum(['ready', 'not ready']), missing: z.array(missing) })

type Missing = z.output<typeof missing>

export const health: Resource = (app, sluice) => {
  app.route({
    method: 'GET',
    url: '/healthz',
    config: { role: null },
    schema: {
      operationId: 'getHealth',
      summary: 'Whether this process answers',
      tags: ['Operation'],
      response: { 200: z.object({ status: z.literal('alive') }) },
    },
    handler: () => ({ status: 'alive' as const }),
  })
  app.route({
    method: 'GET',
    url: '/readyz',
    config: { role: null },
    schema: {
      operationId: 'getReadiness',
      summary: 'Whether the project works, and what is missing',
      description:
        'The state can be read and fits this version, a scheduler and a worker live, and every flow can be taken over.',
      tags: ['Operation'],
      response: {
        200: readiness,
        503: { description: 'something is missing', content: { 'application/json': { schema: readiness } } },
      },
    },
    async handler(_request, reply) {
      const found = await whatIsMissing(sluice)
      const ready = found.length === 0
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', missing: [...found] })
    },
  })
}

/** A state that cannot be read hides the rest. Says nothing of servers, roles or errors' own words: anybody may ask. */
async function whatIsMissing({ engine }: Sluice): Promise<readonly Missing[]> {
  try {
    const alive = await engine.alive()
    return [
      ...(alive.scheduler ? [] : [dead('scheduler', 'nothing becomes due')]),
      ...(alive.worker ? [] : [dead('worker', 'no run is done')]),
      ...engine.refused().map(({ flow, error }): Missing => ({
        what: 'definition',
        says: `flow ${flow} cannot be taken over: ${error.code}`,
        fix: 'see its page in the console, or `sluice doctor`',
      })),
    ]
  } catch (thrown) {
    const { code } = asSluiceError(thrown)
    return [{ what: 'state', says: `the state cannot be read: ${code}`, fix: 'see `sluice doctor`' }]
  }
}

function dead(what: 'scheduler' | 'worker', says: string): Missing {
  return { what, says: `no ${what} lives: ${says}`, fix: `start \`sluice up --only ${what}\`` }
}
