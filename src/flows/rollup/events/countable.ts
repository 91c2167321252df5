/** Whether PostgreSQL can count what is asked, of the types that there are: said by the name of what it cannot. */
import { SluiceError } from '../../../lib/error.ts'
import { ident, join, sql, type Query, type Sql } from '../../../lib/sql.ts'
import type { Flow } from '../../flow.ts'
import type { ColumnRef, Measure, TableRollup } from '../config.ts'
import { eventsOf, type AtType } from '../sql/events.ts'
import { ofEvents } from '../sql/measure.ts'

/** Reads no event. `SOURCE_UNSUITABLE` */
export async function refuseUncountable(db: Sql, flow: Flow<TableRollup>, type: AtType): Promise<void> {
  const { options, name } = flow
  const parts = [
    ...options.measures.map((measure) => ({ measure, dimension: null })),
    ...options.dimensions.map((dimension) => ({ measure: null, dimension })),
  ]
  for (const { measure, dimension } of parts) {
    const only = {
      ...options,
      measures: measure === null ? [] : [measure],
      dimensions: dimension === null ? [] : [dimension],
    }
    try {
      await db.all(sql`select ${told(measure)} from ${eventsOf(only, type)} as e${grouped(measure)} limit 0`)
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'STORE_QUERY') throw error
      const of: ColumnRef | null = measure === null ? dimension.from : measure.of
      const column = of === null ? '' : of.of === null ? of.column : `${of.of}.${of.column}`
      const said =
        measure === null ? `${name} cannot count by ${dimension.name}` : `${name} cannot count ${measure.name}`
      throw new SluiceError('SOURCE_UNSUITABLE', said, {
        why: `PostgreSQL has no ${measure === null ? 'groups' : measure.fn} of ${column}: ${error.why}`,
        fix:
          measure === null
            ? 'name another column in `by`'
            : `name another column or function in measures.${measure.name}, or a view in \`from\` that casts it`,
        where: { flow: name, ...(of === null ? {} : { column }) },
        cause: error,
      })
    }
  }
}

/** An approximate number is told from hashes, which the events have already. */
function told(measure: Measure | null): Query {
  if (measure === null) return ident('d0')
  return measure.fn === 'approximate' ? ident('m0') : join(ofEvents(measure, 0), ', ')
}

const grouped = (measure: Measure | null): Query => (measure === null ? sql` group by ${ident('d0')}` : sql``)
