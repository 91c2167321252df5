/**
 * Fencing in a database that is not the state's: one row a slice, written in the transaction that publishes there. It lives
 * beside the tables it speaks of, is created when first needed, and needs nothing of Sluice's schema.
 */
import { ident, sql, type Query, type Row, type Session, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

export interface PublicationRow extends Row {
  readonly publication: string | null
  /** What is published, as the state will record it; null while nothing is. */
  readonly result: unknown
}

/** The table's qualified name: in the first schema of the role's search path that exists. Created if missing. */
export async function ensurePublications(db: Sql): Promise<Query> {
  const place = await db.one<{ schema: string | null; found: boolean }>(sql`
    select current_schema() as schema, to_regclass(quote_ident(current_schema()) || '.sluice_publication') is not null as found`)
  const schema = place.schema ?? 'sluice'
  if (place.schema === null) await db.run(sql`create schema if not exists ${ident(schema)}`)
  const table = ident(schema, 'sluice_publication')
  if (place.found) return table
  await db.run(sql`
    create table if not exists ${table} (
      project text not null,
      flow text not null,
      slice text not null,
      run uuid not null,
      attempt integer not null,
      lease_token uuid not null,
      -- Of two attempts the later one has the larger; an earlier one can no longer publish.
      ordinal bigint not null,
      -- The last publication that was committed here, and what it was.
      publication uuid,
      result jsonb,
      published_at timestamptz,
      primary key (project, flow, slice)
    )`)
  return table
}

export interface Publisher {
  readonly flow: string
  readonly slice: string
  readonly run: string
  readonly attempt: number
  readonly token: string
  readonly ordinal: string
}

/** Locks the slice's row for this attempt until the transaction ends. 0: a later attempt has been here. */
export async function fencePublication(tx: Session, table: Query, state: State, by: Publisher): Promise<number> {
  return await tx.run(sql`
    insert into ${table} as p (project, flow, slice, run, attempt, lease_token, ordinal)
    values (${state.project}, ${by.flow}, ${by.slice}, ${by.run}, ${by.attempt}, ${by.token}, ${by.ordinal})
    on conflict (project, flow, slice) do update
      set attempt = excluded.attempt, lease_token = excluded.lease_token, ordinal = excluded.ordinal
      where p.ordinal <= excluded.ordinal`)
}

export async function writePublication(
  tx: Session,
  table: Query,
  state: State,
  by: Publisher,
  done: { readonly publication: string; readonly result: object },
): Promise<void> {
  await tx.run(sql`
    update ${table} set run = ${by.run}, publication = ${done.publication}, result = ${JSON.stringify(done.result)}::jsonb,
      published_at = clock_timestamp()
    where project = ${state.project} and flow = ${by.flow} and slice = ${by.slice}`)
}

export async function readPublication(
  db: Sql,
  table: Query,
  state: State,
  flow: string,
  slice: string,
): Promise<PublicationRow | undefined> {
  return await db.maybe<PublicationRow>(sql`
    select publication, result from ${table} where project = ${state.project} and flow = ${flow} and slice = ${slice}`)
}
