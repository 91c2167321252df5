import { ident, sql, type Database, type Session } from '../../lib/sql.ts'
import {
  readConstraints,
  readIndexes,
  readPolicies,
  readPublications,
  readRules,
  readStatistics,
  readTriggers,
} from './catalog/belongings.ts'
import { readColumns } from './catalog/columns.ts'
import { readBound, readViews } from './catalog/dependents.ts'
import { readForeignRoles, readRelation, readSequences } from './catalog/relation.ts'
import type { TableFacts, TableName } from './table.ts'

const kinds: Readonly<Record<string, TableFacts['kind']>> = {
  p: 'partitioned',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
}
const identities: Readonly<Record<string, TableFacts['replicaIdentity']>> = { n: 'nothing', f: 'full', i: 'index' }

/** Everything the catalogs know about a table and what hangs on it, as of one snapshot; null if there is no such relation. */
export function readTable(db: Database, name: TableName): Promise<TableFacts | null> {
  return db.transaction(
    async (session) => {
      await session.run(sql`set local search_path = ''`)
      return readFacts(session, name)
    },
    { isolation: 'repeatable read', readOnly: true },
  )
}

/** As `readTable`, in a transaction whose `search_path` is empty. */
export async function readFacts(session: Session, name: TableName): Promise<TableFacts | null> {
  const relation = await readRelation(session, name)
  if (relation === undefined) return null
  const { oid, kind, persistence, enabled, forced, replica, partition: _, ...rest } = relation
  const { version } = await session.one<{ version: number }>(
    sql`select current_setting('server_version_num')::int as version`,
  )
  const columns = await readColumns(session, oid)
  const indexes = await readIndexes(session, oid)
  const sequences = await readSequences(session, oid)
  const grants = [rest.grants, ...columns.map((column) => column.grants), ...sequences.map((one) => one.grants)]
  return {
    schema: name.schema,
    table: name.table,
    oid,
    kind: kinds[kind] ?? 'table',
    persistence: persistence === 'p' ? 'permanent' : persistence === 'u' ? 'unlogged' : 'temporary',
    ...rest,
    columns,
    primaryKey: indexes.find((index) => index.primary)?.columns ?? null,
    indexes,
    sequences,
    constraints: await readConstraints(session, oid),
    triggers: await readTriggers(session, oid),
    rules: await readRules(session, oid),
    rowSecurity: { enabled, forced, policies: await readPolicies(session, oid) },
    replicaIdentity: identities[replica] ?? 'default',
    publications: await readPublications(session, oid, version),
    statistics: await readStatistics(session, oid),
    views: await readViews(session, oid),
    bound: await readBound(session, oid),
    foreignGrantors: await readForeignRoles(
      session,
      grants.flatMap((list) => list ?? []),
      rest.owner,
    ),
  }
}

/** Counts the rows: exact, by reading the table. */
export async function countRows(db: Pick<Session, 'one'>, { schema, table }: TableName): Promise<number> {
  const { rows } = await db.one<{ rows: string }>(sql`select count(*) as rows from ${ident(schema, table)}`)
  return Number(rows)
}
