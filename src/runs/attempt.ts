/**
 * One attempt of a run, from the claim to its end:
 *
 *     claimed ──> looking (facts) ──> planned ──> working ──> done         everything skipped: done, `skipped`
 *        └───────────┴───────────────────┴──────────┴──> failed | cancelled | interrupted (see finish.ts)
 *
 * The pulse runs beside it from the first moment to the last. Whatever the kind does after its signal was aborted is
 * bounded: it cannot publish, and the attempt ends without it after a grace period.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Kind,
  LookContext,
  SliceKey,
  SliceRecord,
  VerifyRequest,
  WorkContext,
  WorkRequest,
} from '../flows/flow.ts'
import { SluiceError, asSluiceError } from '../lib/error.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Json } from '../lib/json.ts'
import type { Session } from '../lib/sql.ts'
import { confirmSlices, leaseSlices, readPublished, readSlices, type SliceRow } from '../state/slice.ts'
import { writeVerifications } from '../state/verification.ts'
import type { Claimed } from './claim.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { RunResult } from './engine.ts'
import { finish, leaseLost, type Ending } from './finish.ts'
import { openLogbook, type Logbook } from './logbook.ts'
import { openMeter, type Meter } from './meter.ts'
import { publish, publishAll } from './publish.ts'
import { recover } from './publish-elsewhere.ts'
import { startPulse } from './pulse.ts'
import { compareAfter, repairAfter } from './repair.ts'
import { workRequestOf } from './request.ts'

/** How long a kind may go on after it was told to stop. */
const graceMs = 10_000

interface Work {
  readonly engine: EngineContext
  readonly claimed: Claimed
  readonly kind: Kind
  readonly meter: Meter
  readonly logbook: Logbook
  readonly signal: AbortSignal
}

/**
 * Does what was claimed and records how it ended; resolves when that is written, whatever it was. `stop` aborted: the
 * process wants to end, the attempt is interrupted and goes on in another worker.
 */
export async function runAttempt(engine: EngineContext, claimed: Claimed, stop?: AbortSignal): Promise<void> {
  const meter = openMeter()
  const logbook = openLogbook(engine, claimed.run.id, claimed.attempt)
  await using pulse = await startPulse(engine, claimed, meter)
  const interrupt = (): void => pulse.abort(released(claimed))
  stop?.addEventListener('abort', interrupt)
  if (stop?.aborted === true) interrupt()
  try {
    const ending = await endingOf(engine, claimed, meter, logbook, pulse.signal)
    narrate(logbook, ending)
    await failpoint('attempt:before-outcome')
    // Kept and tried again by nobody after this: if the database is gone, the outcome cannot be written either.
    await logbook.flush()
    await finish(engine, claimed, ending, meter.read(true))
  } catch (thrown) {
    const error = asSluiceError(thrown)
    // Somebody else has ended this attempt, or will: what became of the run stands in its row.
    engine.log(
      error.code === 'LEASE_LOST' ? 'warn' : 'error',
      `attempt ${claimed.attempt} of run ${claimed.run.id} has no end: ${error.summary}`,
      {
        why: error.why,
      },
    )
  } finally {
    stop?.removeEventListener('abort', interrupt)
  }
}

async function endingOf(
  engine: EngineContext,
  claimed: Claimed,
  meter: Meter,
  logbook: Logbook,
  signal: AbortSignal,
): Promise<Ending> {
  try {
    const kind = engine.kinds[claimed.flow.kind]
    if (kind === undefined) throw new Error(`there is no kind ${claimed.flow.kind}`)
    signal.throwIfAborted()
    return await settled(operate({ engine, claimed, kind, meter, logbook, signal }), signal)
  } catch (thrown) {
    // Why it was told to stop says more than how the work broke off.
    const error = asSluiceError(signal.aborted ? signal.reason : thrown).at({ flow: claimed.flow.name })
    if (error.code === 'RUN_CANCELLED') return { tag: 'cancelled' }
    if (error.code === 'RUN_RELEASED' || error.code === 'LEASE_LOST') return { tag: 'interrupted', error }
    return { tag: 'failed', error }
  }
}

/** The work's own end, or the signal's after a grace period: a kind that does not listen is left behind. */
async function settled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = new AbortController()
  const left = new Promise<never>((_, reject) => {
    const wait = (): void => {
      sleep(graceMs, undefined, { signal: over.signal, ref: false }).then(
        () => reject(asSluiceError(signal.reason)),
        () => {},
      )
    }
    if (signal.aborted) wait()
    else signal.addEventListener('abort', wait, { once: true })
  })
  try {
    return await Promise.race([work, left])
  } finally {
    over.abort()
  }
}

async function operate(work: Work): Promise<Ending> {
  const { claimed, kind } = work
  switch (claimed.run.operation) {
    case 'apply':
      return await apply(work)
    case 'plan': {
      const { context } = await look(work)
      const request = requestOf(claimed)
      const facts = await kind.facts(claimed.flow, request, context)
      const { slices, steps, cut = false } = kind.plan(claimed.flow, request, facts, context)
      return done('succeeded', { result: { plan: { slices, steps, cut } } })
    }
    case 'verify': {
      const { context } = await look(work)
      const request: VerifyRequest = {
        slices: requestOf(claimed).slices,
        strict: claimed.run.options['strict'] === true,
      }
      const verifications = await kind.verify(claimed.flow, request, context)
      return done('succeeded', {
        result: { verifications },
        also: async (tx) => {
          await writeVerifications(
            tx,
            work.engine.state,
            claimed.flow.name,
            claimed.run.id,
            verifications.map((found) => ({
              ...found,
              as_of: found.asOf,
              source_as_of: found.sourceAsOf,
              source_changed: found.sourceChanged,
            })),
          )
          return await repairAfter(tx, work.engine, claimed.run, verifications)
        },
      })
    }
    case 'ddl': {
      const { context } = await look(work)
      return done('succeeded', { result: { ddl: await kind.ddl(claimed.flow, context) } })
    }
    case 'check': {
      const { context } = await look(work)
      return done('succeeded', { result: { findings: await kind.inspect(claimed.flow, context) } })
    }
  }
}

async function apply(work: Work): Promise<Ending> {
  const { engine, claimed, kind, meter, signal } = work
  const { state } = engine
  const { rows, context } = await look(work)
  // What readers already see is recorded before anything is planned upon it.
  const slices = (await recover(engine, claimed, rows)) ? (await look(work)).context.slices : context.slices
  const request = requestOf(claimed)
  const workContext: WorkContext = {
    ...context,
    slices,
    run: { id: claimed.run.id, attempt: claimed.attempt },
    request,
    phase: meter.phase,
    progress: meter.progress,
    publish: async (slice, target, applied) => {
      await publish(engine, claimed, signal, slice, target, applied)
    },
    publishAll: async (applied) => {
      await publishAll(engine, claimed, signal, applied)
    },
  }
  if (claimed.attempt > 1) await kind.tidy(claimed.flow, workContext)
  const facts = await kind.facts(claimed.flow, request, workContext)
  const plan = kind.plan(claimed.flow, request, facts, workContext)
  await failpoint('attempt:planned')
  signal.throwIfAborted()
  const todo = plan.slices.filter((planned) => planned.action === 'run')
  const skipped = plan.slices.filter((planned) => planned.action === 'skip')
  for (const { slice, why } of skipped) work.logbook.log('info', `skipped ${slice.key}: ${why}`)
  if (todo.length > 0) {
    await lease(
      work,
      todo.map(({ slice }) => slice),
    )
    await kind.run(claimed.flow, plan, workContext)
    signal.throwIfAborted()
  }
  const { dueAt } = request
  if (dueAt !== null && skipped.length > 0) {
    await confirmSlices(
      state.db,
      state,
      claimed.flow.name,
      skipped.map(({ slice }) => slice.key),
      dueAt,
    )
  }
  const published = await readPublished(state.db, state, claimed.flow.name, claimed.run.id)
  const also = (tx: Session): Promise<RunResult> => compareAfter(tx, engine, claimed.run)
  // An earlier attempt of this run may have published what this one found unchanged.
  if (todo.length === 0 && published.slices === 0) {
    const reasons = [...new Set(skipped.map(({ why }) => why))]
    return done('skipped', { reason: reasons.length === 0 ? 'nothing is due' : reasons.join('; '), also })
  }
  return done('succeeded', {
    rows: published.rows,
    result: published.changes === null ? null : { changes: published.changes },
    also,
  })
}

async function lease(
  { engine, claimed }: Work,
  slices: readonly { key: string; ordinal: number; span: Json }[],
): Promise<void> {
  const { state } = engine
  await inTransaction(engine, async (tx) => {
    const taken = await leaseSlices(tx, state, claimed.flow.name, claimed.token, slices)
    if (taken < slices.length) {
      throw leaseLost(
        claimed.run.id,
        `${slices.length - taken} of ${slices.length} slices are being worked on by another run`,
      )
    }
    await engine.bell.ring(tx, { topic: 'slice', flow: claimed.flow.name })
  })
}

async function look(work: Work): Promise<{ readonly context: LookContext; readonly rows: readonly SliceRow[] }> {
  const { engine, claimed, logbook, signal } = work
  const rows = await readSlices(engine.state.db, engine.state, claimed.flow.name)
  const slices = rows.map(toSliceRecord)
  const context: LookContext = {
    project: engine.state.project,
    stores: engine.stores,
    state: engine.state.db,
    stateSchema: engine.state.schema,
    signal,
    now: claimed.now,
    slices: new Map(slices.map((slice) => [slice.key, slice])),
    log: logbook.log,
  }
  return { context, rows }
}

/** Keys, spans and marks were written by a kind and are read by the same: the engine only carries them. */
export function toSliceRecord(row: SliceRow): SliceRecord {
  return {
    key: row.key as SliceKey,
    ordinal: row.ordinal,
    span: row.span as Json,
    state: row.state,
    definitionHash: row.definition_hash,
    sourceMark: (row.source_mark ?? null) as Json,
    dueAt: row.due_at,
    asOf: row.as_of,
    rows: row.rows,
  }
}

/** What was asked for; slices were written from a RunRequest. */
function requestOf({ run }: Claimed): WorkRequest {
  return workRequestOf(run.slices as readonly SliceKey[] | null, run.options, run.due_at)
}

type Done = Extract<Ending, { readonly tag: 'done' }>

function done(outcome: Done['outcome'], said: Partial<Omit<Done, 'tag' | 'outcome'>>): Done {
  return { tag: 'done', outcome, reason: null, rows: null, result: null, ...said }
}

function narrate(logbook: Logbook, ending: Ending): void {
  switch (ending.tag) {
    case 'done':
      return logbook.log('info', ending.reason === null ? ending.outcome : `${ending.outcome}: ${ending.reason}`)
    case 'cancelled':
      return logbook.log('warn', 'cancelled')
    case 'interrupted':
    case 'failed':
      return logbook.log('error', `${ending.tag}: ${ending.error.summary}`, {
        code: ending.error.code,
        why: ending.error.why,
        fix: ending.error.fix,
      })
  }
}

function released({ flow }: Claimed): SluiceError {
  return new SluiceError('RUN_RELEASED', 'The worker let go of the run', {
    why: 'its process was to end, or to do something else, before the run was done',
    fix: 'nothing: the run goes on in another worker',
    where: { flow: flow.name },
  })
}
