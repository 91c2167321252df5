/**
 * Changes of state are told once each: the problem a flow's webhooks were last told of stands in `flow.told`, and only who moves
 * it writes a notification, in the same transaction. Sent later, by the outbox.
 *
 *     (nothing) ──failed──> failed ──recovered──> (nothing)       also: late, guard; and from one problem to another
 */
import { v7 as uuid } from 'uuid'
import type { Flow } from '../flows/flow.ts'
import { codes } from '../lib/codes.ts'
import type { ErrorRecord } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import type { Session } from '../lib/sql.ts'
import { insertNotification, lockTold, writeTold } from '../state/notification.ts'
import type { State } from '../state/state.ts'
import type { Bell } from './bell.ts'
import type { Webhook } from './engine.ts'
import { tellingOf, type Telling, type Told } from './freshness.ts'
import { judgeFlows, type Judged, type Kinds } from './status.ts'

export interface TellingContext {
  readonly state: State
  readonly flows: ReadonlyMap<string, Flow>
  readonly kinds: Kinds
  readonly webhooks: readonly Pick<Webhook, 'id' | 'on'>[]
  readonly bell: Pick<Bell, 'ring'>
}

/**
 * Judges the flow as the caller's transaction sees it and writes what is to be told. Called in the transaction that writes a
 * run's outcome, and by the scheduler, since lateness is nobody's act. True if something was told.
 */
export async function tell(tx: Session, context: TellingContext, name: string): Promise<boolean> {
  const { state, kinds } = context
  const flow = context.flows.get(name)
  // A flow that this process does not know is judged by those who do.
  if (flow === undefined) return false
  const row = await lockTold(tx, state, name)
  if (row === undefined) return false
  const [judged] = await judgeFlows(tx, state, [flow], kinds)
  if (judged === undefined) return false
  const change = changeOf(judged)
  if (change === null) return false
  await writeTold(tx, state, name, change.told)
  const listening = context.webhooks.filter(({ on }) => on.includes(change.telling)).map(({ id }) => id)
  const payload = payloadOf(state.project, judged, change.telling)
  await insertNotification(tx, state, { id: uuid(), flow: name, kind: change.telling, payload }, listening)
  await context.bell.ring(tx, { topic: 'notification' })
  return true
}

/** What is to be told of a judged flow, or null. Pure. */
export function changeOf({ row, facts, judgement }: Judged): ReturnType<typeof tellingOf> {
  // Only `tell` writes it.
  return tellingOf(row.told as Told, judgement.state, facts.failure?.error ?? null)
}

/**
 * What is sent. Of an error only what cannot hold a row's value: its code with the registry's words for it, and where, without
 * the key; the store's own message stays here. Pure.
 */
export function payloadOf(
  project: string,
  { flow, facts, judgement }: Judged,
  telling: Telling,
): Readonly<Record<string, Json>> {
  const error = telling === 'failed' || telling === 'guard' ? (facts.failure?.error ?? null) : null
  return {
    type: `flow.${telling}`,
    timestamp: facts.now.toISOString(),
    data: {
      project,
      flow: flow.name,
      kind: flow.kind,
      state: judgement.state,
      dueAt: facts.due?.at.toISOString() ?? null,
      asOf: facts.asOf?.toISOString() ?? null,
      run: error === null ? null : (facts.failure?.run ?? null),
      error: error === null ? null : errorOf(error),
      why: telling === 'late' ? judgement.why : null,
    },
  }
}

function errorOf({ code, where }: ErrorRecord): Json {
  const { store = null, table = null, column = null } = where
  return { code, means: codes[code].means, store, table, column }
}
