/**
 * Turns due times into runs. Any number of schedulers at once: whoever locks a flow's schedule decides for it, and the others pass on.
 *
 *     sleeping ──due time, ring, or 5 s──> reading ──what is due──> deciding (a transaction a flow) ──> sleeping
 *         └──stop()──> stopped
 *
 * One transaction writes a flow's occurrences, the runs and jobs that come of them, and how far has been decided: killed
 * anywhere, either all of it is there or none, and the next scheduler decides the same again. Time is the database's.
 */
import type { Flow, FlowName } from '../flows/flow.ts'
import { failpoint } from '../lib/failpoint.ts'
import { dueBetween, nextDue, previousDue, type Schedule } from '../lib/schedule.ts'
import type { Session } from '../lib/sql.ts'
import {
  insertOccurrences,
  readOpenRuns,
  readWaiting,
  runOccurrence,
  settleOccurrences,
  type NewOccurrence,
} from '../state/occurrence.ts'
import { advanceSchedule, lockSchedule, readSchedules, type ScheduleRow } from '../state/schedule.ts'
import type { Bell } from './bell.ts'
import { defaultLeases, inTransaction, type EngineContext, type Leases } from './context.ts'
import type { RunId } from './engine.ts'
import { Loop } from './loop.ts'
import { decideOccurrences, type Decision } from './occurrences.ts'
import { clean, type Retention } from './retention.ts'
import { judgeFlows } from './status.ts'
import { changeOf, tell, type TellingContext } from './telling.ts'
import { owedBy } from './upstream.ts'

export interface SchedulerOptions extends TellingContext {
  /** Done before the first transaction of a tick. */
  readonly prepare: () => Promise<void>
  /** Records a run for an occurrence and queues its job, in the transaction that is given. */
  readonly enqueue: (tx: Session, flow: FlowName, dueAt: Date) => Promise<RunId>
  /** Asks a run to stop, in the transaction that is given. */
  readonly cancel: (tx: Session, run: RunId, reason: string) => Promise<void>
  readonly bell: Pick<Bell, 'on' | 'ring'>
  readonly log: EngineContext['log']
  readonly retention: Retention | null
  readonly leases?: Leases
  /** Called when something was written for the webhooks. */
  readonly told?: () => void
  /** The longest sleep; 5 s if left out. */
  readonly pollMs?: number
}

/** Due times decided in one transaction. */
const page = 500
/** Pages of one flow before the others get their turn. */
const pages = 20
const waitingPollMs = 1_000
const cleanEveryMs = 3_600_000

export class Scheduler implements AsyncDisposable {
  readonly #options: SchedulerOptions
  readonly #leases: Leases
  readonly #loop = new Loop((signal) => this.#look(signal))
  #listening: Promise<Disposable> | undefined
  /** Ticks in a row that the database did not answer. */
  #failures = 0
  #cleanedAt = Number.NEGATIVE_INFINITY

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#leases = options.leases ?? defaultLeases
  }

  /** Idempotent. */
  start(): void {
    this.#listening ??= this.#options.bell.on((ring) => {
      if (ring.topic === 'run' || ring.topic === 'flow') this.wake()
    })
    this.#loop.start()
  }

  /** Something has changed: look now. */
  wake(): void {
    this.#loop.wake()
  }

  /** Ends after the transaction that is under way. Idempotent. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    const listening = await this.#listening
    this.#listening = undefined
    listening?.[Symbol.dispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #look(signal: AbortSignal): Promise<number> {
    const { log, pollMs = 5_000 } = this.#options
    try {
      const sleepMs = Math.min(pollMs, await this.tick(signal))
      await this.#clean(signal)
      this.#failures = 0
      return sleepMs
    } catch (error) {
      this.#failures += 1
      log('error', `the schedules could not be read: ${String(error)}`)
      return pollMs * 2 ** Math.min(this.#failures, 3)
    }
  }

  /** Decides upon all that is due now and tells what is late; milliseconds until something is due again. */
  async tick(signal?: AbortSignal): Promise<number> {
    const { state, flows, log } = this.#options
    await this.#options.prepare()
    const began = performance.now()
    const rows = await readSchedules(state.db, state)
    let sleepMs = Number.POSITIVE_INFINITY
    for (const row of rows) {
      if (signal?.aborted === true) return 0
      const flow = flows.get(row.flow)
      // A flow that this process does not know is left to those who do.
      if (flow === undefined) continue
      try {
        // One flow after the other: each is a transaction.
        sleepMs = Math.min(sleepMs, await this.#flow(flow, row, began, signal))
      } catch (error) {
        log('error', `${row.flow} could not be scheduled; tried again: ${String(error)}`, { flow: row.flow })
        sleepMs = Math.min(sleepMs, waitingPollMs)
      }
    }
    await this.#tell(signal)
    return sleepMs
  }

  async #flow(flow: Flow, row: ScheduleRow, began: number, signal?: AbortSignal): Promise<number> {
    // Written by `register`, from a Schedule.
    const schedule = row.spec as Schedule
    const [due] = nextDue(schedule, row.decided_to, 1)
    const untilDue = (at: Date | undefined): number =>
      at === undefined ? Number.POSITIVE_INFINITY : at.getTime() - row.now.getTime() - (performance.now() - began)
    if ((due === undefined || due > row.now) && row.waiting === 0) return Math.max(0, untilDue(due))
    for (let turn = 0; turn < pages; turn += 1) {
      if (signal?.aborted === true) return 0
      const decided = await this.#decide(flow)
      // Another scheduler is at it: it need not be done twice, but it may die.
      if (decided === null) return waitingPollMs
      if (decided.complete) {
        const [next] = nextDue(schedule, decided.now, 1)
        return Math.max(0, Math.min(untilDue(next), decided.waiting ? waitingPollMs : Number.POSITIVE_INFINITY))
      }
    }
    return 0
  }

  /** Decides upon a page of what is due, in one transaction; null when another scheduler is at it. */
  async #decide(flow: Flow): Promise<{ complete: boolean; waiting: boolean; now: Date } | null> {
    const { state, log } = this.#options
    const outcome = await inTransaction({ state, leases: this.#leases }, async (tx) => {
      const row = await lockSchedule(tx, state, flow.name)
      if (row === undefined) return null
      const schedule = row.spec as Schedule // written by `register`
      const { due, complete } = dueBetween(schedule, row.decided_to, row.now, page)
      const waiting = await readWaiting(tx, state, flow.name, page)
      if (due.length === 0 && waiting.length === 0) return { complete, waiting: false, now: row.now, skipped: [] }
      const owes = await this.#owed(tx, flow, [...waiting.map((one) => one.due_at), ...due])
      const { occurrences, cancel } = decideOccurrences({
        now: row.now,
        timing: flow.timing,
        paused: row.paused_at === null ? null : { by: row.paused_by ?? 'somebody', reason: row.paused_reason },
        due,
        newest: previousDue(schedule, row.now),
        waiting: waiting.map((one) => ({ dueAt: one.due_at, since: one.decided_at })),
        open: await readOpenRuns(tx, state, flow.name),
        owes,
      })
      for (const run of cancel) {
        await this.#options.cancel(tx, run, 'the next occurrence is due (overlap: cancel)')
      }
      await this.#write(tx, flow, occurrences, new Set(waiting.map((one) => one.due_at.getTime())))
      const last = due.at(-1)
      if (last !== undefined) await advanceSchedule(tx, state, flow.name, complete ? row.now : last)
      await this.#options.bell.ring(tx, { topic: 'occurrence', flow: flow.name })
      await failpoint('schedule:before-commit')
      return {
        complete,
        waiting: occurrences.some(({ verdict }) => verdict.tag === 'wait'),
        now: row.now,
        skipped: occurrences.filter(({ verdict }) => verdict.tag === 'skip'),
      }
    })
    if (outcome === null) return null
    await failpoint('schedule:after-commit')
    for (const { dueAt, verdict } of outcome.skipped) {
      if (verdict.tag === 'skip')
        log('info', `skipped ${flow.name} due ${dueAt.toISOString()}: ${verdict.reason}`, { flow: flow.name })
    }
    return outcome
  }

  async #write(tx: Session, flow: Flow, decisions: readonly Decision[], waited: ReadonlySet<number>): Promise<void> {
    const { state, enqueue } = this.#options
    const rows = decisions.map(({ dueAt, verdict }): NewOccurrence => ({
      due_at: dueAt,
      // What becomes a run waits for its run to be written, a moment, in this transaction.
      state: verdict.tag === 'skip' ? 'skipped' : 'waiting',
      reason: verdict.tag === 'run' ? null : verdict.reason,
    }))
    const inserted = await insertOccurrences(
      tx,
      state,
      flow.name,
      rows.filter((row) => !waited.has(row.due_at.getTime())),
    )
    await settleOccurrences(
      tx,
      state,
      flow.name,
      rows.filter((row) => waited.has(row.due_at.getTime())),
    )
    await failpoint('schedule:inserted')
    // What stood there already has been decided upon before its schedule was set back: it is not run again.
    const open = new Set([...waited, ...inserted.map((dueAt) => dueAt.getTime())])
    for (const { dueAt, verdict } of decisions) {
      if (verdict.tag !== 'run' || !open.has(dueAt.getTime())) continue
      const run = await enqueue(tx, flow.name, dueAt)
      await runOccurrence(tx, state, flow.name, dueAt, run)
    }
  }

  /** What the upstream flows owe, by due time. */
  async #owed(
    tx: Session,
    flow: Flow,
    dueTimes: readonly Date[],
  ): Promise<(upstream: FlowName, dueAt: Date) => string | null> {
    const { state, flows, kinds } = this.#options
    const upstreams = flow.timing.after.flatMap((name) => flows.get(name) ?? [])
    if (upstreams.length === 0 || dueTimes.length === 0) return () => null
    const judged = await judgeFlows(tx, state, upstreams, kinds)
    return (name, dueAt) => {
      const upstream = judged.find((one) => one.flow.name === name)
      return upstream === undefined ? null : owedBy(upstream, dueAt)
    }
  }

  /** Lateness is nobody's act: whoever looks at the clock tells it. */
  async #tell(signal?: AbortSignal): Promise<void> {
    const { state, flows, kinds, log } = this.#options
    const changed = (await judgeFlows(state.db, state, [...flows.values()], kinds)).filter(
      (one) => changeOf(one) !== null,
    )
    for (const { flow } of changed) {
      if (signal?.aborted === true) return
      try {
        const told = await inTransaction({ state, leases: this.#leases }, (tx) => tell(tx, this.#options, flow.name))
        if (told) this.#options.told?.()
      } catch (error) {
        log('warn', `what became of ${flow.name} could not be told; tried again: ${String(error)}`, { flow: flow.name })
      }
    }
  }

  async #clean(signal: AbortSignal): Promise<void> {
    const { state, retention, log } = this.#options
    if (retention === null || performance.now() - this.#cleanedAt < cleanEveryMs) return
    this.#cleanedAt = performance.now()
    const removed = await clean(state, retention, signal)
    if (Object.values(removed).some((count) => count > 0)) log('info', 'old history was removed', { ...removed })
  }
}
