/** What an application writes is never refused for a rollup's sake, and is counted. */
import { expect, test } from 'vitest'
import pg from 'pg'
import { counted, difference, ran, type Counted, type Truth } from './truth.ts'

const at = `timestamptz '2025-01-01 00:10+00' + i * interval '5 hours'`
const options = { from: 'view', at: 'viewed_at', to: 'rolled', grains: ['hour', 'day', 'month'], by: ['blog'] }
const truth = (measures: Record<string, string>): Truth => ({
  table: 'rolled',
  grains: ['hour', 'day', 'month'],
  zone: 'UTC',
  events: 'from view v where true',
  at: 'v.viewed_at',
  dimensions: ['blog'],
  levels: { blog: { blog: 'v.blog' }, total: {} },
  measures: { views: 'count(*)', ...measures },
})

/** Runs after the writes; no difference is left, and not everything was counted for it. */
async function counts(it: Counted, writes: string, measures: Record<string, string>): Promise<void> {
  await ran(it.sluice)
  await it.db.query(writes)
  expect(await it.db.query('select * from sluice.dirty where at is null')).toEqual([])
  await ran(it.sluice)
  expect(await difference(it.db, truth(measures))).toEqual([])
}

test.each([18, 14] as const)('columns may be called as anything is, on PostgreSQL %i', async (version) => {
  const odd = ['r', 's', 'c', 'e', 'm', 'new', 'old', 'tg_op', 'found', 'sluice marks', 'row']
  const quoted = odd.map((name) => `"${name}"`)
  const measures = Object.fromEntries(odd.map((name, index) => [`m${index}`, { sum: name }]))
  await using it = await counted(
    version,
    `create table view (id int, blog int, viewed_at timestamptz, ${quoted.map((name) => `${name} int`).join(', ')});
     insert into view select i, i % 3, ${at}, ${quoted.map((_, index) => `i + ${index}`).join(', ')} from generate_series(1, 300) i;`,
    { ...options, measures: { views: 'count', ...measures } },
  )
  await counts(
    it,
    `update view set ${quoted.map((name) => `${name} = ${name} + 1`).join(', ')} where id % 7 = 0; delete from view where id = 9; insert into view (id, blog, viewed_at, "new") values (900, 1, '2025-02-02', 5)`,
    Object.fromEntries(quoted.map((name, index) => [`m${index}`, `sum(v.${name})`])),
  )
})

test('the time may be called as a variable of a trigger is', async () => {
  await using it = await counted(
    18,
    `create table view (id int, blog int, "new" timestamptz); insert into view select i, i % 3, ${at} from generate_series(1, 300) i;`,
    { ...options, at: 'new', measures: { views: 'count' } },
  )
  await ran(it.sluice)
  await it.db.query(`update view set "new" = "new" + interval '1 day' where id = 5`)
  await ran(it.sluice)
  expect(await difference(it.db, { ...truth({}), at: 'v."new"' })).toEqual([])
})

test('types that cannot be null, or compared, are no matter', async () => {
  await using it = await counted(
    18,
    `create domain filled as text not null; create domain place as point;
     create table view (id int, blog int, viewed_at timestamptz, note filled default 'x', spot place, told json);
     insert into view select i, i % 3, ${at}, 'x', point(i, 1), '{"a": 1}' from generate_series(1, 300) i;`,
    { ...options, measures: { views: 'count', spots: { count: 'spot' }, told: { count: 'told' } } },
  )
  await counts(it, `update view set blog = 1, spot = null where id % 5 = 0; update view set told = null where id = 4`, {
    spots: 'count(v.spot)',
    told: 'count(v.told)',
  })
  // What is not counted marks nothing.
  await it.db.query(`update view set note = 'y', spot = spot`)
  expect(await it.db.query('select * from sluice.dirty')).toEqual([])
})

test('numbers that are close are told apart, whatever the session prints', async () => {
  await using it = await counted(
    18,
    `create table view (id int, blog int, viewed_at timestamptz, n float8); insert into view select i, 1, ${at}, 0.1 from generate_series(1, 10) i;`,
    { ...options, measures: { views: 'count', most: { max: 'n' } } },
  )
  await ran(it.sluice)
  await it.db.query(
    `set extra_float_digits = 0; update view set n = 0.1 + 1e-16 where id = 3; reset extra_float_digits`,
  )
  expect(await it.db.query(`select at from sluice.dirty`)).toEqual([{ at: new Date('2025-01-01T15:00:00Z') }])
  await ran(it.sluice)
  expect(await it.db.query(`select max(most) - 0.1::float8 > 0 as told from rolled`)).toEqual([{ told: true }])
})

test('hours of a night when clocks go back are told apart, whatever the session prints', async () => {
  await using it = await counted(
    18,
    `create table view (id int, blog int, viewed_at timestamptz, seen timestamptz); insert into view select i, 1, ${at}, '2014-10-25 21:30Z' from generate_series(1, 10) i;`,
    { ...options, measures: { views: 'count', last: { max: 'seen' } } },
  )
  await ran(it.sluice)
  await it.db.query(
    `set timezone = 'Europe/Moscow'; set datestyle = 'SQL, DMY'; update view set seen = seen + interval '1 hour' where id = 3; reset timezone; reset datestyle`,
  )
  expect(await it.db.query(`select at from sluice.dirty`)).toEqual([{ at: new Date('2025-01-01T15:00:00Z') }])
})

test('triggers that an earlier release has made give way to others while somebody reads', async () => {
  await using it = await counted(
    18,
    `create table view (id int, blog int, viewed_at timestamptz); insert into view select i, 1, ${at} from generate_series(1, 10) i;`,
    { ...options, measures: { views: 'count' } },
  )
  await ran(it.sluice)
  const [made] = await it.db.query<{ name: string; says: string }>(
    `select proname as name, obj_description(oid, 'pg_proc') as says from pg_proc where proname like 'mark\\_%\\_insert'`,
  )
  // As it was called: one function for all operations.
  const old = made?.name.replace(/_insert$/, '') ?? ''
  await it.db.query(`
    create function sluice.${old}() returns trigger language plpgsql as 'begin return null; end';
    comment on function sluice.${old}() is '${made?.says ?? ''}';
    create or replace trigger sluice_${made?.name ?? ''} after insert on view referencing new table as new_rows for each statement execute function sluice.${old}()`)
  const reader = new pg.Client(it.db.url)
  await reader.connect()
  try {
    await reader.query('begin; select from view')
    await ran(it.sluice)
  } finally {
    await reader.end()
  }
  expect(await it.db.query(`select from pg_proc where proname = '${old}'`)).toEqual([])
  await it.db.query(`insert into view values (99, 1, '2025-01-01 12:00Z')`)
  expect(await it.db.query('select from sluice.dirty')).toHaveLength(1)
})

test('a column that is renamed or dropped keeps nobody from writing; the next run names it', async () => {
  await using it = await counted(
    18,
    `create table view (id int, blog int, viewed_at timestamptz); insert into view select i, i % 3, ${at} from generate_series(1, 300) i;`,
    { ...options, measures: { views: 'count' } },
  )
  await ran(it.sluice)
  await it.db.query(`alter table view rename blog to site`)
  await it.db.query(
    `insert into view values (900, 1, '2025-02-02'); update view set site = 2 where id = 4; delete from view where id = 7`,
  )
  const [failed] = await it.sluice.run(['views'])
  expect(failed?.error).toMatchObject({ code: 'SOURCE_COLUMN_MISSING', where: { column: 'blog' } })
  await it.db.query(`alter table view rename site to blog`)
  await ran(it.sluice)
  expect(await difference(it.db, truth({}))).toEqual([])
})

test('a time that becomes a number keeps nobody from writing', async () => {
  await using it = await counted(
    18,
    `create table view (id int, blog int, viewed_at date); insert into view select i, i % 3, date '2025-01-01' + i from generate_series(1, 90) i;`,
    { ...options, measures: { views: 'count' } },
  )
  await ran(it.sluice)
  await it.db.query(`alter table view alter viewed_at type int using 7; insert into view values (900, 1, 8)`)
  expect((await it.sluice.run(['views']))[0]?.error).toMatchObject({ code: 'SOURCE_COLUMN_MISSING' })
})

test('what a definition of before has put on a table goes with it', async () => {
  await using it = await counted(
    18,
    `create table blog (id int primary key, country text); insert into blog select i, 'fr' from generate_series(0, 2) i;
     create table view (id int, blog int references blog, viewed_at timestamptz); insert into view select i, i % 3, ${at} from generate_series(1, 300) i;`,
    {
      ...options,
      from: { table: 'view', join: { b: { table: 'blog', on: { id: 'blog' } } } },
      by: { blog: 'blog', country: 'b.country' },
      measures: { views: 'count' },
    },
  )
  await ran(it.sluice)
  const plain = await it.again({ ...options, measures: { views: 'count' } })
  await ran(plain)
  expect(
    await it.db.query(`select tgname from pg_trigger where tgrelid = 'blog'::regclass and tgname like 'sluice%'`),
  ).toEqual([])
  await it.db.query(`alter table blog drop column country; update blog set id = id where id = 1`)
  await it.db.query(`insert into view values (900, 1, '2025-02-02')`)
  await ran(plain)
  expect(await difference(it.db, truth({}))).toEqual([])
})

test('functions that another definition has made are not trusted', async () => {
  await using it = await counted(
    18,
    `create table view (id int, blog int, viewed_at timestamptz); insert into view select i, i % 3, ${at} from generate_series(1, 300) i;`,
    { ...options, measures: { views: 'count' } },
  )
  await ran(it.sluice)
  const name =
    (await it.db.query<{ name: string }>(`select proname as name from pg_proc where proname like 'mark_%'`))[0]?.name ??
    ''
  await it.db.query(
    `create or replace function sluice.${name}() returns trigger language plpgsql as 'begin return null; end'`,
  )
  await it.db.query(`update view set blog = 7 where id = 4`)
  await ran(it.sluice)
  expect(await difference(it.db, truth({}))).toEqual([])
})

test('a first run beside a transaction that stays open says on which table, whose it is and since when', async () => {
  await using it = await counted(
    18,
    `create table blog (id int primary key); create table view (id int, blog int, viewed_at timestamptz); insert into view select i, i % 3, ${at} from generate_series(1, 300) i;`,
    {
      ...options,
      from: { table: 'view', join: { b: { table: 'blog', on: { id: 'blog' } } } },
      measures: { views: 'count' },
      attempts: 1,
    },
  )
  const importer = new pg.Client({ connectionString: it.db.url, application_name: 'importer' })
  await importer.connect()
  await importer.query('begin')
  await importer.query(`insert into view values (900, 1, '2025-02-02')`)
  const [held] = (await importer.query<{ pid: number; since: Date }>('select pg_backend_pid() as pid, now() as since'))
    .rows
  // Who reads is in nobody's way.
  const reader = new pg.Client({ connectionString: it.db.url, application_name: 'reader' })
  await reader.connect()
  await reader.query('begin; select from view; select from blog')
  const [failed] = await it.sluice.run(['views'])
  expect(failed?.error).toMatchObject({
    code: 'PUBLISH_LOCKED',
    summary: 'views cannot put its triggers on public.view, which is in use',
    why: `no lock was to be had in 5 s: process ${held?.pid} (importer) holds public.view since ${held?.since.toISOString()}`,
    fix: `wait until such transactions have ended, or end them: select pg_terminate_backend(${held?.pid}); then sluice run views`,
    where: { flow: 'views', table: 'public.view' },
  })
  await importer.query('commit')
  await importer.end()
  await ran(it.sluice)
  expect(await difference(it.db, truth({}))).toEqual([])
  // Nor is it when triggers are made anew.
  await it.db.query('alter table view disable trigger all')
  await ran(it.sluice)
  await reader.end()
})

test('a trigger that a foreign key makes superfluous goes', async () => {
  await using it = await counted(
    18,
    `create table blog (id int primary key); insert into blog select i from generate_series(0, 2) i;
     create table view (id int, blog int, viewed_at timestamptz); insert into view select i, i % 3, ${at} from generate_series(1, 300) i;`,
    {
      ...options,
      from: { table: 'view', join: { b: { table: 'blog', on: { id: 'blog' } } } },
      measures: { views: 'count' },
    },
  )
  await ran(it.sluice)
  await it.db.query('alter table view add foreign key (blog) references blog')
  await ran(it.sluice)
  await it.db.query('insert into blog values (7)')
  expect(await it.db.query('select at, key from sluice.dirty')).toEqual([])
})

/** What PostgreSQL does not show to triggers, and times that it cannot convert. */
test.each([18, 14] as const)(
  'a local time that no zone has is written as before, on PostgreSQL %i',
  async (version) => {
    await using it = await counted(
      version,
      `create table view (id int primary key, blog int, viewed_at timestamp, "on" date);
     insert into view select i, i % 3, ${at.replace('timestamptz', 'timestamp').replace('+00', '')}, '2025-01-01' from generate_series(1, 50) i;
     insert into view values (900, 1, '294276-12-31 23:59', '5874897-12-31')`,
      { ...options, zone: 'America/New_York', measures: { views: 'count' } },
    )
    await ran(it.sluice)
    await it.db.query(`
    insert into view values (901, 1, '294276-12-31 23:59', '5874897-12-31'), (902, 1, '4713-01-01 BC', '4713-01-01 BC');
    update view set blog = 2 where id >= 900`)
    const local = { ...truth({}), zone: 'America/New_York', at: `(v.viewed_at at time zone 'America/New_York')` }
    const events = `from view v where v.viewed_at between '0002-01-02' and '9999-12-30'`
    await ran(it.sluice)
    expect(await difference(it.db, { ...local, events })).toEqual([])
    const byDay = await it.again({ ...options, at: 'on', zone: 'Asia/Tokyo', measures: { views: 'count' } })
    await ran(byDay)
    await it.db.query(
      `insert into view values (903, 1, null, '5874897-12-31'); update view set blog = 0 where id >= 900`,
    )
    await ran(byDay)
  },
)

test('virtual generated columns are refused by name; one that comes later keeps nobody from writing', async () => {
  await using it = await counted(
    18,
    `create table view (id int primary key, n int, blog int generated always as (n % 3) virtual, viewed_at timestamptz);
     insert into view (id, n, viewed_at) select i, i, ${at} from generate_series(1, 50) i`,
    { ...options, measures: { views: 'count' } },
  )
  const [record] = await it.sluice.run(['views'])
  expect(record?.error).toMatchObject({
    code: 'SOURCE_UNSUITABLE',
    summary: 'blog of public.view is a virtual generated column',
  })
  await it.db.query('alter table view drop column blog, add column blog int')
  await ran(it.sluice)
  await it.db.query(`
    alter table view drop column blog, add column blog int generated always as (n % 3) virtual;
    update view set n = n + 1; insert into view (id, n, viewed_at) values (900, 1, '2025-03-03')`)
  expect(await it.db.query('select count(*)::int as n from view')).toEqual([{ n: 51 }])
})
