import { expect, test } from 'vitest'
import type { ColumnFacts } from '../../stores/postgres/table.ts'
import type { SourceColumn } from '../../transfer/column.ts'
import { parsePgType } from '../../transfer/pgtype.ts'
import type { SyncOptions } from './config.ts'
import { pairColumns } from './drift.ts'

const from = (name: string, type: string, more: Partial<SourceColumn> = {}): SourceColumn => ({
  name,
  type: parsePgType(type),
  sourceType: type.toUpperCase(),
  nullable: true,
  ...more,
})
/** All that is read of a column here. */
const there = (name: string, type: string, generated: ColumnFacts['generated'] = 'no'): ColumnFacts =>
  ({ name, type: parsePgType(type), nullable: true, generated }) as ColumnFacts
const options = (more: Partial<SyncOptions> = {}) => ({
  columns: {},
  key: [],
  cursor: null,
  latestBy: null,
  softDelete: null,
  ...more,
})
const shown = (...args: Parameters<typeof pairColumns>): string[] =>
  pairColumns(...args).map(
    ({ source, target, planned, drift }) =>
      `${source?.name ?? '-'} → ${target?.name ?? '-'} as ${planned?.type ?? '-'}: ${drift}`,
  )

test('before there is a table, all of the source is added; a column that nobody names is not', () => {
  const source = [from('id', 'bigint'), from('file_row_number', 'bigint', { implicit: true })]
  expect(shown(options(), source, null)).toEqual(['id → - as bigint: added'])
  expect(shown(options({ key: ['file_row_number'] }), source, null)).toHaveLength(2)
})

test('each way in which the two can drift apart', () => {
  const source = [from('id', 'bigint'), from('name', 'text'), from('latitude', 'double precision'), from('new', 'date')]
  const target = {
    columns: [
      there('id', 'integer'),
      there('name', 'text'),
      there('lat', 'double precision'),
      there('old', 'text'),
      there('total', 'integer', 'stored'),
      there('gone', 'boolean'),
      there('name_too', 'bytea'),
    ],
  }
  const said = options({
    columns: {
      lat: { type: 'numeric(9,6)', policy: 'error', from: 'latitude' },
      missing: { type: null, policy: 'error', from: 'nowhere' },
    },
    softDelete: 'gone',
  })
  const pairs = pairColumns(said, [...source, from('name_too', 'integer')], target)
  expect(pairs.map(({ target: to, planned, drift, says }) => [to?.name ?? planned?.name, drift, says])).toEqual([
    ['id', 'differs', 'it takes only some values of the source; its policy decides about the others'],
    ['name', 'none', null],
    ['lat', 'differs', 'the flow says numeric(9,6), the table has double precision'],
    ['old', 'unread', 'only the table has it: the source does not fill it'],
    ['total', 'unread', 'the table computes it'],
    ['gone', 'unread', 'the flow marks rows in it that left the source'],
    ['name_too', 'differs', 'it takes no value of the source'],
    ['new', 'added', 'the next run adds it to the table'],
    ['missing', 'unread', 'the flow names "nowhere", which the source does not have'],
  ])
})
