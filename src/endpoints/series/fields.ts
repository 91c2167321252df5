/** What the columns of a rollup are: of the table, or of the events while there is none. */
import { ident, join, raw, sql, type Query, type Row, type Session } from '../../lib/sql.ts'
import { kindOf, type ColumnKind } from '../kinds.ts'
import type { SeriesRollup } from './rollup.ts'

/** By name: dimensions and measures. */
export type Fields = ReadonlyMap<string, ColumnKind>

interface Typed extends Row {
  readonly name: string
  readonly type: string
  readonly textual: boolean
}

const type = (modifier: Query): Query =>
  sql`format_type(coalesce(nullif(t.typbasetype, 0), t.oid), ${modifier}) as "type", (t.typcategory = 'S' or t.typtype = 'e') as "textual"`

/** `filtered`: what is asked for is compared with dimensions, so that their types have to be known before anything is counted, too. */
export async function readFields(session: Session, rollup: SeriesRollup, filtered: boolean): Promise<Fields> {
  const rows = await session.all<Typed>(sql`
    select a.attname::text as "name", ${type(raw('a.atttypmod'))}
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = to_regclass(${rollup.table.sql}) and a.attnum > 0 and not a.attisdropped`)
  const typed = rows.length === 0 && filtered ? await typesOfEvents(session, rollup) : rows
  return new Map(typed.map(({ name, type: written, textual }) => [name, kindOf(written, textual)]))
}

/** A row of no event has their types. */
async function typesOfEvents(session: Session, rollup: SeriesRollup): Promise<readonly Typed[]> {
  if (rollup.dimensions.length === 0 || rollup.events === null) return []
  const dimensions = rollup.dimensions.map((name, index) => sql`(${name}, pg_typeof(e.${ident(`d${index}`)})::oid)`)
  return await session.all<Typed>(sql`
    select d.name, ${type(raw('null'))}
    from (select 1) as one left join (select * from ${await rollup.events(session)} as x limit 0) as e on true
      cross join lateral (values ${join(dimensions, ', ')}) as d (name, type)
      join pg_type t on t.oid = d.type`)
}

const text = kindOf('text', true)

/** Those of the dimensions; what nobody knows yet is taken for text. */
export function dimensionsOf({ dimensions }: Pick<SeriesRollup, 'dimensions'>, fields: Fields): Fields {
  return new Map(dimensions.map((name) => [name, fields.get(name) ?? text]))
}
