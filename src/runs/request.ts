import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { v7 as uuid } from 'uuid'
import type { WorkRequest } from '../flows/flow.ts'
import { SluiceError } from '../lib/error.ts'
import type { Session } from '../lib/sql.ts'
import { readFlow } from '../state/flow.ts'
import { insertRun, raisePriority } from '../state/run.ts'
import { readHolders } from '../state/worker.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { RunId, RunRequest } from './engine.ts'
import { failpoint } from '../lib/failpoint.ts'
import { outdated } from './holders.ts'
import { readKnown } from './register.ts'

/** What only schedules and backfills say of a run. */
export interface RequestOrigin {
  readonly dueAt?: Date | null
  readonly backfill?: string | null
}

/** Live work before backfills, and who waits in front of it before what nobody watches. */
const priorities: Readonly<Record<RunRequest['trigger'], number>> = { manual: 30, api: 30, schedule: 20, backfill: 10 }

/**
 * Records a request and queues it, in the caller's transaction; or finds the unfinished run for the same work. Whoever
 * decides upon an occurrence calls this in the transaction in which the occurrence is written.
 */
export async function recordRequest(
  tx: Session,
  engine: Pick<EngineContext, 'state' | 'queue' | 'bell'>,
  request: RunRequest,
  origin: RequestOrigin = {},
): Promise<{ readonly id: RunId; readonly joined: boolean }> {
  const { dueAt = null, backfill = null } = origin
  const priority = priorities[request.trigger]
  const found = await insertRun(tx, engine.state, {
    id: uuid(),
    operation: request.operation,
    flow: request.flow,
    slices: request.slices === null ? null : [...request.slices].toSorted(),
    options: request.options,
    trigger: request.trigger,
    requestedBy: request.requestedBy,
    priority,
    dueAt,
    backfill,
    work: workOf(request, dueAt),
  })
  if (!found.joined) {
    const queue = await engine.queue()
    await queue.send(tx, found.id, { priority })
    await engine.bell.ring(tx, { topic: 'work' })
    await engine.bell.ring(tx, { topic: 'run', run: found.id, flow: request.flow })
  }
  return found
}

/**
 * A request in a transaction of its own. What is refused is not recorded: what the kind cannot be asked
 * for (`USAGE`), to bring a paused flow up to date (`FLOW_PAUSED`), and what neither we nor a living worker can do, the flow being
 * registered otherwise, or its store being held by a worker that has it otherwise (`WORKER_OUTDATED`). `also` is done in the same transaction.
 */
export async function request(
  engine: EngineContext,
  asked: RunRequest,
  also: (tx: Session, run: RunId) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly id: RunId; readonly joined: boolean }> {
  refuseOdd(engine, asked)
  // Opened beforehand: installing the queue does not belong into this transaction.
  await engine.queue()
  const found = await inTransaction(engine, async (tx) => {
    await refusePaused(tx, engine, asked)
    await refuseOutdated(tx, engine, asked)
    const run = await recordRequest(tx, engine, asked)
    // Somebody waits for it now: it is as urgent as what that one would have got for himself.
    if (run.joined) await raisePriority(tx, engine.state, run.id, priorities[asked.trigger])
    await also(tx, run.id)
    await failpoint('request:before-commit')
    return run
  })
  await failpoint('request:after-commit')
  return found
}

function refuseOdd(engine: EngineContext, { flow: name, slices, options }: RunRequest): void {
  const flow = engine.flows.get(name)
  const kind = flow === undefined ? undefined : engine.kinds[flow.kind]
  if (flow === undefined || kind === undefined) return
  const refused = kind.refuse(flow, workRequestOf(slices, options, null))
  if (refused !== null) throw refused
}

/** A request as kinds see it. Pure. */
export function workRequestOf(
  slices: RunRequest['slices'],
  options: RunRequest['options'],
  dueAt: Date | null,
): WorkRequest {
  const { force = false, from = null, to = null, step = null, grain = null, clear = false, backfill = false } = options
  return { force, slices, from, to, step, grain, clear, backfill, dueAt }
}

export async function refusePaused(
  tx: Session,
  engine: Pick<EngineContext, 'state'>,
  { operation, flow, options }: Pick<RunRequest, 'operation' | 'flow'> & Partial<Pick<RunRequest, 'options'>>,
): Promise<void> {
  // A comparison that repairs is refused before it compares.
  if (operation !== 'apply' && options?.repair !== true) return
  const row = await readFlow(tx, engine.state, flow)
  if (row?.paused_at === undefined || row.paused_at === null) return
  const reason = row.paused_reason === null ? '' : `: ${row.paused_reason}`
  throw new SluiceError('FLOW_PAUSED', `${flow} is paused`, {
    why: `${row.paused_by ?? 'somebody'} paused it at ${row.paused_at.toISOString()}${reason}`,
    fix: `sluice resume ${flow}`,
    where: { flow },
  })
}

async function refuseOutdated(tx: Session, engine: EngineContext, asked: RunRequest): Promise<void> {
  const { state, leases, exclusiveStores } = engine
  const known = await readKnown(tx, engine, asked.flow)
  const refused = outdated(known, await readHolders(tx, state, asked.flow, leases.leaseMs), exclusiveStores)
  if (refused !== null) throw refused
}

/**
 * What makes two requests the same work: slices, options that say something, and the due time. A request of a schedule is
 * never taken for that of a person: a manual run satisfies no occurrence. Pure.
 */
export function workOf(request: Pick<RunRequest, 'slices' | 'options'>, dueAt: Date | null): string {
  const said = Object.entries(request.options).filter(
    ([, value]) => value !== null && value !== undefined && value !== false,
  )
  const text = canonicalize({
    slices: request.slices === null ? null : [...request.slices].toSorted(),
    options: Object.fromEntries(said),
    dueAt: dueAt === null ? null : dueAt.toISOString(),
  })
  return createHash('sha256')
    .update(text ?? '')
    .digest('hex')
}
