/** What the engine shows of the project: filters, pages and records, as the API serialises them. */
import type { FlowName, SliceKey, SliceRecord, Verification } from '../flows/flow.ts'
import type { Json } from '../lib/json.ts'
import type { BackfillId } from './backfills.ts'
import type { Operation, RunId, RunOutcome, RunRequest } from './engine.ts'

/** Which runs. All that is named has to hold; a list means any of them. */
export interface RunFilter {
  readonly flow?: FlowName
  readonly operation?: Operation
  /** `waiting`: nobody works on it; `running`: somebody does. */
  readonly outcomes?: readonly (RunOutcome | 'waiting' | 'running')[]
  readonly triggers?: readonly RunRequest['trigger'][]
  /** Requested at or after. */
  readonly since?: Date
  /** Requested before. */
  readonly until?: Date
  readonly backfill?: BackfillId
}

/** A page: at most `limit`, after the place that is named; the first page without. The place is the last entry of the page before. */
export interface RunPage extends RunFilter {
  readonly limit: number
  /** `CURSOR_EXPIRED` when there is no such run any more. */
  readonly before?: RunId
}

export type SliceState = SliceRecord['state']

/** A slice, with what is known of its content. */
export interface FlowSlice extends Omit<SliceRecord, 'period'> {
  readonly flow: FlowName
  /** The stretch of time it stands for (`to` is not in it); null: it stands for none, as the whole table of a sync. */
  readonly period: { readonly from: Date; readonly to: Date } | null
  /** What the last publication changed, where it is known. */
  readonly changes: Changes | null
  /** The run that its content comes from. */
  readonly run: RunId | null
  readonly publishedAt: Date | null
  /** The last comparison of source and target. */
  readonly verified: { readonly verdict: Verification['verdict']; readonly at: Date; readonly run: RunId } | null
}

/** Rows, as a publication counts them. */
export interface Changes {
  readonly inserted: number
  readonly changed: number
  readonly deleted: number
  readonly unchanged: number
}

export interface SliceFilter {
  readonly flow: FlowName
  readonly states?: readonly SliceState[]
  /** Only slices whose period ends after this; those that stand for no time are left out. */
  readonly from?: Date
  /** Only slices whose period begins before this. */
  readonly to?: Date
  /** Only slices with this text in their key. */
  readonly search?: string
}

export interface SlicePage extends SliceFilter {
  readonly limit: number
  /** Newest first (by ordinal, then key), after this one. `CURSOR_EXPIRED` when there is no such slice. */
  readonly after?: SliceKey
}

export interface VerificationRecord extends Verification {
  readonly flow: FlowName
  readonly run: RunId
  readonly at: Date
}

export interface VerificationFilter {
  readonly flow: FlowName
  readonly slice?: SliceKey
}

export interface VerificationPage extends VerificationFilter {
  readonly limit: number
  /** Newest first, after this one. `CURSOR_EXPIRED` when it is not there any more. */
  readonly before?: { readonly run: RunId; readonly slice: SliceKey }
}

/** A process that works, decides upon schedules, answers HTTP, or does the one run of a command (`run`). */
export interface WorkerRecord {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly roles: readonly WorkerRole[]
  readonly stores: readonly string[]
  /** Flow name → hash of the definition it has. */
  readonly flows: Readonly<Record<string, string>>
  /** Flows that it has in another definition than the registered one. */
  readonly outdated: readonly string[]
  readonly startedAt: Date
  readonly heartbeatAt: Date
  /** When it said that it ends. */
  readonly stoppedAt: Date | null
  /** It gave a sign within the time of a lease, and has not said that it ends. */
  readonly alive: boolean
  /** What it does now. */
  readonly doing: readonly {
    readonly run: RunId
    readonly flow: FlowName
    readonly operation: Operation
    readonly attempt: number
    readonly startedAt: Date
    readonly phase: string | null
  }[]
}

export type WorkerRole = 'scheduler' | 'worker' | 'run' | 'api'

/** What waits for a worker, and how well the workers keep up. */
export interface QueueRecord {
  /** Unfinished runs that could begin now. */
  readonly waiting: number
  /** Unfinished runs in the pause between two attempts. */
  readonly delayed: number
  /** Unfinished runs of paused flows and paused backfills. */
  readonly paused: number
  readonly running: number
  /** Since when the run that has waited longest waits, among those that could begin now. */
  readonly oldest: Date | null
  /** Milliseconds from then to now; null when nothing waits. */
  readonly oldestMs: number | null
  /** Of the last hour. `waitMs`: from the request to the first attempt, the 95th percentile; null without a run. */
  readonly lastHour: { readonly finished: number; readonly failed: number; readonly waitMs: number | null }
}

export interface NotificationRecord {
  readonly id: string
  /** null: a test, which is of no flow. */
  readonly flow: FlowName | null
  readonly kind: 'failed' | 'late' | 'recovered' | 'guard' | 'test'
  /** What is sent, as it is sent. */
  readonly payload: Json
  readonly createdAt: Date
  readonly deliveries: readonly DeliveryRecord[]
}

export interface DeliveryRecord {
  /** The webhook by its place in the config: `notify[0]`. Never its address. */
  readonly webhook: string
  readonly state: 'waiting' | 'delivered' | 'given up'
  readonly attempts: number
  /** When it is tried (again); null when it will not be. */
  readonly nextAt: Date | null
  readonly deliveredAt: Date | null
  readonly givenUpAt: Date | null
  /** Why the last attempt failed. */
  readonly error: string | null
}

export interface OccurrenceRecord {
  readonly flow: FlowName
  readonly dueAt: Date
  readonly state: 'waiting' | 'run' | 'skipped'
  readonly reason: string | null
  readonly run: RunId | null
}

export interface OccurrenceFilter {
  readonly flow?: FlowName
  readonly states?: readonly OccurrenceRecord['state'][]
  /** Due at or after. */
  readonly since?: Date
  /** Due before. */
  readonly until?: Date
}

export interface OccurrencePage extends OccurrenceFilter {
  readonly limit: number
  /** Latest due time first (then by flow), after this one. */
  readonly before?: { readonly dueAt: Date; readonly flow: FlowName }
}

/** One coming due time. */
export interface DueTime {
  readonly at: Date
  /** What clocks in the zone show then: `2026-03-29T03:00:00`. */
  readonly local: string
  readonly zone: string
  /**
   * `skipped`: no clock shows the local time that was asked for (`wanted`), since daylight saving begins: it runs at the next there is.
   * `repeated`: clocks show it twice: it runs the first time.
   */
  readonly oddity: 'skipped' | 'repeated' | null
  /** The local time that the schedule names; differs from `local` only where it was skipped. */
  readonly wanted: string
}

/** What a run published, for charts over time. */
export interface HistoryPoint {
  readonly run: RunId
  /** When it ended. */
  readonly at: Date
  /** Rows of the slices it published. */
  readonly rows: number | null
  readonly changes: Changes | null
  /** From its first attempt to its end. */
  readonly seconds: number | null
}

/**
 * Something has changed, and what: whoever shows it reads it again. Small on purpose, and only a hint of what to read. The first is
 * `hello`, when nothing can be missed any more: read then. `reload`: changes were missed (the connection was lost, or the
 * reader was too slow): read everything.
 */
export type ChangeEvent = { readonly id: string; readonly at: Date } & (
  | { readonly tag: 'hello' | 'reload' | 'worker' | 'notification' }
  | { readonly tag: 'flow' | 'slice' | 'occurrence'; readonly flow: FlowName }
  | { readonly tag: 'run'; readonly flow: FlowName; readonly run: RunId }
  | { readonly tag: 'backfill'; readonly flow: FlowName; readonly backfill: BackfillId }
)

/** A flow as it is registered. */
export interface RegisteredFlow {
  readonly name: FlowName
  readonly kind: string
  readonly origin: 'file' | 'console'
  /** As it was written: references to variables, secrets and files unresolved. */
  readonly definition: Json
  readonly definitionHash: string
  readonly version: number
  readonly changedAt: Date
  readonly changedBy: string
  /** The newest version made in the console, when the file has taken the name over. */
  readonly tookOver: { readonly version: number; readonly at: Date; readonly by: string } | null
}

export interface FlowVersion {
  readonly flow: FlowName
  readonly version: number
  readonly kind: string
  readonly origin: 'file' | 'console'
  readonly definition: Json
  readonly definitionHash: string
  readonly createdAt: Date
  /** `config` for what came from the file. */
  readonly createdBy: string
}
