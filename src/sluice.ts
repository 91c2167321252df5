/**
 * Composition: a config in, a running system out. The only file that knows everybody: it opens the stores that the config
 * names, hands the kinds to the engine, and closes all of it again.
 */
import { userInfo } from 'node:os'
import type { Access } from './access/access.ts'
import { jwtOptions } from './access/config.ts'
import { openAccess } from './access/open.ts'
import { apiSettings, type ApiSettings } from './api/config.ts'
import { loadConfig, type LoadedConfig } from './config/load.ts'
import { readSaved } from './config/console.ts'
import { openDefinitions, type DefinedFlow, type Definitions, type FlowSchema } from './definitions.ts'
import type { Ddl, Finding, Flow, FlowName, Plan, SliceKey, Verification, WorkRequest } from './flows/flow.ts'
import type { Endpoints } from './endpoints/endpoints.ts'
import { openEndpoints } from './endpoints/open.ts'
import { openTables, type Tables } from './endpoints/tables.ts'
import type { SyncOptions } from './flows/sync/config.ts'
import { rollup } from './flows/rollup/rollup.ts'
import { sync } from './flows/sync/sync.ts'
import { parseDuration } from './lib/duration.ts'
import { SluiceError, type ErrorRecord } from './lib/error.ts'
import { nearest } from './lib/nearest.ts'
import type { Database } from './lib/sql.ts'
import { createEngine, type EngineOptions } from './runs/create.ts'
import type { Engine, FlowStatus, Operation, RunEvent, RunRecord, RunRequest } from './runs/engine.ts'
import { openRollups, type Rollups } from './rollups.ts'
import { readSeal } from './state/seal.ts'
import { openState } from './state/state.ts'
import { OpenStores, type StoreDescription } from './stores.ts'
import { openSeries, type Series } from './series.ts'

export interface OpenOptions {
  /** The folder of the config; default: the current directory. Relative paths of the config count from here. */
  readonly directory?: string
  /** The config's path, or what `defineConfig` returned; default: `sluice.config.*` in the directory. */
  readonly config?: string | object
  /** Called with every event of the runs that this handle asks for. */
  readonly onEvent?: (flow: string, event: RunEvent) => void
  /** Called with what the system has to say that belongs to no run. */
  readonly log?: EngineOptions['log']
  /** Who asks, for the record; default: the system's user name. */
  readonly requestedBy?: string
}

export interface RunOptions extends Partial<Omit<WorkRequest, 'slices' | 'dueAt'>> {
  readonly slices?: readonly string[]
  readonly signal?: AbortSignal
}

/** A running Sluice. Every name that is unknown is refused with `FLOW_UNKNOWN` before anything is asked for. */
export interface Sluice extends AsyncDisposable {
  readonly project: string
  readonly directory: string
  readonly flows: readonly Flow[]
  readonly engine: Engine
  /** Who may ask, and what is recorded of it. */
  readonly access: Access
  /** The rows that applications read. */
  readonly endpoints: Endpoints
  /** Flows as they are written, those made in the console included. */
  readonly definitions: Definitions
  /** The tables that flows write, for whoever may see all of their rows. */
  readonly tables: Tables
  /** Rollups as they stand. */
  readonly rollups: Rollups
  readonly series: Series
  readonly stores: readonly StoreDescription[]
  /**
   * Where the application database is, with user and password: for programs of your own beside the embedded server, which runs for as
   * long as somebody has it open.
   */
  databaseUrl(): Promise<string>
  /** How the API is served. `VARIABLE_UNSET` when what it names is not set. */
  apiSettings(): ApiSettings
  /** Brings flows up to date (no names: all), upstream first; a run's failure is in its record, it does not reject. */
  run(names?: readonly string[], options?: RunOptions): Promise<readonly RunRecord[]>
  plan(
    names?: readonly string[],
    options?: RunOptions,
  ): Promise<readonly { readonly flow: string; readonly plan: Pick<Plan, 'slices' | 'steps'> }[]>
  verify(names?: readonly string[], options?: VerifyOptions): Promise<readonly FlowVerification[]>
  status(names?: readonly string[]): Promise<readonly FlowStatus[]>
  ddl(name: string): Promise<Ddl>
  /** Live checks of the stores and flows. */
  doctor(): Promise<readonly Finding[]>
  /** The columns of both sides, and where they drift apart. */
  schemaOf(name: string): Promise<FlowSchema>
  /** Stops what this handle started; an embedded server stops with its last user. Idempotent. */
  close(): Promise<void>
}

export interface VerifyOptions {
  readonly strict?: boolean
  /** What differs is redone, under the flow's guard, and compared again. */
  readonly repair?: boolean
  readonly signal?: AbortSignal
}

export interface FlowVerification {
  /** The run that redid what differed; null: nothing did, or nobody asked for it. */
  readonly repair: RunRecord | null
  readonly flow: string
  readonly run: RunRecord
  readonly verifications: readonly Verification[]
}

/** The kinds that this version has: what a config may name. */
const kinds = { sync, rollup }

/** Opens what a config describes: connects to the state's database (starting the embedded one), brings its tables up to date. */
export async function openSluice(options: OpenOptions = {}): Promise<Sluice> {
  const loaded = await loadConfig({
    ...(options.directory === undefined ? {} : { directory: options.directory }),
    ...(options.config === undefined ? {} : { config: options.config }),
  })
  const stores = new OpenStores(loaded)
  try {
    const database = await stores.database('database')
    const engine = await createEngine({
      state: database,
      schema: loaded.config.state.schema,
      project: loaded.project,
      flows: loaded.flows.map(({ flow }) => flow),
      kinds,
      stores,
      exclusive: stores.exclusive,
      webhooks: webhooksOf(loaded),
      storeLimits: { ...stores.limits, ...loaded.config.concurrency },
      retention: retentionOf(loaded),
      understand: (saved) => readSaved(loaded, saved),
      ...(options.log === undefined ? {} : { log: options.log }),
      ...leasesOf(process.env['SLUICE_LEASE_MS']),
    })
    await engine.register(loaded.flows)
    return new RunningSluice({ loaded, stores, engine, access: accessOf(loaded, database), database, options })
  } catch (error) {
    await stores[Symbol.asyncDispose]()
    throw error
  }
}

function accessOf(
  { config, project, environment }: LoadedConfig,
  database: Parameters<typeof openAccess>[0]['database'],
): Access {
  const { jwt } = config.api
  return openAccess({
    database,
    schema: config.state.schema,
    project,
    jwt: () =>
      jwt === undefined
        ? null
        : jwtOptions(jwt, (reference) => environment.resolve(reference, { store: 'api.jwt' }).value),
  })
}

function webhooksOf({ config, environment }: LoadedConfig): NonNullable<EngineOptions['webhooks']> {
  return config.notify.map(({ webhook, secret, on }, index) => {
    const where = { store: `notify[${index}]` }
    return {
      id: `notify[${index}]`,
      url: environment.resolve(webhook, where).value,
      secret: secret === undefined ? null : environment.resolve(secret, where).value,
      on,
    }
  })
}

function retentionOf({ config }: LoadedConfig): NonNullable<EngineOptions['retention']> {
  const { runs, occurrences, notifications, audit } = config.retention
  const term = (text: string): number => parseDuration(text) ?? 0 // the schema has checked it
  return {
    runs: term(runs),
    occurrences: term(occurrences),
    notifications: term(notifications),
    audit: term(audit),
  }
}

/** Tests shorten the leases, so that a takeover takes a second; like failpoints, no config can. */
function leasesOf(text: string | undefined): Pick<EngineOptions, 'leases'> {
  const leaseMs = Number(text ?? '')
  return leaseMs > 0 ? { leases: { leaseMs, beatMs: leaseMs / 3 } } : {}
}

interface Parts {
  readonly loaded: LoadedConfig
  readonly stores: OpenStores
  readonly engine: Engine
  readonly access: Access
  readonly database: Database
  readonly options: OpenOptions
}

class RunningSluice implements Sluice {
  readonly project: string
  readonly directory: string
  readonly engine: Engine
  readonly access: Access
  readonly endpoints: Endpoints
  readonly tables: Tables
  readonly rollups: Rollups
  readonly series: Series
  readonly definitions: Definitions
  readonly #loaded: LoadedConfig
  readonly #stores: OpenStores
  readonly #options: OpenOptions
  #closed: Promise<void> | undefined

  constructor({ loaded, stores, engine, access, database, options }: Parts) {
    this.#loaded = loaded
    this.access = access
    const reading: Parameters<typeof openTables>[0] = {
      reader: (store) => stores.reader(store),
      state: { store: 'database', schema: loaded.config.state.schema, project: loaded.project },
      targets: () => targetsOf(this.flows),
      secret: () => readSeal(openState(database, loaded.config.state.schema, loaded.project)),
    }
    this.endpoints = openEndpoints({ ...reading, endpoints: loaded.endpoints })
    this.tables = openTables(reading)
    this.rollups = openRollups({
      flows: () => this.flows,
      state: database,
      stateSchema: loaded.config.state.schema,
      project: loaded.project,
      stores,
    })
    const state = openState(database, loaded.config.state.schema, loaded.project)
    this.series = openSeries(database, state, () => this.engine.flows())
    this.project = loaded.project
    this.directory = loaded.directory
    this.engine = engine
    this.#stores = stores
    this.#options = options
    this.definitions = openDefinitions({
      loaded,
      engine,
      kinds,
      stores,
      state: database,
      endpoints: () => this.endpoints.list(),
      log: options.log ?? (() => {}),
    })
  }

  /** Those of the file and those made in the console, as of now. */
  get flows(): readonly Flow[] {
    return this.engine.flows()
  }

  get stores(): readonly StoreDescription[] {
    return this.#stores.describe()
  }

  async databaseUrl(): Promise<string> {
    return await this.#stores.url('database')
  }

  apiSettings(): ApiSettings {
    const { config, environment } = this.#loaded
    return apiSettings(config.api, (reference) => environment.resolve(reference, { store: 'api' }).value)
  }

  async run(names?: readonly string[], options: RunOptions = {}): Promise<readonly RunRecord[]> {
    const { slices, signal, ...rest } = options
    const records: RunRecord[] = []
    for (const flow of upstreamFirst(await this.#named(names)))
      records.push(await this.#finish(this.#request('apply', flow, { slices: slices ?? null, options: rest }), signal))
    return records
  }

  async plan(names?: readonly string[], options: RunOptions = {}): ReturnType<Sluice['plan']> {
    const { slices, signal, ...rest } = options
    const plans: { readonly flow: string; readonly plan: Pick<Plan, 'slices' | 'steps'> }[] = []
    for (const flow of upstreamFirst(await this.#named(names))) {
      const record = await this.#finish(this.#request('plan', flow, { slices: slices ?? null, options: rest }), signal)
      plans.push({ flow: flow.name, plan: resultOf(record).plan ?? { slices: [], steps: [] } })
    }
    return plans
  }

  async verify(names?: readonly string[], options: VerifyOptions = {}): Promise<readonly FlowVerification[]> {
    const { strict = false, repair = false, signal } = options
    const found: FlowVerification[] = []
    for (const flow of await this.#named(names)) {
      const asked = { slices: null, options: repair ? { strict, repair } : { strict } }
      const first = await this.#finish(this.#request('verify', flow, asked), signal)
      const repaired = await this.#following(first, signal)
      const again = repaired === null ? null : await this.#following(repaired, signal)
      found.push({
        flow: flow.name,
        run: again ?? first,
        repair: repaired,
        verifications: verdictsOf(first, again),
      })
    }
    return found
  }

  /** The run that follows from this one, at its end; null: none does. */
  async #following({ flow, result }: RunRecord, signal?: AbortSignal): Promise<RunRecord | null> {
    return result?.followedBy === undefined ? null : await this.#see(result.followedBy, flow, signal)
  }

  async status(names?: readonly string[]): Promise<readonly FlowStatus[]> {
    return this.engine.status((await this.#named(names)).map(({ name }) => name))
  }

  async ddl(name: string): Promise<Ddl> {
    const found = await this.#ddl(name)
    if (found.problem !== null) throw raised(found.problem)
    return found
  }

  async schemaOf(name: string): Promise<FlowSchema> {
    const { columns, problem: why, source, target } = await this.#ddl(name)
    return { flow: name, columns, problem: why, ddl: { source, target } }
  }

  async #ddl(name: string): Promise<Ddl> {
    const [flow] = await this.#named([name])
    const record = await this.#finish(this.#request('ddl', flow as Flow, { slices: null, options: {} })) // named() has refused what is unknown
    const found = resultOf(record).ddl
    if (found === undefined) throw new Error('a run of ddl has no result')
    return found
  }

  async doctor(): Promise<readonly Finding[]> {
    const findings: Finding[] = [...(await this.#stores.inspect())]
    const outdated = await this.engine.outdated()
    for (const { flow, host, pid } of outdated) {
      findings.push({
        severity: 'problem',
        about: flow,
        says: `WORKER_OUTDATED: it was defined anew; process ${pid} on ${host} does not know it so, and does none of its runs`,
        fix: `stop process ${pid} and start \`sluice up\` again`,
      })
    }
    for (const { name, tookOver, problem: why } of await this.definitions.list()) {
      if (tookOver !== null) findings.push(takenOver(name, tookOver))
      if (why !== null && !outdated.some((one) => one.flow === name)) findings.push(problem(name, why))
    }
    findings.push(...(await this.rollups.inspect()))
    for (const flow of this.flows) {
      if (outdated.some((one) => one.flow === flow.name)) continue
      findings.push(...(await this.#check(flow)))
    }
    return findings
  }

  async #check(flow: Flow): Promise<readonly Finding[]> {
    try {
      const { error, result } = await this.#finish(this.#request('check', flow, { slices: null, options: {} }))
      return error === null ? (result?.findings ?? []) : [problem(flow.name, error)]
    } catch (error) {
      // That this process has it otherwise than it is registered is a finding, too.
      if (error instanceof SluiceError && error.code === 'WORKER_OUTDATED') return [problem(flow.name, error.toJSON())]
      throw error
    }
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.engine[Symbol.asyncDispose]()
      await this.#stores[Symbol.asyncDispose]()
    })()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #named(names: readonly string[] | undefined): Promise<readonly Flow[]> {
    // What was saved in the console since counts, too.
    await this.engine.refresh()
    if (names === undefined || names.length === 0) return this.flows
    return names.map((name) => {
      const flow = this.flows.find((candidate) => candidate.name === name)
      if (flow !== undefined) return flow
      const near = nearest(
        name,
        this.flows.map((candidate) => candidate.name),
      )
      throw new SluiceError('FLOW_UNKNOWN', `there is no flow "${name}"`, {
        why:
          this.flows.length === 0
            ? 'the config has no flows'
            : `the config has ${this.flows.map((candidate) => candidate.name).join(', ')}`,
        fix: near === null ? 'correct the name, or add the flow to the config' : `did you mean "${near}"?`,
      })
    })
  }

  #request(
    operation: Operation,
    flow: Flow,
    what: { readonly slices: readonly string[] | null; readonly options: RunRequest['options'] },
  ): RunRequest {
    return {
      operation,
      flow: flow.name,
      slices: what.slices as readonly SliceKey[] | null, // the kind refuses keys that it does not know
      options: what.options,
      trigger: 'manual',
      requestedBy: this.#options.requestedBy ?? userInfo().username,
    }
  }

  /**
   * Asks for a run, sees to it that somebody does it, and waits for its end, telling of everything on the way. Whatever way it
   * ends, nothing of it goes on afterwards.
   */
  async #finish(request: RunRequest, signal?: AbortSignal): Promise<RunRecord> {
    const { id } = await this.engine.request(request)
    return await this.#see(id, request.flow, signal)
  }

  async #see(id: string, flow: FlowName, signal?: AbortSignal): Promise<RunRecord> {
    const ended = new AbortController()
    const listener = this.#options.onEvent
    const following = listener === undefined ? Promise.resolve() : this.#tell(id, flow, listener, ended.signal)
    // It may fail before anybody waits for it; who waits is told below.
    following.catch(() => {})
    try {
      await this.engine.ensure(id, signal)
      const run = await this.engine.run(id)
      // Told to stop, it has left the run to others: its end is not waited for.
      if (run.outcome === null) ended.abort()
      await following
      return run
    } finally {
      ended.abort()
      await following.catch(() => {})
    }
  }

  async #tell(
    id: string,
    flow: FlowName,
    listener: (flow: string, event: RunEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const event of this.engine.follow(id, { signal })) listener(flow, event)
  }
}

/** What was found, and what was found again of what was redone. */
function verdictsOf(first: RunRecord, again: RunRecord | null): readonly Verification[] {
  const later = again?.result?.verifications ?? []
  return (first.result?.verifications ?? []).map((one) => later.find(({ slice }) => slice === one.slice) ?? one)
}

/** Which tables the flows publish. */
function targetsOf(flows: readonly Flow[]): ReturnType<Parameters<typeof openEndpoints>[0]['targets']> {
  // Both kinds of this version have such a table; that of a rollup is in the application's database.
  return flows.map(({ name, options }) => {
    const { to } = options as { readonly to: Omit<SyncOptions['to'], 'store'> & { readonly store?: string } }
    return { flow: name, ...to, store: to.store ?? 'database' }
  })
}

function resultOf(record: RunRecord): NonNullable<RunRecord['result']> {
  if (record.error !== null) throw raised(record.error)
  return record.result ?? {}
}

/** What was recorded of an error, as one. */
function raised({ code, summary, ...detail }: ErrorRecord): SluiceError {
  return new SluiceError(code, summary, detail)
}

function takenOver(about: string, { version, by }: NonNullable<DefinedFlow['tookOver']>): Finding {
  return {
    severity: 'warning',
    about,
    says: `the config file defines it otherwise than version ${version}, which ${by} made in the console; the file wins`,
    fix: `compare the two under its versions, and change the file or leave it; its next change settles it`,
  }
}

function problem(about: string, error: NonNullable<RunRecord['error']>): Finding {
  return { severity: 'problem', about, says: `${error.summary}: ${error.why}`, fix: error.fix }
}

/** The flows with each after those it comes after; otherwise in the order given. The config has refused circles. */
function upstreamFirst(flows: readonly Flow[]): readonly Flow[] {
  const ordered = new Set<Flow>()
  const visit = (flow: Flow): void => {
    for (const upstream of flows.filter(({ name }) => flow.timing.after.includes(name))) visit(upstream)
    ordered.add(flow)
  }
  for (const flow of flows) visit(flow)
  return [...ordered]
}
