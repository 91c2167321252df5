/** The scheduler and the outbox of an engine, put together. */
import type { Session } from '../lib/sql.ts'
import { writeSchedules } from '../state/schedule.ts'
import { cancelWithin } from './cancel.ts'
import type { EngineContext, RunEnd } from './context.ts'
import type { Webhook } from './engine.ts'
import { Outbox } from './outbox.ts'
import { recordRequest } from './request.ts'
import type { Retention } from './retention.ts'
import { Scheduler } from './scheduler.ts'
import { tell } from './telling.ts'

/** A scheduler whose occurrences become runs of this engine. It wakes the outbox when it has told something. */
export function schedulerOf(
  engine: EngineContext,
  options: { readonly webhooks: readonly Webhook[]; readonly retention: Retention | null; readonly outbox?: Outbox },
): Scheduler {
  const { state, flows, kinds, bell, log } = engine
  const { outbox } = options
  return new Scheduler({
    state,
    flows,
    kinds,
    webhooks: options.webhooks,
    bell,
    log,
    retention: options.retention,
    // Installing the queue does not belong into the transaction of an occurrence.
    prepare: async () => void (await engine.queue()),
    enqueue: async (tx, flow, dueAt) => {
      const request = {
        operation: 'apply',
        flow,
        slices: null,
        options: {},
        trigger: 'schedule',
        requestedBy: 'schedule',
      } as const
      return (await recordRequest(tx, engine, request, { dueAt })).id
    },
    cancel: async (tx, run, reason) => await cancelWithin(tx, engine, run, 'schedule', reason),
    told: () => outbox?.wake(),
  })
}

export function outboxOf(engine: Pick<EngineContext, 'state' | 'log'>, webhooks: readonly Webhook[]): Outbox {
  return new Outbox({ state: engine.state, webhooks, log: engine.log })
}

/** For `EngineContext.ended`: what a run's end changes is told in the transaction that writes it. */
export function endedOf(
  engine: Pick<EngineContext, 'state' | 'flows' | 'kinds'>,
  webhooks: readonly Webhook[],
): (tx: Session, end: RunEnd) => Promise<void> {
  return async (tx, end) => {
    if (end.operation !== 'apply') return
    await tell(tx, { state: engine.state, flows: engine.flows, kinds: engine.kinds, webhooks }, end.flow)
  }
}

/** For `register`: the schedules of these flows, in its transaction. What is new or changed counts from now. */
export async function registerSchedules(tx: Session, engine: Pick<EngineContext, 'state' | 'flows'>): Promise<void> {
  const schedules = [...engine.flows.values()].map(({ name, timing }) => ({ flow: name, spec: timing.schedule }))
  await writeSchedules(tx, engine.state, schedules)
}
