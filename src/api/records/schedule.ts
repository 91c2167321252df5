import { z } from 'zod'
import { id, time } from '../schemas.ts'

/** When a flow is due. Durations are milliseconds. */
export const scheduleSpec = z
  .discriminatedUnion('tag', [
    z.object({ tag: z.literal('every'), every: z.number(), offset: z.number() }),
    z.object({ tag: z.literal('cron'), cron: z.string(), zone: z.string() }),
  ])
  .meta({ id: 'ScheduleSpec', description: 'durations in milliseconds' })

export const dueTime = z
  .object({
    at: time,
    local: z.string().meta({ description: 'what clocks in the zone show then: `2026-03-29T03:00:00`' }),
    zone: z.string(),
    oddity: z.enum(['skipped', 'repeated']).nullable().meta({
      description:
        'daylight saving. `skipped`: no clock shows `wanted`, it runs at the next time there is; `repeated`: clocks show it twice, it runs the first time',
    }),
    wanted: z.string().meta({ description: 'the local time that the schedule names' }),
  })
  .meta({ id: 'DueTime' })

export const occurrence = z
  .object({
    flow: z.string(),
    dueAt: time,
    state: z.enum(['waiting', 'run', 'skipped']),
    reason: z.string().nullable().meta({ description: 'why it was skipped, or what it waits for' }),
    run: id.nullable(),
  })
  .meta({ id: 'Occurrence', description: 'one due time of a schedule; it becomes a run, or a skip with a reason' })
