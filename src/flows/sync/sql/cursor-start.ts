import { SluiceError } from '../../../lib/error.ts'
import { ident, raw, sql, type Query, type Sql } from '../../../lib/sql.ts'
import type { CopyColumn } from '../../../transfer/column.ts'
import { formatPgType } from '../../../transfer/pgtype.ts'
import type { Lookback, Target } from '../config.ts'

/**
 * Where reading begins: the newest cursor value that is published, less the lookback, as text; null when the table has none.
 * Rows that commit late with an older value are found as far back as the lookback reaches.
 */
export async function cursorStart(db: Sql, to: Target, cursor: CopyColumn, lookback: Lookback): Promise<string | null> {
  const newest = sql`max(${ident(cursor.target)}) filter (where ${ends(cursor)})`
  const row = await db.one<{ start: string | null }>(
    sql`select (${less(newest, cursor, lookback)})::text as start from ${ident(to.schema, to.table)}`,
  )
  return row.start
}

const times: ReadonlySet<string> = new Set(['date', 'timestamp', 'timestamptz'])
const unending: ReadonlySet<string> = new Set(['float4', 'float8', 'numeric'])
const numbers: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'])

/** Nothing comes after infinity, and NaN counts as more than that: neither says how far was read. */
function ends({ target, type }: CopyColumn): Query {
  if (times.has(type.tag)) return sql`isfinite(${ident(target)})`
  if (!unending.has(type.tag)) return raw('true')
  return sql`${ident(target)} not in ('NaN', 'Infinity', '-Infinity')`
}

function less(newest: Query, { target, type }: CopyColumn, lookback: Lookback): Query {
  if (lookback.tag === 'time' && times.has(type.tag))
    return sql`${newest} - make_interval(secs => ${lookback.ms / 1_000})`
  if (lookback.tag === 'number' && lookback.by === 0) return newest
  if (lookback.tag === 'number' && numbers.has(type.tag)) return sql`${newest}::numeric - ${lookback.by}`
  throw new SluiceError('CONFIG_INVALID', `the lookback does not fit the cursor "${target}"`, {
    why: `the cursor is ${formatPgType(type)}, and the lookback a ${lookback.tag === 'time' ? 'duration' : 'number'}`,
    fix: 'a duration for dates and times, a number for numbers, 0 where no row can commit late',
    where: { column: target },
  })
}
