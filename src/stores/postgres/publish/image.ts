/**
 * Rows as values to compare. `*=` and `*<>` compare what is stored, byte by byte: nulls are equal to nulls, NaN to NaN; types
 * without equality (json, xml, point) are comparable; and what `=` takes for the same but a reader does not (1.0 and 1.00,
 * -0 and 0, '1 mon' and '30 days', letters that differ in case under a collation that ignores it) is a change.
 */
import { ident, join, raw, sql, type Query } from '../../../lib/sql.ts'
import type { TargetColumn } from './target.ts'

type Compared = Pick<TargetColumn, 'name' | 'typeName'>

/** The row of `alias` as a record. Of columns in `missing`, which the relation does not have yet, as null; retyped ones cast. */
export function image(alias: string, columns: readonly Compared[], missing: ReadonlySet<string> = new Set()): Query {
  const values = columns.map(({ name, typeName }) =>
    missing.has(name) ? raw(`null::${typeName}`) : sql`${ident(alias, name)}::${raw(typeName)}`,
  )
  return sql`row(${join(values, ', ')})::record`
}

/** The row as a hash of all it says, to find equal rows without a key; the text of a record tells null from ''. */
export function fingerprint(alias: string, columns: readonly Compared[], missing: ReadonlySet<string>): Query {
  return sql`sha256(convert_to(${image(alias, columns, missing)}::text, getdatabaseencoding()))`
}
