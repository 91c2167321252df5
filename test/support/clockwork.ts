/** What tests of the engine's time need: flows that are due, a context around them, and a clock that can be moved. */
import type { Flow, FlowName, Kind, SliceKey, Timing } from '../../src/flows/flow.ts'
import { ident, raw, sql, type Database } from '../../src/lib/sql.ts'
import { cancelWithin } from '../../src/runs/cancel.ts'
import { openContext, type EngineContext } from '../../src/runs/context.ts'
import type { Webhook } from '../../src/runs/engine.ts'
import { register } from '../../src/runs/register.ts'
import { recordRequest } from '../../src/runs/request.ts'
import type { Retention } from '../../src/runs/retention.ts'
import { Scheduler } from '../../src/runs/scheduler.ts'
import { tell } from '../../src/runs/telling.ts'
import { migrate } from '../../src/state/migrate.ts'
import { writeSchedules } from '../../src/state/schedule.ts'
import type { State } from '../../src/state/state.ts'

export const hour = 3_600_000
export const minute = 60_000

const timing: Timing = {
  schedule: null,
  late: 30 * minute,
  sourceEvery: null,
  catchUp: 'latest',
  maxAge: null,
  overlap: 'wait',
  after: [],
  attempts: 3,
  publishTimeout: 10 * minute,
  timeout: null,
}

/** A flow of one slice, as a sync is one. */
export function flowOf(name: string, change: Partial<Timing>): Flow {
  return {
    name: name as FlowName, // what the config's parser makes of it
    kind: 'sync',
    options: {},
    definitionHash: 'a'.repeat(64),
    stores: ['database'],
    timing: { ...timing, ...change },
  }
}

export const everyHour = { tag: 'every', every: hour, offset: 0 } as const

const unused = (): never => {
  throw new Error('nothing here runs a flow')
}

/** Only when its slices are due: nothing is executed in these tests. */
const kind: Kind = {
  kind: 'sync',
  due: () => [{ key: 'all' as SliceKey, ordinal: 0, span: null }],
  refuse: () => null,
  facts: unused,
  plan: unused,
  run: unused,
  verify: unused,
  ddl: unused,
  inspect: unused,
  ends: unused,
  tidy: unused,
}

export interface Clockwork extends AsyncDisposable {
  readonly engine: EngineContext
  readonly state: State
  readonly lines: readonly string[]
  /** A scheduler whose occurrences become runs, put together as `createEngine` does. */
  scheduler(): Scheduler
}

/** Migrates, registers, and gives the context of an engine around these flows. */
export async function openClockwork(
  database: Database,
  flows: readonly Flow[],
  options: { readonly webhooks?: readonly Webhook[]; readonly retention?: Retention } = {},
): Promise<Clockwork> {
  const { webhooks = [], retention = null } = options
  await migrate(database, 'sluice')
  const lines: string[] = []
  const known = { flows: new Map<string, Flow>(flows.map((flow) => [flow.name, flow])), kinds: { sync: kind } }
  const engine = openContext({
    ...known,
    db: database,
    schema: 'sluice',
    project: 'clockwork',
    stores: { database: unused, source: unused },
    ended: async (tx, { operation, flow }) => {
      if (operation === 'apply') await tell(tx, { ...known, state: engine.state, webhooks, bell: engine.bell }, flow)
    },
    log: (_level, message) => void lines.push(message),
  })
  const { state } = engine
  const definitions = flows.map((flow) => ({ flow, definition: JSON.parse(JSON.stringify(flow.timing)) }))
  await register(engine, definitions, (tx) =>
    writeSchedules(
      tx,
      state,
      flows.map(({ name, timing: { schedule } }) => ({ flow: name, spec: schedule })),
    ),
  )
  return {
    engine,
    state,
    lines,
    scheduler: () =>
      new Scheduler({
        ...known,
        state,
        webhooks,
        prepare: async () => void (await engine.queue()),
        enqueue: async (tx, flow, dueAt) => {
          const asked = {
            operation: 'apply',
            flow,
            slices: null,
            options: {},
            trigger: 'schedule',
            requestedBy: 'schedule',
          } as const
          return (await recordRequest(tx, engine, asked, { dueAt })).id
        },
        cancel: (tx, run, reason) => cancelWithin(tx, engine, run, 'schedule', reason),
        bell: engine.bell,
        log: engine.log,
        retention,
      }),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}

/** Stops the clock at that time; undefined lets it run again as it is. */
export async function setClock(database: Database, schema: string, at: string | undefined): Promise<void> {
  const body = at === undefined ? 'select clock_timestamp()' : `select timestamptz '${new Date(at).toISOString()}'`
  await database.run(
    sql`create or replace function ${ident(schema)}.now() returns timestamptz language sql volatile as ${raw(`$$${body}$$`)}`,
  )
}

/** Lets the clock run on, that much ahead of the real one. */
export async function shiftClock(database: Database, schema: string, ms: number): Promise<void> {
  const body = raw(`$$select clock_timestamp() + ${ms} * interval '1 millisecond'$$`)
  await database.run(
    sql`create or replace function ${ident(schema)}.now() returns timestamptz language sql volatile as ${body}`,
  )
}
