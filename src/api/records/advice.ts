import { z } from 'zod'
import { json } from '../schemas.ts'
import type { Recommendation } from '../recommend.ts'

/** One click: a request of this API. */
const action = z
  .object({
    label: z.string().meta({ description: 'for a button: `Run now`' }),
    method: z.enum(['POST', 'PATCH']),
    path: z.string().meta({ description: 'of this API: `/api/flows/teacher_data/runs`' }),
    body: z.record(z.string(), json),
    role: z.enum(['operator', 'admin']).meta({ description: 'who may do it' }),
  })
  .meta({ id: 'Action', description: 'the request that mends it' })

export const advice = z
  .object({
    flow: z.string().nullable(),
    text: z.string(),
    command: z.string().meta({ description: 'the command that mends it, or shows why' }),
    run: z.string().nullable().meta({ description: 'the run to look at' }),
    action: action.nullable().meta({ description: 'the same as a request; null: it cannot be done from here' }),
  })
  .meta({ id: 'Advice', description: 'what to do next' })

export type Advice = z.output<typeof advice>

/** Pure. */
export function toAdvice({ flow, text, command, remedy }: Recommendation, lastRun: string | null): Advice {
  const path = `/api/flows/${encodeURIComponent(flow)}`
  return { flow, text, command, run: remedy === 'look' ? lastRun : null, action: actionOf(remedy, path) }
}

function actionOf(remedy: Recommendation['remedy'], path: string): Advice['action'] {
  const request = { method: 'POST', role: 'operator' } as const
  switch (remedy) {
    case 'run':
      return { ...request, label: 'Run now', path: `${path}/runs`, body: {} }
    case 'look':
      return { ...request, label: 'Try again', path: `${path}/runs`, body: {} }
    case 'force':
      return { ...request, label: 'Publish all the same', path: `${path}/runs`, body: { force: true } }
    case 'resume':
      return { ...request, label: 'Resume', path: `${path}/resume`, body: {} }
    case 'start':
      return null
  }
}
