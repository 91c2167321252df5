/** What there is in the database of triggers that mark: functions, triggers, and the partitions that they are to be on. */
import { ident, join, sql, type Query, type Sql } from '../../../lib/sql.ts'
import type { TableRef } from '../config.ts'
import { madeBy, madeFor, madeIn, type Tracked, type Tracking } from './trigger.ts'

/** Functions of a flow that nobody has a use for any more, and the tables that have triggers which call them. */
export interface Leftover {
  readonly drop: Query
  readonly tables: readonly TableRef[]
}

/** Functions of this flow that its definition has no use for any more, with the triggers that call them. */
export async function readLeftovers(db: Sql, by: Tracked, all: readonly Tracking[]): Promise<readonly Leftover[]> {
  const names = all.flatMap(({ functions }) => functions.map(({ name }) => name))
  return await readFunctions(db, by, sql`f.made = ${madeFor(by)} and f.name <> all(${names}::text[])`)
}

/** Those of rollups of the project that are not among `kept`. */
export async function readStrayFunctions(
  db: Sql,
  by: Omit<Tracked, 'flow'>,
  kept: readonly string[],
): Promise<readonly (Leftover & { readonly flow: string })[]> {
  const [before, after] = [madeBy, madeIn(by)]
  const found = await readFunctions(
    db,
    by,
    sql`starts_with(f.made, ${before}) and right(f.made, length(${after})) = ${after}`,
  )
  return (
    found
      .map((one) => ({ ...one, flow: one.made.slice(before.length, -after.length) }))
      // A project may be called as the end of another's comment; no flow has a space in its name.
      .filter(({ flow }) => !kept.includes(flow) && !flow.includes(' '))
  )
}

async function readFunctions(
  db: Sql,
  { schema }: Pick<Tracked, 'schema'>,
  which: Query,
): Promise<readonly (Leftover & { readonly made: string })[]> {
  const rows = await db.all<{ names: string[]; made: string; tables: TableRef[] }>(sql`
    select f.made, array_agg(f.name order by f.name) as "names", array(
      select distinct jsonb_build_object('schema', n.nspname, 'table', c.relname) from pg_trigger t
        join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
      where t.tgfoid = any(array_agg(f.oid))) as "tables"
    from (
      select p.oid, p.proname::text as name, obj_description(p.oid, 'pg_proc') as made
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = ${schema} and p.proname like 'mark\\_%') as f
    where ${which} group by f.made order by f.made`)
  return rows.map(({ names, made, tables }) => ({
    made,
    tables,
    drop: sql`drop function ${join(
      names.map((name) => sql`${ident(schema, name)}()`),
      ', ',
    )} cascade`,
  }))
}

/** A table, or a partition, and the triggers that are, or are to be, on it. */
export interface TrackedTable {
  readonly tracking: Tracking
  readonly table: TableRef
}

/** By the oid of a table which triggers are on it: another text when one was made anew, or switched off and on. */
export type Triggers = Readonly<Record<string, string>>

/** Null: on some of these tables they are not there, would not fire, or do something else. */
export async function readTriggers(db: Sql, all: readonly TrackedTable[]): Promise<Triggers | null> {
  const wanted = all.flatMap(({ tracking: { functions }, table }) =>
    functions.map(({ trigger, body }) => ({ name: trigger, table: ident(table.schema, table.table).sql, body })),
  )
  const found = await db.all<{ table: string; count: number; triggers: string }>(sql`
    select t.tgrelid::text as "table", count(*)::int as "count",
      left(md5(string_agg(concat_ws(' ', t.oid, t.xmin), ',' order by t.oid)), 12) as "triggers"
    from unnest(${wanted.map(({ name }) => name)}::text[], ${wanted.map(({ table }) => table)}::text[],
        ${wanted.map(({ body }) => body)}::text[]) as w (name, relation, body)
      join pg_trigger t on t.tgname = w.name and t.tgrelid = to_regclass(w.relation) and t.tgenabled in ('O', 'A')
      join pg_proc p on p.oid = t.tgfoid and p.prosrc = w.body
    group by t.tgrelid`)
  if (found.reduce((sum, { count }) => sum + count, 0) < wanted.length) return null
  return Object.fromEntries(found.map(({ table, triggers }) => [table, triggers]))
}

/** Whether these are among those, none switched in between. Pure. */
export function areSame(these: Triggers, those: Triggers): boolean {
  return Object.entries(these).every(([table, triggers]) => those[table] === triggers)
}

/** A partition of a table, at any depth, or a table that inherits from it. */
export interface Part extends TableRef {
  readonly oid: string
}

/** Those that can have such triggers: foreign ones cannot. */
export async function readParts(db: Sql, { schema, table }: TableRef): Promise<readonly Part[]> {
  return await db.all<{ oid: string; schema: string; table: string }>(sql`
    with recursive part as (
      select inhrelid as oid from pg_inherits where inhparent = to_regclass(${ident(schema, table).sql})
      union select i.inhrelid from pg_inherits i join part on i.inhparent = part.oid)
    select c.oid::text as "oid", n.nspname::text as "schema", c.relname::text as "table"
    from part join pg_class c on c.oid = part.oid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') order by c.oid`)
}

/** Of tables that were such parts: those that are still there, with their columns. */
export async function readTables(
  db: Sql,
  oids: readonly string[],
): Promise<readonly (Part & { readonly columns: readonly string[] })[]> {
  return await db.all<{ oid: string; schema: string; table: string; columns: string[] }>(sql`
    select c.oid::text as "oid", n.nspname::text as "schema", c.relname::text as "table",
      array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as "columns"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = any(${oids}::text[]::oid[]) order by c.oid`)
}
