/** What the database says of a table or of what a statement gives: read when an endpoint is first used, and again when it changes. */
import { SluiceError } from '../lib/error.ts'
import { ident, join, raw, sql, type Query } from '../lib/sql.ts'
import { sqlState } from '../stores/postgres/errors.ts'
import type { Reader } from '../stores/postgres/reader.ts'
import type { Described } from '../stores/postgres/result.ts'
import { arrayOf } from './age.ts'
import { kindOf, type ColumnKind } from './kinds.ts'

export interface SourceColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly nullable: boolean
}

/**
 * What tells rows apart that are equal in all that they are sorted by. `key`: columns that are unique and never null. `row`: the place
 * of the row in its table, which stays while nobody writes there. `all`: every column as text, so that rows that still tie are the same.
 */
export type Tie =
  | { readonly tag: 'key'; readonly columns: readonly string[] }
  | { readonly tag: 'row' }
  | { readonly tag: 'all' }

export interface TableName {
  readonly schema: string
  readonly table: string
}

const patience = { timeoutMs: 30_000 }
type Row = readonly (string | null)[]

/** `TARGET_MISSING`: there is no such table. */
export async function readTable(
  reader: Reader,
  { schema, table }: TableName,
): Promise<{ readonly columns: readonly SourceColumn[]; readonly tie: Tie }> {
  const rows = await reader.all(
    sql`
      select c.relkind::text, a.attname::text, a.attnotnull::text, coalesce(array_position(k.columns, a.attnum)::text, '')
      from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join lateral (
          select (i.indkey::int2[])[0:i.indnkeyatts - 1] as columns
          from pg_index as i
          where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
            and not exists (
              select from unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) as u (attnum)
                join pg_attribute as b on b.attrelid = c.oid and b.attnum = u.attnum
              where not b.attnotnull)
          order by i.indisprimary desc, i.indnkeyatts, i.indexrelid
          limit 1
        ) as k on true
      where n.nspname = ${schema} and c.relname = ${table} and c.relkind in ('r', 'p', 'v', 'm', 'f')
      order by a.attnum`,
    patience,
  )
  const [first] = rows
  if (first === undefined) throw missing({ schema, table })
  const names = rows.map(([, name]) => name ?? '')
  const described = await describe(reader, selectOf(names, { schema, table }), { schema, table })
  const kinds = await kindsOf(reader, described)
  const key = rows
    .filter(([, , , place]) => place !== '')
    .toSorted((a, b) => Number(a[3]) - Number(b[3]))
    .map(([, name]) => name ?? '')
  const [kind] = first
  return {
    columns: names.map((name, at) => ({
      name,
      kind: kinds[at] ?? kindOf('text', true),
      nullable: rows[at]?.[2] !== 'true',
    })),
    tie: key.length > 0 ? { tag: 'key', columns: key } : kind === 'r' || kind === 'm' ? { tag: 'row' } : { tag: 'all' },
  }
}

function selectOf(names: readonly string[], { schema, table }: TableName): Query {
  return sql`select ${join(
    names.map((name) => sql`t.${ident(name)}`),
    ', ',
  )} from ${ident(schema, table)} as t`
}

async function describe(reader: Reader, query: Query, table: TableName): Promise<readonly Described[]> {
  try {
    return await reader.describe(query, patience)
  } catch (error) {
    // It went, or changed, between the two statements.
    if (['42P01', '3F000', '42703'].includes(sqlState(error) ?? '')) throw missing(table)
    throw error
  }
}

/** The columns that a statement gives. */
export async function readStatement(reader: Reader, query: Query): Promise<readonly SourceColumn[]> {
  const described = await reader.describe(query, patience)
  const kinds = await kindsOf(reader, described)
  return described.map(({ name }, at) => ({ name, kind: kinds[at] ?? kindOf('text', true), nullable: true }))
}

async function kindsOf(reader: Reader, described: readonly Described[]): Promise<readonly ColumnKind[]> {
  if (described.length === 0) return []
  const oids = arrayOf(described.map(({ typeOid }) => String(typeOid)))
  const modifiers = arrayOf(described.map(({ typeModifier }) => String(typeModifier)))
  // Of an array, what its elements are like.
  const rows: readonly Row[] = await reader.all(
    sql`
      select format_type(t.oid, g.modifier), (coalesce(e.typcategory, t.typcategory) = 'S' or coalesce(e.typtype, t.typtype) = 'e')::text
      from unnest(${oids}::oid[], ${modifiers}::int[]) with ordinality as g (oid, modifier, at)
        join pg_type as t on t.oid = g.oid
        left join pg_type as e on e.oid = t.typelem and t.typcategory = 'A'
      order by g.at`,
    patience,
  )
  return rows.map(([type, textLike]) => kindOf(type ?? 'text', textLike === 'true'))
}

/** The table of publications in a database that is not the state's: in the first schema of the search path. null: there is none yet. */
export async function readPublications(reader: Reader): Promise<string | null> {
  const [row] = await reader.all(
    sql`
      select n.nspname::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where c.relname = 'sluice_publication' and n.nspname = coalesce(current_schema(), 'sluice')`,
    patience,
  )
  return row?.[0] ?? null
}

export function missing({ schema, table }: TableName): SluiceError {
  return new SluiceError('TARGET_MISSING', `there is no table ${schema}.${table}`, {
    why: 'the flow that publishes it has not run yet, or somebody dropped it',
    fix: 'run the flow, or correct `table` of the endpoint',
    where: { table: `${schema}.${table}` },
  })
}

/** A type's own name, as the catalog spells it, where a value is cast back to it. */
export const castTo = ({ type }: ColumnKind): Query => raw(type)
