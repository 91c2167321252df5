/**
 * The swap: the staged table takes the target's name and everything that hangs on it, in one short transaction.
 *
 *     lock against writers ─► is the target as planned? ─► lock against readers (100 ms or give up) ─► rename, re-bind, drop ─► commit
 *
 * Views are locked before the table, and those that read other views first: the order in which readers take the same locks.
 * Nothing is dropped with `cascade`: what was overlooked makes the drop fail, and the transaction with it. The old table's
 * files are removed by the server after commit, when its locks are already given back.
 */
import { failpoint } from '../../../lib/failpoint.ts'
import { ident, raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import type { TableFacts, ViewFacts } from '../table.ts'
import { defaultName } from './default-name.ts'
import { temporaryIndex } from './build.ts'
import { restore } from './restore.ts'
import { beImpatient } from './settings.ts'
import { stageName, stagingSchema, withOptions } from './staging.ts'
import { stageOf } from './stage.ts'
import { changed, lockUnchanged } from './unchanged.ts'
import type { Identities, Target } from './target.ts'

export async function applySwap(tx: Session, target: Target): Promise<void> {
  if (target.facts === null) return create(tx, target)
  const facts = await lockUnchanged(tx, target)
  const identities = await identitySequences(tx, target, facts)
  await failpoint('swap:checked')
  await beImpatient(tx)
  for (const statement of swapStatements(target, facts, identities)) {
    await tx.run(statement)
  }
  await failpoint('swap:renamed')
}

async function identitySequences(tx: Session, target: Target, facts: TableFacts): Promise<Identities> {
  if (!facts.sequences.some(({ identity }) => identity)) return new Map()
  const rows = await tx.all<{ column: string; name: string }>(sql`
    select a.attname::text as "column", c.relname::text as "name"
    from pg_depend d
      join pg_class c on c.oid = d.objid and c.relkind = 'S'
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'
      and d.refobjid = (
        select t.oid from pg_class t join pg_namespace n on n.oid = t.relnamespace
        where n.nspname = ${stagingSchema} and t.relname = ${stageName(target.request)})`)
  return new Map(rows.map(({ column, name }) => [column, name]))
}

/** What the swap does once nothing but readers can be in its way, in order. Pure. */
export function swapStatements(target: Target, facts: TableFacts, identities: Identities): readonly Query[] {
  const table = ident(facts.schema, facts.table)
  const old = `${stageName(target.request)}_old`
  const direct = facts.views.filter((view) => view.direct)
  const owned = facts.sequences.filter(({ identity }) => !identity)
  return [
    // Changes nothing, and takes the lock of this one view: `lock table` would also lock all that the view reads.
    ...direct
      .toReversed()
      .map(({ schema, name, owner }) => sql`alter view ${ident(schema, name)} owner to ${ident(owner)}`),
    sql`lock table ${table} in access exclusive mode`,
    ...owned.map(({ schema, name }) => sql`alter sequence ${ident(schema, name)} owned by none`),
    ...facts.sequences.flatMap(({ identity, schema, name, column }) => {
      const fresh = identities.get(column)
      if (!identity || fresh === undefined) return []
      return [
        sql`select setval(${ident(stagingSchema, fresh).text}::regclass, s.last_value, s.is_called) from ${ident(schema, name)} s`,
      ]
    }),
    sql`alter table ${table} rename to ${ident(old)}`,
    sql`alter table ${stageOf(target)} set schema ${ident(facts.schema)}`,
    sql`alter table ${ident(facts.schema, stageName(target.request))} rename to ${ident(facts.table)}`,
    ...direct.map(remake),
    sql`drop table ${ident(facts.schema, old)} restrict`,
    ...restore(target, facts, identities),
  ]
}

/** The first publication: the staged table becomes the target. */
async function create(tx: Session, target: Target): Promise<void> {
  const { schema, table } = target.request.target
  const taken = await tx.all<{ name: string }>(sql`
    select c.relname::text as "name" from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema}`)
  const names = new Set(taken.map(({ name }) => name))
  if (names.has(table)) throw changed(target, 'it did not exist when its new content was prepared')
  await beImpatient(tx)
  await tx.run(sql`alter table ${stageOf(target)} set schema ${ident(schema)}`)
  await tx.run(sql`alter table ${ident(schema, stageName(target.request))} rename to ${ident(table)}`)
  await tx.run(sql`comment on table ${ident(schema, table)} is null`)
  if (target.request.key.length === 0) return
  const primary = defaultName(table, null, 'pkey', names)
  await tx.run(
    sql`alter table ${ident(schema, table)} rename constraint ${ident(temporaryIndex(target, 0))} to ${ident(primary)}`,
  )
}

/**
 * Binds a view to the table that has the name now. The view stays the object it was: its grants, comments, owner, rules,
 * triggers and whatever reads it are untouched.
 */
function remake({ schema, name, definition, options }: ViewFacts): Query {
  return sql`create or replace view ${ident(schema, name)}${withOptions(options)} as ${raw(definition)}`
}
