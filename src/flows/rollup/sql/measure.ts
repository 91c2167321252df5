/** What the columns of a measure are made of: of events, and of what was counted of finer buckets or levels. */
import { ident, sql, type Query } from '../../../lib/sql.ts'
import { estimateOf, sketchOf, type Piece } from '../../../lib/sketch.ts'
import { sketchColumn, type Measure } from '../config.ts'

/** An average as what it is made of says. */
export function averageOf(total: Query, count: Query): Query {
  return sql`(${total})::numeric / nullif(${count}, 0)`
}

/** The hashes that an approximate measure is told from: of events, and of what was counted (`unfolded`); null: it is exact. */
export function piecesOf(measure: Measure, at: number): { readonly ofEvents: Piece; readonly ofCounted: Piece } | null {
  if (measure.fn !== 'approximate') return null
  return { ofEvents: { column: `m${at}`, at }, ofCounted: { column: sketchColumn(measure), at } }
}

/** Those of all measures. */
export function eventPieces(measures: readonly Measure[]): readonly Piece[] {
  return measures.flatMap((measure, at) => piecesOf(measure, at)?.ofEvents ?? [])
}
export function countedPieces(measures: readonly Measure[]): readonly Piece[] {
  return measures.flatMap((measure, at) => piecesOf(measure, at)?.ofCounted ?? [])
}

function approximate(piece: Piece): readonly Query[] {
  const sketch = sketchOf(piece)
  return [estimateOf(sketch), sketch]
}

/** By column of the table, of events (`m0`, `m1`, … as `eventsOf` calls them), `ranked` where `eventPieces` has any. */
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
      return [averageOf(sql`sum(${given})`, sql`count(${given})`), sql`sum(${given})`, sql`count(${given})`]
    case 'distinct':
      return [sql`count(distinct ${given})`]
    case 'approximate':
      return approximate({ column: `m${index}`, at: index })
  }
}

/** By column of the table, of rows of it, `unfolded` and `ranked` where `countedPieces` has any; null: it cannot be told from them. */
export function ofCounted(measure: Measure, index: number): readonly Query[] | null {
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
      return [averageOf(total, count), total, count]
    }
    case 'distinct':
      return null
    case 'approximate':
      return approximate({ column: sketchColumn(measure), at: index })
  }
}
