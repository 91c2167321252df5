import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { publish } from '../../../../test/support/publishing.ts'

interface Row {
  readonly k: number
  readonly j: string | null
  readonly n: string | null
  readonly p: string | null
}

const row = fc.record({
  k: fc.integer({ min: 0, max: 6 }),
  j: fc.constantFrom(null, '{"a":1}', '{"a": 1}', '[]'),
  n: fc.constantFrom(null, 'NaN', '1', '1.0', '-Infinity', '0'),
  p: fc.constantFrom(null, '(1,2)', '(NaN,0)', '(-0,0)', '(0,0)'),
})
const byKey = fc.uniqueArray(row, { selector: ({ k }) => k, maxLength: 7 })
const bag = fc.array(row, { maxLength: 8 })

const columns = { k: 'int', j: 'json', n: 'numeric', p: 'point' }

describe.each([18, 14] as const)('in place, on PostgreSQL %i', (version) => {
  let db: TestDatabase
  // 14 has numbers without infinity only in older versions; both of these know it.
  beforeAll(async () => {
    db = await createDatabase({ version })
  })
  afterAll(() => db[Symbol.asyncDispose]())

  const from = (rows: readonly Row[]): string =>
    `select k, j::json as j, n::numeric as n, p::point as p from json_to_recordset('${JSON.stringify(rows).replaceAll("'", "''")}') as x(k int, j text, n text, p text)`
  const shown = (rows: readonly Row[]): string[] => rows.map(({ k, j, n, p }) => JSON.stringify([k, j, n, p])).sort()
  const stored = async (table: string): Promise<string[]> =>
    shown(await db.query<Row & Record<string, unknown>>(`select k, j::text, n::text, p::text from ${table}`))

  async function fill(table: string, rows: readonly Row[]): Promise<void> {
    await db.query(`truncate ${table}`)
    await db.query(`insert into ${table} (k, j, n, p) ${from(rows)}`)
  }

  test('by key: the new content, whatever the old, and exact counts', async () => {
    await db.query('create table keyed (k int primary key, j json, n numeric, p point)')
    await fc.assert(
      fc.asyncProperty(byKey, byKey, async (old, fresh) => {
        await fill('keyed', old)
        const { changes, rows } = await publish(db.database, { table: 'keyed', columns, key: ['k'] }, from(fresh))
        expect(await stored('keyed')).toEqual(shown(fresh))
        expect(rows).toBe(fresh.length)
        const before = new Map(old.map((one) => [one.k, JSON.stringify(one)]))
        const kept = fresh.filter(({ k }) => before.has(k))
        const unchanged = kept.filter((one) => before.get(one.k) === JSON.stringify(one)).length
        expect(changes).toEqual({
          inserted: fresh.length - kept.length,
          changed: kept.length - unchanged,
          deleted: old.length - kept.length,
          unchanged,
        })
      }),
      { numRuns: 25 },
    )
  })

  test('by key, where no index keeps the target from holding a key twice', async () => {
    await db.query('create table loose (k int, j json, n numeric, p point)')
    await fc.assert(
      fc.asyncProperty(bag, byKey, async (old, fresh) => {
        await fill('loose', old)
        await publish(db.database, { table: 'loose', columns, key: ['k'], publish: 'in-place' }, from(fresh))
        expect(await stored('loose')).toEqual(shown(fresh))
      }),
      { numRuns: 20 },
    )
  })

  test('as a multiset: rows that repeat do so exactly as often', async () => {
    await db.query('create table bag (k int, j json, n numeric, p point)')
    await fc.assert(
      fc.asyncProperty(bag, bag, async (old, fresh) => {
        await fill('bag', old)
        const { changes } = await publish(db.database, { table: 'bag', columns, publish: 'in-place' }, from(fresh))
        expect(await stored('bag')).toEqual(shown(fresh))
        const counts = new Map<string, number>()
        for (const one of shown(old)) counts.set(one, (counts.get(one) ?? 0) + 1)
        let unchanged = 0
        for (const one of shown(fresh)) {
          const left = counts.get(one) ?? 0
          if (left > 0) {
            unchanged++
            counts.set(one, left - 1)
          }
        }
        expect(changes).toEqual({
          inserted: fresh.length - unchanged,
          changed: 0,
          deleted: old.length - unchanged,
          unchanged,
        })
      }),
      { numRuns: 25 },
    )
  })

  test("the table's own columns stay, defaults fill new rows, generated columns follow, rules of letters are no excuse", async () => {
    await db.query(`create collation loose_letters (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
    await db.query(
      `create table lettered (k int primary key, v text collate loose_letters); insert into lettered values (1, 'a')`,
    )
    const lettered = { table: 'lettered', columns: { k: 'int', v: 'text' }, key: ['k'] }
    const { changes } = await publish(db.database, lettered, `select 1 as k, 'A' as v`)
    expect(changes).toEqual({ inserted: 0, changed: 1, deleted: 0, unchanged: 0 })
    expect(await db.query('select v from lettered')).toEqual([{ v: 'A' }])
    await db.query(
      `create table own (k int primary key, v text, note text default 'new', loud text generated always as (upper(v)) stored)`,
    )
    await db.query(`insert into own (k, v, note) values (1, 'a', 'mine'), (2, 'b', 'yours')`)
    const { publication } = await publish(
      db.database,
      { table: 'own', columns: { k: 'int', v: 'text' }, key: ['k'], publish: 'swap' },
      `select * from (values (1, 'x'), (3, 'c')) r(k, v)`,
    )
    expect(publication).toMatchObject({
      publisher: 'in-place',
      why: 'swap was asked for, but the source does not fill the column "note"',
    })
    expect(await db.query('select * from own order by 1')).toEqual([
      { k: 1, v: 'x', note: 'mine', loud: 'X' },
      { k: 3, v: 'c', note: 'new', loud: 'C' },
    ])
  })

  test('rows that exchange the values of another unique index, and rows of the table that refer to each other', async () => {
    await db.query(
      `create table rank (k int primary key, place int unique, boss int references rank (k) on delete cascade, own text default 'o')`,
    )
    const what = { table: 'rank', columns: { k: 'int', place: 'int', boss: 'int' }, key: ['k'] }
    await db.query(`insert into rank values (1, 1, null, 'p'), (2, 2, 1, 'q'), (3, 3, 2, 'r')`)
    // 1 leaves and takes nobody with it; 2 now stands under a row that is new.
    await publish(db.database, what, `select * from (values (2, 2, 4), (3, 3, 2), (4, 4, null::int)) r(k, place, boss)`)
    expect(await db.query('select k, boss, own from rank order by 1')).toEqual([
      { k: 2, boss: 4, own: 'q' },
      { k: 3, boss: 2, own: 'r' },
      { k: 4, boss: null, own: 'o' },
    ])
    await db.query('create table turns (k int primary key, place int unique, own text)')
    await db.query(`insert into turns values (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')`)
    const { changes } = await publish(
      db.database,
      { table: 'turns', columns: { k: 'int', place: 'int' }, key: ['k'] },
      `select * from (values (1, 2), (2, 1), (4, 3)) r(k, place)`,
    )
    expect(changes).toEqual({ inserted: 1, changed: 2, deleted: 1, unchanged: 0 })
    expect(await db.query('select * from turns order by 1')).toEqual([
      { k: 1, place: 2, own: 'a' },
      { k: 2, place: 1, own: 'b' },
      { k: 4, place: 3, own: null },
    ])
  })

  test('upsert never deletes, append only inserts, softDelete marks and unmarks', async () => {
    const shape = { columns: { k: 'int', v: 'text' }, key: ['k'] }
    await db.query(`create table modes (k int primary key, v text); insert into modes values (1, 'a'), (2, 'b')`)
    const upserted = await publish(
      db.database,
      { ...shape, table: 'modes', mode: 'upsert' },
      `select * from (values (2, 'x'), (3, 'c')) r(k, v)`,
    )
    expect(upserted).toMatchObject({ rows: 3, changes: { inserted: 1, changed: 1, deleted: 0, unchanged: 0 } })
    const appended = await publish(
      db.database,
      { ...shape, table: 'modes', mode: 'append' },
      `select * from (values (3, 'never'), (4, 'd')) r(k, v)`,
    )
    expect(appended).toMatchObject({ rows: 4, changes: { inserted: 1, changed: 0, deleted: 0, unchanged: 1 } })
    expect(await db.query('select * from modes order by 1')).toEqual([
      { k: 1, v: 'a' },
      { k: 2, v: 'x' },
      { k: 3, v: 'c' },
      { k: 4, v: 'd' },
    ])
    const soft = { ...shape, table: 'modes', softDelete: 'gone' }
    const marked = await publish(db.database, soft, `select * from (values (1, 'a'), (2, 'x')) r(k, v)`)
    expect(marked.changes).toEqual({ inserted: 0, changed: 0, deleted: 2, unchanged: 2 })
    const again = await publish(db.database, soft, `select * from (values (1, 'a'), (3, 'c')) r(k, v)`)
    expect(again.changes).toEqual({ inserted: 0, changed: 1, deleted: 1, unchanged: 1 })
    expect(await db.query('select k, gone is true as gone from modes order by 1')).toEqual([
      { k: 1, gone: false },
      { k: 2, gone: true },
      { k: 3, gone: false },
      { k: 4, gone: true },
    ])
    const fresh = await publish(
      db.database,
      { ...shape, table: 'marked', softDelete: 'gone_at' },
      `select 1 as k, 'a' as v`,
    )
    expect(fresh.publication.publisher).toBe('swap')
    await publish(db.database, { ...shape, table: 'marked', softDelete: 'gone_at' }, `select 2 as k, 'b' as v`)
    expect(await db.query('select k, gone_at is not null as gone from marked order by 1')).toEqual([
      { k: 1, gone: true },
      { k: 2, gone: false },
    ])
  })

  test('new columns are added, nullable, in the publishing transaction', async () => {
    await db.query(`create table grows (k int primary key, v varchar(3)); insert into grows values (1, 'a'), (2, 'b')`)
    const { changes, publication } = await publish(
      db.database,
      { table: 'grows', columns: { k: 'int', v: 'varchar(9)', w: 'numeric(5,1)' }, declared: ['v'], key: ['k'] },
      `select * from (values (1, 'a', 1.5), (2, 'b', null), (3, 'longer', 2)) r(k, v, w)`,
    )
    expect(publication.added).toEqual(['w'])
    expect(changes).toEqual({ inserted: 1, changed: 1, deleted: 0, unchanged: 1 })
    expect(await db.query('select * from grows order by 1')).toEqual([
      { k: 1, v: 'a', w: '1.5' },
      { k: 2, v: 'b', w: null },
      { k: 3, v: 'longer', w: '2.0' },
    ])
  })

  test('triggers find what they name without a schema, as with any other writer', async () => {
    await db.query(`create table watched (k int primary key, v text); create table noted (what text);
      create function note() returns trigger language plpgsql as 'begin insert into noted values (tg_op); return new; end';
      create trigger t after insert or update on watched for each row execute function note()`)
    const shape = { table: 'watched', columns: { k: 'int', v: 'text' }, key: ['k'] }
    await publish(db.database, shape, `select 1 as k, 'a' as v`)
    expect(await db.query('select what from noted')).toEqual([{ what: 'INSERT' }])
  })

  test('rows that a trigger or a rule keeps out are no success; where they go elsewhere and are seen, they are', async () => {
    await db.query(`create table shut (k int primary key, v text);
      create function keep_out() returns trigger language plpgsql as 'begin return null; end';
      create trigger t before insert or delete on shut for each row execute function keep_out();
      create table ruled (k int primary key, v text);
      create rule r as on insert to ruled do instead nothing;
      create table routed (k int primary key, v text); create table routed_below () inherits (routed);
      create function route() returns trigger language plpgsql as 'begin insert into routed_below values (new.*); return null; end';
      create trigger t before insert on routed for each row execute function route()`)
    const shape = { columns: { k: 'int', v: 'text' }, key: ['k'] }
    const two = `select * from (values (1, 'a'), (2, 'b')) r(k, v)`
    for (const [table, by] of [
      ['shut', 'trigger t'],
      ['ruled', 'rule r'],
    ] as const)
      for (const mode of ['replace', 'upsert', 'append'] as const)
        await expect(publish(db.database, { ...shape, table, mode }, two)).rejects.toMatchObject({
          code: 'TARGET_UNSUITABLE',
          why: expect.stringContaining(by),
        })
    await db.query(
      `alter table shut disable trigger t; insert into shut values (1, 'a'), (3, 'c'); alter table shut enable trigger t`,
    )
    await expect(publish(db.database, { ...shape, table: 'shut' }, `select 1 as k, 'a' as v`)).rejects.toMatchObject({
      code: 'TARGET_UNSUITABLE',
    })
    await db.query(`create table tree (k int primary key, v text, up int references tree on delete cascade);
      insert into tree values (1, 'a', null), (2, 'b', 1)`)
    await expect(publish(db.database, { ...shape, table: 'tree' }, `select 2 as k, 'b' as v`)).rejects.toMatchObject({
      code: 'TARGET_UNSUITABLE',
      why: expect.stringContaining('1 row did not arrive'),
    })
    await publish(db.database, { ...shape, table: 'routed' }, two)
    expect(await db.query('select k from routed order by 1')).toEqual([{ k: 1 }, { k: 2 }])
  })

  test('latestBy weighs what was read before, too, unless all of the source is there', async () => {
    await db.query(`create table versions (k int primary key, n int, v text);
      insert into versions values (1, 5, 'five'), (2, null, 'none'), (3, 5, 'five'), (4, 5, 'five')`)
    const shape = { table: 'versions', columns: { k: 'int', n: 'int', v: 'text' }, key: ['k'], latestBy: 'n' }
    const late = `select * from (values (1, 4, 'four'), (1, 3, 'three'), (2, 1, 'one'), (3, 5, 'again'), (4, null, 'none')) r(k, n, v)`
    const now = async (): Promise<unknown> => (await db.query('select v from versions order by k')).map(({ v }) => v)
    await publish(db.database, { ...shape, mode: 'upsert', partial: true }, late)
    expect(await now()).toEqual(['five', 'one', 'again', 'five'])
    await publish(db.database, { ...shape, mode: 'upsert' }, late)
    expect(await now()).toEqual(['four', 'one', 'again', 'none'])
  })

  test('partitions, and quoted names that differ only in their last bytes', async () => {
    const base = `Ü"${'x'.repeat(57)}`
    for (const ending of ['one', 'two']) {
      const table = `${base}${ending}`
      await publish(
        db.database,
        { table, columns: { [`${base}kol`]: 'int', [`${base}kom`]: 'text' }, key: [`${base}kol`] },
        `select 1 as "${base.replaceAll('"', '""')}kol", '${ending}' as "${base.replaceAll('"', '""')}kom"`,
      )
    }
    const found = await db.query<{ name: string }>(
      `select relname::text as name from pg_class where relkind = 'r' and relname like 'Ü%' order by 1`,
    )
    expect(found.map(({ name }) => name)).toEqual([`${base}one`, `${base}two`])
    await expect(
      publish(db.database, { table: `${base}three`, columns: { k: 'int' } }, 'select 1 as k'),
    ).rejects.toMatchObject({ code: 'TARGET_UNSUITABLE' })

    await db.query(`create table parted (k int primary key, v text) partition by range (k);
      create table parted_a partition of parted for values from (0) to (10); create table parted_b partition of parted for values from (10) to (20);
      insert into parted select g, 'a' from generate_series(0, 19) g`)
    const { changes, publication } = await publish(
      db.database,
      { table: 'parted', columns: { k: 'int', v: 'text' }, key: ['k'], publish: 'swap' },
      `select g as k, case g when 12 then 'b' else 'a' end as v from generate_series(1, 18) g`,
    )
    expect(publication.why).toContain('its being partitioned')
    expect(changes).toEqual({ inserted: 0, changed: 1, deleted: 2, unchanged: 17 })
  })
})
