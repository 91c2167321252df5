/** What is joined changes while events come: whoever commits first, and whatever each has seen of the other, the counts are the truth. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import pg from 'pg'
import { counted, difference, ran, type Counted, type Truth } from './truth.ts'

const setUp = `
  create table blog (id int primary key, author int, title text); insert into blog select i, i % 3 from generate_series(0, 9) i;
  create table view (id int primary key, blog int, viewed_at timestamptz not null);
  insert into view select i, i % 10, timestamptz '2025-01-01 00:30+00' + i * interval '197 minutes' from generate_series(1, 1000) i;
  create index on view (viewed_at); create index on view (blog);`
const options = {
  from: { table: 'view', join: { blog: { table: 'blog', on: { id: 'blog' } } } },
  at: 'viewed_at',
  to: 'rolled',
  grains: ['hour', 'day', 'month'],
  by: { author: 'blog.author' },
  measures: { views: 'count' },
}
const truth: Truth = {
  table: 'rolled',
  grains: ['hour', 'day', 'month'],
  zone: 'UTC',
  events: 'from view v left join blog b on b.id = v.blog',
  at: 'v.viewed_at',
  dimensions: ['author'],
  levels: { author: { author: 'b.author' }, total: {} },
  measures: { views: 'count(*)' },
}

/** Two sessions of the application. */
async function sessions(it: Counted): Promise<readonly [pg.Client, pg.Client]> {
  const all = [new pg.Client(it.db.url), new pg.Client(it.db.url)] as const
  for (const one of all) {
    one.on('error', () => {})
    await one.connect()
  }
  return all
}
const event = `insert into view values (9001, 1, '2025-06-06 06:06+00')`
const change = 'update blog set author = 77 where id = 1'

describe.each([18, 14] as const)('on PostgreSQL %i', (version) => {
  let it: Counted
  let [a, b]: readonly pg.Client[] = []
  beforeEach(async () => {
    it = await counted(version, setUp, options)
    await ran(it.sluice)
    ;[a, b] = await sessions(it)
  })
  afterEach(async () => {
    await a?.end()
    await b?.end()
    await it[Symbol.asyncDispose]()
  })

  test('an event that is not committed yet while its blog changes', async () => {
    await a?.query('begin')
    await a?.query(event)
    await b?.query(change)
    await ran(it.sluice)
    await a?.query('commit')
    await ran(it.sluice)
    expect(await difference(it.db, truth)).toEqual([])
  })

  test('an event that is counted before the change of its blog is committed', async () => {
    await a?.query('begin')
    await a?.query(event)
    await b?.query('begin')
    await b?.query(change)
    await a?.query('commit')
    await ran(it.sluice)
    await b?.query('commit')
    await ran(it.sluice)
    expect(await difference(it.db, truth)).toEqual([])
  })

  test('an event that is younger than the snapshot which its blog is changed by', async () => {
    await b?.query('begin isolation level repeatable read')
    await b?.query('select from view limit 1')
    await a?.query(event)
    await ran(it.sluice)
    await b?.query(change)
    await b?.query('commit')
    await ran(it.sluice)
    expect(await difference(it.db, truth)).toEqual([])
  })

  test('rows of a key that is another now, that came without a foreign key, and that went', async () => {
    await it.db.query('update blog set id = 100 where id = 1')
    expect(await marked(it)).toEqual([{ key: ['1'] }, { key: ['100'] }])
    await it.db.query(`delete from blog where id = 2; insert into blog values (1, 55)`)
    await ran(it.sluice)
    expect(await difference(it.db, truth)).toEqual([])
    expect(await marked(it)).toEqual([])
  })

  test('everybody who reads marks knows of it before the run', async () => {
    await it.db.query(change)
    const { series } = await it.sluice.series.read('views', {
      grain: 'day',
      from: '2025-02-01',
      to: '2025-02-28',
      by: 'author',
    })
    const own = series.find(({ key }) => key['author'] === 77)?.points ?? []
    expect(own.reduce((sum, { values }) => sum + Number(values['views']), 0)).toBe(21)
    const look = await it.sluice.rollups.get('views')
    expect(look.grains.map(({ grain, dirty }) => ({ grain, dirty }))).toEqual([
      { grain: 'hour', dirty: 100 },
      { grain: 'day', dirty: 100 },
      { grain: 'month', dirty: 5 },
    ])
    const [planned] = await it.sluice.plan(['views'])
    const changed = planned?.plan.slices.filter(({ why }) => why === 'events of it have changed') ?? []
    expect(changed.length).toBeGreaterThan(50)
    const [verified] = await it.sluice.verify(['views'])
    const verdicts = verified?.verifications ?? []
    expect(verdicts.filter(({ verdict }) => verdict !== 'identical')).toEqual([])
    expect(verdicts.filter(({ sourceChanged }) => sourceChanged).length).toBeGreaterThan(50)
  })
})

const marked = async (it: Counted): Promise<readonly object[]> =>
  await it.db.query('select key from sluice.dirty order by key')

/** The rollup of what was set up so, after the writes, differs in nothing from what the events say. */
async function counts(
  set: { readonly up: string; readonly join: object; readonly by: Readonly<Record<string, string>> },
  writes: string,
  events: string,
): Promise<void> {
  await using it = await counted(18, set.up, {
    ...options,
    from: { table: 'view', join: set.join },
    by: set.by,
  })
  await ran(it.sluice)
  const [name = '', written = ''] = Object.entries(set.by)[0] ?? []
  const now = { ...truth, events, dimensions: [name], levels: { [name]: { [name]: written }, total: {} } }
  expect(await difference(it.db, now)).toEqual([])
  await it.db.query(writes)
  await ran(it.sluice)
  expect(await difference(it.db, now)).toEqual([])
  const anew = await it.db.query(`select from sluice.log where message like 'counting everything%'`)
  expect(anew).toHaveLength(1)
}

const at = `timestamptz '2025-01-01 00:30+00' + i * interval '197 minutes'`

test('a table that is joined through another, beside one in which an event finds nothing', async () => {
  await counts(
    {
      up: `create table country (id int, name text); insert into country values (1, 'fr'), (2, 'pk');
        create table blog (id int, country int); insert into blog select i, 1 + i % 2 from generate_series(0, 9) i;
        create table device (id int, name text);
        create table view (id int, blog int, device int, viewed_at timestamptz); insert into view select i, i % 10, 7, ${at} from generate_series(1, 300) i`,
      join: {
        device: { table: 'device', on: { id: 'device' } },
        blog: { table: 'blog', on: { id: 'blog' } },
        country: { table: 'country', on: { id: 'blog.country' } },
      },
      by: { country: 'country.name' },
    },
    `update country set name = 'de' where id = 2; update blog set country = 1 where id = 3`,
    'from view v left join blog on blog.id = v.blog left join country on country.id = blog.country',
  )
})

test('a key of several columns, whatever the session prints and whatever the key is of', async () => {
  await counts(
    {
      up: `create type place as enum ('here', 'there');
        create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        create table calendar (day date, "at ""it" place, who text collate folded, label text);
        insert into calendar select date '2025-01-01' + i, 'here', 'Ann', 'plain' from generate_series(0, 40) i;
        create table view (id int, day date, spot place, who text, viewed_at timestamptz);
        insert into view select i, (${at})::date, 'here', 'ann', ${at} from generate_series(1, 300) i`,
      join: { calendar: { table: 'calendar', on: { day: 'day', 'at "it': 'spot', who: 'who' } } },
      by: { label: 'calendar.label' },
    },
    `set datestyle = 'German'; update calendar set label = 'feast' where day = '2025-01-12'; reset datestyle`,
    'from view v left join calendar on calendar.day = v.day and "at ""it" = v.spot and calendar.who = v.who',
  )
})

test('what is not counted of it marks nothing, and a key that is null is of no event', async () => {
  await using it = await counted(
    18,
    `${setUp}; alter table blog drop constraint blog_pkey, alter id drop not null`,
    options,
  )
  await ran(it.sluice)
  await it.db.query(`update blog set title = 'new', author = author; insert into blog values (null, 4)`)
  expect(await marked(it)).toEqual([])
})

test('more rows than are named one by one have everything counted anew', async () => {
  await using it = await counted(18, setUp, options)
  await ran(it.sluice)
  await it.db.query('insert into blog select i, 5 from generate_series(1001, 101000) i')
  expect(await it.db.query('select count(*)::int as n, count(key)::int as keys from sluice.dirty')).toEqual([
    { n: 100_000, keys: 100_000 },
  ])
  expect((await it.sluice.rollups.get('views')).anew).toBeNull()
  // One more, of another statement, is one more than are read; of one statement none is kept.
  await it.db.query('insert into blog values (200001, 5)')
  expect((await it.sluice.rollups.get('views')).anew).toMatch(/more of a joined table/)
  await ran(it.sluice)
  await it.db.query('update blog set author = 6 where id > 1000')
  expect(await it.db.query('select joined, key, at from sluice.dirty')).toEqual([{ joined: null, key: null, at: null }])
  await ran(it.sluice)
  expect(await difference(it.db, truth)).toEqual([])
  expect(await it.db.query('select from sluice.dirty')).toEqual([])
})

test('a key of another type is not read as what it was', async () => {
  await using it = await counted(18, setUp, options)
  await ran(it.sluice)
  await it.db.query(`${change};
    alter table blog alter id type uuid using lpad(id::text, 32, '0')::uuid;
    alter table view alter blog type uuid using lpad(blog::text, 32, '0')::uuid`)
  expect((await it.sluice.rollups.get('views')).anew).toMatch(/triggers/)
  const [verified] = await it.sluice.verify(['views'])
  expect(verified?.run.error ?? null).toBeNull()
  await ran(it.sluice)
  expect(await difference(it.db, truth)).toEqual([])
})

test('a joined table of partitions: written by their names, attached, detached, emptied', async () => {
  await using it = await counted(
    18,
    `create table blog (id int, author int) partition by list (id);
     create table blog_1 partition of blog for values in (1, 2, 3);
     create table blog_2 partition of blog for values in (4, 5);
     insert into blog select i, i % 3 from generate_series(1, 5) i;
     create table view (id int primary key, blog int, viewed_at timestamptz not null);
     insert into view select i, i % 10, ${at} from generate_series(1, 500) i;`,
    options,
  )
  await ran(it.sluice)
  for (const statements of [
    'update blog_1 set author = 9 where id = 2',
    `create table blog_3 (id int, author int); insert into blog_3 values (6, 60), (7, 70); alter table blog attach partition blog_3 for values in (6, 7)`,
    'alter table blog detach partition blog_2',
    'truncate blog_1',
  ]) {
    await it.db.query(statements)
    await ran(it.sluice)
    expect(await difference(it.db, truth), statements).toEqual([])
  }
  const anew = await it.db.query(`select from sluice.log where message like 'counting everything%'`)
  // The first, and the last.
  expect(anew).toHaveLength(2)
})

test('a foreign key guards only what it refers to', async () => {
  await using it = await counted(
    18,
    `create table blog (id int primary key, legacy int unique, author int); insert into blog values (1, null, 7);
     create table view (id int primary key, blog int references blog (id), viewed_at timestamptz not null);
     insert into view select i, 1, ${at} from generate_series(1, 50) i;`,
    { ...options, from: { table: 'view', join: { blog: { table: 'blog', on: { legacy: 'blog' } } } } },
  )
  await ran(it.sluice)
  await it.db.query('insert into blog values (2, 1, 8)')
  await ran(it.sluice)
  expect(await difference(it.db, { ...truth, events: 'from view v left join blog b on b.legacy = v.blog' })).toEqual([])
})

test('a key that cannot be read any more has everything counted', async () => {
  await using it = await counted(
    18,
    `create type kind as enum ('a', 'b');
     create table blog (id kind primary key, author int); insert into blog values ('a', 1), ('b', 2);
     create table view (id int primary key, blog kind, viewed_at timestamptz not null);
     insert into view select i, (array['a', 'b'])[1 + i % 2]::kind, ${at} from generate_series(1, 50) i;`,
    options,
  )
  await ran(it.sluice)
  await it.db.query(`update blog set author = 9 where id = 'a'; alter type kind rename value 'a' to 'c'`)
  await ran(it.sluice)
  expect(await difference(it.db, truth)).toEqual([])
})

test('a joined view has no triggers, and is refused by name', async () => {
  await using it = await counted(18, `${setUp}; create view blogs as select * from blog`, {
    ...options,
    from: { table: 'view', join: { blog: { table: 'blogs', on: { id: 'blog' } } } },
  })
  const [record] = await it.sluice.run(['views'])
  expect(record?.error).toMatchObject({ code: 'SOURCE_UNSUITABLE', summary: 'public.blogs is no table' })
})
