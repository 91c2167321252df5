/**
 * An engine for tests: real PostgreSQL, and a small kind that writes one row a slice into a table and does what its options
 * say on the way. Also run as a process of its own (see `child.ts`).
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Flow, FlowName, Kind, SliceKey, SliceRef, Stores, Timing } from '../../src/flows/flow.ts'
import { SluiceError } from '../../src/lib/error.ts'
import type { Code } from '../../src/lib/codes.ts'
import { failpoint } from '../../src/lib/failpoint.ts'
import { ident, sql, type Database } from '../../src/lib/sql.ts'
import {
  openContext,
  type ContextOptions,
  type EngineContext,
  type Leases,
  type RunEnd,
} from '../../src/runs/context.ts'
import type { RunRequest } from '../../src/runs/engine.ts'
import { register } from '../../src/runs/register.ts'
import { migrate } from '../../src/state/migrate.ts'

/** What the test kind does, besides writing. */
export interface TestOptions {
  readonly table: string
  readonly slices?: number
  /** Logs so many lines while it works. */
  readonly lines?: number
  /** Works so long before it publishes. */
  readonly workMs?: number
  /** Fails the attempts up to this one with the code. */
  readonly fail?: { readonly attempts: number; readonly code: Code }
  readonly skip?: string
  /** Fails with `KEY_NULL` on the slices that stand in this table just then. */
  readonly broken?: string
  /** Keeps the publishing transaction open so long. */
  readonly publishMs?: number
  /** Fails to get its lock so often. */
  readonly locked?: number
  /** Publishes into this store instead of the state's. */
  readonly target?: string
  /** Does not listen to its signal while it works. */
  readonly deaf?: boolean
  readonly store?: string
}

export const timing: Timing = {
  schedule: null,
  late: 60_000,
  sourceEvery: null,
  catchUp: 'latest',
  maxAge: null,
  overlap: 'wait',
  after: [],
  attempts: 3,
  publishTimeout: 5000,
  timeout: null,
}

export function testFlow(name: string, options: TestOptions, changed: Partial<Timing> = {}): Flow<TestOptions> {
  return {
    // Names of tests are names.
    name: name as FlowName,
    kind: 'command',
    options,
    definitionHash: createHash('sha256')
      .update(JSON.stringify([name, options]))
      .digest('hex'),
    stores: [options.store ?? 'database'],
    timing: { ...timing, ...changed },
  }
}

const slicesOf = (options: TestOptions): readonly SliceRef[] =>
  Array.from({ length: options.slices ?? 1 }, (_, n) => ({ key: `s${n}` as SliceKey, ordinal: n, span: n }))

/** `from` and `to` are numbers of slices; what is no number bounds nothing. */
export const testKind: Kind<TestOptions, null, null> = {
  kind: 'command',
  due: (flow) => slicesOf(flow.options),
  refuse: (_, request) =>
    request.step === null
      ? null
      : new SluiceError('USAGE', 'there are no steps here', { why: 'a test', fix: 'none', where: {} }),
  facts: () => Promise.resolve(null),
  plan: ({ options }, request) => ({
    slices: slicesOf(options)
      .filter((slice) => request.slices === null || request.slices.includes(slice.key))
      .filter(({ ordinal }) => !(ordinal < Number(request.from ?? NaN)) && !(ordinal >= Number(request.to ?? NaN)))
      .map((slice) =>
        options.skip === undefined
          ? { action: 'run', slice, why: 'asked for' }
          : { action: 'skip', slice, why: options.skip },
      ),
    steps: ['write a row'],
    detail: null,
  }),
  run: async ({ options }, plan, context) => {
    const target = await context.stores.database(options.target ?? 'database')
    const table = ident('public', options.table)
    context.phase('read', { rows: 100 })
    for (let n = 0; n < (options.lines ?? 0); n += 1) {
      context.log('info', `line ${n}`, { n })
      if (n % 7 === 0) await sleep(5)
    }
    context.progress({ rows: 100, bytes: 1000 })
    if (options.workMs !== undefined) {
      await sleep(options.workMs, undefined, options.deaf === true ? {} : { signal: context.signal })
    }
    if (options.fail !== undefined && context.run.attempt <= options.fail.attempts) {
      throw new SluiceError(options.fail.code, 'it was told to fail', { why: 'a test', fix: 'none' })
    }
    if (options.broken !== undefined) {
      const broken = await target.all<{ slice: string }>(sql`select slice from ${ident('public', options.broken)}`)
      if (plan.slices.some(({ slice }) => broken.some((row) => row.slice === slice.key)))
        throw new SluiceError('KEY_NULL', 'it was told to fail', { why: 'a test', fix: 'none' })
    }
    context.phase('publish')
    let tries = 0
    for (const { slice, action } of plan.slices) {
      if (action === 'skip') continue
      await context.publish(slice, target, async (tx) => {
        tries += 1
        if (tries <= (options.locked ?? 0))
          throw new SluiceError('PUBLISH_LOCKED', 'locked', { why: 'a test', fix: 'wait' })
        await tx.run(sql`delete from ${table} where slice = ${slice.key}`)
        await tx.run(
          sql`insert into ${table} (slice, run, attempt) values (${slice.key}, ${context.run.id}, ${context.run.attempt})`,
        )
        if (options.publishMs !== undefined) await sleep(options.publishMs)
        await failpoint('in-place:compared')
        return {
          rows: 1,
          sourceMark: { n: slice.ordinal },
          asOf: context.now,
          changes: { inserted: 1, changed: 0, deleted: 0, unchanged: 0 },
        }
      })
    }
  },
  verify: ({ options }, request, context) =>
    Promise.resolve(
      slicesOf(options).map(({ key }) => ({
        slice: key,
        verdict: request.strict ? ('differs' as const) : ('identical' as const),
        compared: 1,
        missing: 0,
        extra: 0,
        changed: 0,
        asOf: context.now,
        sourceAsOf: null,
        sourceChanged: false,
        examples: [],
      })),
    ),
  ddl: () => Promise.resolve({ source: 'select 1', target: 'create table t ()', columns: [], problem: null }),
  ends: ({ options }) => ({
    reads: [],
    writes: [{ store: options.target ?? 'database', tag: 'table', name: `public.${options.table}` }],
  }),
  inspect: () => Promise.resolve([]),
  tidy: () => Promise.resolve(),
}

export interface HarnessOptions {
  readonly leases?: Leases
  readonly storeLimits?: Readonly<Record<string, number>>
  readonly exclusiveStores?: readonly string[]
  readonly project?: string
  /** More databases, by their store's name. */
  readonly databases?: readonly Database[]
}

export interface Harness extends AsyncDisposable {
  readonly engine: EngineContext
  /** The ends of runs, as the outbox is told of them. */
  readonly ends: RunEnd[]
  readonly said: string[]
}

/** Creates the tables the flows write to, migrates, registers, and opens. */
export async function openHarness(
  db: Database,
  flows: readonly Flow<TestOptions>[],
  options: HarnessOptions = {},
): Promise<Harness> {
  const databases = new Map([db, ...(options.databases ?? [])].map((database) => [database.store, database]))
  const stores: Stores = {
    database: (name) => {
      const found = databases.get(name)
      return found === undefined ? Promise.reject(new Error(`no store ${name}`)) : Promise.resolve(found)
    },
    source: () => Promise.reject(new Error('the test kind reads nothing')),
  }
  await migrate(db, 'sluice')
  for (const { options: made } of flows) {
    const target = databases.get(made.target ?? 'database') ?? db
    await target
      .run(
        sql`create table if not exists ${ident('public', made.table)} (slice text, run uuid, attempt integer, at timestamptz default clock_timestamp())`,
      )
      .catch(() => {})
  }
  const ends: RunEnd[] = []
  const said: string[] = []
  // The kind takes the options of its own flows only, and those are all there are here.
  const kinds = { command: testKind as Kind }
  const context: ContextOptions = {
    db,
    schema: 'sluice',
    project: options.project ?? 'test',
    flows: new Map(flows.map((flow) => [flow.name, flow])),
    kinds,
    stores,
    ended: (_, end) => {
      ends.push(end)
      return Promise.resolve()
    },
    log: (level, message, fields) => {
      said.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)
    },
    ...(options.leases === undefined ? {} : { leases: options.leases }),
    ...(options.storeLimits === undefined ? {} : { storeLimits: options.storeLimits }),
    ...(options.exclusiveStores === undefined ? {} : { exclusiveStores: options.exclusiveStores }),
  }
  const engine = openContext(context)
  await register(
    engine,
    flows.map((flow) => ({ flow, definition: { ...flow.options } as never })),
    () => Promise.resolve(),
  )
  return { engine, ends, said, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() }
}

export function ask(flow: string, more: Partial<RunRequest> = {}): RunRequest {
  return {
    operation: 'apply',
    flow: flow as FlowName,
    slices: null,
    options: {},
    trigger: 'manual',
    requestedBy: 'test',
    ...more,
  }
}

/** Waits until it holds; fails after `ms`. */
export async function until<T>(look: () => Promise<T | false | undefined | null>, ms = 20_000): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const found = await look()
    if (found !== false && found !== undefined && found !== null) return found
    if (performance.now() > end) throw new Error(`not within ${ms} ms`)
    await sleep(50)
  }
}
