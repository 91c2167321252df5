/**
 * How attempts and runs end. The outcome is written once, in one transaction with everything that follows from it:
 *
 *     queued ──claim──> running ──done──────────> succeeded | skipped
 *       ^  │               │ ├──error, final────> failed
 *       │  │               │ └──cancelled───────> cancelled
 *       │  └──cancel───────│────────────────────> cancelled
 *       │                  │
 *       ├──error, retry────┤   the attempt is `failed`, another follows after a pause
 *       └──worker lost─────┘   the attempt is `interrupted`, another follows at once
 */
import { SluiceError, type ErrorRecord } from '../lib/error.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Session } from '../lib/sql.ts'
import { countEnds, endAttempt, lockExpired, readExpired, type Beat } from '../state/attempt.ts'
import { appendLog, type NewLine } from '../state/log.ts'
import { endRun, lockRun, requeueRun, type RunRow } from '../state/run.ts'
import { lockSlices, releaseSlices } from '../state/slice.ts'
import { runEnded } from './backfill-feed.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { RunOutcome, RunResult } from './engine.ts'
import { afterFailure, afterInterruption } from './retry.ts'

/** What an attempt comes to, as its worker sees it. */
export type Ending =
  | {
      readonly tag: 'done'
      readonly outcome: 'succeeded' | 'skipped'
      readonly reason: string | null
      readonly rows: number | null
      readonly result: RunResult | null
      /** What else is written with the outcome; what it returns is added to the result. */
      readonly also?: (tx: Session) => Promise<RunResult>
    }
  | { readonly tag: 'failed'; readonly error: SluiceError }
  | { readonly tag: 'cancelled' }
  | { readonly tag: 'interrupted'; readonly error: SluiceError }

interface Attempted {
  readonly run: { readonly id: string }
  readonly attempt: number
  readonly token: string
}

/** Writes an attempt's end and what becomes of its run. `LEASE_LOST` when it was not this attempt's to end any more. */
export async function finish(
  engine: EngineContext,
  claimed: Attempted & { readonly flow: { readonly timing: { readonly attempts: number } } },
  ending: Ending,
  last: Beat | null,
): Promise<void> {
  // Opened beforehand: installing the queue does not belong into this transaction.
  await engine.queue()
  await inTransaction(engine, async (tx) => {
    const run = await lockRun(tx, engine.state, claimed.run.id)
    if (run === undefined) throw leaseLost(claimed.run.id)
    const error = ending.tag === 'failed' || ending.tag === 'interrupted' ? ending.error.toJSON() : null
    const outcome = ending.tag === 'done' ? ending.outcome : ending.tag
    const live = ending.tag === 'done'
    const ended = await endAttempt(tx, engine.state, claimed.token, { outcome, error, live, last })
    if (ended === 0) throw leaseLost(claimed.run.id)
    await releaseSlices(tx, engine.state, claimed.token, ending.tag === 'failed')
    await decide(tx, engine, run, claimed, ending)
    await engine.bell.ring(tx, { topic: 'run', run: run.id, flow: run.flow })
    await engine.bell.ring(tx, { topic: 'slice', flow: run.flow })
    await failpoint('outcome:before-commit')
  })
  await failpoint('outcome:after-commit')
}

async function decide(
  tx: Session,
  engine: EngineContext,
  run: RunRow,
  claimed: Attempted & { readonly flow: { readonly timing: { readonly attempts: number } } },
  ending: Ending,
): Promise<void> {
  switch (ending.tag) {
    case 'done':
      return await end(tx, engine, run, { ...ending, result: await resultOf(tx, ending), error: null })
    case 'cancelled':
      return await end(tx, engine, run, cancelled(run))
    case 'interrupted':
      return await goOn(tx, engine, run, claimed.attempt, ending.error)
    case 'failed': {
      if (run.cancel_at !== null) return await end(tx, engine, run, cancelled(run))
      const { failed } = await countEnds(tx, engine.state, run.id)
      const decision = afterFailure(ending.error, failed, claimed.flow.timing.attempts, Math.random())
      if (decision.tag === 'retry') return await requeue(tx, engine, run, decision.afterMs)
      return await end(tx, engine, run, {
        outcome: 'failed',
        reason: null,
        error: ending.error.toJSON(),
        result: null,
        rows: null,
      })
    }
  }
}

async function resultOf(
  tx: Session,
  { result, also }: Extract<Ending, { readonly tag: 'done' }>,
): Promise<RunResult | null> {
  const more = (await also?.(tx)) ?? {}
  return Object.keys(more).length === 0 ? result : { ...result, ...more }
}

/** The worker is lost: the run goes on in another, unless it was to be cancelled, or loses worker after worker. */
async function goOn(
  tx: Session,
  engine: EngineContext,
  run: RunRow,
  attempt: number,
  error: SluiceError,
): Promise<void> {
  if (run.cancel_at !== null) return await end(tx, engine, run, cancelled(run))
  const { interrupted } = await countEnds(tx, engine.state, run.id)
  const decision = afterInterruption(interrupted)
  const line = (level: NewLine['level'], message: string): NewLine => ({ attempt, level, message, fields: {} })
  if (decision.tag === 'end') {
    await appendLog(tx, engine.state, run.id, [
      line('error', `${interrupted} attempts were interrupted; the run is given up`),
    ])
    return await end(tx, engine, run, {
      outcome: 'failed',
      reason: null,
      error: error.toJSON(),
      result: null,
      rows: null,
    })
  }
  await appendLog(tx, engine.state, run.id, [line('warn', `${error.summary}; another attempt follows`)])
  await requeue(tx, engine, run, decision.afterMs)
}

async function requeue(tx: Session, engine: EngineContext, run: RunRow, afterMs: number): Promise<void> {
  await requeueRun(tx, engine.state, run.id, afterMs)
  const queue = await engine.queue()
  await queue.send(tx, run.id, { priority: run.priority, afterMs })
  if (afterMs === 0) await engine.bell.ring(tx, { topic: 'work' })
}

interface Outcome {
  readonly outcome: RunOutcome
  readonly reason: string | null
  readonly error: ErrorRecord | null
  readonly result: RunResult | null
  readonly rows: number | null
}

function cancelled(run: RunRow): Outcome {
  const by = run.cancel_by === null ? 'cancelled' : `cancelled by ${run.cancel_by}`
  const reason = run.cancel_reason === null ? by : `${by}: ${run.cancel_reason}`
  return { outcome: 'cancelled', reason, error: null, result: null, rows: null }
}

async function end(tx: Session, engine: EngineContext, run: RunRow, outcome: Outcome): Promise<void> {
  const ended = await endRun(tx, engine.state, run.id, outcome)
  if (ended === 0) return
  await runEnded(tx, engine, run.id, outcome.outcome)
  await engine.ended(tx, {
    run: run.id,
    flow: run.flow,
    operation: run.operation,
    outcome: outcome.outcome,
    error: outcome.error,
  })
}

/** Ends a run that nobody works on, as cancelled, in the caller's transaction. */
export async function endCancelled(tx: Session, engine: EngineContext, run: RunRow): Promise<void> {
  await end(tx, engine, run, cancelled(run))
  const queue = await engine.queue()
  await queue.drop(tx, run.id)
  await engine.bell.ring(tx, { topic: 'run', run: run.id, flow: run.flow })
}

/**
 * Ends attempts whose lease is over, so that their runs go on elsewhere. Done by every worker now and then, and by every
 * command that works. An attempt that is publishing just now holds its slices, and is left alone until that is decided.
 */
export async function reap(engine: EngineContext): Promise<number> {
  const { state } = engine
  const expired = await readExpired(state.db, state)
  if (expired.length > 0) await engine.queue()
  let reaped = 0
  for (const attempt of expired) {
    const who = attempt.host === null ? 'a worker' : `the worker on ${attempt.host} (process ${attempt.pid})`
    const error = new SluiceError('RUN_INTERRUPTED', `${who} stopped without a word`, {
      why: `attempt ${attempt.n} has not renewed its lease`,
      fix: 'nothing: the run goes on in another worker; see the system log for why the process ended',
      where: { flow: attempt.flow },
    })
    // One at a time: each is a transaction of its own.
    const done = await inTransaction(engine, async (tx) => {
      const run = await lockRun(tx, state, attempt.run)
      if (run === undefined || !(await lockExpired(tx, state, attempt.token))) return false
      if (!(await lockSlices(tx, state, attempt.token))) return false
      await endAttempt(tx, state, attempt.token, {
        outcome: 'interrupted',
        error: error.toJSON(),
        live: false,
        last: null,
      })
      await releaseSlices(tx, state, attempt.token, false)
      await goOn(tx, engine, run, attempt.n, error)
      await engine.bell.ring(tx, { topic: 'run', run: run.id, flow: run.flow })
      await engine.bell.ring(tx, { topic: 'slice', flow: run.flow })
      await failpoint('reap:before-commit')
      return true
    })
    if (done) {
      reaped += 1
      await failpoint('reap:after-commit')
    }
  }
  return reaped
}

export function leaseLost(
  run: string,
  why = 'the lease of this attempt is over, or another worker has taken the run',
): SluiceError {
  return new SluiceError('LEASE_LOST', 'Another worker has taken this work over', {
    why,
    fix: `nothing: what this one did is not published; sluice logs ${run} shows how the run went on`,
  })
}
