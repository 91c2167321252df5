/**
 * The third part of the composition: flows as they are written. Those of the file are shown; those of the console are checked,
 * planned, saved, removed and turned into code.
 */
import { draftFlow } from './config/console.ts'
import { exportFlow, type ExportedFlow } from './config/export.ts'
import type { LoadedConfig } from './config/load.ts'
import {
  whateverIsDue,
  type ColumnPair,
  type Flow,
  type FlowEnd,
  type FlowName,
  type Kind,
  type LookContext,
  type Plan,
  type Stores,
  type Timing,
} from './flows/flow.ts'
import { SluiceError, type ErrorRecord } from './lib/error.ts'
import type { Database } from './lib/sql.ts'
import { readOnly } from './runs/console-flows.ts'
import type { Engine } from './runs/engine.ts'
import { lineageOf, type Lineage, type LineageEndpoint } from './runs/lineage.ts'
import type { FlowVersion, RegisteredFlow } from './runs/views.ts'

/** A flow with all that is said of it. */
export interface DefinedFlow extends RegisteredFlow {
  /** What the engine goes by; null: this process cannot take it over, and `problem` says why. */
  readonly timing: Timing | null
  readonly stores: readonly string[]
  readonly reads: readonly FlowEnd[]
  readonly writes: readonly FlowEnd[]
  readonly problem: ErrorRecord | null
}

export interface FlowSchema {
  readonly flow: string
  readonly columns: readonly ColumnPair[]
  /** Why a run would be refused with these columns. */
  readonly problem: ErrorRecord | null
  /** The schema of both sides, as SQL. */
  readonly ddl: { readonly source: string; readonly target: string }
}

export interface DraftPlan {
  /** What saving would change: nothing, only what does not decide content (schedule, guard), or content. */
  readonly changes: 'new' | 'nothing' | 'timing' | 'content'
  readonly slices: Plan['slices']
  readonly steps: readonly string[]
}

export interface Definitions {
  /** Every flow, those made in the console included, by name. */
  list(): Promise<readonly DefinedFlow[]>
  /** `FLOW_UNKNOWN` */
  get(name: string): Promise<DefinedFlow>
  /** Newest first; of removed flows, too. */
  versions(name: string): Promise<readonly FlowVersion[]>
  /** All flows, left to right: what they read, they themselves, what they write, the endpoints that serve it. */
  lineage(): Promise<Lineage>
  /** Checks a definition and plans it, without saving it. `CONFIG_INVALID` names each fault, `FLOW_READ_ONLY`. */
  plan(name: string, definition: unknown, signal?: AbortSignal): Promise<DraftPlan>
  /**
   * Saves a flow made in the console, checked like the config file. `expectVersion`: the version it was made from; null: it is new.
   * `CONFIG_INVALID`, `FLOW_READ_ONLY`, `FLOW_VERSION_CONFLICT`.
   */
  save(name: string, definition: unknown, by: string, expectVersion: number | null): Promise<DefinedFlow>
  /** Its history stays, and so does its table. `FLOW_READ_ONLY`, `FLOW_IN_USE` when another comes after it. */
  remove(name: string, by: string): Promise<void>
  /** The flow as code of a config file. */
  export(name: string): Promise<ExportedFlow>
}

export interface DefinitionsOptions {
  readonly loaded: LoadedConfig
  readonly engine: Engine
  readonly kinds: Readonly<Record<string, Kind>>
  readonly stores: Stores
  readonly state: Database
  readonly endpoints: () => readonly LineageEndpoint[]
  readonly log: LookContext['log']
}

export function openDefinitions({
  loaded,
  engine,
  kinds,
  stores,
  state,
  endpoints,
  log,
}: DefinitionsOptions): Definitions {
  const list = async (): Promise<readonly DefinedFlow[]> => {
    await engine.refresh()
    const flows = new Map(engine.flows().map((flow) => [flow.name as string, flow]))
    const refused = new Map(engine.refused().map(({ flow, error }) => [flow, error]))
    return (await engine.registered()).map((row) => describe(row, flows.get(row.name), refused.get(row.name) ?? null))
  }
  const describe = (row: RegisteredFlow, flow: Flow | undefined, problem: ErrorRecord | null): DefinedFlow => ({
    ...row,
    timing: flow?.timing ?? null,
    stores: flow?.stores ?? [],
    ...(flow === undefined ? { reads: [], writes: [] } : (kinds[flow.kind]?.ends(flow) ?? { reads: [], writes: [] })),
    problem: flow === undefined ? (problem ?? notHere(row.name).toJSON()) : null,
  })
  const get = async (name: string): Promise<DefinedFlow> => {
    const found = (await list()).find((one) => one.name === name)
    if (found === undefined) throw unknown(name)
    return found
  }
  /** The definition, checked beside all others; a name of the file is refused. */
  const draft = async (name: string, written: unknown) => {
    const standing = await list()
    const before = standing.find((one) => one.name === name)
    if (before?.origin === 'file' || loaded.flows.some(({ flow }) => flow.name === name)) throw readOnly(name)
    const others = standing.filter(({ origin }) => origin === 'console')
    return { before, ...draftFlow(loaded, others, { name, definition: written }) }
  }

  return {
    list,
    get,
    versions: (name) => engine.versions(name),
    lineage: async () => {
      const flows = (await list()).map(({ name, timing, reads, writes }) => ({
        name,
        after: timing?.after ?? [],
        reads,
        writes,
      }))
      return lineageOf(flows, endpoints())
    },
    plan: async (name, written, signal = new AbortController().signal) => {
      const { before, flow } = await draft(name, written)
      const kind = kinds[flow.kind]
      if (kind === undefined) throw new Error(`there is no kind ${flow.kind}`)
      const slices = before === undefined ? [] : await engine.slices({ flow: before.name, limit: 1_000_000 })
      const context: LookContext = {
        project: loaded.project,
        stores,
        state,
        stateSchema: loaded.config.state.schema,
        signal,
        // Nothing is written by it: this process's own clock is good enough.
        now: new Date(),
        slices: new Map(
          slices.map(({ period, ...slice }) => [slice.key, { ...slice, ...(period === null ? {} : { period }) }]),
        ),
        log,
      }
      const facts = await kind.facts(flow, whateverIsDue, context)
      const { slices: planned, steps } = kind.plan(flow, whateverIsDue, facts, context)
      return { changes: changesOf(before, flow, written), slices: planned, steps }
    },
    save: async (name, written, by, expectVersion) => {
      const { flow, definition: json } = await draft(name, written)
      await engine.save(flow, json, by, expectVersion)
      return await get(name)
    },
    remove: async (name, by) => {
      if (loaded.flows.some(({ flow }) => flow.name === name)) throw readOnly(name)
      await engine.remove(name, by)
    },
    export: async (name) => {
      const { definition: json } = await get(name)
      return exportFlow(name, json)
    },
  }
}

/** What saving would change. Key order says nothing. Pure. */
function changesOf(before: DefinedFlow | undefined, flow: Flow, written: unknown): DraftPlan['changes'] {
  if (before === undefined) return 'new'
  if (before.definitionHash !== flow.definitionHash) return 'content'
  return sorted(before.definition) === sorted(written) ? 'nothing' : 'timing'
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

function notHere(name: FlowName): SluiceError {
  return new SluiceError('WORKER_OUTDATED', `This process does not know ${name}`, {
    why: 'it was started with a config without it, or with another one',
    fix: 'restart this process',
    where: { flow: name },
  })
}

function unknown(name: string): SluiceError {
  return new SluiceError('FLOW_UNKNOWN', `there is no flow "${name}"`, {
    why: 'neither the config file nor the console has it',
    fix: 'correct the name, or make the flow',
  })
}
