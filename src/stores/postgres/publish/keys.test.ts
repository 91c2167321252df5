import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { publish } from '../../../../test/support/publishing.ts'

const columns = { k: 'int', lang: 'text', v: 'text', at: 'timestamptz' }
const duplicates = `select g % 12 as k, 'de' as lang, 'v' || g as v, now() as at from generate_series(0, 24) g`

describe.each([18, 14] as const)('keys, on PostgreSQL %i', (version) => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase({ version })
    await db.query(
      `create table standing (k int, lang text, v text, at timestamptz, primary key (k, lang)); insert into standing values (1, 'de', 'old', null)`,
    )
    await db.query(
      `create table deferred (k int, lang text, v text, at timestamptz, unique (k, lang) deferrable initially deferred);
       insert into deferred values (1, 'de', 'old', null)`,
    )
    await db.query(
      `create table loose (k int, lang text, v text, at timestamptz); insert into loose values (1, 'de', 'old', null)`,
    )
  })
  afterAll(() => db[Symbol.asyncDispose]())

  const targets = [
    { table: 'brand_new', publish: 'swap' },
    { table: 'standing', publish: 'swap' },
    { table: 'standing', publish: 'in-place' },
    { table: 'loose', publish: 'swap' },
    { table: 'loose', publish: 'in-place' },
  ] as const

  test.each(targets)('that repeat are listed with how often: $table, $publish', async (target) => {
    await expect(publish(db.database, { ...target, columns, key: ['k', 'lang'] }, duplicates)).rejects.toMatchObject({
      code: 'KEY_DUPLICATE',
      summary: '12 keys occur more than once in the source',
      why: expect.stringMatching(/^\(k, lang\): k=0, lang=de \(3 times\); k=1, lang=de \(2 times\); .*; …$/),
      where: { table: `public.${target.table}`, key: 'k=0, lang=de (3 times)' },
    })
    await untouched(target.table)
  })

  test.each(targets)('with nulls are listed: $table, $publish', async (target) => {
    await expect(
      publish(
        db.database,
        { ...target, columns, key: ['k', 'lang'] },
        `select g as k, case when g < 3 then null else 'de' end as lang, 'v' as v, now() as at from generate_series(1, 9) g`,
      ),
    ).rejects.toMatchObject({
      code: 'KEY_NULL',
      summary: '2 rows have a null in their key',
      why: '(k, lang): k=1, lang=null (once); k=2, lang=null (once)',
    })
    await untouched(target.table)
  })

  test.each(['standing', 'deferred'])(
    'that repeat a row of the target as it stands are found, too: %s',
    async (table) => {
      await expect(
        publish(
          db.database,
          { table, publish: 'in-place', columns, key: ['k', 'lang'] },
          `select 1 as k, 'de' as lang, 'old' as v, null::timestamptz as at from generate_series(1, 2)
         union all select 2, 'fr', 'new', null`,
        ),
      ).rejects.toMatchObject({ code: 'KEY_DUPLICATE', why: '(k, lang): k=1, lang=de (2 times)' })
      await untouched(table)
    },
  )

  async function untouched(table: string): Promise<void> {
    const [{ n, staging } = { n: -1, staging: '?' }] = await db.query<{ n: number; staging: string | null }>(
      table === 'brand_new'
        ? `select (to_regclass('brand_new') is not null)::int as n, to_regnamespace('sluice_staging')::text as staging`
        : `select count(*)::int - 1 as n, to_regnamespace('sluice_staging')::text as staging from ${table} where v = 'old'`,
    )
    expect({ n, staging }).toEqual({ n: 0, staging: null })
  }

  test.each(targets.slice(1))(
    'latestBy says which row wins, ties go by the rows themselves: $table, $publish',
    async (target) => {
      await publish(
        db.database,
        { ...target, columns, key: ['k', 'lang'], latestBy: 'at' },
        `select k, 'de' as lang, v, at::timestamptz from (values (1, 'older', '2020-01-01'), (1, 'newest', '2021-01-01'), (1, 'none', null),
        (2, 'tie a', '2020-01-01'), (2, 'tie b', '2020-01-01'), (3, 'alone', null)) r(k, v, at) order by random()`,
      )
      expect(await db.query(`select k, v from ${target.table} order by 1`)).toEqual([
        { k: 1, v: 'newest' },
        { k: 2, v: 'tie b' },
        { k: 3, v: 'alone' },
      ])
      await db.query(`truncate ${target.table}; insert into ${target.table} values (1, 'de', 'old', null)`)
    },
  )

  test('values that another unique index of the target forbids are named, before anything is published', async () => {
    await db.query(`create table labelled (k int primary key, label text unique)`)
    await expect(
      publish(
        db.database,
        { table: 'labelled', columns: { k: 'int', label: 'text' }, key: ['k'], publish: 'swap' },
        `select g as k, 'same' as label from generate_series(1, 3) g`,
      ),
    ).rejects.toMatchObject({ code: 'KEY_DUPLICATE', why: '(label): label=same (3 times)' })
  })

  test('a key or latestBy that the source lacks, and a column that nothing fills', async () => {
    await expect(
      publish(db.database, { table: 'standing', columns: { k: 'int' }, key: ['id'] }, 'select 1 as k'),
    ).rejects.toMatchObject({ code: 'SOURCE_COLUMN_MISSING', where: { column: 'id' } })
    await expect(
      publish(db.database, { table: 'standing', columns: { k: 'int', v: 'text' }, key: ['k'] }, 'select 1 as k'),
    ).rejects.toMatchObject({ code: 'SOURCE_COLUMN_MISSING', where: { column: 'lang' } })
  })
})
