import { SluiceError } from '../../../lib/error.ts'
import { ident, sql, type Session } from '../../../lib/sql.ts'
import { readFacts } from '../schema.ts'
import type { TableFacts } from '../table.ts'
import { nameOf, type Target } from './target.ts'

/**
 * Locks the target against writers and changes of its definition, not against readers, and makes sure that it is still what the
 * publication was prepared for.
 *
 * @throws SluiceError `PUBLISH_LOCKED`, `TARGET_CHANGED`.
 */
export async function lockUnchanged(tx: Session, target: Target): Promise<TableFacts> {
  const { facts, request } = target
  if (facts === null) throw changed(target, 'it did not exist when its new content was prepared')
  const there = await tx.maybe(sql`
    select 1 as "one" from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${request.target.schema} and c.relname = ${request.target.table}`)
  if (there === undefined) throw changed(target, 'it was dropped or renamed')
  await tx.run(sql`lock table ${ident(facts.schema, facts.table)} in share row exclusive mode`)
  const now = await readFacts(tx, request.target)
  const difference = now === null ? 'it was dropped or renamed' : whatChanged(facts, now)
  if (difference !== null) throw changed(target, difference)
  return facts
}

/** The first thing in which two readings of the catalogs differ, but for the planner's guess of the rows; null if none. Pure. */
export function whatChanged(before: TableFacts, after: TableFacts): string | null {
  const fields = Object.keys({ ...before, ...after }) as (keyof TableFacts)[] // a record's own keys
  const field = fields
    .filter((name) => name !== 'rowEstimate')
    .find((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return field === undefined ? null : `its ${field} changed`
}

export function changed(target: Target, why: string): SluiceError {
  return new SluiceError('TARGET_CHANGED', `${nameOf(target)} is not what it was when the publication was prepared`, {
    why,
    fix: 'nothing: the next attempt goes by what the table is now',
    where: { table: nameOf(target) },
  })
}
