/**
 * In place: what differs between the staged rows and the target is found in one pass over both, then deleted, updated and
 * inserted by one statement.
 *
 *     lock against writers ─► differences (ctids) ─► alter (new columns) ─► delete, update, insert ─► commit
 *
 * Readers are not in the way and not kept waiting, but for new columns: their lock is asked for after the slow part and held
 * to the end. One statement, because foreign keys are then judged by its end result: rows of the table may refer to each
 * other in any way. The lock keeps every row where its ctid says until that statement.
 */
import { ident, idents, join, raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import { formatPgType } from '../../../transfer/pgtype.ts'
import type { TableFacts } from '../table.ts'
import { createDifferences } from './differences.ts'
import { beImpatient } from './settings.ts'
import { markedAs, type Mark } from './soft-delete.ts'
import { stageName } from './staging.ts'
import { stageOf } from './stage.ts'
import type { Target } from './target.ts'
import { lockUnchanged } from './unchanged.ts'
import { SluiceError } from '../../../lib/error.ts'
import { sqlState } from '../errors.ts'

export interface Applied {
  readonly inserted: number
  readonly changed: number
  readonly deleted: number
}

export async function applyInPlace(tx: Session, target: Target): Promise<Applied> {
  const facts = await lockUnchanged(tx, target)
  const differences = ident('pg_temp', `${stageName(target.request)}_d`)
  const mark = markedAs(target, facts)
  await tx.run(sql`select set_config('row_security', 'off', true), set_config('jit', 'off', true),
    set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 262144)::text, true),
    set_config('max_parallel_workers_per_gather', greatest(current_setting('max_parallel_workers_per_gather')::int, 2)::text, true)`)
  await tx.run(createDifferences(target, facts, differences, mark))
  await tx.run(sql`analyze ${differences}`)
  await alterTarget(tx, target, facts, mark)
  await tx.run(sql`savepoint sluice_apply`)
  try {
    return await applied(tx, apply(target, facts, differences, mark))
  } catch (error) {
    if (sqlState(error) !== '23505') throw error
    await tx.run(sql`rollback to savepoint sluice_apply`)
    return await applied(tx, await replaceRows(target, facts, differences, mark, error))
  }
}

/** New columns, nullable, and types that need no rewriting. */
async function alterTarget(tx: Session, { changes }: Target, facts: TableFacts, mark: Mark | null): Promise<void> {
  const alterations = [
    ...(mark?.add == null ? [] : [sql`add column ${ident(mark.column)} ${mark.add}`]),
    ...(changes?.added ?? []).map(({ name, type }) => sql`add column ${ident(name)} ${raw(formatPgType(type))}`),
    ...(changes?.retyped ?? []).map(
      ({ column, to }) => sql`alter column ${ident(column)} type ${raw(formatPgType(to))}`,
    ),
  ]
  if (alterations.length === 0) return
  await beImpatient(tx)
  await tx.run(sql`alter table ${ident(facts.schema, facts.table)} ${join(alterations, ', ')}`)
}

async function applied(tx: Session, statement: Query): Promise<Applied> {
  const counts = await tx.one<{ inserted: string; changed: string; deleted: string }>(statement)
  return { inserted: Number(counts.inserted), changed: Number(counts.changed), deleted: Number(counts.deleted) }
}

const at = (alias: string): Query => sql`${raw(alias)}.ctid = d.t and ${raw(alias)}.tableoid = d.relation`

/** Forces what it is put into to wait for another part of the statement: parts of one statement run in any order otherwise. */
const after = (part: string): Query => sql`(select n from ${raw(part)}) >= 0`

function apply(target: Target, facts: TableFacts, differences: Query, mark: Mark | null): Query {
  const table = ident(facts.schema, facts.table)
  const stage = stageOf(target)
  const identities = new Set(facts.columns.filter(({ identity }) => identity === 'always').map(({ name }) => name))
  const names = target.columns.map(({ name }) => name)
  const sets = [
    ...names.filter((name) => !identities.has(name)).map((name) => sql`${ident(name)} = ${ident('s', name)}`),
    ...(mark === null ? [] : [sql`${ident(mark.column)} = ${mark.off}`]),
  ]
  const leave =
    mark === null
      ? sql`delete from ${table} t using ${differences} d where ${at('t')} and d.s is null returning 1`
      : sql`update ${table} t set ${ident(mark.column)} = ${mark.on} from ${differences} d where ${at('t')} and d.s is null returning 1`
  const change =
    sets.length === 0
      ? sql`select 1 where false`
      : sql`update ${table} t set ${join(sets, ', ')} from ${differences} d join ${stage} s on s.ctid = d.s
          where ${at('t')} and ${after('left_count')} returning 1`
  return sql`
    with leaving as (${leave}),
    left_count as (select count(*) as n from leaving),
    changing as (${change}),
    changed_count as (select count(*) as n from changing),
    arriving as (${arrive(target, table, differences, mark, 'changed_count')})
    select (select n from left_count) as "deleted", (select n from changed_count) as "changed",
      (select count(*) from arriving) as "inserted"`
}

function arrive(target: Target, table: Query, differences: Query, mark: Mark | null, part: string): Query {
  const names = target.columns.map(({ name }) => name)
  const values = [...names.map((name) => ident('s', name)), ...(mark === null ? [] : [mark.off])]
  return sql`insert into ${table} (${idents([...names, ...(mark === null ? [] : [mark.column])])}) overriding system value
    select ${join(values, ', ')} from ${differences} d join ${stageOf(target)} s on s.ctid = d.s
    where d.t is null and ${after(part)} returning 1`
}

/**
 * Rows that exchange the values of another unique index stand in each other's way, since the server looks at each row as it is
 * updated. Then what changes is deleted first and inserted again, the table's own columns as they were. Not where that would be
 * noticed: by rows that refer to these, or by triggers.
 */
async function replaceRows(
  target: Target,
  facts: TableFacts,
  differences: Query,
  mark: Mark | null,
  collision: unknown,
): Promise<Query> {
  const noticed = [
    ...facts.bound.filter(({ tag }) => tag === 'foreign key in').map(({ why }) => why),
    ...facts.triggers.map(({ name }) => `trigger ${name}`),
    ...facts.rules.map(({ name }) => `rule ${name}`),
  ]
  if (noticed.length > 0 || mark !== null) {
    throw new SluiceError('TARGET_DEPENDENTS', 'new values collide in a unique index of the target', {
      why: `${collision instanceof SluiceError ? collision.why : String(collision)}; rows cannot be replaced because of ${noticed.join(', ') || 'softDelete'}`,
      fix: 'if rows only exchange values, make the constraint `deferrable initially deferred`; else correct the source',
      where: { table: `${facts.schema}.${facts.table}` },
      cause: collision,
    })
  }
  const table = ident(facts.schema, facts.table)
  const names = target.columns.map(({ name }) => name)
  const own = facts.columns.filter(({ name, generated }) => generated === 'no' && !names.includes(name))
  const values = [...names.map((name) => ident('s', name)), ...own.map(({ name }) => ident('t', name))]
  return sql`
    with leaving as (delete from ${table} t using ${differences} d where ${at('t')} returning 1),
    left_count as (select count(*) as n from leaving),
    returning_rows as (
      insert into ${table} (${idents([...names, ...own.map(({ name }) => name)])}) overriding system value
      select ${join(values, ', ')}
      from ${differences} d join ${stageOf(target)} s on s.ctid = d.s join ${table} t on ${at('t')}
      where ${after('left_count')} returning 1),
    changed_count as (select count(*) as n from returning_rows),
    arriving as (${arrive(target, table, differences, mark, 'changed_count')})
    select (select n from left_count) - (select n from changed_count) as "deleted", (select n from changed_count) as "changed",
      (select count(*) from arriving) as "inserted"`
}
