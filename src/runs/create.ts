/** Puts an engine together: what is in the other files of this folder, over one state. */
import type { Flow, FlowName, Kind, Stores } from '../flows/flow.ts'
import { asSluiceError } from '../lib/error.ts'
import type { Database } from '../lib/sql.ts'
import { migrate } from '../state/migrate.ts'
import { readOccurrences } from '../state/occurrence.ts'
import { writeSchedules } from '../state/schedule.ts'
import { readNow } from '../state/status.ts'
import { readOutdated } from '../state/worker.ts'
import { cancel, cancelWithin, pause, resume, unknownFlow } from './cancel.ts'
import { openContext, type EngineContext, type Leases } from './context.ts'
import type { Engine, FlowStatus, OccurrenceRecord, RunRequest, Service, Webhook } from './engine.ts'
import { ensure } from './ensure.ts'
import { reap } from './finish.ts'
import { follow } from './follow.ts'
import { Outbox } from './outbox.ts'
import { findRun, readRunRecords } from './records.ts'
import { register } from './register.ts'
import { recordRequest, request } from './request.ts'
import type { Retention } from './retention.ts'
import { nextDue } from './schedule.ts'
import { Scheduler } from './scheduler.ts'
import { readStatus } from './status.ts'
import { tell, type TellingContext } from './telling.ts'
import { describeWorker, registerWorker, Worker } from './worker.ts'

export interface EngineOptions {
  /** The database that Sluice's own tables are in. Its owner closes it. */
  readonly state: Database
  readonly schema: string
  readonly project: string
  readonly flows: readonly Flow[]
  readonly kinds: Readonly<Record<string, Kind>>
  readonly stores: Stores
  /** Stores that only one process can hold at a time. */
  readonly exclusive?: readonly string[]
  readonly webhooks?: readonly Webhook[]
  /** How many attempts may use a store at once; one that is not named has no limit. */
  readonly storeLimits?: Readonly<Record<string, number>>
  readonly retention?: Retention | null
  /** How many runs a worker does at once; 4 if left out. */
  readonly concurrency?: number
  readonly log?: EngineContext['log']
  /** How this process is named among the workers; the version of Sluice. */
  readonly version?: string
  readonly leases?: Leases
}

function scheduled(flow: FlowName): RunRequest {
  return { operation: 'apply', flow, slices: null, options: {}, trigger: 'schedule', requestedBy: 'schedule' }
}

/** How long the end of a process waits for notifications to leave. What does not leave in time stays due. */
const outboxMs = 3000

/**
 * Brings Sluice's own tables up to date, ends what lost its worker, and offers the engine. Nothing runs by itself before `start`.
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { webhooks = [], log = () => {}, version = '0', concurrency = 4, retention = null } = options
  await migrate(options.state, options.schema)
  const flows = new Map<string, Flow>(options.flows.map((flow) => [flow.name, flow]))
  let told = false
  const context = openContext({
    db: options.state,
    schema: options.schema,
    project: options.project,
    flows,
    kinds: options.kinds,
    stores: options.stores,
    storeLimits: options.storeLimits ?? {},
    exclusiveStores: options.exclusive ?? [],
    ...(options.leases === undefined ? {} : { leases: options.leases }),
    log,
    ended: async (tx, end) => {
      if (end.operation === 'apply' && (await tell(tx, telling, end.flow))) told = true
    },
  })
  const { state } = context
  const telling: TellingContext = { state, flows, kinds: options.kinds, webhooks }
  const outbox = new Outbox({ state, webhooks, log })
  const services = new Set<Service>()

  const named = (name: FlowName): Flow => {
    const flow = flows.get(name)
    if (flow === undefined) throw unknownFlow(name)
    return flow
  }
  const start = async (roles: readonly ('scheduler' | 'worker')[]): Promise<Service> => {
    await context.queue()
    const described = describeWorker(context, roles, version)
    const worker = roles.includes('worker') ? new Worker(context, described, concurrency) : null
    // A scheduler without a worker gives its sign of life by itself.
    const registration = worker === null ? await registerWorker(context, described) : null
    const scheduler = roles.includes('scheduler')
      ? new Scheduler({
          ...telling,
          prepare: async () => {
            await context.queue()
          },
          enqueue: async (tx, flow, dueAt) => (await recordRequest(tx, context, scheduled(flow), { dueAt })).id,
          cancel: (tx, run, reason) => cancelWithin(tx, context, run, 'schedule', reason),
          bell: context.bell,
          log,
          retention,
          leases: context.leases,
          told: () => outbox.wake(),
        })
      : null
    await worker?.start()
    scheduler?.start()
    outbox.start()
    let stopped: Promise<void> | undefined
    const stop = async (drainMs: number): Promise<void> => {
      await scheduler?.stop()
      await worker?.stop(drainMs)
      await registration?.[Symbol.asyncDispose]()
      services.delete(service)
    }
    const service: Service = {
      stop: (drainMs) => {
        stopped ??= stop(drainMs)
        return stopped
      },
      [Symbol.asyncDispose]: () => service.stop(0),
    }
    services.add(service)
    return service
  }
  const close = async (): Promise<void> => {
    await Promise.all([...services].map((service) => service.stop(0)))
    await outbox.stop()
    // A command has nobody who sends after it.
    if (told) await deliver()
    await context[Symbol.asyncDispose]()
  }
  let closed: Promise<void> | undefined

  await reap(context)
  return {
    register: async (definitions) => {
      await register(context, definitions, async (tx) => {
        const spec = (flow: Flow): object | null => flow.timing.schedule
        await writeSchedules(
          tx,
          state,
          definitions.map(({ flow }) => ({ flow: flow.name, spec: spec(flow) })),
        )
      })
    },
    request: async (asked) => {
      named(asked.flow)
      return await request(context, asked)
    },
    ensure: (id, signal) => ensure(context, id, version, signal),
    follow: (id, how) => follow(context, id, how),
    cancel: (id, by, reason) => cancel(context, id, by, reason),
    pause: (flow, by, reason) => pause(context, flow, by, reason),
    resume: (flow) => resume(context, flow),
    status: async (names): Promise<readonly FlowStatus[]> =>
      await readStatus(state, names === undefined ? options.flows : names.map(named), options.kinds),
    outdated: async () =>
      (await readOutdated(state.db, state, context.leases.leaseMs)).map(({ flow, host, pid }) => ({ flow, host, pid })),
    run: (id) => findRun(state.db, state, id),
    runs: (filter) => readRunRecords(state.db, state, filter),
    occurrences: async (filter): Promise<readonly OccurrenceRecord[]> =>
      (await readOccurrences(state.db, state, filter)).map((row) => ({
        // Names were parsed before they were written.
        flow: row.flow as FlowName,
        dueAt: row.due_at,
        state: row.state,
        reason: row.reason,
        run: row.run,
      })),
    next: async (flow, count) => {
      const { schedule } = named(flow).timing
      return schedule === null ? [] : nextDue(schedule, await readNow(state.db, state), count)
    },
    start,
    [Symbol.asyncDispose]: () => {
      closed ??= close()
      return closed
    },
  }

  async function deliver(): Promise<void> {
    try {
      await outbox.send(AbortSignal.timeout(outboxMs))
    } catch (thrown) {
      log('warn', `notifications stay due: ${asSluiceError(thrown).why}`)
    }
  }
}
