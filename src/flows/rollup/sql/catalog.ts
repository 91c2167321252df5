/** What the catalog says of tables that events are read from. */
import { ident, sql, type Query, type Sql } from '../../../lib/sql.ts'
import type { TableRef } from '../config.ts'

const oidOf = ({ schema, table }: TableRef): Query => sql`to_regclass(${ident(schema, table).sql})`

/** The names of an index's columns, without those that it only includes. */
const columnsOf = sql`(select array_agg(a.attname::text) from unnest(i.indkey) with ordinality as k (number, place)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number where k.place <= i.indnkeyatts)`

/** Whether no two rows have the same in these columns, by an index. A view has none to say so. */
export async function isUniqueBy(db: Sql, table: TableRef, columns: readonly string[]): Promise<boolean> {
  const { unique } = await db.one<{ unique: boolean }>(sql`
    select exists (select from pg_class where oid = ${oidOf(table)} and relkind in ('v', 'f')) or exists (
      select from pg_index i where i.indrelid = ${oidOf(table)} and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
        and ${columnsOf} <@ ${columns}::text[]) as "unique"`)
  return unique
}

/** Whether an index of all rows begins with one of these columns; a view has none, and needs none. */
export async function hasIndexOf(db: Sql, table: TableRef, columns: readonly string[]): Promise<boolean> {
  const { indexed } = await db.one<{ indexed: boolean }>(sql`
    select exists (select from pg_class where oid = ${oidOf(table)} and relkind in ('v', 'f')) or exists (
      select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = ${oidOf(table)} and i.indisvalid and i.indpred is null and a.attname = any(${columns}::text[])) as "indexed"`)
  return indexed
}

/** Those that a subscription of logical replication writes to. */
export async function readSubscribed(db: Sql, tables: readonly TableRef[]): Promise<readonly TableRef[]> {
  return await db.all<{ schema: string; table: string }>(sql`
    select n.nspname::text as "schema", c.relname::text as "table" from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = any(${tables.map(({ schema, table }) => ident(schema, table).sql)}::text[]::regclass[])
      and exists (select from pg_subscription_rel s where s.srrelid = c.oid)
    order by 1, 2`)
}
