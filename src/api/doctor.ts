/** Live checks of stores and flows, with cause and fix. */
import { z } from 'zod'
import type { Finding } from '../flows/flow.ts'
import { finding } from './records/finding.ts'
import type { Resource } from './route.ts'
import { time } from './schemas.ts'

const diagnosis = z
  .object({
    at: time.describe('when looking began'),
    problems: z.int(),
    warnings: z.int(),
    items: z.array(finding).describe('problems first'),
  })
  .meta({ id: 'Diagnosis', description: 'what looking at the outside found' })

interface Look {
  readonly at: Date
  readonly findings: Promise<readonly Finding[]>
}

export const doctor: Resource = (app, sluice) => {
  /** Whoever asks while somebody looks gets the same: looking takes a run of each flow. */
  let looking: Look | undefined
  const look = (): Look => {
    if (looking !== undefined) return looking
    const begun = { at: new Date(), findings: sluice.doctor() }
    looking = begun
    const over = (): void => {
      looking = undefined
    }
    begun.findings.then(over, over)
    return begun
  }

  app.route({
    method: 'GET',
    url: '/api/doctor',
    config: { role: 'operator' },
    schema: {
      operationId: 'getDiagnosis',
      summary: 'Look at the stores and flows as they are',
      description: 'Takes as long as looking does: seconds.',
      tags: ['Operation'],
      querystring: z.strictObject({}),
      response: { 200: diagnosis },
    },
    async handler() {
      const { at, findings } = look()
      const items = [...(await findings)].sort((a, b) => rank[a.severity] - rank[b.severity])
      return {
        at,
        problems: items.filter(({ severity }) => severity === 'problem').length,
        warnings: items.filter(({ severity }) => severity === 'warning').length,
        items,
      }
    },
  })
}

const rank = { problem: 0, warning: 1, fine: 2 } as const
