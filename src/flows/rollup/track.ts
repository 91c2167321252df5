import { SluiceError } from '../../lib/error.ts'
import { sql } from '../../lib/sql.ts'
import type { Flow, WorkContext } from '../flow.ts'
import type { RollupOptions } from './config.ts'
import type { RollupDetail } from './plan.ts'
import { areSame, readTriggers, type Triggers } from './sql/trigger.ts'

/**
 * Makes the triggers that are missing, and says which there are then (`Position.triggers`). From their commit on every change is marked; all
 * that was before is counted by this run, where it counts everything, else all that a partition holds is marked when it comes or goes.
 */
export async function track(
  flow: Flow<RollupOptions>,
  { facts, work }: RollupDetail,
  context: WorkContext,
): Promise<Triggers | null> {
  // Who counts a part leaves them to who counts everything, or all that has changed.
  if (work.tag !== 'whole' && work.tag !== 'changed') return facts.triggers
  const { untracked, parts, leftovers, tracked } = facts
  const made = untracked ?? []
  const anew = made.length > 0
  const come = anew ? parts.all : parts.come
  if (!anew && come.length === 0 && parts.gone.length === 0 && leftovers.length === 0) return facts.triggers
  context.phase('track')
  const statements = [
    ...leftovers,
    ...made.flatMap((one) => [...one.statements, ...one.triggersOn(one.table)]),
    ...come.flatMap(({ tracking, part }) => [...tracking.triggersOn(part), ...(anew ? [] : [tracking.markAll(part)])]),
    ...parts.gone.flatMap(({ tracking, part }) => [...tracking.dropFrom(part), tracking.markAll(part)]),
  ]
  const on = [
    ...(anew ? made.map((one) => ({ tracking: one, table: one.table })) : tracked),
    ...come.map(({ tracking, part }) => ({ tracking, table: part })),
  ]
  const names = [
    ...made.map(({ table }) => table),
    ...come.map(({ part }) => part),
    ...parts.gone.map(({ part }) => part),
  ]
    .map(({ schema, table }) => `${schema}.${table}`)
    .join(', ')
  try {
    return await context.state.transaction(async (tx) => {
      await tx.run(sql`select set_config('lock_timeout', '5s', true)`)
      for (const statement of statements) await tx.run(statement)
      const now = await readTriggers(tx, on)
      // Whoever has switched one of those that were there is seen here, who does it later by the next run.
      return anew || now === null || areSame(facts.triggers ?? {}, now) ? now : null
    })
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'STORE_DENIED') throw error
    throw new SluiceError('STORE_DENIED', `${flow.name} may not put triggers on ${names}`, {
      why: error.why,
      fix: `grant trigger on ${names} to the role of the database's url, or set track: { lookback: '3d' }`,
      where: { ...error.where, flow: flow.name },
      cause: error.cause,
    })
  }
}
