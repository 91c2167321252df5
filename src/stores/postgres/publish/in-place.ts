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
import { SluiceError } from '../../../lib/error.ts'
import { failpoint } from '../../../lib/failpoint.ts'
import { ident, join, raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import { formatPgType } from '../../../transfer/pgtype.ts'
import { sqlState } from '../errors.ts'
import type { TableFacts } from '../table.ts'
import { createDifferences } from './differences.ts'
import { judgeMatched, refuseDuplicates } from './keys.ts'
import { refuseKeptOut } from './kept-out.ts'
import { beImpatient, roomToCompare, withSearchPath } from './settings.ts'
import { markedAs, type Mark } from './soft-delete.ts'
import { stageName } from './staging.ts'
import { all, allReplaced, arrive, change, leave, type Carrying } from './statements.ts'
import type { Target } from './target.ts'
import { lockUnchanged } from './unchanged.ts'

export interface Applied {
  readonly inserted: number
  readonly changed: number
  readonly deleted: number
}

export interface Given {
  /** How many rows are staged. */
  readonly staged: number
  /** The transaction's own, for what the user's triggers name. */
  readonly searchPath: string
}

export async function applyInPlace(tx: Session, target: Target, { staged, searchPath }: Given): Promise<Applied> {
  const facts = await lockUnchanged(tx, target)
  const differences = ident('pg_temp', `${stageName(target.request)}_d`)
  const mark = markedAs(target, facts)
  await tx.run(sql`select set_config('row_security', 'off', true), set_config('jit', 'off', true)`)
  await compare(tx, createDifferences(target, facts, differences, mark))
  await tx.run(sql`analyze ${differences}`)
  await judgeMatched(tx, target, differences, staged)
  await failpoint('in-place:compared')
  await alterTarget(tx, target, facts, mark)
  const carrying = { target, facts, differences, mark }
  const applied = await withSearchPath(tx, searchPath, () => carry(tx, carrying))
  await refuseKeptOut(tx, carrying, applied)
  return applied
}

async function carry(tx: Session, carrying: Carrying): Promise<Applied> {
  const { target, facts } = carrying
  // The server takes no `with` and no `returning` where a rule rewrites the statement.
  if (facts.rules.length > 0) return applyApart(tx, carrying)
  await tx.run(sql`savepoint sluice_apply`)
  try {
    return await counted(tx, all(carrying))
  } catch (error) {
    if (sqlState(error) !== '23505') throw error
    await tx.run(sql`rollback to savepoint sluice_apply`)
    if (target.request.key.length > 0) await refuseDuplicates(tx, target, target.request.key)
    refuseToReplace(carrying, error)
    return counted(tx, allReplaced(carrying))
  }
}

/** Side by side where the server can; alone where that is refused, as by a container with little shared memory. */
async function compare(tx: Session, statement: Query): Promise<void> {
  await tx.run(sql`savepoint sluice_compare`)
  try {
    await roomToCompare(tx, 2)
    await tx.run(statement)
  } catch (error) {
    if (sqlState(error)?.startsWith('53') !== true) throw error
    await tx.run(sql`rollback to savepoint sluice_compare`)
    await roomToCompare(tx, 0)
    await tx.run(statement)
  }
  await tx.run(sql`release savepoint sluice_compare`)
}

/** New columns, nullable, and types that need no rewriting. */
async function alterTarget(tx: Session, { changes }: Target, facts: TableFacts, mark: Mark | null): Promise<void> {
  const alterations = [
    ...(mark === null || mark.add === null ? [] : [sql`add column ${ident(mark.column)} ${mark.add}`]),
    ...(changes?.added ?? []).map(({ name, type }) => sql`add column ${ident(name)} ${raw(formatPgType(type))}`),
    ...(changes?.retyped ?? []).map(
      ({ column, to }) => sql`alter column ${ident(column)} type ${raw(formatPgType(to))}`,
    ),
  ]
  if (alterations.length === 0) return
  await beImpatient(tx)
  await tx.run(sql`alter table ${ident(facts.schema, facts.table)} ${join(alterations, ', ')}`)
}

async function counted(tx: Session, statement: Query): Promise<Applied> {
  const counts = await tx.one<{ inserted: string; changed: string; deleted: string }>(statement)
  return { inserted: Number(counts.inserted), changed: Number(counts.changed), deleted: Number(counts.deleted) }
}

async function applyApart(tx: Session, carrying: Carrying): Promise<Applied> {
  const deleted = await tx.run(leave(carrying))
  const changing = change(carrying)
  const changed = changing === null ? 0 : await tx.run(changing)
  return { deleted, changed, inserted: await tx.run(arrive(carrying)) }
}

/**
 * Rows that exchange the values of another unique index stand in each other's way, since the server looks at each row as it is
 * updated. Then what changes is deleted first and inserted again. Not where that would be noticed: by rows that refer to
 * these, or by triggers.
 */
function refuseToReplace({ facts, mark }: Carrying, collision: unknown): void {
  const noticed = [
    ...facts.bound.filter(({ tag }) => tag === 'foreign key in').map(({ why }) => why),
    ...facts.triggers.map(({ name }) => `trigger ${name}`),
    ...(mark === null ? [] : ['softDelete']),
  ]
  if (noticed.length === 0) return
  throw new SluiceError('TARGET_DEPENDENTS', 'new values collide in a unique index of the target', {
    why: `${collision instanceof SluiceError ? collision.why : String(collision)}; rows cannot be replaced because of ${noticed.join(', ')}`,
    fix: 'if rows only exchange values, make the constraint `deferrable initially deferred`; else correct the source',
    where: { table: `${facts.schema}.${facts.table}` },
    cause: collision,
  })
}
