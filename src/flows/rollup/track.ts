import { SluiceError } from '../../lib/error.ts'
import { sql } from '../../lib/sql.ts'
import type { Flow, WorkContext } from '../flow.ts'
import type { RollupOptions, TableRef } from './config.ts'
import type { RollupDetail } from './plan.ts'
import { readHolders, type Holder } from './sql/holders.ts'
import { areSame, readTriggers, type Triggers } from './sql/tracked.ts'

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
    ...made.flatMap((one) => [...one.statements, ...one.triggersOn(one.table)]),
    ...come.flatMap(({ tracking, part }) => [...tracking.triggersOn(part), ...(anew ? [] : [tracking.markAll(part)])]),
    ...parts.gone.flatMap(({ tracking, part }) => [...tracking.dropFrom(part), tracking.markAll(part)]),
    // At last: what calls them has been replaced by now, where it stays, and is not waited for.
    ...leftovers.map(({ drop }) => drop),
  ]
  const on = [
    ...(anew ? made.map((one) => ({ tracking: one, table: one.table })) : tracked),
    ...come.map(({ tracking, part }) => ({ tracking, table: part })),
  ]
  const tables = [
    ...made.map(({ table }) => table),
    ...come.map(({ part }) => part),
    ...parts.gone.map(({ part }) => part),
    ...leftovers.flatMap((one) => one.tables),
  ]
  try {
    return await context.state.transaction(async (tx) => {
      await tx.run(sql`select set_config('lock_timeout', ${String(waitMs)}, true)`)
      for (const statement of statements) await tx.run(statement)
      const now = await readTriggers(tx, on)
      // Whoever has switched one of those that were there is seen here, who does it later by the next run.
      return anew || now === null || areSame(facts.triggers ?? {}, now) ? now : null
    })
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    if (error.code === 'STORE_DENIED') throw denied(flow, tables, error)
    if (error.code === 'PUBLISH_LOCKED') throw locked(flow, tables, await readHolders(context.state, tables), error)
    throw error
  }
}

const waitMs = 5000

const namesOf = (tables: readonly TableRef[]): string =>
  [...new Set(tables.map(({ schema, table }) => `${schema}.${table}`))].join(', ')

function denied({ name }: Flow, tables: readonly TableRef[], { why, where, cause }: SluiceError): SluiceError {
  return new SluiceError('STORE_DENIED', `${name} may not put triggers on ${namesOf(tables)}`, {
    why,
    fix: `grant trigger on ${namesOf(tables)} to the role of the database's url, or set track: { lookback: '3d' }`,
    where: { ...where, flow: name },
    cause,
  })
}

function locked(
  { name }: Flow,
  tables: readonly TableRef[],
  found: readonly Holder[],
  { where, cause }: SluiceError,
): SluiceError {
  // Who reads is in the way only of triggers that go.
  const writers = found.filter(({ writes }) => writes)
  const holders = writers.length > 0 ? writers : found
  const held = holders.length > 0 ? [...new Set(holders.map(({ table }) => table))].join(', ') : namesOf(tables)
  const pids = [...new Set(holders.flatMap(({ pid }) => pid ?? []))]
  return new SluiceError('PUBLISH_LOCKED', `${name} cannot put its triggers on ${held}, which is in use`, {
    why: `no lock was to be had in ${waitMs / 1000} s: ${holders.length > 0 ? holders.map(said).join('; ') : 'who held one has ended since'}`,
    fix: `wait until such transactions have ended, or end them${pids.length > 0 ? `: select ${pids.map((pid) => `pg_terminate_backend(${pid})`).join(', ')}` : ''}; then sluice run ${name}`,
    where: { ...where, flow: name, table: held },
    cause,
  })
}

function said({ table, pid, gid, application, since }: Holder): string {
  const who =
    pid === null
      ? `the prepared transaction ${gid}`
      : `process ${pid}${application === null ? '' : ` (${application})`}`
  return `${who} holds ${table}${since === null ? '' : ` since ${since.toISOString()}`}`
}
