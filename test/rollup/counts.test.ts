import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { counted, difference, ran, type Counted, type Truth } from './truth.ts'

const grains = ['quarter-hour', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const

/** Two years of views: of blogs with an author and, not always, a country; some at the changes of clocks. */
const setUp = `
  create table blog (id int primary key, author int not null, country text);
  create table view (id bigint generated always as identity primary key, blog int references blog, usr int, took float8, paid numeric, viewed_at timestamptz);
  insert into blog select i, i % 5, case when i % 4 = 0 then null else (array['US', 'DE', 'NP'])[1 + i % 3] end from generate_series(1, 20) i;
  insert into view (blog, usr, took, paid, viewed_at)
    select case when i % 97 = 0 then null else 1 + i * 7 % 20 end, case when i % 31 = 0 then null else i * 13 % 400 end, i % 100 / 4.0, (i % 1000) / 100.0,
      timestamptz '2024-01-01 00:00+00' + (i::bigint * 7919 % (730 * 86400)) * interval '1 second' + (i % 1000) * interval '1 millisecond'
    from generate_series(1, 6000) i;
  insert into view (blog, usr, viewed_at)
    select 1 + i % 20, i, timestamptz '2025-11-02 03:30:00+00' + i * interval '10 minutes' from generate_series(1, 60) i;
  insert into view (blog, usr, viewed_at) values (1, 1, null), (1, 1, 'infinity'), (1, 1, '-infinity');`

const options = {
  from: { table: 'view', join: { blog: { table: 'blog', on: { id: 'blog' } } } },
  at: 'viewed_at',
  to: 'views_rollup',
  grains: [...grains],
  by: { blog: 'blog', country: 'blog.country', author: 'blog.author' },
  levels: [['blog', 'country', 'author'], ['country'], []],
  measures: {
    views: 'count',
    users: { distinct: 'usr' },
    known: { count: 'usr' },
    paid: { sum: 'paid' },
    longest: { max: 'took' },
    shortest: { min: 'took' },
    mean: { avg: 'paid' },
  },
}

const truth = (zone: string, weekStart: 'monday' | 'sunday', distinct = true): Truth => ({
  table: 'views_rollup',
  grains,
  zone,
  weekStart,
  events: 'from view v left join blog b on b.id = v.blog where isfinite(v.viewed_at)',
  at: 'v.viewed_at',
  dimensions: ['blog', 'country', 'author'],
  levels: {
    'blog+country+author': { blog: 'v.blog', country: 'b.country', author: 'b.author' },
    country: { country: 'b.country' },
    total: {},
  },
  measures: {
    views: 'count(*)',
    ...(distinct ? { users: 'count(distinct v.usr)' } : {}),
    known: 'count(v.usr)',
    paid: 'sum(v.paid)',
    longest: 'max(v.took)',
    shortest: 'min(v.took)',
    mean: 'avg(v.paid)',
  },
})

describe.each([
  [18, 'America/New_York', 'monday'],
  [14, 'America/New_York', 'sunday'],
  [18, 'Asia/Kathmandu', 'sunday'],
  [18, 'Australia/Lord_Howe', 'monday'],
  [18, 'UTC', 'monday'],
] as const)('on PostgreSQL %i, in %s with weeks from %s', (version, zone, weekStart) => {
  let it: Counted
  // Where clocks are moved by half an hour, PostgreSQL's hours overlap; ours end with the change.
  const judged = zone === 'Australia/Lord_Howe' ? grains.filter((grain) => grain !== 'hour') : grains
  const whole = { ...truth(zone, weekStart), grains: judged }
  beforeAll(async () => {
    it = await counted(version, setUp, { ...options, zone, weekStart })
  })
  afterAll(() => it[Symbol.asyncDispose]())

  test('everything equals plain SQL over the events', async () => {
    await ran(it.sluice)
    expect(await difference(it.db, whole)).toEqual([])
    const [verified] = await it.sluice.verify(['views'])
    expect(verified?.run.error ?? null).toBeNull()
    expect(verified?.verifications.filter(({ verdict }) => verdict !== 'identical')).toEqual([])
  })

  test('so it does after events came, moved, changed and went, in one run', async () => {
    await it.db.query(`
      insert into view (blog, usr, paid, viewed_at) select 3, 900 + i, 1, timestamptz '2025-03-09 04:00+00' + i * interval '9 minutes' from generate_series(1, 50) i;
      update view set viewed_at = viewed_at + interval '40 days', blog = 5 where id % 777 = 0;
      update view set usr = usr + 1 where id % 555 = 0;
      delete from view where viewed_at >= '2024-05-05' and viewed_at < '2024-05-06';
      update blog set country = 'FR' where id = 3;`)
    await ran(it.sluice)
    expect(await difference(it.db, whole)).toEqual([])
  })

  test('a second run has nothing to do, and says since when', async () => {
    // A quarter of an hour may have ended since, which is then counted.
    const [first] = await it.sluice.run(['views'])
    const [record] = first?.outcome === 'succeeded' ? await it.sluice.run(['views']) : [first]
    expect(record).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('nothing has changed') as string,
    })
  })

  test('what does not add up aside, coarser grains are made of finer ones, with the same result', async () => {
    const { users: _, ...measures } = options.measures
    const sluice = await it.again({ ...options, zone, weekStart, measures })
    const added = { ...truth(zone, weekStart, false), grains: judged }
    await ran(sluice)
    expect(await difference(it.db, added)).toEqual([])
    await it.db.query(
      `delete from view where id % 50 = 0; insert into view (blog, usr, viewed_at) select null, 1, '2024-02-29 23:59+00' from generate_series(1, 3)`,
    )
    await ran(sluice)
    expect(await difference(it.db, added)).toEqual([])
    await it.db.query('truncate view')
    await ran(sluice)
    expect(await it.db.query('select count(*)::int as n from views_rollup')).toEqual([{ n: 0 }])
  })
})
