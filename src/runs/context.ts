/** What the parts of one engine share. */
import type { Flow, Kind, Stores } from '../flows/flow.ts'
import type { ErrorRecord } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import { raw, type Database, type Session } from '../lib/sql.ts'
import { openState, type State } from '../state/state.ts'
import { openBell, type Bell } from './bell.ts'
import type { Operation, RunId, RunOutcome } from './engine.ts'
import { openQueue, type Queue } from './queue.ts'
import { fixedRegistry, openRegistry, type Registry, type Understand } from './registry.ts'
import { TakenUp } from './taken-up.ts'

/** The end of a run, told in the transaction that writes it. */
export interface RunEnd {
  readonly run: RunId
  readonly flow: string
  readonly operation: Operation
  readonly outcome: RunOutcome
  readonly error: ErrorRecord | null
}

/** Durations in milliseconds. A lease outlives two lost heartbeats; a worker is taken for dead when its own row is as old. */
export interface Leases {
  readonly leaseMs: number
  readonly beatMs: number
}

/** Takeover within 30 s of the last heartbeat: 15 s of lease, and those who look do so every second or two. */
export const defaultLeases: Leases = { leaseMs: 15_000, beatMs: 5_000 }

export interface EngineContext {
  readonly state: State
  /** Those of `registry`: they change while this runs. */
  readonly flows: ReadonlyMap<string, Flow>
  readonly registry: Registry
  readonly kinds: Readonly<Record<string, Kind>>
  readonly stores: Stores
  /** How many attempts may use a store at once, over all workers of the project; a store that is not named has no limit. */
  readonly storeLimits: Readonly<Record<string, number>>
  /** Stores that only one process can hold (an embedded DuckDB file). */
  readonly exclusiveStores: readonly string[]
  readonly leases: Leases
  readonly bell: Bell
  /** What this process does beside the runs that it was asked for. */
  readonly takenUp: TakenUp
  /** Opened when it is first needed. */
  queue(): Promise<Queue>
  /** Writes the notifications that follow from a run's end. */
  ended(tx: Session, end: RunEnd): Promise<void>
  /** What the engine has to say that belongs to no run. */
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, Json>>): void
}

/**
 * A transaction in the state. A worker that is stopped inside one is idle in it: the server ends that session by itself, before
 * the lease is over, so that nobody waits for its locks.
 */
export async function inTransaction<T>(
  engine: Pick<EngineContext, 'state' | 'leases'>,
  work: (tx: Session) => Promise<T>,
): Promise<T> {
  return await engine.state.db.transaction(async (tx) => {
    await limitIdleness(tx, engine.leases)
    return await work(tx)
  })
}

/** See `inTransaction`; for a transaction in any database. */
export async function limitIdleness(tx: Session, leases: Leases): Promise<void> {
  const ms = Math.max(1000, Math.floor((leases.leaseMs * 2) / 3))
  await tx.run(raw(`set local idle_in_transaction_session_timeout = ${ms}`))
}

/** Flow name → definition hash. */
export function hashesOf(flows: ReadonlyMap<string, Flow>): Readonly<Record<string, string>> {
  return Object.fromEntries([...flows.values()].map((flow) => [flow.name, flow.definitionHash]))
}

export interface ContextOptions extends Pick<EngineContext, 'flows' | 'kinds' | 'stores' | 'ended' | 'log'> {
  /** The database that the schema of Sluice is in; migrated before. */
  readonly db: Database
  readonly schema: string
  readonly project: string
  readonly storeLimits?: EngineContext['storeLimits']
  readonly exclusiveStores?: EngineContext['exclusiveStores']
  readonly leases?: Leases
  /** How flows made in the console are understood; left out: there are none. */
  readonly understand?: Understand
}

/** Nothing is connected yet: queue and bell are opened when they are first needed, and closed with this. */
export function openContext(options: ContextOptions): EngineContext & AsyncDisposable {
  const state = openState(options.db, options.schema, options.project)
  const takenUp = new TakenUp()
  const registry =
    options.understand === undefined
      ? fixedRegistry(options.flows)
      : openRegistry(state, [...options.flows.values()], options.understand)
  const bell = openBell(state, ({ topic }) => {
    if (topic === 'flow' || topic === 'lost') registry.stale()
  })
  let opened: Promise<Queue> | undefined
  return {
    state,
    bell,
    takenUp,
    flows: registry.flows,
    registry,
    kinds: options.kinds,
    stores: options.stores,
    storeLimits: options.storeLimits ?? {},
    exclusiveStores: options.exclusiveStores ?? [],
    leases: options.leases ?? defaultLeases,
    ended: options.ended,
    log: options.log,
    queue: () => {
      opened ??= openQueue(state).catch((error: unknown) => {
        opened = undefined
        throw error
      })
      return opened
    },
    [Symbol.asyncDispose]: async () => {
      // Its attempts record their end while all of this is still open.
      await takenUp.handBack()
      await bell[Symbol.asyncDispose]()
      const queue = await opened?.catch(() => undefined)
      opened = undefined
      await queue?.[Symbol.asyncDispose]()
    },
  }
}
