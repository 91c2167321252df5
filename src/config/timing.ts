import { z } from 'zod'
import type { FlowName, Timing } from '../flows/flow.ts'
import { parseDuration } from '../lib/duration.ts'
import type { Schedule } from '../lib/schedule.ts'
import { scheduleFault } from './cron.ts'

/** A length of time as text, `2h`, `30m`, `1d`, `2 weeks`: milliseconds when parsed. */
export const duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'not a duration such as 30m, 2h, 1d or 2 weeks')
  .meta({ id: 'duration' })

const positive = duration.refine((text) => parseDuration(text) !== 0, 'has to be longer than nothing')

export const flowNamePattern = /^[A-Za-z0-9_][A-Za-z0-9_-]*$/

/** The name of a flow: part of table, index and channel names, hence PostgreSQL's limit. */
export const flowName = z
  .string()
  .regex(flowNamePattern, 'a name has letters, digits, _ and - only, and does not begin with -')
  .refine((text) => Buffer.byteLength(text) <= 63, 'a name has at most 63 bytes')

/** What every kind of flow may say about WHEN it runs. */
export const timingDefinition = z.strictObject({
  every: positive
    .optional()
    .describe('how often it is due, counted from 1970-01-01T00:00Z plus `offset`: restarts do not move it'),
  offset: duration.optional().describe('moves the due times of `every`'),
  cron: z.string().min(1).optional().describe('when it is due: five fields, or six with seconds'),
  zone: z.string().min(1).optional().describe('the time zone of `cron`, as `Europe/Berlin`; default: `UTC`'),
  late: positive.optional().describe('how long after its due time it counts as late; default: 30m'),
  sourceEvery: positive
    .optional()
    .describe('how often the source is rebuilt; an older one is `stale`; default: unknown'),
  catchUp: z
    .enum(['skip', 'latest', 'all'])
    .default('latest')
    .describe('which due times that passed unattended are run: none, the latest, or all'),
  maxAge: positive.optional().describe('due times older than this are skipped whatever `catchUp` says'),
  overlap: z
    .enum(['wait', 'skip', 'cancel'])
    .default('wait')
    .describe('what a due time does while the flow still runs: wait for it, be skipped, or cancel it'),
  after: z.array(z.string()).default([]).describe('flows that have to be done first'),
  attempts: z.int().min(1).max(100).default(3).describe('how often a run is tried when trying again may help'),
  publishTimeout: positive.default('10m').describe('how long publishing waits for readers to let go of the table'),
  timeout: positive.optional().describe('a run without progress for this long is given up; default: never'),
})

export type TimingDefinition = z.input<typeof timingDefinition>

/** Faults that the shape alone does not show. Pure. */
export function timingFaults(
  timing: z.output<typeof timingDefinition>,
): readonly { readonly path: string; readonly fault: string }[] {
  const faults: { path: string; fault: string }[] = []
  if (timing.every !== undefined && timing.cron !== undefined)
    faults.push({ path: 'cron', fault: '`every` and `cron` exclude each other' })
  if (timing.offset !== undefined && timing.every === undefined)
    faults.push({ path: 'offset', fault: 'an offset moves `every`, which is not given' })
  if (timing.zone !== undefined && timing.cron === undefined)
    faults.push({ path: 'zone', fault: 'a zone belongs to `cron`, which is not given' })
  if (timing.cron !== undefined) {
    const fault = scheduleFault(timing.cron, timing.zone ?? 'UTC')
    if (fault !== null) faults.push(fault)
  }
  return faults
}

/** Turns what was written into what the engine goes by. */
export function timingOf(timing: z.output<typeof timingDefinition>): Timing {
  return {
    schedule: scheduleOf(timing),
    late: milliseconds(timing.late) ?? 1_800_000,
    sourceEvery: milliseconds(timing.sourceEvery),
    catchUp: timing.catchUp,
    maxAge: milliseconds(timing.maxAge),
    overlap: timing.overlap,
    after: timing.after as FlowName[], // every name of `after` is checked against the names of the flows
    attempts: timing.attempts,
    publishTimeout: milliseconds(timing.publishTimeout) ?? 600_000,
    timeout: milliseconds(timing.timeout),
  }
}

function scheduleOf(timing: z.output<typeof timingDefinition>): Schedule | null {
  const every = milliseconds(timing.every)
  if (every !== null) return { tag: 'every', every, offset: milliseconds(timing.offset) ?? 0 }
  if (timing.cron !== undefined) return { tag: 'cron', cron: timing.cron, zone: timing.zone ?? 'UTC' }
  return null
}

function milliseconds(text: string | undefined): number | null {
  return text === undefined ? null : (parseDuration(text) ?? null)
}
