import { expect, test } from 'vitest'
import { SluiceError } from '../../lib/error.ts'
import type { SourceColumn } from '../../transfer/column.ts'
import { parsePgType } from '../../transfer/pgtype.ts'
import { planColumns, type TargetColumn } from './columns.ts'
import type { ColumnOptions, SyncOptions } from './config.ts'

type Options = Parameters<typeof planColumns>[0]

const options = (given: Partial<SyncOptions> = {}): Options => ({
  columns: {},
  contract: 'evolve',
  key: [],
  cursor: null,
  latestBy: null,
  softDelete: null,
  to: { store: 'database', schema: 'public', table: 't' },
  ...given,
})
const column = (given: Partial<ColumnOptions>): ColumnOptions => ({ type: null, policy: 'error', from: null, ...given })
const source = (columns: Record<string, string>): readonly SourceColumn[] =>
  Object.entries(columns).map(([name, type]) => ({ name, sourceType: type, type: parsePgType(type), nullable: true }))
const target = (columns: Record<string, string>): readonly TargetColumn[] =>
  Object.entries(columns).map(([name, type]) => ({ name, type: parsePgType(type), generated: false }))

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof SluiceError) return error.code
  }
  return 'none'
}

test('a new table gets the types of the source', () => {
  const plan = planColumns(options(), source({ id: 'bigint', name: 'text' }), null, null)
  expect(plan.columns.map(({ target, type }) => [target, type.tag])).toEqual([
    ['id', 'int8'],
    ['name', 'text'],
  ])
  expect(plan.added).toEqual([])
  expect(plan.published).toEqual({ id: 'bigint', name: 'text' })
})

test('a standing column keeps its type, and values that do not fit are for its policy', () => {
  const plan = planColumns(options(), source({ name: 'text' }), target({ name: 'varchar(50)' }), null)
  expect(plan.columns[0]?.type).toEqual({ tag: 'varchar', length: 50 })
})

test('a column can be renamed and retyped', () => {
  const plan = planColumns(
    options({ columns: { lat: column({ from: 'latitude', type: 'numeric(9,6)', policy: 'null' }) } }),
    source({ latitude: 'double precision' }),
    null,
    null,
  )
  expect(plan.columns).toEqual([
    { source: 'latitude', target: 'lat', type: { tag: 'numeric', precision: 9, scale: 6 }, policy: 'null' },
  ])
})

test('evolve adds the new column, freeze refuses it', () => {
  const now = source({ id: 'integer', more: 'text' })
  const there = target({ id: 'integer' })
  expect(planColumns(options(), now, there, { id: 'integer' }).added).toEqual(['more'])
  expect(codeOf(() => planColumns(options({ contract: 'freeze' }), now, there, { id: 'integer' }))).toBe(
    'SCHEMA_FROZEN',
  )
})

test('what the source narrowed, widened or dropped since the last publication is refused', () => {
  const there = target({ id: 'integer', name: 'text' })
  const before = { id: 'integer', name: 'text' }
  expect(codeOf(() => planColumns(options(), source({ id: 'bigint', name: 'text' }), there, before))).toBe(
    'SCHEMA_NARROWED',
  )
  expect(codeOf(() => planColumns(options(), source({ id: 'integer' }), there, before))).toBe('SCHEMA_NARROWED')
  expect(
    codeOf(() => planColumns(options(), source({ id: 'boolean', name: 'text' }), target({ id: 'date' }), null)),
  ).toBe('SCHEMA_NARROWED')
  // A narrower source still fits.
  expect(codeOf(() => planColumns(options(), source({ id: 'smallint', name: 'text' }), there, before))).toBe('none')
  // Once the target has dropped the column too, its absence is agreed.
  expect(codeOf(() => planColumns(options(), source({ id: 'integer' }), target({ id: 'integer' }), before))).toBe(
    'none',
  )
  // The user's own word about the type counts more than what was published before.
  expect(
    codeOf(() =>
      planColumns(
        options({ columns: { id: column({ type: 'integer' }) } }),
        source({ id: 'bigint', name: 'text' }),
        there,
        before,
      ),
    ),
  ).toBe('none')
})

test('names that the source does not have are listed with those it has', () => {
  const has = source({ id: 'integer' })
  expect(codeOf(() => planColumns(options({ key: ['nope'] }), has, null, null))).toBe('SOURCE_COLUMN_MISSING')
  expect(codeOf(() => planColumns(options({ cursor: 'nope' }), has, null, null))).toBe('SOURCE_COLUMN_MISSING')
  expect(codeOf(() => planColumns(options({ columns: { a: column({ from: 'nope' }) } }), has, null, null))).toBe(
    'SOURCE_COLUMN_MISSING',
  )
  expect(() => planColumns(options({ key: ['nope'] }), has, null, null)).toThrow('no column "nope"')
})

test('names that PostgreSQL would cut, and names that meet, are refused', () => {
  expect(codeOf(() => planColumns(options(), source({ ['é'.repeat(32)]: 'text' }), null, null))).toBe('SCHEMA_NARROWED')
  expect(codeOf(() => planColumns(options(), source({ ['é'.repeat(31)]: 'text' }), null, null))).toBe('none')
  expect(
    codeOf(() =>
      planColumns(options({ columns: { b: column({ from: 'a' }) } }), source({ a: 'text', b: 'text' }), null, null),
    ),
  ).toBe('SCHEMA_NARROWED')
  expect(codeOf(() => planColumns(options({ softDelete: 'gone' }), source({ gone: 'boolean' }), null, null))).toBe(
    'SCHEMA_NARROWED',
  )
})

test('columns that the database computes are not written', () => {
  const there: readonly TargetColumn[] = [
    ...target({ id: 'integer' }),
    { name: 'twice', type: { tag: 'int4' }, generated: true },
  ]
  expect(
    planColumns(options(), source({ id: 'integer', twice: 'integer' }), there, null).columns.map(
      ({ target }) => target,
    ),
  ).toEqual(['id'])
})

test('a column that the source has only on request travels when it is named', () => {
  const file: readonly SourceColumn[] = [
    ...source({ a: 'text' }),
    { ...source({ file_row_number: 'bigint' })[0]!, implicit: true },
  ]
  expect(planColumns(options(), file, null, null).columns.map(({ target }) => target)).toEqual(['a'])
  expect(
    planColumns(options({ key: ['file_row_number'] }), file, null, null).columns.map(({ target }) => target),
  ).toEqual(['a', 'file_row_number'])
  const renamed = options({ columns: { id: column({ from: 'file_row_number' }) }, key: ['id'] })
  expect(planColumns(renamed, file, null, null).columns.map(({ target }) => target)).toEqual(['a', 'id'])
})

test('types whose binary form is not their text are refused, an enum of the target is not', () => {
  const has = source({ a: 'text' })
  expect(codeOf(() => planColumns(options({ columns: { a: column({ type: 'pg_lsn' }) } }), has, null, null))).toBe(
    'SCHEMA_NARROWED',
  )
  const mood: readonly TargetColumn[] = [
    { name: 'a', type: { tag: 'other', name: 'app.mood', textual: true }, generated: false },
  ]
  const declared = planColumns(options({ columns: { a: column({ type: 'app.mood' }) } }), has, mood, null)
  expect(declared.columns[0]?.type).toEqual({ tag: 'other', name: 'app.mood', textual: true })
})

test.each(['constructor', 'toString', '__proto__'])('a column may be called %s, come and go', (name) => {
  const standing = { id: 'integer', [name]: 'integer' }
  const { added, published } = planColumns(options(), source(standing), target({ id: 'integer' }), { id: 'integer' })
  expect([added, Object.keys(published)]).toEqual([[name], ['id', name]])
  const frozen = options({ contract: 'freeze' })
  expect(codeOf(() => planColumns(frozen, source(standing), target(standing), { id: 'integer' }))).toBe('none')
  expect(codeOf(() => planColumns(options(), source({ id: 'integer' }), target(standing), published))).toBe(
    'SCHEMA_NARROWED',
  )
})
