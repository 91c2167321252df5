/** Levels that leave dimensions out, and events that are kept for longer than there are any. */
import { expect, test } from 'vitest'
import { counted, difference, ran, type Counted } from './truth.ts'

const setUp = `
  create table view (id bigint generated always as identity, blog int, country text, usr int, viewed_at timestamptz);
  insert into view (blog, country, usr, viewed_at)
    select i % 3, (array['DE', 'US', null])[1 + i % 3], i % 5, timestamptz '2025-11-10 04:00+00' + i * interval '1 hour' from generate_series(0, 50) i`

const grains = ['hour', 'day', 'month'] as const
const base = { from: 'view', at: 'viewed_at', to: 'r', grains: [...grains], by: ['blog', 'country'] }
const truth = {
  table: 'r',
  grains,
  zone: 'UTC',
  events: 'from view v',
  at: 'v.viewed_at',
  dimensions: ['blog', 'country'],
  levels: { 'blog+country': { blog: 'v.blog', country: 'v.country' }, total: {} },
  measures: { n: 'count(*)' },
}
const n = { n: 'count' }

test.each([
  [
    'a dimension that no level has',
    { ...base, measures: n, levels: [['blog'], []] },
    { blog: { blog: 'v.blog' }, total: {} },
    {},
  ],
  ['the total alone', { ...base, measures: n, levels: [[]] }, { total: {} }, {}],
  [
    'different values, and a dimension that no level has',
    { ...base, measures: { ...n, users: { distinct: 'usr' } }, levels: [['country'], []] },
    { country: { country: 'v.country' }, total: {} },
    { users: 'count(distinct v.usr)' },
  ],
  [
    'events that are kept for longer than there are any',
    { ...base, measures: n, keep: { raw: '36500d' } },
    truth.levels,
    {},
  ],
])('%s', async (_, options, levels, measures) => {
  await using it = await counted(18, setUp, options)
  const whole = { ...truth, levels, measures: { ...truth.measures, ...measures } }
  await ran(it.sluice)
  expect(await difference(it.db, whole)).toEqual([])
  expect(await slicesOf(it)).toEqual(await countedOf(it))
  await it.db.query(`insert into view (blog, country, usr, viewed_at) values (9, 'FR', 77, '2025-11-11 05:10+00')`)
  await ran(it.sluice)
  expect(await difference(it.db, whole)).toEqual([])
  const [found] = await it.sluice.verify(['views'])
  expect(new Set(found?.verifications.map(({ verdict }) => verdict))).toEqual(new Set(['identical']))
  // The first event of all is gone: so are the rows of its bucket, of every grain.
  await it.db.query(`delete from view where viewed_at < '2025-11-11 00:00+00'`)
  await ran(it.sluice, { force: true })
  expect(await difference(it.db, whole)).toEqual([])
})

/** How many rows the record says that a slice by hour has. */
async function slicesOf({ db }: Counted): Promise<readonly object[]> {
  return await db.query(
    `select left(key, 10) as day, rows::int as rows from sluice.slice where key like '%/hour' and rows > 0 order by 1`,
  )
}

async function countedOf({ db }: Counted): Promise<readonly object[]> {
  return await db.query(`
    select to_char(bucket at time zone '${truth.zone}', 'YYYY-MM-DD') as day, count(*)::int as rows from r where grain = 'hour' group by 1 order by 1`)
}
