import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { asset } from '../lib/asset.ts'
import { SluiceError, asSluiceError } from '../lib/error.ts'
import { ident, raw, sql, type Database, type Session } from '../lib/sql.ts'

/** A step of the schema's history. Immutable once released: its checksum is kept with it. */
export interface Migration {
  readonly number: number
  readonly checksum: string
  readonly text: string
}

interface Applied {
  readonly [column: string]: unknown
  readonly number: number
  readonly checksum: string
}

/**
 * Brings the schema to the version this code knows. Safe from any number of processes at once: one works, the others wait
 * and find it done. One query when there is nothing to do. True if something was changed.
 *
 * Rejects with `STATE_NEWER` when the database is ahead of this code, `STATE_CHANGED` when an applied step is not the one
 * this code has.
 */
export async function migrate(db: Database, schema: string): Promise<boolean> {
  const known = await migrations()
  const applied = await db.all<Applied>(history(schema)).catch((thrown: unknown) => {
    // No table, no schema: the slow way finds out, and raises whatever else it was.
    if (asSluiceError(thrown).code === 'STORE_QUERY') return null
    throw thrown
  })
  if (applied !== null && pending(known, applied, schema, db.store).length === 0) return false
  return await db.transaction(async (tx) => {
    await tx.run(sql`select pg_advisory_xact_lock(hashtextextended(${`sluice migrate ${schema}`}, 0))`)
    await prepare(tx, schema)
    const todo = pending(known, await tx.all<Applied>(history(schema)), schema, db.store)
    for (const step of todo) {
      await tx.run(raw(named(step.text, schema)))
      await tx.run(
        sql`insert into ${ident(schema, 'migration')} (number, checksum) values (${step.number}, ${step.checksum})`,
      )
    }
    return todo.length > 0
  })
}

const history = (schema: string) => sql`select number, checksum from ${ident(schema, 'migration')} order by number`

async function prepare(tx: Session, schema: string): Promise<void> {
  const found = await tx.one<{ schema: boolean; history: boolean }>(sql`
    select to_regnamespace(${`"${schema.replaceAll('"', '""')}"`}) is not null as schema,
      exists (select from pg_catalog.pg_tables where schemaname = ${schema} and tablename = 'migration') as history`)
  // `create schema if not exists` asks for the right to create even when the schema exists.
  if (!found.schema) await tx.run(sql`create schema ${ident(schema)}`)
  if (found.history) return
  await tx.run(sql`
    create table ${ident(schema, 'migration')} (
      number integer primary key,
      checksum text not null,
      applied_at timestamptz not null default clock_timestamp()
    )`)
}

/** What is still to be applied, in order. Pure. */
export function pending(
  known: readonly Migration[],
  applied: readonly Pick<Applied, 'number' | 'checksum'>[],
  schema: string,
  store: string,
): readonly Migration[] {
  const newest = known.at(-1)?.number ?? 0
  for (const step of applied) {
    if (step.number > newest) {
      throw new SluiceError('STATE_NEWER', `The tables of Sluice in schema ${schema} belong to a newer version`, {
        why: `they are at step ${step.number}; this version knows steps up to ${newest}`,
        fix: 'update sluice here to the version that the others of this project run',
        where: { store },
      })
    }
    const ours = known.find((migration) => migration.number === step.number)
    if (ours !== undefined && ours.checksum !== step.checksum) {
      throw new SluiceError('STATE_CHANGED', `The tables of Sluice in schema ${schema} were made by another code`, {
        why: `step ${step.number} was applied with checksum ${step.checksum}; here it has ${ours.checksum}`,
        fix: 'run a released version of sluice, or name another `state.schema`',
        where: { store },
      })
    }
  }
  const done = new Set(applied.map((step) => step.number))
  return known.filter((migration) => !done.has(migration.number))
}

/** A migration's text for a schema of that name: they are written for `sluice`. Pure. */
export function named(text: string, schema: string): string {
  return text.replaceAll(/\bsluice\./g, () => `"${schema.replaceAll('"', '""')}".`)
}

let loaded: Promise<readonly Migration[]> | undefined

function migrations(): Promise<readonly Migration[]> {
  loaded ??= load(asset.migrations)
  return loaded
}

/** The numbered files of a folder, in order: `000001.sql`, `000002.sql`, … without a gap. */
export async function load(folder: string): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{6}\.sql$/.test(name)).toSorted()
  return await Promise.all(
    names.map(async (name, index) => {
      if (Number(name.slice(0, 6)) !== index + 1) throw new Error(`migration ${name} is not number ${index + 1}`)
      const text = await readFile(join(folder, name), 'utf8')
      return { number: index + 1, checksum: createHash('sha256').update(text).digest('hex'), text }
    }),
  )
}
