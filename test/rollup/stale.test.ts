/** What is not marked is not believed: series and looks after somebody went behind the triggers; and what cannot be read at all. */
import { expect, test } from 'vitest'
import type { Sluice } from '../../src/sluice.ts'
import { sql } from '../../src/lib/sql.ts'
import { counted, ran, type Counted } from './truth.ts'

const base = `
  create table blog (id int primary key, author int); insert into blog select i, i % 3 from generate_series(0, 9) i;
  create table view (id int primary key, blog int, viewed_at timestamptz not null);
  insert into view select i, i % 7, timestamptz '2025-01-01 00:30+00' + i * interval '197 minutes' from generate_series(1, 1000) i;
  create index on view (viewed_at);`
const options = {
  from: { table: 'view', join: { blog: { table: 'blog', on: { id: 'blog' } } } },
  at: 'viewed_at',
  to: 'rolled',
  grains: ['hour', 'day', 'month'],
  by: { author: 'blog.author' },
  measures: { views: 'count' },
}

async function byAuthor({ series }: Sluice): Promise<readonly unknown[]> {
  const { series: found } = await series.read('views', { grain: 'month', from: '2025-02', to: '2025-02', by: 'author' })
  return found.map(({ key, points }) => [key['author'], points[0]?.values['views']])
}
const truly = async (it: Counted): Promise<readonly unknown[]> =>
  (
    await it.db.query<{ author: number; n: number }>(`
      select author, count(*)::int as n from view v left join blog b on b.id = v.blog
      where viewed_at >= '2025-02-01Z' and viewed_at < '2025-03-01Z' group by 1 order by 1`)
  ).map(({ author, n }) => [author, n])

test.each([
  [
    'a joined table is another one',
    `create table other (id int primary key, author int); insert into other select i, 99 from generate_series(0, 9) i;
     drop table blog; alter table other rename to blog`,
    /triggers were not there/,
  ],
  [
    'triggers are off',
    `alter table view disable trigger all; insert into view select 5000 + i, 1, '2025-02-02Z' from generate_series(1, 5) i`,
    /triggers were not there/,
  ],
  [
    'triggers were off for a while',
    `alter table view disable trigger all;
     insert into view select 5000 + i, 1, now() - i * interval '1 day' from generate_series(0, 300) i; insert into view values (6000, 1, '2025-02-02Z');
     alter table view enable trigger all`,
    /triggers were switched off for a while/,
  ],
  [
    'triggers of a joined table were off for a while',
    `begin; alter table blog disable trigger user; update blog set author = 8; alter table blog enable trigger user; commit`,
    /triggers were switched off for a while/,
  ],
])('where %s, events are counted', async (_, statements, why) => {
  await using it = await counted(18, base, options)
  await ran(it.sluice)
  expect(await byAuthor(it.sluice)).toEqual(await truly(it))
  expect((await it.sluice.rollups.get('views')).anew).toBeNull()
  await it.db.query(statements)
  expect(await byAuthor(it.sluice)).toEqual(await truly(it))
  expect((await it.sluice.rollups.get('views')).anew).toMatch(why)
  await ran(it.sluice)
  expect(await byAuthor(it.sluice)).toEqual(await truly(it))
  expect((await it.sluice.rollups.get('views')).anew).toBeNull()
})

test.each([
  [
    'attached',
    `create table view_3 (like view); insert into view_3 select i, 1, '2025-02-25Z' from generate_series(1, 5) i;
     alter table view attach partition view_3 for values from ('2025-02-20Z') to (maxvalue)`,
  ],
  ['detached', 'alter table view detach partition view_2'],
])('where a partition was %s, events are counted until the next run has seen it', async (_, statements) => {
  const events = `
    create table blog (id int primary key, author int); insert into blog select i, i % 3 from generate_series(0, 9) i;
    create table view (id int, blog int, viewed_at timestamptz not null) partition by range (viewed_at);
    create table view_1 partition of view for values from (minvalue) to ('2025-02-10Z');
    create table view_2 partition of view for values from ('2025-02-10Z') to ('2025-02-20Z');
    insert into view select i, i % 7, timestamptz '2025-01-25 00:30Z' + i * interval '1 hour' from generate_series(1, 600) i`
  await using it = await counted(18, events, options)
  await ran(it.sluice)
  expect(await byAuthor(it.sluice)).toEqual(await truly(it))
  await it.db.query(statements)
  expect(await byAuthor(it.sluice)).toEqual(await truly(it))
  await ran(it.sluice)
  expect(await byAuthor(it.sluice)).toEqual(await truly(it))
  expect(await it.db.query('select from sluice.dirty')).toEqual([])
})

test('a table that was dropped is said to be gone', async () => {
  await using it = await counted(18, base, options)
  await ran(it.sluice)
  await it.db.query('drop table rolled')
  await expect(byAuthor(it.sluice)).rejects.toMatchObject({ code: 'TARGET_MISSING', fix: 'sluice run views' })
  expect((await it.sluice.rollups.get('views')).anew).toBe('the table is gone')
  await ran(it.sluice)
  expect(await byAuthor(it.sluice)).toEqual(await truly(it))
})

test('a comparison that the server ends was given up', async () => {
  await using it = await counted(18, base, options)
  await ran(it.sluice)
  const free = Promise.withResolvers<undefined>()
  const locked = Promise.withResolvers<undefined>()
  const holding = it.db.database.transaction(async (tx) => {
    await tx.run(sql`lock table rolled`)
    locked.resolve(undefined)
    await free.promise
  })
  await locked.promise
  const asked = { grain: 'day', at: new Date('2025-01-02Z'), level: null, limit: 10 }
  const comparing = it.sluice.rollups.compare('views', asked)
  comparing.catch(() => {})
  try {
    const waiting = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%both_sides%'`
    await expect.poll(async () => (await it.db.query(waiting)).length, { timeout: 10_000 }).toBe(1)
    await it.db.query(`select pg_cancel_backend(pid) from (${waiting}) as p`)
    await expect(comparing).rejects.toMatchObject({
      code: 'READ_TIMEOUT',
      fix: expect.stringContaining('sluice verify views') as string,
    })
  } finally {
    free.resolve(undefined)
  }
  await holding
})

test.each([
  [{ measures: { mean: { avg: 'pause' } } }, 'views cannot count mean', /avg of pause/],
  [{ measures: { n: 'count', all: { sum: 'title' } } }, 'views cannot count all', /sum of title/],
  [{ measures: { all: { distinct: 'more' } } }, 'views cannot count all', /distinct of more/],
  [{ measures: { few: { approximate: 'more' }, low: { min: 'more' } } }, 'views cannot count low', /min of more/],
  [{ by: ['more'], measures: { n: 'count' } }, 'views cannot count by more', /groups of more/],
])('%j is refused by name before anything is counted', async (more, summary, why) => {
  await using it = await counted(
    18,
    `${base} alter table view add column pause interval, add column title text, add column more json`,
    { ...options, from: 'view', by: [], ...more },
  )
  const [record] = await it.sluice.run(['views'])
  expect(record?.error).toMatchObject({
    code: 'SOURCE_UNSUITABLE',
    summary,
    why: expect.stringMatching(why) as string,
  })
})
