import { z } from 'zod'
import type { AttemptRecord, Phase, RunRecord, RunResult } from '../../runs/engine.ts'
import type { Changes } from '../../runs/views.ts'
import { errorRecord, id, json, pageOf, time } from '../schemas.ts'
import { commandOf } from './command.ts'
import { finding } from './finding.ts'
import { toVerification, verification } from './verification.ts'

export const operation = z
  .enum(['apply', 'verify', 'plan', 'ddl', 'check'])
  .meta({ id: 'Operation', description: 'what a run does; `apply` brings slices up to date' })
export const runOutcome = z.enum(['succeeded', 'failed', 'cancelled', 'skipped'])
export const runState = z.enum(['waiting', 'running', ...runOutcome.options]).meta({
  id: 'RunState',
  description: 'its outcome, once it has one; before that `running` while a worker is at it, else `waiting`',
})
export const trigger = z
  .enum(['manual', 'schedule', 'backfill', 'api'])
  .meta({ id: 'Trigger', description: 'what asked for a run; `manual` is the command line' })

const phaseShape = {
  name: z.string().meta({ description: '`read`, `load`, `index`, `publish`, …' }),
  rows: z.number(),
  rowsExpected: z.number().nullable().meta({ description: 'as far as it is known beforehand' }),
  bytes: z.number(),
}
export const phase = z.object(phaseShape).meta({ id: 'Phase', description: 'the phase that runs, and how far it is' })
const endedPhase = z
  .object({ ...phaseShape, seconds: z.number() })
  .meta({ id: 'EndedPhase', description: 'a phase that has ended' })

const attempt = z
  .object({
    n: z.int().meta({ description: 'counts from 1' }),
    worker: id,
    startedAt: time,
    heartbeatAt: time,
    finishedAt: time.nullable(),
    outcome: z
      .enum([...runOutcome.options, 'interrupted'])
      .nullable()
      .meta({ description: '`interrupted`: the worker stopped or died, and another attempt follows' }),
    error: errorRecord.nullable(),
    phase: phase.nullable(),
    phases: z.array(endedPhase),
  })
  .meta({ id: 'Attempt', description: 'one try of a run by one worker' })

export const plannedSlice = z
  .object({ action: z.enum(['run', 'skip']), slice: z.string().meta({ description: 'its key' }), why: z.string() })
  .meta({ id: 'PlannedSlice' })

export const changes = z
  .object({ inserted: z.number(), changed: z.number(), deleted: z.number(), unchanged: z.number() })
  .meta({ id: 'Changes', description: 'rows of the target that a publication touched, and those that it left' })

const runShape = {
  id,
  flow: z.string(),
  operation,
  state: runState,
  outcome: runOutcome.nullable().meta({ description: 'written once, when no attempt follows; null until then' }),
  trigger,
  requestedBy: z.string(),
  requestedAt: time,
  dueAt: time.nullable().meta({ description: 'the due time that it answers to; null: nobody scheduled it' }),
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  notBefore: time.nullable().meta({ description: 'the next attempt does not begin before this' }),
  cancelling: z
    .object({ at: time, by: z.string(), reason: z.string().nullable() })
    .nullable()
    .meta({ description: 'somebody asked to cancel it; it may still be at work for a moment' }),
  waitSeconds: z
    .number()
    .nullable()
    .meta({ description: 'from the request to the beginning of the first attempt; null until then' }),
  workSeconds: z.number().nullable().meta({ description: 'from there to the end; null until it has ended' }),
  rows: z.number().nullable().meta({ description: 'rows that readers see in what it published' }),
  changes: changes.nullable().meta({ description: 'what changed for readers, where it is known' }),
  reason: z.string().nullable().meta({ description: 'why it was skipped or cancelled' }),
  error: errorRecord.nullable(),
  backfill: id.nullable().meta({ description: 'the backfill that it belongs to' }),
  attempt: z.int().nullable().meta({ description: 'the number of its last attempt' }),
  phase: phase.nullable().meta({ description: 'what its worker is at; null unless it is running' }),
}

/** A run as lists show it. */
export const run = z.object(runShape).meta({ id: 'Run', description: 'one request to bring slices up to date' })
export const runPage = pageOf(run).meta({ id: 'RunPage' })

export const runDetail = z
  .object({
    ...runShape,
    slices: z.array(z.string()).nullable().meta({ description: 'only these; null: whatever was due' }),
    options: z
      .object({
        force: z.boolean(),
        strict: z.boolean(),
        repair: z.boolean().meta({ description: 'what differs is redone, and compared again' }),
        from: z.string().nullable(),
        to: z.string().nullable(),
        step: z.string().nullable(),
      })
      .meta({ description: 'what was asked for' }),
    attempts: z.array(attempt),
    result: z.object({
      plan: z.object({ slices: z.array(plannedSlice), steps: z.array(z.string()) }).nullable(),
      ddl: z.object({ source: z.string(), target: z.string() }).nullable(),
      findings: z.array(finding).nullable(),
      verifications: z.array(verification).nullable(),
      followedBy: id
        .nullable()
        .meta({ description: 'the run that redoes what was found to differ, or compares what was redone' }),
    }),
    command: z.string().meta({ description: 'the same as a command line' }),
  })
  .meta({ id: 'RunDetail', description: 'a run with its attempts, and what it found out' })

export const runAnswer = z
  .object({
    run: runDetail,
    joined: z
      .boolean()
      .meta({ description: 'the same work was asked for already and is unfinished: this is that run' }),
    warning: z
      .string()
      .nullable()
      .meta({ description: 'why nobody will begin it for now, although it was recorded; null: somebody does' }),
  })
  .meta({ id: 'RunAnswer', description: 'a run that was asked for' })

export const logLine = z
  .object({
    id: z.number().meta({ description: 'grows; `Last-Event-ID` of a stream' }),
    at: time,
    attempt: z.int().nullable(),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    message: z.string(),
    fields: z.record(z.string(), json),
  })
  .meta({ id: 'LogLine' })

export function toRun(record: RunRecord): z.output<typeof run> {
  const { slices: _slices, options: _options, result, attempts, ...rest } = record
  const last = attempts.at(-1)
  const live = record.outcome === null && last?.outcome === null ? last : null
  return {
    ...rest,
    state: record.outcome ?? (live === null ? 'waiting' : 'running'),
    waitSeconds: record.startedAt === null ? null : seconds(record.requestedAt, record.startedAt),
    workSeconds:
      record.startedAt === null || record.finishedAt === null ? null : seconds(record.startedAt, record.finishedAt),
    changes: changesOf(result),
    attempt: last?.n ?? null,
    phase: live?.phase ?? null,
  }
}

export function toRunDetail(record: RunRecord): z.output<typeof runDetail> {
  const { force = false, strict = false, repair = false, from = null, to = null, step = null } = record.options
  return {
    ...toRun(record),
    slices: record.slices === null ? null : [...record.slices],
    options: { force, strict, repair, from, to, step },
    attempts: record.attempts.map(toAttempt),
    result: toResult(record.result),
    command: commandOf(record),
  }
}

function toAttempt(record: AttemptRecord): z.output<typeof attempt> {
  return { ...record, phases: record.phases.map((ended: Phase & { readonly seconds: number }) => ({ ...ended })) }
}

function toResult(result: RunResult | null): z.output<typeof runDetail>['result'] {
  return {
    plan: result?.plan === undefined ? null : toPlan(result.plan),
    ddl: result?.ddl === undefined ? null : { source: result.ddl.source, target: result.ddl.target },
    findings: result?.findings === undefined ? null : [...result.findings],
    verifications: result?.verifications?.map(toVerification) ?? null,
    followedBy: result?.followedBy ?? null,
  }
}

export function toPlan({ slices, steps }: NonNullable<RunResult['plan']>): {
  slices: z.output<typeof plannedSlice>[]
  steps: string[]
} {
  return {
    slices: slices.map(({ action, slice, why }) => ({ action, slice: slice.key, why })),
    steps: [...steps],
  }
}

/** Written by us, as a publication counts them; other operations have none. */
function changesOf(result: RunResult | null): Changes | null {
  const parsed = changes.safeParse(result?.changes)
  return parsed.success ? parsed.data : null
}

function seconds(from: Date, to: Date): number {
  return Math.max(0, (to.getTime() - from.getTime()) / 1_000)
}
