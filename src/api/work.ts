/** Asking for work: a request becomes a run, and the answer says which, and whether anybody will do it. */
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Caller } from '../access/access.ts'
import type { Flow, SliceKey } from '../flows/flow.ts'
import type { Operation, RunRecord, RunRequest } from '../runs/engine.ts'
import type { Sluice } from '../sluice.ts'
import { flowOf } from './overview.ts'
import { type runAnswer, toRunDetail } from './records/run.ts'

const bound = z.string().min(1).max(100)

/** What may be asked for, in a body. */
export const workOptions = {
  slices: z
    .array(z.string().min(1).max(500))
    .min(1)
    .max(10_000)
    .nullable()
    .default(null)
    .describe('only these, by key; null: whatever is due'),
  force: z.boolean().default(false).describe('ignore freshness and guard'),
  from: bound.nullable().default(null).describe('the beginning of a range, as its kind reads it'),
  to: bound.nullable().default(null).describe('the end of a range; not in it'),
  step: z.enum(['export', 'import', 'load', 'purge']).nullable().default(null).describe('only this step of its kind'),
}

export interface Wanted extends Partial<Omit<RunRequest['options'], 'strict' | 'repair'>> {
  readonly slices?: readonly string[] | null
  readonly strict?: boolean
  readonly repair?: boolean
}

export interface Asked {
  readonly id: string
  readonly joined: boolean
  /** Why nobody will begin it for now; null: somebody does. */
  readonly warning: string | null
}

/** Records a request. `FLOW_UNKNOWN`, `FLOW_PAUSED`, `WORKER_OUTDATED`, and what the kind refuses: `USAGE`. */
export async function askFor(
  sluice: Sluice,
  name: string,
  operation: Operation,
  { slices = null, ...options }: Wanted,
  caller: Caller,
): Promise<Asked> {
  const flow = flowOf(sluice, name)
  const request: RunRequest = {
    operation,
    flow: flow.name,
    slices: slices as readonly SliceKey[] | null, // the kind refuses keys that it does not know
    options,
    trigger: 'api',
    requestedBy: caller.name,
  }
  const asked = await sluice.engine.request(request)
  return { ...asked, warning: await warningFor(sluice, flow) }
}

/** Why nobody takes a run of this flow for now, or null. */
export async function warningFor(sluice: Pick<Sluice, 'engine'>, flow: Flow): Promise<string | null> {
  const workers = (await sluice.engine.workers()).filter(({ alive, roles }) => alive && roles.includes('worker'))
  if (workers.some(({ flows, outdated }) => flows[flow.name] !== undefined && !outdated.includes(flow.name)))
    return null
  return workers.length === 0
    ? 'no worker of this project is alive: it waits until `sluice up` or `sluice up --only worker` starts one'
    : 'the workers that are alive have another definition of this flow: it waits until one is started anew'
}

/** 202 with the run and its address; or 200 when the caller waited and it has ended. `waited`: the seconds that were applied. */
export function sendAsked(
  reply: FastifyReply,
  run: RunRecord,
  { joined, warning }: Asked,
  waited: number | null,
): FastifyReply {
  if (waited !== null) void reply.header('preference-applied', `wait=${waited}`)
  const answer: z.output<typeof runAnswer> = {
    run: toRunDetail(run),
    joined,
    warning: run.outcome === null ? warning : null,
  }
  return reply
    .code(run.outcome === null ? 202 : 200)
    .header('location', `/api/runs/${run.id}`)
    .send(answer)
}
