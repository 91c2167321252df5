import { z } from 'zod'
import type { FlowStatus } from '../../runs/engine.ts'
import type { DefinedFlow } from '../../definitions.ts'
import { describeSchedule } from '../../lib/schedule-words.ts'
import { errorRecord, json, pageOf, time } from '../schemas.ts'
import { advice, type Advice } from './advice.ts'
import { run, toRun } from './run.ts'
import { scheduleSpec } from './schedule.ts'
import { sliceCounts } from './slice.ts'

export const flowState = z.enum(['paused', 'failed', 'late', 'stale', 'never', 'fresh']).meta({
  id: 'FlowState',
  description: 'judged by due time; by precedence in this order',
})

const pause = z
  .object({ at: time, by: z.string(), reason: z.string().nullable() })
  .meta({ id: 'Pause', description: 'who paused it, and why' })

const flowShape = {
  name: z.string(),
  kind: z.string().meta({ description: 'how it keeps something true: `sync`, …; GET /api/kinds has them' }),
  origin: z
    .enum(['file', 'console'])
    .meta({ description: '`file`: of the config, read-only here; `console`: made and changed through this API' }),
  version: z.int().meta({ description: 'of its definition; counts from 1' }),
  state: flowState,
  why: z.string().nullable().meta({ description: 'why it is in that state, in one line; null when fresh' }),
  note: z.string().nullable().meta({ description: 'what is odd about its definition; null: nothing' }),
  running: z.boolean(),
  rows: z.number().nullable().meta({ description: 'rows that readers see' }),
  asOf: time.nullable().describe('how old they are'),
  sourceAsOf: time.nullable().describe("the source's own time, where it tells one"),
  dueAt: time.nullable().describe('what is due and not done, else what is due next'),
  paused: pause.nullable(),
  schedule: z.string().meta({ description: 'in words: `every 2 h`, `daily at 05:00 (Europe/Berlin)`, `by hand`' }),
  stores: z.array(z.string()).meta({ description: 'the stores that it touches' }),
  after: z.array(z.string()).meta({ description: 'flows that have to be done first' }),
  lastRun: run.nullable().meta({ description: 'its last run that brings slices up to date' }),
  advice: advice.nullable().meta({ description: 'what to do next; null: nothing' }),
}

/** A flow as lists show it. */
export const flow = z.object(flowShape).meta({ id: 'Flow', description: 'something that Sluice keeps true, by name' })
export const flowPage = pageOf(flow).meta({ id: 'FlowPage' })

const timing = z
  .object({
    schedule: scheduleSpec.nullable(),
    late: z.number().meta({ description: 'how long after its due time it is late' }),
    sourceEvery: z.number().nullable().meta({ description: 'how often the source is rebuilt' }),
    catchUp: z.enum(['skip', 'latest', 'all']),
    maxAge: z.number().nullable(),
    overlap: z.enum(['wait', 'skip', 'cancel']),
    attempts: z.int(),
    publishTimeout: z.number(),
    timeout: z.number().nullable(),
  })
  .meta({ id: 'Timing', description: 'when it runs; durations in milliseconds' })

/** A definition as it was written: the same shape as in the config file. */
export const definition = z.record(z.string(), json).meta({
  id: 'Definition',
  description: 'a flow as in the config file: `kind` and its options; variables, secrets and files are references',
})

const flowEnd = z
  .object({
    store: z.string(),
    tag: z.enum(['query', 'table', 'files']),
    name: z.string().meta({ description: '`public.api_teacher_data`, a path, the first line of a query' }),
  })
  .meta({ id: 'FlowEnd', description: 'what a flow reads or writes' })

export const flowDetail = z
  .object({
    ...flowShape,
    definition,
    definitionHash: z.string().meta({ description: 'SHA-256 of what decides its content' }),
    changedAt: time,
    changedBy: z.string(),
    tookOver: z
      .object({ version: z.int(), at: time, by: z.string() })
      .nullable()
      .meta({ description: 'the version made in the console that the file has taken over' }),
    timing: timing.nullable().meta({ description: 'null: this process cannot take the flow over; `problem` says why' }),
    reads: z.array(flowEnd),
    writes: z.array(flowEnd),
    slices: sliceCounts,
    problem: errorRecord.nullable(),
  })
  .meta({ id: 'FlowDetail', description: 'a flow with its definition' })

/** A flow without a status is one that this process cannot take over: nobody can say more of it than that. */
export function toFlow(
  defined: DefinedFlow,
  status: FlowStatus | undefined,
  next: Advice | null,
): z.output<typeof flow> {
  return {
    name: defined.name,
    kind: defined.kind,
    origin: defined.origin,
    version: defined.version,
    state: status?.state ?? 'failed',
    why: status === undefined ? (defined.problem?.summary ?? 'this process does not know it yet') : status.why,
    note: status?.note ?? null,
    running: status?.running ?? false,
    rows: status?.rows ?? null,
    asOf: status?.asOf ?? null,
    sourceAsOf: status?.sourceAsOf ?? null,
    dueAt: status?.dueAt ?? null,
    paused: status?.paused ?? null,
    schedule: defined.timing === null ? 'unknown' : describeSchedule(defined.timing.schedule),
    stores: [...defined.stores],
    after: [...(defined.timing?.after ?? [])],
    lastRun: status === undefined || status.lastRun === null ? null : toRun(status.lastRun),
    advice: next,
  }
}

export function toFlowDetail(
  defined: DefinedFlow,
  base: z.output<typeof flow>,
  slices: z.output<typeof sliceCounts>,
): z.output<typeof flowDetail> {
  return {
    ...base,
    definition: definition.parse(defined.definition),
    definitionHash: defined.definitionHash,
    changedAt: defined.changedAt,
    changedBy: defined.changedBy,
    tookOver: defined.tookOver,
    timing: defined.timing,
    reads: [...defined.reads],
    writes: [...defined.writes],
    slices,
    problem: defined.problem,
  }
}
