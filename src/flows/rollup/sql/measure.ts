/** What the columns of a measure are made of: of events, and of what was counted of finer buckets or levels. */
import { ident, sql, type Query } from '../../../lib/sql.ts'
import type { Measure } from '../config.ts'

/** An average as what it is made of says. */
function average(total: Query, count: Query): Query {
  return sql`(${total})::numeric / nullif(${count}, 0)`
}

/** By column of the table, of events (`m0`, `m1`, … as `eventsOf` calls them). */
export function ofEvents(measure: Measure, index: number): readonly Query[] {
  const given = ident(`m${index}`)
  switch (measure.fn) {
    case 'count':
      return [measure.of === null ? sql`count(*)` : sql`count(${given})`]
    case 'sum':
      return [sql`sum(${given})`]
    case 'min':
      return [sql`min(${given})`]
    case 'max':
      return [sql`max(${given})`]
    case 'avg':
      return [average(sql`sum(${given})`, sql`count(${given})`), sql`sum(${given})`, sql`count(${given})`]
    case 'distinct':
      return [sql`count(distinct ${given})`]
  }
}

/** By column of the table, of rows of it; null: it cannot be told from them. */
export function ofCounted(measure: Measure): readonly Query[] | null {
  const { name } = measure
  const column = ident(name)
  switch (measure.fn) {
    case 'count':
      return [sql`sum(${column})::bigint`]
    case 'sum':
      return [sql`sum(${column})`]
    case 'min':
      return [sql`min(${column})`]
    case 'max':
      return [sql`max(${column})`]
    case 'avg': {
      const [total, count] = [sql`sum(${ident(`${name}_sum`)})`, sql`sum(${ident(`${name}_count`)})::bigint`]
      return [average(total, count), total, count]
    }
    case 'distinct':
      return null
  }
}
