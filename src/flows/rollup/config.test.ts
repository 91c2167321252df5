/** What the shape of a definition does not show is refused with its place. */
import { expect, test } from 'vitest'
import { faultsOf, resolveRollup, rollupDefinition, type RollupDefinition } from './config.ts'

const written: RollupDefinition = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  grains: ['day'],
  by: ['blog'],
  measures: { views: 'count' },
}
const faults = (more: Partial<RollupDefinition>): readonly string[] =>
  faultsOf(rollupDefinition.parse({ ...written, ...more })).map(({ path, fault }) => `${path}: ${fault}`)

test('a dimension is not called as a level is', () => {
  expect(faults({ by: ['total'] })).toEqual([expect.stringMatching(/^by\.total: total is what the level/)])
  expect(faults({ by: { 'a+b': 'x', a: 'y', b: 'z' }, levels: [['a+b'], ['a', 'b']] })).toEqual([
    expect.stringMatching(/^by\.a\+b: "a\+b" has a \+/),
  ])
  expect(faults({ by: { totals: 'total' } })).toEqual([])
})

test.each([
  ['UTC', []],
  ['Asia/Kolkata', []],
  ['Etc/GMT+5', []],
  ['+05:30', [expect.stringMatching(/^zone: "\+05:30" is an offset.*name a zone/)]],
  ['-08', [expect.stringMatching(/^zone: "-08" is an offset/)]],
  ['Mars/Olympus', [expect.stringMatching(/^zone: no time zone is called/)]],
])('zone %s', (zone, expected) => {
  expect(faults({ zone })).toEqual(expected)
})

test('names are as long in bytes as PostgreSQL keeps them, with what is added to them', () => {
  const long = (bytes: number): string => 'x'.repeat(bytes)
  const column = (path: string, name: string): string =>
    `${path}: "${name}" is too long for the name of a column, which has 63 bytes`
  expect(faults({ measures: { [long(57)]: { avg: 'x' }, [long(56)]: { approximate: 'x' } } })).toEqual([])
  expect(faults({ measures: { [long(58)]: { avg: 'x' } } })).toEqual([
    column(`measures.${long(58)}`, `${long(58)}_count`),
  ])
  expect(faults({ measures: { [long(62)]: { avg: 'x' } } })).toHaveLength(2)
  expect(faults({ measures: { [long(57)]: { approximate: 'x' } } })).toHaveLength(1)
  const wide = 'ä'.repeat(32)
  expect(faults({ by: { [wide]: 'x' } })).toEqual([column(`by.${wide}`, wide)])
  expect(faults({ to: `${wide}ä`, from: wide })).toEqual([
    `from: "${wide}" is too long for a name in PostgreSQL, which has 63 bytes`,
    `to: "${wide}ä" is too long for a name in PostgreSQL, which has 63 bytes`,
  ])
  expect(faults({ from: { table: 'view', join: { [long(64)]: { table: 'blog', on: { id: 'blog' } } } } })).toHaveLength(
    1,
  )
})

test('what a store has is counted there, and has neither triggers nor joins', () => {
  const from = { parquet: 'views.parquet' }
  expect(faults({ from, changed: { query: 'select 1' }, track: { lookback: '3d' } })).toEqual([])
  expect(faults({ from, track: 'triggers' })).toEqual([expect.stringMatching(/^track: a store has no triggers/)])
  expect(faults({ from, by: ['blog.country'] })).toEqual([
    expect.stringMatching(/^by\.country: .*joined in a query of its own/),
  ])
  expect(faults({ from, measures: { readers: { approximate: 'reader' } } })).toEqual([
    expect.stringMatching(/^measures\.readers: .*count \{ distinct: … \}/),
  ])
  expect(faults({ changed: { query: 'select 1' } })).toEqual([expect.stringMatching(/^changed: of a table/)])
})

test("a table is the application database's, unless a store is named", () => {
  const told = (from: RollupDefinition['from']): object => {
    const files = { text: () => '', render: () => '', path: (path: string) => `/project/${path}` }
    const { from: events, track } = resolveRollup(rollupDefinition.parse({ ...written, from }), files)
    return { ...events, track: track.tag }
  }
  expect(told('view')).toEqual({ tag: 'table', schema: 'public', table: 'view', joins: [], track: 'triggers' })
  expect(told({ table: 'stats.view' })).toMatchObject({ tag: 'table', schema: 'stats', track: 'triggers' })
  expect(told({ table: 'stats.view', store: 'warehouse' })).toEqual({
    tag: 'store',
    store: 'warehouse',
    source: { tag: 'table', table: 'stats.view', changed: null },
    track: 'source',
  })
  expect(told({ csv: 'views/*.csv' })).toMatchObject({ store: 'warehouse', source: { path: '/project/views/*.csv' } })
})
