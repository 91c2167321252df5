import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { publish } from '../../../../test/support/publishing.ts'

describe.each([18, 14] as const)('on PostgreSQL %i', (version) => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase({ version })
  })
  afterAll(() => db[Symbol.asyncDispose]())

  const content = (table: string, order = '1') => db.query(`select * from ${table} order by ${order}`)

  test('the first publication makes the table, with its key and under its own names only', async () => {
    const what = { table: 'made', columns: { id: 'integer', name: 'text', 'Mixed Case': 'numeric(9,2)' }, key: ['id'] }
    const { publication, rows } = await publish(
      db.database,
      what,
      `select g as id, 'n' || g as name, g / 2.0 as "Mixed Case" from generate_series(1, 5) g`,
    )
    expect(publication).toMatchObject({ publisher: 'swap', facts: null })
    expect(rows).toBe(5)
    expect(await content('made')).toHaveLength(5)
    expect(await db.query(`select conname from pg_constraint where conrelid = 'made'::regclass order by 1`)).toEqual(
      version === 18 ? [{ conname: 'made_id_not_null' }, { conname: 'made_pkey' }] : [{ conname: 'made_pkey' }],
    )
    expect(
      await db.query(`select obj_description('made'::regclass) as said, to_regnamespace('sluice_staging') as staging`),
    ).toEqual([{ said: null, staging: null }])
  })

  test('a schema that is not there, and a column that no table can have, are named before anything is staged', async () => {
    const rows = `select 1 as id`
    await expect(
      publish(db.database, { schema: 'nowhere', table: 'made', columns: { id: 'int' } }, rows),
    ).rejects.toMatchObject({
      code: 'TARGET_UNSUITABLE',
      summary: 'there is no schema "nowhere"',
      fix: expect.stringContaining('create schema nowhere') as string,
    })
    await expect(
      publish(db.database, { table: 'odd', columns: { ctid: 'text' } }, `select 'x' as ctid`),
    ).rejects.toMatchObject({
      code: 'TARGET_UNSUITABLE',
      where: { column: 'ctid' },
    })
    expect(await db.query(`select to_regnamespace('sluice_staging') as staging`)).toEqual([{ staging: null }])
  })

  test('in place: by key, only what differs', async () => {
    const what = { table: 'keyed', columns: { id: 'int', v: 'text' }, key: ['id'] }
    await publish(db.database, what, `select g as id, 'a' as v from generate_series(1, 100) g`)
    const { publication, rows, changes } = await publish(
      db.database,
      what,
      `select g as id, case when g = 7 then null else 'a' end as v from generate_series(5, 102) g`,
    )
    expect(publication.publisher).toBe('in-place')
    expect(changes).toEqual({ inserted: 2, changed: 1, deleted: 4, unchanged: 95 })
    expect(rows).toBe(98)
    expect(await db.query(`select count(*)::int as n, min(id), max(id), count(v)::int as v from keyed`)).toEqual([
      { n: 98, min: 5, max: 102, v: 97 },
    ])
  })

  test('swap: without a key, where nothing but indexes and grants depends on the table', async () => {
    const what = { table: 'bare', columns: { id: 'int', v: 'text' } }
    await publish(db.database, what, `select g as id, 'a' as v from generate_series(1, 10) g`)
    await db.query(`create index bare_v on bare (v)`)
    const { publication, changes } = await publish(
      db.database,
      what,
      `select g as id, 'b' as v from generate_series(1, 3) g`,
    )
    expect(publication.publisher).toBe('swap')
    expect(changes).toBeNull()
    expect(await content('bare')).toEqual([1, 2, 3].map((id) => ({ id, v: 'b' })))
    expect(await db.query(`select indexname from pg_indexes where tablename = 'bare'`)).toEqual([
      { indexname: 'bare_v' },
    ])
  })

  test('a multiset in place honours how often a row repeats', async () => {
    const what = { table: 'bag', columns: { v: 'text', j: 'json' }, publish: 'in-place' as const }
    await publish(
      db.database,
      what,
      `select v, j from (values ('a', '{"x": 1}'), ('a', '{"x": 1}'), ('b', null), (null, null), (null, null)) x(v, j)`,
    )
    const { changes } = await publish(
      db.database,
      what,
      `select v, j from (values ('a', '{"x": 1}'), ('a', '{"x":1}'), ('b', null), ('b', null), (null, null), ('', null)) x(v, j)`,
    )
    expect(changes).toEqual({ inserted: 3, changed: 0, deleted: 2, unchanged: 3 })
    expect(
      await db.query(`select v, j::text, count(*)::int as n from bag group by v, j::text order by 1 nulls last, 2`),
    ).toEqual([
      { v: '', j: null, n: 1 },
      { v: 'a', j: '{"x": 1}', n: 1 },
      { v: 'a', j: '{"x":1}', n: 1 },
      { v: 'b', j: null, n: 2 },
      { v: null, j: null, n: 1 },
    ])
  })
})
