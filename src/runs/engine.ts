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

export type RunId = string

export type Operation = 'apply' | 'verify' | 'plan' | 'ddl' | 'check'
export type RunOutcome = 'succeeded' | 'failed' | 'cancelled' | 'skipped'
export type AttemptOutcome = RunOutcome | 'interrupted'

/** A request for a run. Two requests for the same work, while it is unfinished, get the same run. */
export interface RunRequest {
  readonly operation: Operation
  readonly flow: FlowName
  readonly slices: readonly SliceKey[] | null
  readonly options: Partial<Omit<WorkRequest, 'slices' | 'dueAt'>> & { readonly strict?: boolean }
  readonly trigger: 'manual' | 'schedule' | 'backfill' | 'api'
  readonly requestedBy: string
}

/** A run as it stands: what `runs --json`, `status` and later the API show. */
export interface RunRecord {
  readonly id: RunId
  readonly operation: Operation
  readonly flow: FlowName
  readonly trigger: RunRequest['trigger']
  readonly requestedBy: string
  readonly requestedAt: Date
  readonly dueAt: Date | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
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
  readonly plan?: Pick<Plan, 'slices' | 'steps'>
  readonly ddl?: Ddl
  readonly findings?: readonly Finding[]
  readonly changes?: Json
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
}

export interface OccurrenceRecord {
  readonly flow: FlowName
  readonly dueAt: Date
  readonly state: 'waiting' | 'run' | 'skipped'
  readonly reason: string | null
  readonly run: RunId | null
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

/** What the engine offers to `sluice.ts`, the command line and later the API. */
export interface Engine extends AsyncDisposable {
  /** Brings `flow`, `flow_version` and `schedule` in line with the config. Idempotent; called before anything else. */
  register(definitions: readonly { readonly flow: Flow; readonly definition: Json }[]): Promise<void>

  /** Records a request, or finds the unfinished run for the same work. */
  request(request: RunRequest): Promise<{ readonly id: RunId; readonly joined: boolean }>
  /** Does this run here and now, if no live worker of this project holds the flow and its stores; resolves when it is finished anywhere. */
  ensure(id: RunId, signal?: AbortSignal): Promise<void>
  /** Log lines, progress and the end of a run, from its beginning; ends after `finished`. */
  follow(id: RunId, options?: { readonly signal?: AbortSignal; readonly from?: number }): AsyncIterable<RunEvent>
  cancel(id: RunId, by: string, reason: string | null): Promise<RunRecord>

  pause(flow: FlowName, by: string, reason: string | null): Promise<void>
  resume(flow: FlowName, by: string): Promise<void>

  status(flows?: readonly FlowName[]): Promise<readonly FlowStatus[]>
  /** Flows that no living worker takes, since those that have them were started with another definition. */
  outdated(): Promise<readonly { readonly flow: string; readonly host: string; readonly pid: number }[]>
  /** A run by its id or by an abbreviation of it that fits only one (`RUN_UNKNOWN` otherwise). */
  run(id: string): Promise<RunRecord>
  runs(filter: {
    readonly flow?: FlowName
    readonly operation?: Operation
    readonly limit: number
    readonly before?: RunId
  }): Promise<readonly RunRecord[]>
  occurrences(filter: { readonly flow?: FlowName; readonly limit: number }): Promise<readonly OccurrenceRecord[]>
  /** The next due times of a flow, without writing anything. */
  next(flow: FlowName, count: number): Promise<readonly Date[]>

  /** Starts what `sluice up` runs in this process; the returned service stops with a bounded drain. */
  start(roles: readonly ('scheduler' | 'worker')[]): Promise<Service>
}

export interface Service extends AsyncDisposable {
  /** Stops taking work and waits for what runs, at most `drainMs`; then aborts it (its attempts end `interrupted`). Idempotent. */
  stop(drainMs: number): Promise<void>
}
