/** What is kept longer than its events, what is noticed without triggers, and events whose time has no zone of its own. */
import { expect, test } from 'vitest'
import type { Sluice } from '../../src/sluice.ts'
import { counted, difference, ran, type Counted } from './truth.ts'

const views = (type: string, rows = 4000): string => `
  create table view (id int primary key, blog int, viewed_at ${type} not null);
  insert into view select i, i % 5, (now() - interval '150 days' + i * interval '54 minutes')::${type} from generate_series(1, ${rows}) i;
  create index on view (viewed_at);`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  zone: 'Europe/Berlin',
  grains: ['hour', 'day', 'month', 'year'],
  by: ['blog'],
  measures: { views: 'count' },
}
const content = `select grain, bucket, level, blog, views::int from rolled order by 1, 2, 3, 4`

test('buckets whose events are gone stay, and go when they are cleared away', async () => {
  await using it = await counted(18, views('timestamptz'), { ...options, keep: { raw: '30d' } })
  // Everything is there when it is first counted, but what is older than the events are said to be kept is not.
  const all = await it.again({ ...options, to: 'rolled', keep: {} })
  await ran(all)
  const before = await it.db.query(content)
  const kept = await it.again({ ...options, keep: { raw: '30d' } })
  await it.db.query(`delete from view where viewed_at < now() - interval '40 days'`)
  await ran(kept)
  expect(await it.db.query(content)).toEqual(before)
  // A late event of a month that is frozen changes nothing; one of yesterday does, up to its year.
  await it.db.query(
    `insert into view values (90001, 1, now() - interval '100 days'), (90002, 1, now() - interval '1 day')`,
  )
  await ran(kept)
  const total = async (grain: string): Promise<number | undefined> =>
    (
      await it.db.query<{ n: number }>(
        `select sum(views)::int as n from rolled where grain = '${grain}' and level = 'total'`,
      )
    )[0]?.n
  const was = before
    .filter((row) => row['grain'] === 'year' && row['level'] === 'total')
    .reduce((sum, row) => sum + Number(row['views']), 0)
  expect(await total('year')).toBe(was + 1)
  expect(await total('hour')).toBe(was + 1)
  const [verified] = await kept.verify(['views'])
  expect(verified?.verifications.filter(({ verdict }) => verdict !== 'identical')).toEqual([])
  // A day of which no event is left, and before the first one that is.
  const day = new Date(Date.now() - 110 * 86_400_000).toISOString().slice(0, 10)
  const flow = kept.flows[0]?.name
  if (flow === undefined) throw new Error('no flow')
  const asked = { flow, from: day, to: day, slices: null, force: true, grain: 'hour' }
  const left = async (): Promise<number | undefined> =>
    (
      await it.db.query<{ n: number }>(`select sum(views)::int as n from rolled where grain = 'hour' and level = 'total'
      and bucket >= timestamp '${day}' at time zone 'Europe/Berlin' and bucket < (timestamp '${day}' + interval '1 day') at time zone 'Europe/Berlin'`)
    )[0]?.n
  const full = await left()
  const { backfills } = kept.engine
  const gentle = await backfills.create(asked, 'test')
  await backfills.ensure(gentle.id)
  expect(await left()).toBe(full)
  const clearing = await backfills.create({ ...asked, clear: true }, 'test')
  await backfills.ensure(clearing.id)
  expect((await left()) ?? 0).toBe(0)
})

test('hours go when they are not kept, days stay', async () => {
  await using it = await counted(18, views('timestamptz'), { ...options, keep: { hour: '20d' } })
  await ran(it.sluice)
  const [hours] = await it.db.query<{ first: Date }>(`select min(bucket) as first from rolled where grain = 'hour'`)
  expect(Date.now() - (hours?.first.getTime() ?? 0)).toBeLessThan(21 * 86_400_000)
  // A late event of a day whose hours are gone is counted from the events.
  await it.db.query(`insert into view values (90001, 1, now() - interval '100 days')`)
  await ran(it.sluice)
  const levels = { blog: { blog: 'v.blog' }, total: {} }
  const through = (await it.db.query<{ t: string }>(`select value ->> 'through' as t from sluice.position`))[0]?.t ?? ''
  const truth = {
    table: 'rolled',
    grains: ['day', 'month', 'year'] as const,
    zone: 'Europe/Berlin',
    events: `from view v where viewed_at < '${through}'`,
    at: 'v.viewed_at',
    dimensions: ['blog'],
    levels,
    measures: { views: 'count(*)' },
  }
  expect(await difference(it.db, truth)).toEqual([])
})

test('without triggers, what lies within the lookback is counted anew, and what is older is found by verify', async () => {
  await using it = await counted(18, views('timestamptz'), { ...options, track: { lookback: '3d' } })
  await ran(it.sluice)
  expect(await it.db.query(`select tgname from pg_trigger where tgrelid = 'view'::regclass`)).toEqual([])
  await it.db.query(`insert into view values (90001, 1, now() - interval '2 days')`)
  await ran(it.sluice)
  expect((await it.sluice.verify(['views']))[0]?.verifications.every(({ verdict }) => verdict === 'identical')).toBe(
    true,
  )
  await it.db.query(`insert into view values (90002, 1, now() - interval '50 days')`)
  await ran(it.sluice)
  const [found] = await it.sluice.verify(['views'], { repair: true })
  expect(found?.repair).not.toBeNull()
  expect(found?.verifications.every(({ verdict }) => verdict === 'identical')).toBe(true)
})

test.each([
  [18, 'timestamp'],
  [14, 'timestamp'],
  [18, 'date'],
] as const)('on PostgreSQL %i, events with a %s have the local time of the zone', async (version, type) => {
  await using it = await counted(version, views(type, 1500), options)
  await ran(it.sluice)
  await it.db.query(
    `insert into view values (90001, 1, (now() - interval '70 days')::${type}); update view set blog = 9 where id % 100 = 0`,
  )
  await ran(it.sluice)
  const through = (await it.db.query<{ t: string }>(`select value ->> 'through' as t from sluice.position`))[0]?.t ?? ''
  const at = `(v.viewed_at::timestamp at time zone 'Europe/Berlin')`
  const truth = {
    table: 'rolled',
    grains: ['hour', 'day', 'month', 'year'] as const,
    zone: 'Europe/Berlin',
    events: `from view v where ${at} < '${through}'`,
    at,
    dimensions: ['blog'],
    levels: { blog: { blog: 'v.blog' }, total: {} },
    measures: { views: 'count(*)' },
  }
  expect(await difference(it.db, truth)).toEqual([])
  expect((await it.sluice.verify(['views']))[0]?.verifications.every(({ verdict }) => verdict === 'identical')).toBe(
    true,
  )
})

test('what cannot be counted is refused before anything is', async () => {
  await using it = await counted(18, views('text'), options)
  expect((await it.sluice.run(['views']))[0]?.error).toMatchObject({
    code: 'SOURCE_COLUMN_MISSING',
    why: expect.stringContaining('text') as string,
  })
  const missing = await it.again({ ...options, from: 'nothing' })
  expect((await missing.run(['views']))[0]?.error).toMatchObject({ code: 'SOURCE_TABLE_MISSING' })
  await it.db.query(
    `drop table view; create table view (id int, blog int, viewed_at timestamptz); insert into view values (1, 1, '0044-02-03'), (2, 1, now() - interval '1 day')`,
  )
  const far = await it.again(options)
  expect((await far.run(['views']))[0]?.error).toMatchObject({
    code: 'SOURCE_UNSUITABLE',
    why: expect.stringContaining('0044-02-0') as string,
  })
})

/** Counts in full; then events are kept for 400 days only, and older ones go. */
async function aged(it: Counted, first: object, then: object): Promise<Sluice> {
  await ran(await it.again(first))
  await it.db.query(`delete from view where viewed_at < now() - interval '420 days'`)
  const kept = await it.again(then)
  await ran(kept)
  return kept
}
const years = `
  create table view (id int generated always as identity, blog int, usr int, viewed_at timestamptz not null);
  insert into view (blog, usr, viewed_at) select i % 5, i % 50, now() - interval '800 days' + i * interval '6 hours' from generate_series(1, 3000) i;
  create index on view (viewed_at);`
const utc = { ...options, zone: 'UTC' }
const totals = `select grain, bucket, views::int from rolled where level = 'total' and grain in ('month', 'year') order by 1, 2`

test('a grain that is added when events have gone does not make frozen buckets of what it has', async () => {
  await using it = await counted(18, years, utc)
  const first = { ...utc, grains: ['month', 'year'] }
  const before = async () => await it.db.query(totals)
  await ran(await it.again(first))
  const all = await before()
  const kept = await aged(it, first, { ...first, grains: ['day', 'month', 'year'], keep: { raw: '400d' } })
  expect(await before()).toEqual(all)
  // What comes late for the month that events are kept of in part cannot be added to it; nothing else of it goes.
  await it.db.query(`insert into view (blog, usr, viewed_at) values (1, 1, now() - interval '399 days')`)
  await ran(kept)
  const year = new Date(Date.now() - 500 * 86_400_000).getUTCFullYear()
  const { series } = await kept.series.read('views', { grain: 'month', from: `${year}`, to: `${year}` })
  const told = series[0]?.points.map(({ values }) => values['views'] ?? null) ?? []
  const there = (await before()).filter(
    (row) => (row['bucket'] as Date).getUTCFullYear() === year && row['grain'] === 'month',
  )
  expect(told.filter((value) => value !== null)).toEqual(
    expect.arrayContaining(there.slice(0, 2).map((row) => row['views'])),
  )
})

test('a bucket that begins before the events that are kept: there, kept up to date, or not known, but never 0', async () => {
  // All events are younger than what is kept, but the year began before.
  await using it = await counted(
    18,
    `create table view (id int generated always as identity, blog int, usr int, viewed_at timestamptz not null);
    insert into view (blog, usr, viewed_at) select i % 5, i, now() - interval '29 days' + i * interval '100 minutes' from generate_series(1, 400) i;`,
    utc,
  )
  const kept = await it.again({ ...utc, keep: { raw: '30d' } })
  await ran(kept)
  const sums = async () =>
    await it.db.query(`select grain, sum(views)::int as n from rolled where level = 'total' group by 1 order by 1`)
  const through = async () =>
    (
      await it.db.query<{ n: number }>(`
    select count(*)::int as n from view where viewed_at < (select (value ->> 'through')::timestamptz from sluice.position)`)
    )[0]?.n
  const n = await through()
  expect(await sums()).toEqual(['day', 'hour', 'month', 'year'].map((grain) => ({ grain, n })))
  await it.db.query(`insert into view (blog, usr, viewed_at) values (1, 1, now() - interval '3 days')`)
  await ran(kept, { force: true })
  expect(await sums()).toEqual(['day', 'hour', 'month', 'year'].map((grain) => ({ grain, n: (n ?? 0) + 1 })))
})

test('a year whose events had gone in part when it was first counted is not known', async () => {
  await using it = await counted(18, years, utc)
  for (const measures of [{ views: 'count' }, { users: { distinct: 'usr' } }]) {
    const to = `rolled_${Object.keys(measures)[0]}`
    const kept = await it.again({ ...utc, to, grains: ['day', 'year'], measures, keep: { raw: '400d' } })
    await ran(kept)
    const year = new Date(Date.now() - 400 * 86_400_000).getUTCFullYear()
    const { series } = await kept.series.read('views', { grain: 'year', from: `${year}`, to: `${year}` })
    expect(series.flatMap(({ points }) => points.flatMap(({ values }) => Object.values(values)))).toEqual([null])
  }
})

test.each([
  ['that add up, whose hours are gone', { grains: ['hour', 'month', 'year'] }, { hour: '400d' }],
  [
    'of different values',
    { grains: ['day', 'month', 'year'], measures: { views: 'count', users: { distinct: 'usr' } } },
    {},
  ],
])('a day that is cleared away takes no month and no year with it, by measures %s', async (_, more, keep) => {
  await using it = await counted(18, years, utc)
  const kept = await aged(it, { ...utc, ...more }, { ...utc, ...more, keep: { raw: '400d', ...keep } })
  const before = await it.db.query(totals)
  const flow = kept.flows[0]?.name
  if (flow === undefined) throw new Error('no flow')
  const day = new Date(Date.now() - 600 * 86_400_000).toISOString().slice(0, 10)
  const { backfills } = kept.engine
  const cleared = await backfills.create({ flow, from: day, to: day, slices: null, force: true, clear: true }, 'test')
  await backfills.ensure(cleared.id)
  await ran(kept)
  expect(await it.db.query(totals)).toEqual(before)
})
