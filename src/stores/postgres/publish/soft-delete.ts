import { SluiceError } from '../../../lib/error.ts'
import { ident, raw, sql, type Query } from '../../../lib/sql.ts'
import type { TableFacts } from '../table.ts'
import { nameOf, type Target } from './target.ts'

/** How rows that left the source are marked. */
export interface Mark {
  readonly column: string
  readonly on: Query
  readonly off: Query
  /** Whether the row of that alias is marked. */
  readonly isOn: (alias: string) => Query
  /** The column has to be made: its type and default. */
  readonly add: Query | null
}

/** What a mark column is made as where the table has none: without rewriting a row. Boolean ones are "not null" in new tables. */
export function markType(column: string): Query {
  return raw(column.endsWith('_at') ? 'timestamptz' : 'boolean default false')
}

/** null: rows that left are deleted. @throws SluiceError `TARGET_UNSUITABLE` if the column cannot be a mark. */
export function markedAs({ request, ...target }: Target, facts: TableFacts): Mark | null {
  const { softDelete } = request
  if (softDelete === undefined) return null
  const column = facts.columns.find(({ name }) => name === softDelete)
  const on = (type: string, nullable: boolean, made: Query | null): Mark | null => {
    const isOn = (condition: string) => (alias: string) =>
      made === null ? sql`${ident(alias, softDelete)} ${raw(condition)}` : raw('false')
    if (type === 'boolean') {
      const off = nullable && column?.default === null ? raw('null') : raw('false')
      return { column: softDelete, on: raw('true'), off, isOn: isOn('is true'), add: made }
    }
    if (!nullable || !['timestamptz', 'timestamp', 'date'].includes(type)) return null
    return { column: softDelete, on: raw('now()'), off: raw('null'), isOn: isOn('is not null'), add: made }
  }
  const mark =
    column === undefined
      ? on(softDelete.endsWith('_at') ? 'timestamptz' : 'boolean', true, markType(softDelete))
      : on(column.type.tag, column.nullable, null)
  if (mark !== null) return mark
  const table = nameOf({ request, ...target })
  throw new SluiceError(
    'TARGET_UNSUITABLE',
    `column "${softDelete}" of ${table} cannot mark rows that left the source`,
    {
      why:
        column === undefined
          ? 'the table has no such column'
          : `it is ${column.typeName}${column.nullable ? '' : ' not null'}`,
      fix: `alter table ${table} add column ${softDelete} boolean not null default false, or a nullable timestamptz`,
      where: { table, column: softDelete },
    },
  )
}
