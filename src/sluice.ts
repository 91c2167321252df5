/**
 * Composition: a config in, a running system out. The only file that knows everybody: it opens the stores that the config
 * names, hands the kinds to the engine, and closes all of it again.
 */
import type { Finding, Flow, Ddl, Plan, Verification, WorkRequest } from './flows/flow.ts'
import type { Engine, FlowStatus, RunEvent, RunRecord } from './runs/engine.ts'

export interface OpenOptions {
  /** The folder of the config; default: the current directory. Relative paths of the config count from here. */
  readonly directory?: string
  /** The config's path, or what `defineConfig` returned; default: `sluice.config.*` in the directory. */
  readonly config?: string | object
  /** Called with every event of the runs that this handle asks for. */
  readonly onEvent?: (flow: string, event: RunEvent) => void
  /** Who asks, for the record; default: the system's user name. */
  readonly requestedBy?: string
}

export interface RunOptions extends Partial<Omit<WorkRequest, 'slices' | 'dueAt'>> {
  readonly slices?: readonly string[]
  readonly signal?: AbortSignal
}

/** Which server a store is, and why: printed by `up`, `status` and `doctor`. Never a secret. */
export interface StoreDescription {
  readonly name: string
  readonly kind: 'postgres' | 'duckdb' | 'files'
  /** `PostgreSQL 18.4 on 127.0.0.1:54321`, `.sluice/warehouse.duckdb`. */
  readonly what: string
  /** `no database in the config: embedded`, `DATABASE_URL`. */
  readonly why: string
}

/** A running Sluice. Every name that is unknown is refused with `FLOW_UNKNOWN` before anything is asked for. */
export interface Sluice extends AsyncDisposable {
  readonly project: string
  readonly directory: string
  readonly flows: readonly Flow[]
  readonly engine: Engine
  readonly stores: readonly StoreDescription[]
  /** Brings flows up to date (no names: all), upstream first; a run's failure is in its record, it does not reject. */
  run(names?: readonly string[], options?: RunOptions): Promise<readonly RunRecord[]>
  plan(names?: readonly string[], options?: RunOptions): Promise<readonly { readonly flow: string; readonly plan: Pick<Plan, 'slices' | 'steps'> }[]>
  verify(names?: readonly string[], options?: { readonly strict?: boolean; readonly signal?: AbortSignal }): Promise<readonly FlowVerification[]>
  status(names?: readonly string[]): Promise<readonly FlowStatus[]>
  ddl(name: string): Promise<Ddl>
  /** Live checks of the stores and flows. */
  doctor(): Promise<readonly Finding[]>
  /** Stops what this handle started; an embedded server stops with its last user. Idempotent. */
  close(): Promise<void>
}

export interface FlowVerification {
  readonly flow: string
  readonly run: RunRecord
  readonly verifications: readonly Verification[]
}
