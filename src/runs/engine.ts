/**
 * What the rest of Sluice asks of the engine: WHEN and WHETHER. State is the channel: every request is a row, whoever
 * works finds it there, whoever waits reads it there. See CONTRACTS §2.
 */
import type { ErrorRecord } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import type {
  Ddl,
  Finding,
  Flow,
  FlowName,
  LogLevel,
  Plan,
  SliceKey,
  Verification,
  WorkRequest,
} from '../flows/flow.ts'
import type { BackfillId, Backfills } from './backfills.ts'
import type {
  ChangeEvent,
  DueTime,
  FlowSlice,
  FlowVersion,
  HistoryPoint,
  NotificationRecord,
  OccurrenceFilter,
  OccurrencePage,
  OccurrenceRecord,
  QueueRecord,
  RegisteredFlow,
  RunFilter,
  RunPage,
  SliceFilter,
  SlicePage,
  SliceState,
  VerificationFilter,
  VerificationPage,
  VerificationRecord,
  WorkerRecord,
} from './views.ts'

export type RunId = string

export type Operation = 'apply' | 'verify' | 'plan' | 'ddl' | 'check'
export type RunOutcome = 'succeeded' | 'failed' | 'cancelled' | 'skipped'
export type AttemptOutcome = RunOutcome | 'interrupted'

/** A request for a run. Two requests for the same work, while it is unfinished, get the same run. */
export interface RunRequest {
  readonly operation: Operation
  readonly flow: FlowName
  readonly slices: readonly SliceKey[] | null
  readonly options: Partial<Omit<WorkRequest, 'slices' | 'dueAt'>> & {
    readonly strict?: boolean
    /** Of a comparison: what differs is redone. Of a run that redoes it: it is compared again. See repair.ts. */
    readonly repair?: boolean
  }
  readonly trigger: 'manual' | 'schedule' | 'backfill' | 'api'
  readonly requestedBy: string
}

/** A run as it stands: what `runs --json`, `status` and the API show. */
export interface RunRecord {
  readonly id: RunId
  readonly operation: Operation
  readonly flow: FlowName
  /** What was asked for; null: whatever is due. */
  readonly slices: readonly SliceKey[] | null
  readonly options: RunRequest['options']
  /** The backfill it belongs to. */
  readonly backfill: BackfillId | null
  readonly trigger: RunRequest['trigger']
  readonly requestedBy: string
  readonly requestedAt: Date
  readonly dueAt: Date | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  /** The next attempt does not begin before this; null: it may begin at once, or there is none. */
  readonly notBefore: Date | null
  /** Somebody asked to cancel it; it may still be at work for a moment. */
  readonly cancelling: { readonly at: Date; readonly by: string; readonly reason: string | null } | null
  /** null while unfinished. */
  readonly outcome: RunOutcome | null
  /** Why it was skipped or cancelled. */
  readonly reason: string | null
  readonly error: ErrorRecord | null
  readonly rows: number | null
  readonly result: RunResult | null
  readonly attempts: readonly AttemptRecord[]
}

/** What an operation has to say besides its outcome, by operation. */
export interface RunResult {
  readonly verifications?: readonly Verification[]
  readonly plan?: Pick<Plan, 'slices' | 'steps' | 'cut'>
  readonly ddl?: Ddl
  readonly findings?: readonly Finding[]
  readonly changes?: Json
  /** The run that follows from it: it redoes what was found to differ, or compares what was redone. */
  readonly followedBy?: RunId
}

export interface AttemptRecord {
  readonly n: number
  readonly worker: string
  readonly startedAt: Date
  readonly heartbeatAt: Date
  readonly finishedAt: Date | null
  readonly outcome: AttemptOutcome | null
  readonly error: ErrorRecord | null
  readonly phase: Phase | null
  readonly phases: readonly (Phase & { readonly seconds: number })[]
}

export interface Phase {
  readonly name: string
  readonly rows: number
  readonly rowsExpected: number | null
  readonly bytes: number
}

export interface LogLine {
  readonly id: number
  readonly at: Date
  readonly attempt: number | null
  readonly level: LogLevel
  readonly message: string
  readonly fields: Readonly<Record<string, Json>>
}

/** What someone who follows a run sees, in order; it ends with `finished`. */
export type RunEvent =
  | { readonly tag: 'log'; readonly line: LogLine }
  | {
      readonly tag: 'progress'
      readonly attempt: number
      readonly phase: Phase
      readonly elapsedMs: number
      readonly etaMs: number | null
    }
  | { readonly tag: 'finished'; readonly run: RunRecord }

export type FlowState = 'paused' | 'failed' | 'late' | 'stale' | 'never' | 'fresh'

export interface FlowStatus {
  readonly name: FlowName
  readonly kind: string
  readonly state: FlowState
  /** Why it is in that state, in one line; null when fresh. */
  readonly why: string | null
  readonly running: boolean
  readonly rows: number | null
  readonly asOf: Date | null
  readonly sourceAsOf: Date | null
  readonly dueAt: Date | null
  readonly paused: { readonly at: Date; readonly by: string; readonly reason: string | null } | null
  readonly lastRun: RunRecord | null
  /** What is odd about its definition, in one line: the file has taken it over from the console; null: nothing. */
  readonly note: string | null
}

/** Where notifications go; the address and the key are resolved before the engine sees them, and never stored. */
export interface Webhook {
  /** How it is named in the state: `notify[0]`. */
  readonly id: string
  readonly url: string
  /** Signs the body (HMAC-SHA-256); null: unsigned. */
  readonly secret: string | null
  readonly on: readonly ('failed' | 'late' | 'recovered' | 'guard')[]
}

/** What the engine offers to `sluice.ts`, the command line and the API. */
export interface Engine extends AsyncDisposable {
  /** Brings `flow`, `flow_version` and `schedule` in line with the config. Idempotent; called before anything else. */
  register(definitions: readonly { readonly flow: Flow; readonly definition: Json }[]): Promise<void>
  /** The flows that this process knows, those made in the console included, as of the last look; `refresh` looks. */
  flows(): readonly Flow[]
  /** Takes over what was saved, changed or removed in the console since; cheap when nothing was. */
  refresh(): Promise<void>
  registered(): Promise<readonly RegisteredFlow[]>
  /** Newest first; also of a flow that was removed. `FLOW_UNKNOWN` if there never was one. */
  versions(flow: string): Promise<readonly FlowVersion[]>
  /**
   * Saves a flow made in the console. `expected`: the version it was made from; null: there is none yet. `FLOW_READ_ONLY`,
   * `FLOW_VERSION_CONFLICT`. Every process of the project takes it over within a moment.
   */
  save(flow: Flow, definition: Json, by: string, expected: number | null): Promise<RegisteredFlow>
  /** Removes a flow made in the console: what waits is cancelled, what runs ends, the history stays. */
  remove(flow: string, by: string): Promise<void>
  /** Flows made in the console that this process cannot take over, and why. */
  refused(): readonly { readonly flow: string; readonly error: ErrorRecord }[]

  /** Records a request, or finds the unfinished run for the same work. */
  request(request: RunRequest): Promise<{ readonly id: RunId; readonly joined: boolean }>
  /** Does this run here and now, if no live worker of this project holds the flow and its stores; resolves when it is finished anywhere. */
  ensure(id: RunId, signal?: AbortSignal): Promise<void>
  /** Log lines, progress and the end of a run, from its beginning; ends after `finished`. */
  follow(id: RunId, options?: { readonly signal?: AbortSignal; readonly from?: number }): AsyncIterable<RunEvent>
  /** A page of a run's log: lines after the line `after`, oldest first. */
  log(id: RunId, page: { readonly after?: number; readonly limit: number }): Promise<readonly LogLine[]>
  countLog(id: RunId): Promise<number>
  cancel(id: RunId, by: string, reason: string | null): Promise<RunRecord>
  /** A new run of the same request. `RUN_NOT_FINISHED` while the first goes on. */
  retry(id: RunId, by: string): Promise<{ readonly id: RunId; readonly joined: boolean }>

  /** The next run redoes these slices, whether their source has changed or not; guards still hold. */
  redo(flow: FlowName, slices: readonly SliceKey[]): Promise<void>
  pause(flow: FlowName, by: string, reason: string | null): Promise<void>
  resume(flow: FlowName, by: string): Promise<void>

  status(flows?: readonly FlowName[]): Promise<readonly FlowStatus[]>
  /** Flows that no living worker takes, since those that have them were started with another definition. */
  outdated(): Promise<readonly { readonly flow: string; readonly host: string; readonly pid: number }[]>
  /** Which roles of `sluice up` some living process of the project has. */
  alive(): Promise<{ readonly scheduler: boolean; readonly worker: boolean }>
  /** A run by its id or by an abbreviation of it that fits only one (`RUN_UNKNOWN` otherwise). */
  run(id: string): Promise<RunRecord>
  /** Newest first. */
  runs(page: RunPage): Promise<readonly RunRecord[]>
  countRuns(filter: RunFilter): Promise<number>
  slices(page: SlicePage): Promise<readonly FlowSlice[]>
  /** By state; the states of the filter itself do not count. */
  countSlices(filter: Omit<SliceFilter, 'states'>): Promise<Readonly<Record<SliceState, number>>>
  verifications(page: VerificationPage): Promise<readonly VerificationRecord[]>
  countVerifications(filter: VerificationFilter): Promise<number>
  /** Those that live, and those that ended less than a day ago; living ones first, then newest first. At most 200. */
  workers(): Promise<readonly WorkerRecord[]>
  queue(): Promise<QueueRecord>
  /** Newest first. */
  notifications(page: { readonly limit: number; readonly before?: string }): Promise<readonly NotificationRecord[]>
  countNotifications(): Promise<number>
  /** The webhooks of the config, without address and key. */
  webhooks(): readonly { readonly id: string; readonly on: Webhook['on']; readonly signed: boolean }[]
  /** Sends a test to a webhook, at once; its record says whether it arrived. `WEBHOOK_UNKNOWN`. */
  notifyTest(webhook: string, by: string): Promise<NotificationRecord>
  occurrences(page: OccurrencePage): Promise<readonly OccurrenceRecord[]>
  countOccurrences(filter: OccurrenceFilter): Promise<number>
  /** The next due times of a flow, without writing anything. */
  next(flow: FlowName, count: number): Promise<readonly Date[]>
  /** The same, with what daylight saving does to them. */
  nextDue(flow: FlowName, count: number): Promise<readonly DueTime[]>
  /** What the flow's runs published, oldest first: the newest `limit` since then. */
  history(flow: FlowName, page: { readonly since?: Date; readonly limit: number }): Promise<readonly HistoryPoint[]>
  /**
   * What changes in the project, whoever changes it, until the signal is aborted. One connection a process, however many listen; a
   * reader that does not keep up is told to reload, and delays nobody.
   */
  events(signal: AbortSignal): AsyncIterable<ChangeEvent>
  readonly backfills: Backfills

  /** Starts what `sluice up` runs in this process; the returned service stops with a bounded drain. */
  start(roles: readonly ('scheduler' | 'worker' | 'api')[]): Promise<Service>
}

export interface Service extends AsyncDisposable {
  /** Stops taking work and waits for what runs, at most `drainMs`; then aborts it (its attempts end `interrupted`). Idempotent. */
  stop(drainMs: number): Promise<void>
}
