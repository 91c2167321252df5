/** Times at the ends of what there is: of each the events beside it are counted, and nothing stops. */
import { expect, test } from 'vitest'
import { counted, difference, ran, type Truth } from './truth.ts'

const setUp = `
  create table view (id int generated always as identity, blog int, viewed_at timestamptz);
  insert into view (blog, viewed_at) select i % 3, timestamptz '2025-01-01 00:30+00' + i * interval '3 hours' from generate_series(1, 200) i;
  create index on view (viewed_at);`
const truth: Truth = {
  table: 'rolled',
  grains: ['day', 'month', 'year'],
  zone: 'Europe/Berlin',
  events: `from view v where viewed_at >= '0002-01-01Z' and viewed_at < '9999-12-31Z'`,
  at: 'v.viewed_at',
  dimensions: ['blog'],
  levels: { blog: { blog: 'v.blog' }, total: {} },
  measures: { views: 'count(*)' },
}
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  zone: 'Europe/Berlin',
  grains: ['day', 'month', 'year'],
  by: ['blog'],
  measures: { views: 'count' },
}

test.each([
  `'0044-03-15 BC'`,
  `'4713-01-01 BC'`,
  `'294000-01-01+00'`,
  `'10000-01-01+00'`,
  `'275761-01-01+00'`,
  `'infinity'`,
  `'-infinity'`,
  'null',
])('an event of %s is in no bucket, and keeps no other out of its own', async (written) => {
  await using it = await counted(18, setUp, options)
  await ran(it.sluice)
  await it.db.query(`insert into view (blog, viewed_at) values (1, ${written}), (2, '2025-01-05 05:05+00')`)
  await ran(it.sluice)
  expect(await difference(it.db, truth)).toEqual([])
  await ran(it.sluice, { force: true })
  expect(await difference(it.db, truth)).toEqual([])
  const [found] = await it.sluice.verify(['views'])
  expect(new Set(found?.verifications.map(({ verdict }) => verdict))).toEqual(new Set(['identical']))
  expect((await it.sluice.rollups.get('views')).grains.length).toBe(3)
})

test('events of a bucket that is not over, or that has not begun, when the triggers are made are counted when it is', async () => {
  await using it = await counted(18, setUp, options)
  await it.db.query(`insert into view (blog, viewed_at) values (1, now()), (2, now() + interval '2 days')`)
  await ran(it.sluice)
  const through = `(select (value ->> 'through')::timestamptz from sluice.position)`
  const so = { ...truth, events: `${truth.events} and viewed_at < ${through}` }
  for (const days of [1, 2, 3, 4]) {
    await it.db.query(
      `create or replace function sluice.now() returns timestamptz language sql as $$ select clock_timestamp() + interval '${days} days' $$`,
    )
    await ran(it.sluice)
    expect(await difference(it.db, so)).toEqual([])
    if (days === 1)
      await it.db.query(`alter table view disable trigger all;
        insert into view (blog, viewed_at) values (2, date_trunc('day', now(), 'Europe/Berlin') + interval '3 days 12 hours'); alter table view enable trigger all`)
  }
  expect(await it.db.query(`select ${through} > max(viewed_at) as all from view`)).toEqual([{ all: true }])
})

test('events of the year 44 and of 9999 are counted', async () => {
  await using it = await counted(18, setUp, { ...options, grains: ['month', 'year'] })
  await it.db.query(`insert into view (blog, viewed_at) values (1, '0044-03-15 12:00+00'), (1, '9999-12-30 12:00+00')`)
  await ran(it.sluice, { from: '0040', to: '0050' })
  const rows = await it.db.query<{ n: number }>(
    `select sum(views)::int as n from rolled where level = 'total' and grain = 'year'`,
  )
  expect(rows).toEqual([{ n: 1 }])
})
