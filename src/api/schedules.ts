/** When flows are due: in words, next, and what became of the last due times. */
import { z } from 'zod'
import { describeSchedule } from '../lib/schedule-words.ts'
import { pageByName } from './cursor.ts'
import { dueTime, occurrence, scheduleSpec } from './records/schedule.ts'
import type { Resource } from './route.ts'
import { pageOf, pageQuery, time } from './schemas.ts'

const schedule = z
  .object({
    flow: z.string(),
    words: z.string().meta({ description: '`every 2 h`, `daily at 05:00 (Europe/Berlin)`, `by hand`' }),
    spec: scheduleSpec.nullable().meta({ description: 'null: by hand' }),
    paused: z.object({ at: time, by: z.string(), reason: z.string().nullable() }).nullable(),
    late: z.number().meta({ description: 'milliseconds after its due time when it is late' }),
    catchUp: z.enum(['skip', 'latest', 'all']).meta({ description: 'which due times that passed unattended are run' }),
    maxAge: z.number().nullable(),
    overlap: z.enum(['wait', 'skip', 'cancel']).meta({ description: 'what a due time does while the flow still runs' }),
    after: z.array(z.string()),
    next: z.array(dueTime),
    last: z.array(occurrence).meta({ description: 'the last due times, latest first' }),
    missed: z
      .array(occurrence)
      .meta({ description: 'the last due times that were skipped or still wait, with the reason, latest first' }),
  })
  .meta({ id: 'Schedule', description: 'when a flow is due' })

/** How many of the last due times, and of the skipped ones, are shown with a schedule. */
const shown = 10

export const schedules: Resource = (app, { engine }) => {
  app.route({
    method: 'GET',
    url: '/api/schedules',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listSchedules',
      summary: 'When each flow is due',
      tags: ['Schedules'],
      querystring: z.strictObject({
        next: z.coerce.number().int().min(0).max(100).default(10).describe('so many coming due times of each'),
        ...pageQuery.shape,
      }),
      response: { 200: pageOf(schedule).meta({ id: 'SchedulePage' }) },
    },
    async handler({ query: { next, ...page } }) {
      const chosen = pageByName(engine.flows(), ({ name }) => name, page)
      const statuses = new Map(
        (await engine.status(chosen.items.map(({ name }) => name))).map((status) => [status.name, status]),
      )
      const items = await Promise.all(
        chosen.items.map(async ({ name, timing: { schedule: spec, late, catchUp, maxAge, overlap, after } }) => {
          const [due, last, missed] = await Promise.all([
            spec === null || next === 0 ? [] : engine.nextDue(name, next),
            engine.occurrences({ flow: name, limit: shown }),
            engine.occurrences({ flow: name, states: ['skipped', 'waiting'], limit: shown }),
          ])
          return {
            flow: String(name),
            words: describeSchedule(spec),
            spec,
            paused: statuses.get(name)?.paused ?? null,
            late,
            catchUp,
            maxAge,
            overlap,
            after: [...after],
            next: [...due],
            last: [...last],
            missed: [...missed],
          }
        }),
      )
      return { ...chosen, items }
    },
  })
}
