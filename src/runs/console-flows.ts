/**
 * Flows made in the console: saved, changed, removed. The file wins: a name that it has is refused here, and one that it takes later
 * is its own from then on, with the versions kept.
 *
 *     (nothing) ──save──> version 1 ──save──> version 2 … ──remove──> removed ──save──> version n + 1
 *                            └──────────┴──(the file has the name)──> the file's
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Flow, FlowName } from '../flows/flow.ts'
import { SluiceError } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import { cancelBackfillsOf } from '../state/backfill.ts'
import {
  countUnaware,
  readConsoleFlows,
  readRegistered,
  readStanding,
  readVersions,
  removeConsoleFlow,
  saveConsoleFlow,
  type RegisteredRow,
} from '../state/console-flow.ts'
import { lockFlows } from '../state/flow.ts'
import { readRuns } from '../state/run-list.ts'
import { writeSchedules } from '../state/schedule.ts'
import type { State } from '../state/state.ts'
import { cancel, unknownFlow } from './cancel.ts'
import { inTransaction, type EngineContext } from './context.ts'
import type { FlowVersion, RegisteredFlow } from './views.ts'

/** How long a change waits for the workers to take it over; who has not by then is outdated. */
const settleMs = 3_000

/** See `Engine.save`. */
export async function save(
  engine: EngineContext,
  flow: Flow,
  definition: Json,
  by: string,
  expected: number | null,
): Promise<RegisteredFlow> {
  const { state } = engine
  await inTransaction(engine, async (tx) => {
    await lockFlows(tx, state)
    const standing = await readStanding(tx, state, flow.name, definition)
    const live = standing === undefined || standing.removed_at !== null ? null : standing
    if (live?.origin === 'file') throw readOnly(flow.name)
    if ((live?.version ?? null) !== expected) throw conflict(flow.name, expected, live?.version ?? null)
    if (live !== null && live.same && live.definition_hash === flow.definitionHash) return
    const row = { name: flow.name, kind: flow.kind, definition, definition_hash: flow.definitionHash }
    await saveConsoleFlow(tx, state, row, by)
    await writeSchedules(tx, state, [{ flow: flow.name, spec: flow.timing.schedule }])
    await engine.bell.ring(tx, { topic: 'flow', flow: flow.name })
    await engine.bell.ring(tx, { topic: 'work' })
  })
  await settle(engine, flow.name, flow.definitionHash)
  const saved = (await registered(state)).find(({ name }) => name === flow.name)
  if (saved === undefined) throw unknownFlow(flow.name)
  return saved
}

/** See `Engine.remove`. */
export async function remove(engine: EngineContext, name: string, by: string): Promise<void> {
  const { state } = engine
  const after = [...engine.flows.values()].filter((flow) => flow.timing.after.includes(name as FlowName)) // only compared
  if (after.length > 0)
    throw inUse(
      name,
      after.map((flow) => flow.name),
    )
  await inTransaction(engine, async (tx) => {
    await lockFlows(tx, state)
    const standing = await readStanding(tx, state, name, null)
    if (standing === undefined || standing.removed_at !== null) throw unknownFlow(name)
    if (standing.origin === 'file') throw readOnly(name)
    await removeConsoleFlow(tx, state, name, `the flow was removed by ${by}`)
    await cancelBackfillsOf(tx, state, name, by, 'the flow was removed')
    await engine.bell.ring(tx, { topic: 'flow', flow: name })
  })
  // From here on nothing of it begins. Who holds its backfills must not wait for a run, hence not above.
  await cancelWaiting(engine, name, by)
  await settle(engine, name, null)
}

/** What runs ends under the definition that it began with; what waits would never begin. */
async function cancelWaiting(engine: EngineContext, flow: string, by: string): Promise<void> {
  const { state } = engine
  const waiting = (await readRuns(state.db, state, { flow, outcomes: ['waiting'], limit: 100_000 })) ?? []
  for (const { id } of waiting) await cancel(engine, id, by, 'the flow was removed')
}

/** Until this process and every living worker have taken the change over, as far as they do so soon. */
async function settle(engine: EngineContext, name: string, hash: string | null): Promise<void> {
  const { state, leases } = engine
  await engine.registry.refresh()
  const end = performance.now() + settleMs
  while (performance.now() < end) {
    if ((await countUnaware(state.db, state, { name, hash }, leases.leaseMs)) === 0) return
    await sleep(100)
  }
}

/**
 * Content of files that a definition names may have changed while nobody looked: then it is a new version, as it is with flows of
 * the config.
 */
export async function adoptFiles(engine: EngineContext): Promise<void> {
  const { state, registry } = engine
  await registry.refresh()
  const differs = (await readConsoleFlows(state.db, state)).filter(({ name, definition_hash }) => {
    const flow = registry.flows.get(name)
    return flow !== undefined && flow.definitionHash !== definition_hash
  })
  if (differs.length === 0) return
  await inTransaction(engine, async (tx) => {
    await lockFlows(tx, state)
    for (const { name, definition, version } of differs) {
      const flow = registry.flows.get(name)
      const standing = await readStanding(tx, state, name, definition)
      if (flow === undefined || standing === undefined || standing.version !== version || !standing.same) continue
      if (standing.origin === 'file' || standing.removed_at !== null) continue
      const row = { name, kind: flow.kind, definition, definition_hash: flow.definitionHash }
      await saveConsoleFlow(tx, state, row, 'a file that it names')
      await engine.bell.ring(tx, { topic: 'flow', flow: name })
    }
  })
  await registry.refresh()
}

export async function registered(state: State): Promise<readonly RegisteredFlow[]> {
  return (await readRegistered(state.db, state)).map(toRegistered)
}

function toRegistered(row: RegisteredRow): RegisteredFlow {
  return {
    // Names were parsed before they were written, definitions are JSON that we wrote.
    name: row.name as FlowName,
    kind: row.kind,
    origin: row.origin,
    definition: row.definition as Json,
    definitionHash: row.definition_hash,
    version: row.version,
    changedAt: row.changed_at,
    changedBy: row.changed_by,
    tookOver:
      row.took_over_version === null || row.took_over_at === null || row.took_over_by === null
        ? null
        : { version: row.took_over_version, at: row.took_over_at, by: row.took_over_by },
  }
}

/** @throws SluiceError `FLOW_UNKNOWN` if there never was one */
export async function versions(state: State, name: string): Promise<readonly FlowVersion[]> {
  const rows = await readVersions(state.db, state, name)
  if (rows.length === 0) throw unknownFlow(name)
  return rows.map((row) => ({
    flow: name as FlowName, // it was parsed before it was written
    version: row.version,
    kind: row.kind,
    origin: row.origin,
    definition: row.definition as Json, // JSON that we wrote
    definitionHash: row.definition_hash,
    createdAt: row.created_at,
    createdBy: row.created_by,
  }))
}

export function readOnly(name: string): SluiceError {
  return new SluiceError('FLOW_READ_ONLY', `${name} is defined in the config file`, {
    why: 'what the file defines is changed there, so that one place says what is true; it can be paused and run from here',
    fix: `change ${name} in sluice.config.*, or choose another name`,
    where: { flow: name },
  })
}

function conflict(name: string, expected: number | null, found: number | null): SluiceError {
  const was = expected === null ? 'a new flow was meant' : `version ${expected} was meant`
  const is = found === null ? 'there is none' : `the flow has version ${found}`
  return new SluiceError('FLOW_VERSION_CONFLICT', `${name} is not what it was when the change was begun`, {
    why: `${was}, and ${is}`,
    fix: 'read the flow again, look at what has changed, and make the change on top of it',
    where: { flow: name },
  })
}

function inUse(name: string, after: readonly string[]): SluiceError {
  return new SluiceError('FLOW_IN_USE', `${name} cannot be removed`, {
    why: `${after.join(', ')} ${after.length === 1 ? 'comes' : 'come'} after it, and would wait for it for ever`,
    fix: `take ${name} out of \`after\` of ${after.join(', ')} first`,
    where: { flow: name },
  })
}
