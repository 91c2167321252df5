/** What is counted in parts: of one grain alone, by another definition meanwhile, after a pause. */
import { expect, test } from 'vitest'
import { counted, difference, ran, type Truth } from './truth.ts'

const setUp = `
  create table view (id int generated always as identity, blog int, usr int, viewed_at timestamptz not null);
  insert into view (blog, usr, viewed_at) select i % 5, i % 90, timestamptz '2024-11-20 00:10+00' + i * interval '5 hours' from generate_series(1, 1500) i;
  create index on view (viewed_at);`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  grains: ['week', 'month', 'year'],
  by: ['blog'],
  measures: { views: 'count' },
}
const truth: Truth = {
  table: 'rolled',
  grains: ['week', 'month', 'year'],
  zone: 'UTC',
  events: 'from view v where true',
  at: 'v.viewed_at',
  dimensions: ['blog'],
  levels: { blog: { blog: 'v.blog' }, total: {} },
  measures: { views: 'count(*)' },
}
const late = `insert into view (blog, usr, viewed_at) values (7, 1, '2025-03-31 05:00+00'), (7, 1, '2025-04-02 05:00+00'), (7, 2, '2024-12-31 12:00+00')`

test.each([
  ['that add up', {}],
  ['of different values', { users: { distinct: 'usr' } }],
])('months and years are made of no weeks, by measures %s', async (_, more) => {
  const measures = { ...options.measures, ...more }
  await using it = await counted(18, setUp, { ...options, measures })
  const whole = {
    ...truth,
    measures: { ...truth.measures, ...('users' in more ? { users: 'count(distinct v.usr)' } : {}) },
  }
  await ran(it.sluice)
  expect(await difference(it.db, whole)).toEqual([])
  await it.db.query(late)
  await ran(it.sluice)
  expect(await difference(it.db, whole)).toEqual([])
})

test('where weeks alone are counted anew, the months that share their events are, too', async () => {
  await using it = await counted(18, setUp, options)
  await ran(it.sluice)
  await it.db.query(late)
  await ran(it.sluice, { from: '2025-03-31', to: '2025-04-02', grain: 'week' })
  await ran(it.sluice)
  expect(await difference(it.db, truth)).toEqual([])
  await it.db.query(late)
  const flow = it.sluice.flows[0]?.name
  if (flow === undefined) throw new Error('no flow')
  const { backfills } = it.sluice.engine
  const asked = { flow, from: '2024-12-01', to: '2025-05-01', slices: null, force: true, grain: 'week' }
  await backfills.ensure((await backfills.create(asked, 'test')).id)
  await ran(it.sluice)
  expect(await difference(it.db, truth)).toEqual([])
})

test('a part that is asked for after the definition has changed: everything is counted by the new one', async () => {
  await using it = await counted(18, setUp, { ...options, grains: ['day', 'month'] })
  await ran(it.sluice)
  const changed = { ...options, grains: ['day', 'month'], zone: 'Asia/Kathmandu' }
  const other = await it.again(changed)
  await ran(other, { from: '2025-02-03', to: '2025-02-05' })
  const grains = ['day', 'month'] as const
  expect(await difference(it.db, { ...truth, grains, zone: 'Asia/Kathmandu' })).toEqual([])
  const back = await it.again({ ...options, grains: ['day', 'month'] })
  await ran(back)
  expect(await difference(it.db, { ...truth, grains })).toEqual([])
})

test('what came in a pause that was longer than the lookback is counted', async () => {
  await using it = await counted(18, setUp, { ...options, grains: ['day', 'month'], track: { lookback: '3d' } })
  await it.db.query(`delete from view where viewed_at >= now() - interval '20 days'`)
  await ran(it.sluice)
  // As if no run had been for ten days.
  await it.db.query(`
    update sluice.position set value = value || jsonb_build_object('through', (current_date - 10)::text || 'T00:00:00Z');
    insert into view (blog, usr, viewed_at) values (1, 1, now() - interval '7 days'), (1, 1, now() - interval '12 days')`)
  await ran(it.sluice)
  expect(await difference(it.db, { ...truth, grains: ['day', 'month'] })).toEqual([])
})
