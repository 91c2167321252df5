import { ident, sql, type Sql } from '../../../lib/sql.ts'
import type { CopyColumn } from '../../../transfer/column.ts'
import type { Target } from '../config.ts'

/**
 * Where reading begins: the newest cursor value that is published, less the lookback (milliseconds, for dates and times), as
 * text; null when the table is empty. Rows that commit late with an older value are found as far back as the lookback reaches.
 */
export async function cursorStart(
  db: Sql,
  to: Target,
  { target, type }: CopyColumn,
  lookback: number,
): Promise<string | null> {
  const table = ident(to.schema, to.table)
  const newest = sql`max(${ident(target)})`
  const timed = type.tag === 'timestamp' || type.tag === 'timestamptz' || type.tag === 'date'
  const start = timed && lookback > 0 ? sql`${newest} - make_interval(secs => ${lookback / 1_000})` : newest
  const row = await db.one<{ start: string | null }>(sql`select (${start})::text as start from ${table}`)
  return row.start
}
