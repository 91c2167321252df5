/** Rows of joined tables by their keys, which are the columns that they are joined on; and the events that they belong to. */
import { ident, join, raw, sql, type Query, type Sql } from '../../../lib/sql.ts'
import type { KeyMark } from '../../../state/dirty.ts'
import type { Join, TableRollup } from '../config.ts'
import { eventQuarters, type AtType } from './events.ts'

/** The columns of the table that it is joined on. */
export function keyOf({ on }: Pick<Join, 'on'>): readonly string[] {
  return [...new Set(on.map(({ theirs }) => theirs))]
}

/** By alias the types of the key's columns, as SQL writes them: a text cast to one compares as the column does. */
export type KeyTypes = ReadonlyMap<string, readonly string[]>

export async function readKeyTypes(db: Sql, joins: readonly Join[]): Promise<KeyTypes> {
  if (joins.length === 0) return new Map()
  const columns = joins.flatMap((one) =>
    keyOf(one).map((name) => ({ alias: one.alias, relation: ident(one.schema, one.table).sql, name })),
  )
  const rows = await db.all<{ alias: string; types: string[] }>(sql`
    select w.alias, array_agg(format('%I.%I', tn.nspname, t.typname)
      || case when c.oid is null then '' else format(' collate %I.%I', cn.nspname, c.collname) end order by w.i) as "types"
    from unnest(${columns.map(({ alias }) => alias)}::text[], ${columns.map(({ relation }) => relation)}::text[],
        ${columns.map(({ name }) => name)}::text[]) with ordinality as w (alias, relation, name, i)
      join pg_attribute a on a.attrelid = to_regclass(w.relation) and a.attname = w.name and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid join pg_namespace tn on tn.oid = t.typnamespace
      left join pg_collation c on c.oid = a.attcollation and c.collname <> 'default' left join pg_namespace cn on cn.oid = c.collnamespace
    group by w.alias`)
  return new Map(rows.map(({ alias, types }) => [alias, types]))
}

/** When the events are that these keys of one table belong to, as far as they lie in the range; by the quarter of an hour, as `at`. */
export function quartersOfKeys(
  options: TableRollup,
  type: AtType,
  {
    alias,
    types,
    keys,
    range,
  }: {
    readonly alias: string
    readonly types: readonly string[]
    readonly keys: readonly KeyMark[]
    readonly range: { readonly from: Query; readonly to: Query } | null
  },
): Query {
  const own = options.from.joins.find((one) => one.alias === alias)
  if (own === undefined) throw new Error(`nothing is joined as ${alias}`)
  const names = keyOf(own)
  const of = (index: number): Query => ident('k', `k${index}`)
  const texts = names.map((_, index) => sql`${keys.map(({ key }) => key[index] ?? null)}::text[]`)
  const rows = sql`select ${join(
    names.map((name, index) => sql`${of(index)}::${raw(types[index] ?? 'text')} as ${ident(name)}`),
    ', ',
  )} from unnest(${join(texts, ', ')}) as k (${join(
    names.map((_, index) => ident(`k${index}`)),
    ', ',
  )})`
  return eventQuarters(options, type, { alias, rows, range })
}
