/** Events in partitions: written by the name of a partition, attached with rows in it, detached, dropped. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { counted, difference, ran, type Counted, type Truth } from './truth.ts'

const setUp = `
  create table view (id int, blog int, viewed_at timestamptz not null) partition by range (viewed_at);
  create table view_1 partition of view for values from ('2025-01-01 00:00+00') to ('2025-02-01 00:00+00');
  create table view_2 partition of view for values from ('2025-02-01 00:00+00') to ('2025-03-01 00:00+00') partition by list (blog);
  create table view_2a partition of view_2 for values in (0, 1, 2);
  create table view_2b partition of view_2 default;
  create table view_9 partition of view default;
  create index on view (viewed_at);
  insert into view select i, i % 5, timestamptz '2025-01-01 00:10+00' + i * interval '97 minutes' from generate_series(1, 1500) i;`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  grains: ['hour', 'day', 'month'],
  by: ['blog'],
  measures: { views: 'count' },
}
const truth: Truth = {
  table: 'rolled',
  grains: ['hour', 'day', 'month'],
  zone: 'UTC',
  events: 'from view v where true',
  at: 'v.viewed_at',
  dimensions: ['blog'],
  levels: { blog: { blog: 'v.blog' }, total: {} },
  measures: { views: 'count(*)' },
}

describe.each([18, 14] as const)('on PostgreSQL %i', (version) => {
  let it: Counted
  beforeEach(async () => {
    it = await counted(version, setUp, options)
    await ran(it.sluice)
  })
  afterEach(() => it[Symbol.asyncDispose]())

  /** Runs; no difference is left. Says whether everything was counted anew. */
  const runs = async (): Promise<boolean> => {
    const [record] = await it.sluice.run(['views'])
    expect(record?.error ?? null).toBeNull()
    expect(await difference(it.db, truth)).toEqual([])
    const lines = await it.db.query<{ message: string }>(
      `select message from sluice.log where run = '${record?.id}' and message like 'counting everything%'`,
    )
    return lines.length > 0
  }

  test('what is written by the name of a partition, however deep, is counted', async () => {
    await it.db.query(`
      insert into view_1 values (9001, 3, '2025-01-05 05:05+00');
      insert into view_2b values (9002, 7, '2025-02-05 05:05+00');
      update view_2a set blog = 2 where blog = 1;
      delete from view_9 where viewed_at < '2025-03-02';`)
    expect(await runs()).toBe(false)
  })

  test('a partition that is attached with its rows is counted, and what is written to it later', async () => {
    await it.db.query(`
      create table view_4 (id int, blog int, viewed_at timestamptz not null);
      insert into view_4 select i, 1, timestamptz '2024-11-01 00:10+00' + i * interval '3 hours' from generate_series(1, 200) i;
      alter table view attach partition view_4 for values from ('2024-11-01 00:00+00') to ('2025-01-01 00:00+00');`)
    expect(await runs()).toBe(false)
    await it.db.query(
      `update view_4 set blog = 4 where id < 20; insert into view_4 values (7, 7, '2024-12-24 18:00+00')`,
    )
    expect(await runs()).toBe(false)
    const [again] = await it.sluice.run(['views'])
    expect(again?.outcome).toBe('skipped')
  })

  test('a partition that is detached is not counted any more, and what is written to it later is nobody’s', async () => {
    await it.db.query('alter table view detach partition view_1')
    expect(await runs()).toBe(false)
    await it.db.query(`insert into view_1 values (1, 1, '2025-01-01 01:00+00')`)
    expect(await it.db.query('select * from sluice.dirty')).toEqual([])
    expect(await it.db.query(`select tgname from pg_trigger where tgrelid = 'view_1'::regclass`)).toEqual([])
  })

  test('a partition that is dropped is not counted any more', async () => {
    await it.db.query('drop table view_1')
    expect(await runs()).toBe(true)
    expect(await runs()).toBe(false)
  })

  test('a partition that was emptied, or whose triggers were off, is counted', async () => {
    await it.db.query('truncate view_2b')
    expect(await runs()).toBe(true)
    await it.db.query(`
      alter table view_2a disable trigger user;
      insert into view_2a values (9003, 1, '2025-02-06 05:05+00');`)
    expect(await runs()).toBe(true)
    expect(await runs()).toBe(false)
  })

  test('what is loaded while triggers are off for a while is counted, also when a partition comes meanwhile', async () => {
    await it.db.query(`
      alter table view_1 disable trigger all;
      insert into view_1 values (9003, 1, '2025-01-06 05:05+00');
      alter table view_1 enable trigger all;
      create table view_4 partition of view for values from ('2024-11-01 00:00+00') to ('2025-01-01 00:00+00');`)
    expect(await runs()).toBe(true)
    await it.db.query(
      `create table view_5 partition of view for values from ('2024-10-01 00:00+00') to ('2024-11-01 00:00+00')`,
    )
    expect(await runs()).toBe(false)
    expect(await runs()).toBe(false)
  })

  test('a table that inherits from that of the events is a part of it, too', async () => {
    await it.db.query(`
      create table seen (id int, blog int, viewed_at timestamptz not null);
      create table seen_more () inherits (seen);
      insert into seen_more values (1, 1, '2025-05-05 05:05+00');`)
    const other = await it.again({ ...options, from: 'seen' })
    await ran(other)
    await it.db.query(
      `insert into seen_more values (2, 1, '2025-05-06 05:05+00'); update seen set blog = 3 where id = 1`,
    )
    await ran(other)
    expect(await difference(it.db, { ...truth, events: 'from seen v where true' })).toEqual([])
  })
})

test('where events are not kept, the buckets of a partition that is dropped stay', async () => {
  const keep = { raw: '60d' }
  const recent = `
    create table view (id int, blog int, viewed_at timestamptz not null) partition by range (viewed_at);
    create table view_old partition of view for values from (minvalue) to (date_trunc('day', now()) - interval '90 days');
    create table view_new partition of view default;
    create index on view (viewed_at);`
  await using it = await counted(18, '', { ...options, keep })
  // A bound is a constant.
  const { day } = (await it.db.query<{ day: string }>(`select (current_date - 90)::text as day`))[0] ?? { day: '' }
  await it.db.query(recent.replace(`date_trunc('day', now()) - interval '90 days'`, `'${day} 00:00+00'`))
  await it.db.query(
    `insert into view select i, i % 3, now() - i * interval '1 day' from generate_series(1, 85) i; insert into view select i, 1, now() - interval '100 days' from generate_series(1, 10) i`,
  )
  await ran(it.sluice)
  await it.db.query(
    `insert into rolled select grain, level, bucket - interval '100 days', blog, views from rolled where grain = 'day' and level = 'total' limit 1`,
  )
  const before = await it.db.query('select * from rolled order by 1, 2, 3, 4')
  await it.db.query('drop table view_old')
  await ran(it.sluice)
  expect(await it.db.query('select * from rolled order by 1, 2, 3, 4')).toEqual(before)
})
