/** Late data, ranges and clearing: what is rewritten, and what is not. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { counted, difference, ran, type Counted, type Truth } from './truth.ts'

const grains = ['hour', 'day', 'week', 'month', 'year'] as const
const setUp = `
  create table view (id int primary key, blog int, usr int, viewed_at timestamptz not null);
  insert into view select i, i % 10, i % 300, timestamptz '2025-01-01 00:30+00' + (i % 4000) * interval '131 minutes' from generate_series(1, 12000) i;
  create index on view (viewed_at);`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  zone: 'America/New_York',
  grains: [...grains],
  by: ['blog'],
  measures: { views: 'count', users: { distinct: 'usr' } },
}
const truth: Truth = {
  table: 'rolled',
  grains,
  zone: 'America/New_York',
  events: 'from view v where true',
  at: 'v.viewed_at',
  dimensions: ['blog'],
  levels: { blog: { blog: 'v.blog' }, total: {} },
  measures: { views: 'count(*)', users: 'count(distinct v.usr)' },
}

let it: Counted
beforeAll(async () => {
  it = await counted(18, setUp, options)
  await ran(it.sluice)
})
afterAll(() => it[Symbol.asyncDispose]())

/** Which buckets have rows that were written since. */
async function rewritten(since: string): Promise<readonly string[]> {
  const rows = await it.db.query<{ bucket: string }>(
    `select distinct grain || ' ' || (bucket at time zone 'America/New_York') as bucket from rolled where xmin::text::bigint >= ${since} order by 1`,
  )
  return rows.map(({ bucket }) => bucket)
}
const now = async (): Promise<string> =>
  (await it.db.query<{ x: string }>(`select pg_current_xact_id()::text as x`))[0]?.x ?? ''

test('a thousand rows that are months old, inserted, moved and deleted: one run, no difference, only their buckets written', async () => {
  const since = await now()
  await it.db.query(`
    insert into view select 20000 + i, i % 10, 5, timestamptz '2025-03-04 10:10-05' + (i % 3) * interval '1 hour' from generate_series(1, 400) i;
    update view set viewed_at = timestamptz '2025-03-20 01:01-04', blog = 77 where id between 1 and 300 and viewed_at < '2025-01-10';
    delete from view where viewed_at >= '2025-02-11 00:00-05' and viewed_at < '2025-02-12 00:00-05';`)
  const touched = await it.db.query<{
    bucket: string
  }>(`select distinct grain || ' ' || (bucket at time zone 'America/New_York') as bucket from (
      select g as grain, date_trunc(g, m.at, 'America/New_York') as bucket from sluice.dirty m, unnest(array['${grains.join("','")}']) g) x order by 1`)
  await ran(it.sluice)
  expect(await difference(it.db, truth)).toEqual([])
  const written = await rewritten(since)
  const expected = new Set(touched.map(({ bucket }) => bucket))
  expect(written.filter((bucket) => !expected.has(bucket))).toEqual([])
  // Emptied buckets have no rows.
  expect(await it.db.query(`select from rolled where grain = 'day' and bucket = '2025-02-11 00:00-05'`)).toEqual([])
})

test('what changes nothing that is counted marks nothing', async () => {
  await it.db.query(`alter table view add column note text`)
  await it.db.query(`update view set note = 'seen', usr = usr`)
  expect(await it.db.query('select count(*)::int as n from sluice.dirty')).toEqual([{ n: 0 }])
})

test('a role without rights on the schema of Sluice writes as before', async () => {
  const role = `writer_${process.pid}`
  await it.db.query(`create role ${role}; grant insert, update, delete, select on view to ${role}`)
  try {
    await it.db.query(`set role ${role}; insert into view values (900001, 1, 1, '2025-05-05 05:05+00'); reset role`)
    expect(await it.db.query('select count(*)::int as n from sluice.dirty')).toEqual([{ n: 1 }])
    await ran(it.sluice)
    expect(await difference(it.db, truth)).toEqual([])
  } finally {
    await it.db.query(`drop owned by ${role}; drop role ${role}`)
  }
})

/** Every row of the table made wrong. */
const spoil = `update rolled set views = views + 1000, users = users + 1000`

async function backfill(range: object): Promise<void> {
  const { backfills } = it.sluice.engine
  const flow = it.sluice.flows[0]?.name
  if (flow === undefined) throw new Error('no flow')
  const { id } = await backfills.create({ flow, from: null, to: null, slices: null, force: true, ...range }, 'test')
  await backfills.ensure(id)
  expect((await backfills.get(id)).state).toBe('done')
}

const wrong = async (): Promise<readonly { readonly grain: string; readonly n: number }[]> =>
  await it.db.query(
    `select grain, count(distinct bucket)::int as n from rolled where views < 1000 group by 1 order by 1`,
  )

test('clearing January changes January alone', async () => {
  await it.db.query(spoil)
  await backfill({ from: '2025-01-01', to: '2025-01-31', clear: true, grain: 'day' })
  const days = await it.db.query<{ day: string }>(
    `select distinct (bucket at time zone 'America/New_York')::date::text as day from rolled where grain = 'day' and views < 1000 order by 1`,
  )
  expect(days[0]?.day).toBe('2025-01-01')
  expect(days.at(-1)?.day).toBe('2025-01-31')
  expect(days).toHaveLength(31)
  expect((await wrong()).map(({ grain }) => grain)).toEqual(['day'])
})

test('a month of which the range begins in the middle is counted whole', async () => {
  await it.db.query(spoil)
  await backfill({ from: '2025-02-14', to: '2025-02-20', grain: 'month' })
  expect(
    await it.db.query(
      `select distinct (bucket at time zone 'America/New_York')::date::text as month from rolled where grain = 'month' and views < 1000`,
    ),
  ).toEqual([{ month: '2025-02-01' }])
  const raw = await it.db.query(`select blog, count(*)::int as views, count(distinct usr)::int as users from view
    where viewed_at >= '2025-02-01 00:00-05' and viewed_at < '2025-03-01 00:00-05' group by 1 order by 1`)
  expect(
    await it.db.query(
      `select blog, views::int, users::int from rolled where grain = 'month' and level = 'blog' and bucket = '2025-02-01 00:00-05' order by 1`,
    ),
  ).toEqual(raw)
})

test('verify names the buckets that differ, and a repair mends them', async () => {
  await ran(it.sluice, { from: '2024-12-01', to: '2026-12-31' })
  expect(await difference(it.db, truth)).toEqual([])
  await it.db.query(
    `update rolled set users = users + 1 where grain = 'month' and level = 'total' and bucket = '2025-03-01 00:00-05'`,
  )
  await it.db.query(`delete from rolled where grain = 'hour' and level = 'total' and bucket = '2025-04-04 00:00-04'`)
  const [found] = await it.sluice.verify(['views'])
  const differing = (found?.verifications ?? []).filter(({ verdict }) => verdict === 'differs')
  expect(differing.map(({ slice, missing, changed }) => ({ slice, missing, changed }))).toEqual([
    { slice: '2025-04-04[America/New_York]/hour', missing: 1, changed: 0 },
    { slice: '2025[America/New_York]/month', missing: 0, changed: 1 },
  ])
  const [repaired] = await it.sluice.verify(['views'], { repair: true })
  expect(repaired?.verifications.every(({ verdict }) => verdict === 'identical')).toBe(true)
  expect(await difference(it.db, truth)).toEqual([])
})

test('a changed definition counts everything anew', async () => {
  const more = await it.again({ ...options, measures: { ...options.measures, last: { max: 'id' } } })
  await ran(more)
  expect(await difference(it.db, { ...truth, measures: { ...truth.measures, last: 'max(v.id)' } })).toEqual([])
})
