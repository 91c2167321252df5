import type { TableFacts } from '../../stores/postgres/table.ts'
import type { SourceColumn } from '../../transfer/column.ts'
import { fit } from '../../transfer/fit.ts'
import { formatPgType, parsePgType, type PgType } from '../../transfer/pgtype.ts'
import type { ColumnPair } from '../flow.ts'
import type { SyncOptions } from './config.ts'

type Facts = Pick<TableFacts, 'columns'>

/**
 * The columns of both sides next to each other: those of the table in its order, then those that it does not have. Pure. Refuses
 * nothing: what a run would refuse is what one wants to see here.
 */
export function pairColumns(
  options: Pick<SyncOptions, 'columns' | 'key' | 'cursor' | 'latestBy' | 'softDelete'>,
  source: readonly SourceColumn[],
  target: Facts | null,
): readonly ColumnPair[] {
  const renamed = new Map(Object.entries(options.columns).map(([name, { from }]) => [from ?? name, name]))
  const named = new Set([...renamed.keys(), ...options.key, options.cursor, options.latestBy])
  const wanted = source
    .filter(({ name, implicit }) => implicit !== true || named.has(name))
    .map((from) => ({ from, name: renamed.get(from.name) ?? from.name }))
  const standing = (target?.columns ?? []).map((column): ColumnPair => {
    const there = { name: column.name, type: formatPgType(column.type), nullable: column.nullable }
    const from = wanted.find(({ name }) => name === column.name)?.from
    if (from === undefined || column.generated !== 'no') {
      const read = from === undefined ? null : side(from)
      return { source: read, target: there, planned: null, drift: 'unread', says: whyUnread(options, column) }
    }
    const type = declaredType(options, column.name) ?? column.type
    const planned = { name: column.name, type: formatPgType(type) }
    return { source: side(from), target: there, planned, ...typesOf(from.type, type, column.type) }
  })
  const names = new Set((target?.columns ?? []).map(({ name }) => name))
  const added = wanted
    .filter(({ name }) => !names.has(name))
    .map(({ from, name }): ColumnPair => ({
      source: side(from),
      target: null,
      planned: { name, type: formatPgType(declaredType(options, name) ?? from.type) },
      drift: 'added',
      says: target === null ? 'the next run creates the table with it' : 'the next run adds it to the table',
    }))
  const lost = Object.entries(options.columns)
    .filter(([name, { from }]) => !names.has(name) && !source.some((column) => column.name === (from ?? name)))
    .map(([name, { from }]): ColumnPair => ({
      source: null,
      target: null,
      planned: { name, type: options.columns[name]?.type ?? '?' },
      drift: 'unread',
      says: `the flow names "${from ?? name}", which the source does not have`,
    }))
  return [...standing, ...added, ...lost]
}

function declaredType(options: Pick<SyncOptions, 'columns'>, name: string): PgType | null {
  const declared = options.columns[name]?.type
  return declared === null || declared === undefined ? null : parsePgType(declared)
}

const side = (column: SourceColumn): NonNullable<ColumnPair['source']> => ({
  name: column.name,
  type: formatPgType(column.type),
  sourceType: column.sourceType,
})

function whyUnread(options: Pick<SyncOptions, 'softDelete'>, column: Facts['columns'][number]): string {
  if (column.generated !== 'no') return 'the table computes it'
  if (column.name === options.softDelete) return 'the flow marks rows in it that left the source'
  return 'only the table has it: the source does not fill it'
}

function typesOf(from: PgType, type: PgType, standing: PgType): Pick<ColumnPair, 'drift' | 'says'> {
  if (formatPgType(type) !== formatPgType(standing))
    return { drift: 'differs', says: `the flow says ${formatPgType(type)}, the table has ${formatPgType(standing)}` }
  switch (fit(from, type)) {
    case 'always':
      return { drift: 'none', says: null }
    case 'maybe':
      return { drift: 'differs', says: 'it takes only some values of the source; its policy decides about the others' }
    case 'never':
      return { drift: 'differs', says: 'it takes no value of the source' }
  }
}
