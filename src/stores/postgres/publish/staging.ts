/** Where staging tables live, what they are called, and how leftovers of dead attempts are found and dropped. */
import { createHash } from 'node:crypto'
import { failpoint } from '../../../lib/failpoint.ts'
import { ident, join, literal, raw, sql, type Database, type Query, type Session } from '../../../lib/sql.ts'
import { sqlState } from '../errors.ts'
import type { Attempt } from './request.ts'

/** A schema of its own: made on first need, dropped when it is empty again. */
export const stagingSchema = 'sluice_staging'

const hash = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)

/** What the names of a flow's staging tables begin with. */
const prefixOf = ({ project, flow }: Pick<Attempt, 'project' | 'flow'>): string => `${hash(project, flow)}_`

/** The name of an attempt's staging table, and what the names of all that belongs to it begin with: 33 bytes. */
export function stageName(attempt: Attempt): string {
  return `${prefixOf(attempt)}${hash(attempt.run, attempt.attempt)}`
}

/** Marks a staging table with whose it is, for people who come across it. */
export function stageComment({ project, flow, run, attempt }: Attempt): Query {
  return literal(JSON.stringify({ project, flow, run, attempt }))
}

export async function createStagingSchema(db: Database): Promise<void> {
  const exists = await db.maybe(sql`select 1 as "one" from pg_namespace where nspname = ${stagingSchema}`)
  if (exists !== undefined) return
  try {
    await db.run(sql`create schema if not exists ${ident(stagingSchema)}`)
  } catch (error) {
    // Another flow was as quick: "if not exists" still collides when both insert at once.
    if (sqlState(error) !== '23505' && sqlState(error) !== '42P06') throw error
  }
}

/** Drops the staging schema if nobody uses it and this role could make it again. Never waits, never fails. */
export async function dropStagingSchema(db: Database): Promise<void> {
  await attempted(
    db.transaction(async (tx) => {
      const { droppable } = await tx.one<{ droppable: boolean }>(sql`
        select has_database_privilege(current_database(), 'create') and not exists (
          select from pg_class c where c.relnamespace = n.oid) as "droppable"
        from (select to_regnamespace(${stagingSchema})::oid as oid) n where n.oid is not null
        union all select false where to_regnamespace(${stagingSchema}) is null`)
      if (!droppable) return
      await tx.run(sql`set local lock_timeout = '100ms'`)
      await tx.run(sql`drop schema ${ident(stagingSchema)} restrict`)
    }),
  )
}

export async function dropStage(db: Database, attempt: Attempt): Promise<void> {
  await dropTables(db, [stageName(attempt)])
}

/**
 * Drops what dead attempts of a flow left in the staging schema; what is still locked by a server process of theirs is left
 * for the next time. `keep`: the attempt that is alive.
 */
export async function sweep(
  db: Database,
  flow: Pick<Attempt, 'project' | 'flow'>,
  keep?: Attempt,
): Promise<readonly string[]> {
  const tables = await db.all<{ name: string }>(sql`
    select c.relname::text as "name"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${stagingSchema} and c.relkind in ('r', 'p') and starts_with(c.relname, ${prefixOf(flow)})
    order by c.relname`)
  const alive = keep === undefined ? null : stageName(keep)
  const names = tables.map(({ name }) => name).filter((name) => name !== alive)
  await dropTables(db, names)
  if (names.length > 0) await dropStagingSchema(db)
  return names
}

async function dropTables(db: Database, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await failpoint('clean:before-drop')
    await attempted(
      db.transaction(async (tx: Session) => {
        await tx.run(sql`set local lock_timeout = '1s'`)
        await tx.run(sql`drop table if exists ${ident(stagingSchema, name)}`)
      }),
    )
  }
}

/** Clearing away is tried again by the next run: a failure of it must not hide the error that led to it. */
async function attempted(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch {
    // See above.
  }
}

/** `("a", "b") with (fillfactor = '70')`: storage options as the catalog has them, as SQL; empty without any. */
export function withOptions(options: readonly string[]): Query {
  if (options.length === 0) return raw('')
  return sql` with (${join(options.map(option), ', ')})`
}

export function option(text: string): Query {
  const at = text.indexOf('=')
  const name = text.slice(0, at).split('.')
  return sql`${ident(...name)} = ${literal(text.slice(at + 1))}`
}
