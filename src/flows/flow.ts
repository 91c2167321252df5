/**
 * The contract between WHAT (a kind's folder) and WHEN and WHETHER (`runs`). The engine calls a kind through this file
 * alone and never looks inside options, slice keys or spans; a kind never opens the publishing transaction itself.
 *
 * One shape for all kinds:
 * - A `sync` has one slice, `all`, and publishes it once a run.
 * - An hourly `offload` has a slice an hour; a run brings several up to date, publishing each when it is proven.
 * - A `rollup` has thousands of stretches of buckets; its facts say which are dirty, a run publishes stretch by stretch.
 * - A `capture` runs for as long as its stream does, publishing a span every few seconds inside one run.
 */
import type { ErrorRecord, SluiceError } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import type { Schedule } from '../lib/schedule.ts'
import type { Database, Session } from '../lib/sql.ts'
import type { Source } from '../transfer/source.ts'

declare const brand: unique symbol

/** The name of a flow: letters, digits, `_` and `-`, at most 63 bytes. Parsed once, by the config. */
export type FlowName = string & { readonly [brand]: 'FlowName' }

export type KindName = 'sync' | 'rollup' | 'view' | 'offload' | 'capture' | 'preparation' | 'command'

/** Canonical: the same slice always has the same key. The engine compares it and never parses it. */
export type SliceKey = string & { readonly [brand]: 'SliceKey' }

export interface SliceRef {
  readonly key: SliceKey
  /** Sorts the slices of a flow; newer is larger. */
  readonly ordinal: number
  /** What the kind needs to know to bring the slice up to date. */
  readonly span: Json
  /** The stretch of time it stands for (`to` is not in it), for those who look at a calendar; left out: it stands for none. */
  readonly period?: { readonly from: Date; readonly to: Date }
}

/** What is recorded of a slice: see CONTRACTS §1. */
export interface SliceRecord extends SliceRef {
  readonly state: 'missing' | 'dirty' | 'running' | 'done' | 'failed' | 'frozen'
  readonly definitionHash: string | null
  readonly sourceMark: Json
  readonly dueAt: Date | null
  /** How old the published content is: the source's own time where it tells one, else when the reading began. */
  readonly asOf: Date | null
  readonly rows: number | null
}

/** A flow as the engine knows it. */
export interface Flow<Options = unknown> {
  readonly name: FlowName
  readonly kind: KindName
  /** The kind's own options, parsed; references to secrets unresolved. */
  readonly options: Options
  /** SHA-256 of the canonical JSON of what decides content: not schedule, guard, retention or notify. */
  readonly definitionHash: string
  /** The stores this flow touches, by their name in the config; the engine limits concurrency by them. */
  readonly stores: readonly string[]
  readonly timing: Timing
}

/** WHEN a flow is due and what happens if it could not run. Durations are milliseconds. */
export interface Timing {
  readonly schedule: Schedule | null
  /** How long after its due time a slice is late. */
  readonly late: number
  /** How often the source is rebuilt; null: unknown, never stale. */
  readonly sourceEvery: number | null
  readonly catchUp: 'skip' | 'latest' | 'all'
  /** Occurrences older than this are skipped whatever `catchUp` says. */
  readonly maxAge: number | null
  /** What a due occurrence does while the flow still runs. */
  readonly overlap: 'wait' | 'skip' | 'cancel'
  readonly after: readonly FlowName[]
  readonly attempts: number
  readonly publishTimeout: number
  /** A run that makes no progress for this long is given up; null: never. */
  readonly timeout: number | null
}

/** What was asked for: by a schedule, a person, a backfill. */
export interface WorkRequest {
  /** Ignore freshness and guard. */
  readonly force: boolean
  /** Only these slices; null: whatever is due. */
  readonly slices: readonly SliceKey[] | null
  readonly from: string | null
  readonly to: string | null
  readonly step: 'export' | 'import' | 'load' | 'purge' | null
  /** Only what is counted by this period; null: by all of them. */
  readonly grain: string | null
  /** What cannot be made again goes, too, where it lies in the range. */
  readonly clear: boolean
  /** Asked for by a backfill: without a range of everything, whether it is up to date or not. */
  readonly backfill: boolean
  /** The due time this run answers to; null for a manual run. */
  readonly dueAt: Date | null
}

/** A request of whatever is due, with nothing said beyond it. */
export const whateverIsDue: WorkRequest = {
  force: false,
  slices: null,
  from: null,
  to: null,
  step: null,
  grain: null,
  clear: false,
  backfill: false,
  dueAt: null,
}

/** One slice of a plan: do it, or leave it and say why. */
export type PlannedSlice =
  | { readonly action: 'run'; readonly slice: SliceRef; readonly why: string }
  | { readonly action: 'skip'; readonly slice: SliceRef; readonly why: string }

export interface Plan<Detail = unknown> {
  readonly slices: readonly PlannedSlice[]
  /** What would be done, a line each, in the order it happens: printed by `--dry-run`. */
  readonly steps: readonly string[]
  /** The range that was asked for begins or ends within a slice: a run of one of them has to be told of it. */
  readonly cut?: boolean
  /** What the kind found out and `run` goes by. */
  readonly detail: Detail
}

/** The stores of the config, opened on first use and closed with the system. */
export interface Stores {
  /** A PostgreSQL store, by name. `STORE_UNKNOWN` if it is none. */
  database(name: string): Promise<Database>
  /** Something to read from a store, by name: the store knows how to make a Source of it. */
  source(name: string, from: SourceSpec): Promise<Source>
}

export type SourceSpec =
  | { readonly tag: 'query'; readonly query: string; readonly changed: string | null }
  | { readonly tag: 'table'; readonly table: string; readonly changed: string | null }
  | { readonly tag: 'parquet' | 'csv' | 'json'; readonly path: string; readonly changed: string | null }

/** What a kind is given to look around with; it must not change anything with it. */
export interface LookContext {
  readonly project: string
  readonly stores: Stores
  /** Sluice's own database: the kind's own tables in the schema `stateSchema`. */
  readonly state: Database
  readonly stateSchema: string
  readonly signal: AbortSignal
  /** Database time, frozen when the run was first started: every attempt of a run sees the same. */
  readonly now: Date
  /** What is recorded of the flow's slices, by key. */
  readonly slices: ReadonlyMap<SliceKey, SliceRecord>
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, Json>>): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What a kind works with. */
export interface WorkContext extends LookContext {
  readonly run: { readonly id: string; readonly attempt: number }
  readonly request: WorkRequest
  /** A new phase begins (`read`, `load`, `index`, `publish`, …); the one before it has ended. */
  phase(name: string, expect?: { readonly rows?: number }): void
  /** Adds to the phase's counts; cheap, may be called for every chunk. */
  progress(done: { readonly rows?: number; readonly bytes?: number }): void
  /**
   * Publishes one slice. The engine opens a transaction in `target`, checks that this attempt still holds the slice's
   * lease (`LEASE_LOST` otherwise), calls `apply`, records the slice as done, and commits: all or nothing. When `apply` rejects
   * with `PUBLISH_LOCKED`, the transaction is rolled back and tried again with growing jitter until `publishTimeout`.
   * `target` is the database that readers see; null when that is not PostgreSQL and `apply` only moves a pointer in the state.
   */
  publish(slice: SliceRef, target: Database | null, apply: (tx: Session) => Promise<SliceResult>): Promise<void>
  /**
   * Publishes together whichever slices `apply` says it has brought up to date, in one transaction of the state's own database. Slices
   * that the plan did not name are leased in it: they may turn out only when what changed is taken in hand.
   */
  publishAll(apply: (tx: Session) => Promise<readonly PublishedSlice[]>): Promise<void>
}

export interface PublishedSlice {
  readonly slice: SliceRef
  readonly result: SliceResult
}

export interface SliceResult {
  /** Rows that readers now see in the slice. */
  readonly rows: number
  readonly sourceMark: Json
  readonly asOf: Date
  /** What changed, where it is known. */
  readonly changes: {
    readonly inserted: number
    readonly changed: number
    readonly deleted: number
    readonly unchanged: number
  } | null
}

/** What a slice's comparison found: CONTRACTS §5, `verify --json`. */
export interface Verification {
  readonly slice: SliceKey
  readonly verdict: 'identical' | 'differs' | 'failed'
  readonly compared: number
  /** In the source, not in the target. */
  readonly missing: number
  /** In the target, not in the source. */
  readonly extra: number
  readonly changed: number
  readonly asOf: Date | null
  readonly sourceAsOf: Date | null
  /** The source moved since the slice was published. */
  readonly sourceChanged: boolean
  readonly examples: readonly Difference[]
}

export interface Difference {
  /** The key as text by column; null when the rows are compared as a multiset. */
  readonly key: Readonly<Record<string, string | null>> | null
  readonly count: number
  readonly difference: 'missing' | 'extra' | 'changed'
  readonly columns: readonly string[]
}

/** The schema of both sides, as SQL, and column by column. */
export interface Ddl {
  readonly source: string
  readonly target: string
  /** Empty where a kind has no columns. */
  readonly columns: readonly ColumnPair[]
  /** Why a run would be refused with these columns; then `target` is empty. */
  readonly problem: ErrorRecord | null
}

/** A column on both sides. Types as PostgreSQL writes them, the source's in its own words, too. */
export interface ColumnPair {
  readonly source: { readonly name: string; readonly type: string; readonly sourceType: string } | null
  /** As it stands; null: the table does not have it. */
  readonly target: { readonly name: string; readonly type: string; readonly nullable: boolean } | null
  /** What the flow makes of it; null: it is left alone. */
  readonly planned: { readonly name: string; readonly type: string } | null
  /**
   * `added`: the next run adds it to the table; `unread`: nothing of the source fills it; `differs`: the types differ, and
   * `says` what that means.
   */
  readonly drift: 'none' | 'added' | 'unread' | 'differs'
  readonly says: string | null
}

/** An outside end of a flow: what it reads or writes. */
export interface FlowEnd {
  readonly store: string
  readonly tag: 'query' | 'table' | 'files'
  /** `public.api_teacher_data`, a path; the first line of a query. */
  readonly name: string
}

/** A fault that looking at the outside found; `check` needs no network, `doctor` does. */
export interface Finding {
  readonly severity: 'problem' | 'warning' | 'fine'
  readonly about: string
  readonly says: string
  readonly fix: string | null
}

/** A kind: each has the same files, and this is what they add up to. */
export interface Kind<Options = unknown, Facts = unknown, Detail = unknown> {
  readonly kind: KindName
  /** The slices that should exist by `due` (exclusive of what is not over yet). Pure. */
  due(flow: Flow<Options>, due: Date): readonly SliceRef[]
  /** What it reads and writes, for the lineage. Pure. */
  ends(flow: Flow<Options>): { readonly reads: readonly FlowEnd[]; readonly writes: readonly FlowEnd[] }
  /** Why this can never be asked of the flow, or null; asked before a request is recorded: `USAGE`. Pure. */
  refuse(flow: Flow<Options>, request: WorkRequest): SluiceError | null
  /** Looks at both sides; changes nothing. */
  facts(flow: Flow<Options>, request: WorkRequest, context: LookContext): Promise<Facts>
  /** Which slices to bring up to date, and how. Pure. */
  plan(
    flow: Flow<Options>,
    request: WorkRequest,
    facts: Facts,
    context: Pick<LookContext, 'now' | 'slices'>,
  ): Plan<Detail>
  /** Brings the plan's slices up to date, publishing each through the context. Resolves when all are; rejects at the first that fails. */
  run(flow: Flow<Options>, plan: Plan<Detail>, context: WorkContext): Promise<void>
  /**
   * Removes what earlier attempts of this run left in the stores; called before an attempt that follows another, whatever there
   * is to do then. Those attempts are dead: what they still try is refused by the lease.
   */
  tidy(flow: Flow<Options>, context: WorkContext): Promise<void>
  verify(flow: Flow<Options>, request: VerifyRequest, context: LookContext): Promise<readonly Verification[]>
  ddl(flow: Flow<Options>, context: LookContext): Promise<Ddl>
  /** Live checks for `doctor`: rights, types, keys, dependents. */
  inspect(flow: Flow<Options>, context: LookContext): Promise<readonly Finding[]>
}

export interface VerifyRequest {
  readonly slices: readonly SliceKey[] | null
  /** A source that moved since the slice was published is a finding too. */
  readonly strict: boolean
}
