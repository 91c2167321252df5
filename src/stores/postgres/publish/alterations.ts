import { SluiceError } from '../../../lib/error.ts'
import { fit } from '../../../transfer/fit.ts'
import { formatPgType, type PgType } from '../../../transfer/pgtype.ts'
import type { TableFacts } from '../table.ts'
import type { PublishedColumn } from './request.ts'

export interface Retyped {
  readonly column: string
  readonly from: PgType
  readonly to: PgType
  /** The server only notes the new type and rewrites no row. */
  readonly cheap: boolean
}

export interface Alterations {
  /** Columns that the target lacks: added, nullable. */
  readonly added: readonly PublishedColumn[]
  /** Columns that are widened to the type that the config declares. */
  readonly retyped: readonly Retyped[]
}

/**
 * How the target's columns have to change to take the source's. Pure.
 *
 * @throws SluiceError `TARGET_DEPENDENTS` naming view and column, if something reads a column whose type would change;
 *   `SCHEMA_NARROWED` if the declared type does not hold all values of the present one.
 */
export function alterations(facts: TableFacts, columns: readonly PublishedColumn[]): Alterations {
  const there = new Map(facts.columns.map((column) => [column.name, column]))
  const table = `${facts.schema}.${facts.table}`
  const retyped: Retyped[] = []
  for (const { name, type: to, declared } of columns) {
    const column = there.get(name)
    if (declared !== true || column === undefined || formatPgType(column.type) === formatPgType(to)) continue
    const where = { table, column: name }
    const change = `${column.typeName} to ${formatPgType(to)}`
    if (column.usedBy.length > 0) {
      throw new SluiceError('TARGET_DEPENDENTS', `column "${name}" of ${table} cannot change from ${change}`, {
        why: `${column.usedBy.join(', ')} read${column.usedBy.length === 1 ? 's' : ''} column "${name}"`,
        fix: `leave columns.${name}.type out, or drop what reads the column, publish, and make it again`,
        where,
      })
    }
    // A domain is carried as the type below it; another type would lose what the domain checks.
    const domain = column.typeName !== formatPgType(column.type)
    if (domain || fit(column.type, to) !== 'always') {
      throw new SluiceError('SCHEMA_NARROWED', `column "${name}" of ${table} would be narrowed`, {
        why: domain
          ? `${column.typeName} is a domain, whose checks ${formatPgType(to)} does not have`
          : `${formatPgType(to)} does not hold every value of ${column.typeName}`,
        fix: `declare a wider type in columns.${name}.type, or alter the column by hand`,
        where,
      })
    }
    retyped.push({ column: name, from: column.type, to, cheap: isCheap(column.type, to) })
  }
  return { added: columns.filter(({ name }) => !there.has(name)), retyped }
}

/** More room in the same representation: PostgreSQL changes the catalog alone. */
function isCheap(from: PgType, to: PgType): boolean {
  if (from.tag === 'varchar') return to.tag === 'text' || to.tag === 'varchar'
  return (
    from.tag === 'numeric' &&
    to.tag === 'numeric' &&
    (to.precision === null || (from.scale === to.scale && from.precision !== null && from.precision <= to.precision))
  )
}
