/** What DuckDB counts, asked of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CountQuestion } from '../../transfer/source.ts'
import { openDuckdb, type Duckdb } from './client.ts'
import { countStatement } from './counted.ts'

const at = (text: string): number => Date.parse(text)
const hour = 3_600_000

let duckdb: Duckdb
beforeAll(async () => {
  duckdb = await openDuckdb({ store: 'warehouse', path: ':memory:' })
  await duckdb.run(`create table events as from (values
    (timestamptz '2025-01-01 00:00:00+00', timestamp '2025-01-01 00:00:00', 'a', 1, 2.50),
    (timestamptz '2025-01-01 00:59:59.999999+00', timestamp '2025-01-01 00:30:00', 'a', 1, 0.25),
    (timestamptz '2025-01-01 01:00:00+00', timestamp '2025-01-01 01:00:00', null, 2, null),
    (timestamptz '2025-01-01 05:00:00+00', timestamp '2025-01-01 05:00:00', 'b', 3, 1.00),
    (timestamptz '2025-01-01 06:30:00+00', timestamp '2025-01-01 06:00:00', 'it''s "b"', 3, 1.00),
    (null, null, 'a', 1, 1.00), (timestamptz 'infinity', timestamp 'infinity', 'a', 1, 1.00), (timestamptz '-infinity', timestamp '-infinity', 'a', 1, 1.00)
  ) as t ("at ""it""", local, "group", reader, paid)`)
})
afterAll(() => duckdb.close())

const question: CountQuestion = {
  at: { column: 'at "it"', zone: null },
  buckets: [0, 1, 5, 6].map((from) => ({
    from: at('2025-01-01T00:00Z') + from * hour,
    to: at('2025-01-01T00:00Z') + (from === 6 ? 6.5 : from + 1) * hour,
  })),
  dimensions: ['group', 'reader'],
  levels: [[0], []],
  measures: [
    { fn: 'count', of: null },
    { fn: 'distinct', of: 'reader' },
    { fn: 'sum', of: 'paid' },
  ],
}
const from = { tag: 'table', table: 'events' } as const
const asked = async (more: Partial<CountQuestion> = {}): Promise<readonly object[]> =>
  await duckdb.all(`${countStatement(from, { ...question, ...more })} order by level, bucket, d0`)

describe('groups', () => {
  test('each event in the bucket that it lies in, in none if there is none; each level with its own dimensions', async () => {
    expect(await asked()).toEqual([
      { level: 0, bucket: 0, d0: 'a', d1: null, m0: '2', m1: '1', m2: '2.75' },
      { level: 0, bucket: 1, d0: null, d1: null, m0: '1', m1: '1', m2: null },
      { level: 0, bucket: 2, d0: 'b', d1: null, m0: '1', m1: '1', m2: '1.00' },
      { level: 1, bucket: 0, d0: null, d1: null, m0: '2', m1: '1', m2: '2.75' },
      { level: 1, bucket: 1, d0: null, d1: null, m0: '1', m1: '1', m2: null },
      { level: 1, bucket: 2, d0: null, d1: null, m0: '1', m1: '1', m2: '1.00' },
    ])
  })

  test('local times go by the clocks of a zone', async () => {
    const local = { column: 'local', zone: 'Asia/Kathmandu' }
    const buckets = [{ from: at('2024-12-31T18:15Z'), to: at('2024-12-31T19:15Z') }]
    expect(await asked({ at: local, buckets, levels: [[]], measures: [{ fn: 'count', of: null }] })).toEqual([
      { level: 0, bucket: 0, d0: null, d1: null, m0: '2' },
    ])
  })

  test('of no bucket there is nothing, with the same columns', async () => {
    expect(await asked({ buckets: [] })).toEqual([])
    const columns = await duckdb
      .source({ ...from, changed: null })
      .counted({ ...question, buckets: [] })
      .columns()
    expect(columns.map(({ name, sourceType }) => `${name} ${sourceType}`)).toEqual([
      'level INTEGER',
      'bucket INTEGER',
      'd0 VARCHAR',
      'd1 INTEGER',
      'm0 BIGINT',
      'm1 BIGINT',
      'm2 DECIMAL(38,2)',
    ])
  })

  test('many buckets in a row are few words', () => {
    const year = Array.from({ length: 8760 }, (_, index) => ({
      from: at('2025-01-01T00:00Z') + index * hour,
      to: at('2025-01-01T01:00Z') + index * hour,
    }))
    expect(countStatement(from, { ...question, buckets: year }).length).toBeLessThan(1500)
  })
})

test('the first and the last of those that have a time within', async () => {
  const source = duckdb.source({ ...from, changed: null })
  const always = { from: at('0002-01-01T00:00Z'), to: at('9999-12-31T00:00Z') }
  expect(await source.extent(question.at, always)).toEqual({
    first: at('2025-01-01T00:00Z'),
    last: at('2025-01-01T06:30Z'),
  })
  expect(await source.extent(question.at, { ...always, from: at('2025-01-01T00:59Z') })).toMatchObject({
    first: at('2025-01-01T00:59:59.999Z'),
  })
  expect(await source.extent({ column: 'local', zone: 'Asia/Kathmandu' }, always)).toMatchObject({
    first: at('2024-12-31T18:15Z'),
  })
  expect(await source.extent(question.at, { ...always, to: at('2025-01-01T00:00Z') })).toBeNull()
})
