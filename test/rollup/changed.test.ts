/** A definition that changes: everything is counted by the new one, in the table that is there. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { counted, difference, ran, type Counted, type Truth } from './truth.ts'

const setUp = `
  create table view (id int primary key, blog int, country text, usr int, viewed_at timestamptz not null);
  insert into view select i, i % 7, (array['fr', 'pk', null])[i % 3 + 1], i % 90, timestamptz '2025-01-01 00:30+00' + i * interval '197 minutes' from generate_series(1, 4000) i;`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  zone: 'UTC',
  grains: ['hour', 'day', 'month'],
  by: ['blog'],
  measures: { views: 'count', users: { distinct: 'usr' } },
}
const truth: Truth = {
  table: 'rolled',
  grains: ['hour', 'day', 'month'],
  zone: 'UTC',
  events: 'from view v where true',
  at: 'v.viewed_at',
  dimensions: ['blog'],
  levels: { blog: { blog: 'v.blog' }, total: {} },
  measures: { views: 'count(*)', users: 'count(distinct v.usr)' },
}

let it: Counted
beforeEach(async () => {
  it = await counted(18, setUp, options)
  await ran(it.sluice)
})
afterEach(() => it[Symbol.asyncDispose]())

const both = { blog: 'v.blog', country: 'v.country' }

describe('is counted anew', () => {
  test.each<[string, object, Partial<Truth>]>([
    [
      'another dimension',
      { by: ['blog', 'country'] },
      { dimensions: ['blog', 'country'], levels: { 'blog+country': both, total: {} } },
    ],
    ['a level less', { levels: [['blog']] }, { levels: { blog: { blog: 'v.blog' } } }],
    ['a dimension less', { by: [] }, { dimensions: [], levels: { total: {} } }],
    [
      'a dimension for another',
      { by: ['country'] },
      { dimensions: ['country'], levels: { country: { country: 'v.country' }, total: {} } },
    ],
    ['a finer grain', { grains: ['quarter-hour', 'hour', 'day', 'month'] }, {}],
    [
      'a coarser grain',
      { grains: ['hour', 'day', 'week', 'month', 'year'] },
      { grains: ['hour', 'day', 'week', 'month', 'year'] },
    ],
    ['the finest grain less', { grains: ['day', 'month'] }, { grains: ['day', 'month'] }],
    ['another zone', { zone: 'Asia/Kathmandu' }, { zone: 'Asia/Kathmandu' }],
  ])('%s', async (_, changed, then) => {
    const wanted = { ...options, ...changed }
    await ran(await it.again(wanted))
    expect(await difference(it.db, { ...truth, ...then })).toEqual([])
    const left = await it.db.query<{ grain: string }>('select distinct grain from rolled')
    expect(left.map(({ grain }) => grain).toSorted()).toEqual([...wanted.grains].toSorted())
    // And back, with an event more.
    await it.db.query(`insert into view values (9999, 1, 'fr', 1, '2025-03-03 03:03+00')`)
    const back = await it.again(options)
    await ran(back)
    expect(await difference(it.db, truth)).toEqual([])
  })
})

test('a dimension and a measure whose types are others now', async () => {
  await it.db.query(`alter table view alter blog type text using 'b' || blog, alter usr type bigint`)
  const measures = { ...options.measures, most: { max: 'usr' } }
  await ran(await it.again({ ...options, measures }))
  const now = { ...truth, measures: { ...truth.measures, most: 'max(v.usr)' } }
  expect(await difference(it.db, now)).toEqual([])
  await it.db.query(`alter table view alter usr type numeric; update view set usr = usr + 0.5 where blog = 'b3'`)
  await ran(await it.again({ ...options, measures }))
  expect(await difference(it.db, now)).toEqual([])
})

test('a table of the application is not taken for that of a rollup: nothing of it changes', async () => {
  await it.db.query(
    `create table customer (id int primary key, blog text); insert into customer values (1, 'a'), (2, 'b')`,
  )
  for (const events of ['kept', 'gone']) {
    if (events === 'gone') await it.db.query('truncate view')
    const other = await it.again({ ...options, to: 'customer' })
    const [record] = await other.run(['views'])
    expect(record).toMatchObject({ outcome: 'failed', error: { code: 'TARGET_UNSUITABLE' } })
    expect(await it.db.query('select * from customer order by id')).toEqual([
      { id: 1, blog: 'a' },
      { id: 2, blog: 'b' },
    ])
  }
  await expect(it.again({ ...options, to: 'view' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('a dimension that is of another type now takes it, whatever its values were', async () => {
  await ran(await it.again({ ...options, by: { what: 'country' } }))
  await ran(await it.again({ ...options, by: { what: 'blog' } }))
  const now = { ...truth, dimensions: ['what'], levels: { what: { what: 'v.blog' }, total: {} } }
  expect(await difference(it.db, now)).toEqual([])
})

test('a name of many bytes has its indexes, and loses them with its definition', async () => {
  const to = 'просмотры_по_блогам_и_странам'
  await ran(await it.again({ ...options, to }))
  await ran(await it.again({ ...options, to, by: ['blog', 'country'] }))
  const both = { blog: 'v.blog', country: 'v.country' }
  const now = { ...truth, table: to, dimensions: ['blog', 'country'], levels: { 'blog+country': both, total: {} } }
  expect(await difference(it.db, now)).toEqual([])
})
