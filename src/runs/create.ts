/** Puts an engine together: what is in the other files of this folder, over one state. */
import type { Flow, FlowName, Kind, Stores } from '../flows/flow.ts'
import { asSluiceError } from '../lib/error.ts'
import { nextDue } from '../lib/schedule.ts'
import type { Database } from '../lib/sql.ts'
import { migrate } from '../state/migrate.ts'
import { countLog } from '../state/log.ts'
import { countNotifications } from '../state/notification.ts'
import { countOccurrences } from '../state/occurrence.ts'
import { countRuns } from '../state/run-list.ts'
import { writeSchedules } from '../state/schedule.ts'
import { dirtySlices } from '../state/slice.ts'
import { readNow } from '../state/status.ts'
import { countVerifications } from '../state/verification.ts'
import { readAlive, readOutdated } from '../state/worker.ts'
import { openBackfills } from './backfill.ts'
import { cancel, cancelWithin, pause, resume, unknownFlow } from './cancel.ts'
import { adoptFiles, registered, remove, save, versions } from './console-flows.ts'
import { openContext, type EngineContext, type Leases } from './context.ts'
import { comingDue } from './due.ts'
import type { Engine, FlowStatus, RunRequest, Service, Webhook } from './engine.ts'
import { ensure } from './ensure.ts'
import { events } from './events.ts'
import { reap } from './finish.ts'
import { follow } from './follow.ts'
import {
  countByState,
  describeQueue,
  listHistory,
  listLog,
  listNotifications,
  listOccurrences,
  listSlices,
  listVerifications,
  listWorkers,
} from './lists.ts'
import { Outbox } from './outbox.ts'
import { findRun, readRunRecords } from './records.ts'
import { register } from './register.ts'
import type { Understand } from './registry.ts'
import { recordRequest, request } from './request.ts'
import { retryRun } from './retry-run.ts'
import type { Retention } from './retention.ts'
import { Scheduler } from './scheduler.ts'
import { readStatus } from './status.ts'
import { handBack } from './take-up.ts'
import { tell, type TellingContext } from './telling.ts'
import { sendTest } from './test-message.ts'
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
  /** How flows made in the console are understood; left out: there are none. */
  readonly understand?: Understand
}

function scheduled(flow: FlowName): RunRequest {
  return { operation: 'apply', flow, slices: null, options: {}, trigger: 'schedule', requestedBy: 'schedule' }
}

/** How long the end of a process waits for notifications to leave. What does not leave in time stays due. */
const outboxMs = 3000
/** How old what is known of the console's flows may be, where no ring says that it is. */
const freshMs = 1000

/**
 * Brings Sluice's own tables up to date, ends what lost its worker, and offers the engine. Nothing runs by itself before `start`.
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { webhooks = [], log = () => {}, version = '0', concurrency = 4, retention = null } = options
  await migrate(options.state, options.schema)
  let told = false
  const context = openContext({
    db: options.state,
    schema: options.schema,
    project: options.project,
    flows: new Map<string, Flow>(options.flows.map((flow) => [flow.name, flow])),
    kinds: options.kinds,
    stores: options.stores,
    storeLimits: options.storeLimits ?? {},
    exclusiveStores: options.exclusive ?? [],
    ...(options.leases === undefined ? {} : { leases: options.leases }),
    ...(options.understand === undefined ? {} : { understand: options.understand }),
    log,
    ended: async (tx, end) => {
      if (end.operation === 'apply' && (await tell(tx, telling, end.flow))) told = true
    },
  })
  const { state, registry, flows } = context
  const telling: TellingContext = { state, flows, kinds: options.kinds, webhooks, bell: context.bell }
  const outbox = new Outbox({ state, webhooks, log, bell: context.bell })
  const services = new Set<Service>()

  const named = (name: FlowName): Flow => {
    const flow = flows.get(name)
    if (flow === undefined) throw unknownFlow(name)
    return flow
  }
  /** The same, where the flow may have been saved in the console a moment ago. */
  const known = async (name: FlowName): Promise<Flow> => {
    await registry.refresh(freshMs)
    if (!flows.has(name)) await registry.refresh()
    return named(name)
  }
  const start = async (roles: readonly ('scheduler' | 'worker' | 'api')[]): Promise<Service> => {
    await context.queue()
    await registry.refresh()
    const described = describeWorker(context, roles, version)
    const worker = roles.includes('worker') ? new Worker(context, described, concurrency) : null
    // A scheduler without a worker gives its sign of life by itself.
    const registration = worker === null ? await registerWorker(context, described) : null
    const scheduler = roles.includes('scheduler')
      ? new Scheduler({
          ...telling,
          prepare: async () => {
            await context.queue()
            await registry.refresh(freshMs)
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
    await handBack(context)
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
      await adoptFiles(context)
    },
    flows: () => [...flows.values()],
    refresh: () => registry.refresh(),
    registered: () => registered(state),
    versions: (flow) => versions(state, flow),
    save: (flow, definition, by, expected) => save(context, flow, definition, by, expected),
    remove: (flow, by) => remove(context, flow, by),
    refused: () => [...registry.refused].map(([flow, error]) => ({ flow, error: error.toJSON() })),
    request: async (asked) => {
      await known(asked.flow)
      return await request(context, asked)
    },
    ensure: (id, signal) => ensure(context, id, version, signal),
    follow: (id, how) => follow(context, id, how),
    log: (id, page) => listLog(state.db, state, id, page),
    countLog: (id) => countLog(state.db, state, id),
    cancel: (id, by, reason) => cancel(context, id, by, reason),
    retry: (id, by) => retryRun(context, id, by),
    redo: async (flow, slices) => {
      await known(flow)
      await dirtySlices(state.db, state, flow, slices)
      await context.bell.ring(state.db, { topic: 'slice', flow })
    },
    pause: (flow, by, reason) => pause(context, flow, by, reason),
    resume: (flow) => resume(context, flow),
    status: async (names): Promise<readonly FlowStatus[]> => {
      await registry.refresh(freshMs)
      return await readStatus(state, names === undefined ? [...flows.values()] : names.map(named), options.kinds)
    },
    outdated: async () =>
      (await readOutdated(state.db, state, context.leases.leaseMs)).map(({ flow, host, pid }) => ({ flow, host, pid })),
    alive: () => readAlive(state.db, state, context.leases.leaseMs),
    run: (id) => findRun(state.db, state, id),
    runs: (page) => readRunRecords(state.db, state, page),
    countRuns: (filter) => countRuns(state.db, state, filter),
    slices: (page) => listSlices(state.db, state, page),
    countSlices: (filter) => countByState(state.db, state, filter),
    verifications: (page) => listVerifications(state.db, state, page),
    countVerifications: (filter) => countVerifications(state.db, state, filter),
    workers: () => listWorkers(state.db, state, context.leases.leaseMs),
    queue: () => describeQueue(state.db, state),
    notifications: (page) => listNotifications(state.db, state, page),
    countNotifications: () => countNotifications(state.db, state),
    webhooks: () => webhooks.map(({ id, on, secret }) => ({ id, on, signed: secret !== null })),
    notifyTest: (webhook, by) => sendTest(context, webhooks, outbox, webhook, by),
    occurrences: (page) => listOccurrences(state.db, state, page),
    countOccurrences: (filter) => countOccurrences(state.db, state, filter),
    next: async (flow, count) => {
      const { schedule } = (await known(flow)).timing
      return schedule === null ? [] : nextDue(schedule, await readNow(state.db, state), count)
    },
    nextDue: async (flow, count) => {
      const { schedule } = (await known(flow)).timing
      return comingDue(schedule, await readNow(state.db, state), count)
    },
    history: (flow, page) => listHistory(state.db, state, flow, page),
    events: (signal) => events(context.bell, signal),
    backfills: openBackfills(context, version),
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
