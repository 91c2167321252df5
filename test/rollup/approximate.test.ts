/** Approximate numbers of different values: exact while there are few, near when there are many, and the same however they were put together. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rollupDefinition, faultsOf } from '../../src/flows/rollup/config.ts'
import { hashOf, sketchError } from '../../src/lib/sketch.ts'
import { raw } from '../../src/lib/sql.ts'
import type { Grain } from '../../src/lib/grain.ts'
import { counted, difference, ran, truncated, type Counted, type Truth } from './truth.ts'

const zone = 'America/New_York'
const grains: readonly Grain[] = ['hour', 'day', 'week', 'month', 'year']

/** Hours with a few users, three days with thousands, and values of which none is a value. */
const setUp = `
  create table blog (id int primary key, country text);
  create table view (id bigint generated always as identity primary key, blog int references blog, usr bigint, paid numeric, viewed_at timestamptz not null);
  create index on view (viewed_at);
  insert into blog select i, (array['US', 'DE', null])[1 + i % 3] from generate_series(1, 6) i;
  insert into view (blog, usr, paid, viewed_at)
    select 1 + i % 6, case when i % 31 = 0 then null else i * 13 % 700 end, (i % 5)::numeric(10, 2), timestamptz '2025-01-01 05:00+00' + i::bigint * 7919 % (90 * 86400) * interval '1 second'
    from generate_series(1, 4000) i;
  insert into view (blog, usr, paid, viewed_at)
    select 1 + i % 2, 10000 + i, 1.50, timestamptz '2025-03-10 05:00+00' + i * interval '10 seconds' from generate_series(1, 20000) i;`

const options = {
  from: { table: 'view', join: { blog: { table: 'blog', on: { id: 'blog' } } } },
  at: 'viewed_at',
  to: 'rolled',
  zone,
  grains: [...grains],
  by: { blog: 'blog', country: 'blog.country' },
  levels: [['blog', 'country'], ['country'], []],
  measures: {
    views: 'count',
    users: { approximate: 'usr' },
    amounts: { approximate: 'paid' },
    mean: { avg: 'paid' },
  },
}
const exact: Truth = {
  table: 'rolled',
  grains,
  zone,
  events: 'from view v left join blog b on b.id = v.blog where true',
  at: 'v.viewed_at',
  dimensions: ['blog', 'country'],
  levels: { 'blog+country': { blog: 'v.blog', country: 'b.country' }, country: { country: 'b.country' }, total: {} },
  measures: { views: 'count(*)', amounts: 'count(distinct v.paid)', mean: 'avg(v.paid)' },
}

/** Every row with its sketch as all events at once make it, what it says, and how many different values there are. */
async function compared(it: Counted, table = 'rolled'): Promise<readonly Compared[]> {
  const parts = grains.flatMap((grain) =>
    Object.entries(exact.levels).map(([level, by]) => {
      const bucket = truncated(grain, 'v.viewed_at', zone)
      const dimensions = ['blog', 'country'].map((name) => by[name] ?? 'null')
      const groups = [bucket, ...Object.values(by)]
      return `select '${grain}' as grain, '${level}' as level, ${bucket} as bucket, (${dimensions[0]})::text as blog, (${dimensions[1]})::text as country,
        count(distinct v.usr)::int as exact, array_agg(distinct ${hashOf(raw('v.usr')).sql}) filter (where v.usr is not null) as hashes ${exact.events} group by ${groups.join(', ')}`
    }),
  )
  return await it.db.query<Compared>(`
    select e.grain, e.level, e.exact, r.users::int as users,
      encode(r.users_sketch, 'hex') = coalesce((select string_agg(encode(h, 'hex'), '' order by h) from unnest(e.hashes[1:1024]) h), '') as same
    from (${parts.join(' union all ')}) as e full join ${table} r
      on r.grain = e.grain and r.level = e.level and r.bucket = e.bucket and r.blog::text is not distinct from e.blog and r.country is not distinct from e.country`)
}
interface Compared {
  readonly [column: string]: unknown
  readonly grain: string | null
  readonly level: string
  readonly exact: number
  readonly users: number | null
  readonly same: boolean
}

function judge(rows: readonly Compared[]): void {
  expect(rows.filter(({ same }) => !same)).toEqual([])
  expect(rows.filter(({ exact: of, users }) => of < 1024 && users !== of)).toEqual([])
  expect(rows.filter(({ exact: of, users }) => Math.abs((users ?? 0) - of) > 4 * sketchError * of)).toEqual([])
}

const identical = async (it: Counted): Promise<void> => {
  const [verified] = await it.sluice.verify(['views'])
  expect(verified?.run.error ?? null).toBeNull()
  expect(verified?.verifications.filter(({ verdict }) => verdict !== 'identical')).toEqual([])
}

describe.each([18, 14] as const)('on PostgreSQL %i', (version) => {
  let it: Counted
  beforeAll(async () => {
    it = await counted(version, setUp, options)
    await ran(it.sluice)
  })
  afterAll(() => it[Symbol.asyncDispose]())

  test('few are exact, many are near, and parts make the sketch of the whole', async () => {
    const rows = await compared(it)
    judge(rows)
    // There are some of either sort in each grain, but for hours.
    for (const grain of grains.slice(1)) {
      expect(rows.some((row) => row.grain === grain && row.exact > 1100)).toBe(true)
      expect(rows.some((row) => row.grain === grain && row.exact < 1000) || grain === 'year').toBe(true)
    }
    expect(await difference(it.db, exact)).toEqual([])
    await identical(it)
  })

  test('so it is after events came, moved, changed and went, late', async () => {
    await it.db.query(`
      insert into view (blog, usr, viewed_at) select 3, 50000 + i, '2025-02-02 12:00+00' from generate_series(1, 3000) i;
      insert into view (blog, usr, viewed_at) values (null, 7, '2025-02-03 12:00+00');
      update view set usr = usr + 1 where id % 17 = 0;
      update view set viewed_at = viewed_at - interval '20 days' where id % 23 = 0;
      update blog set country = 'NP' where id = 2;
      delete from view where viewed_at >= '2025-03-11' and id % 3 = 0;`)
    await ran(it.sluice)
    judge(await compared(it))
    expect(await difference(it.db, exact)).toEqual([])
    await identical(it)
  })

  test('what was tampered with is found and repaired', async () => {
    await it.db.query(`
      update rolled set users = users + 1 where grain = 'month' and level = 'total' and bucket = '2025-02-01 05:00+00';
      update rolled set users_sketch = substr(users_sketch, 9) where grain = 'day' and level = 'total' and bucket = '2025-02-02 05:00+00'`)
    const [found] = await it.sluice.verify(['views'])
    const differing = found?.verifications.filter(({ verdict }) => verdict === 'differs') ?? []
    expect(differing.flatMap(({ examples }) => examples.flatMap(({ columns }) => columns)).toSorted()).toEqual([
      'users',
      'users_sketch',
    ])
    const day = await it.sluice.rollups.compare('views', {
      grain: 'day',
      at: new Date('2025-02-02T05:00:00Z'),
      level: 'total',
      limit: 10,
    })
    expect(day.approximate).toEqual({ users: { error: sketchError }, amounts: { error: sketchError } })
    expect(day.shown[0]).toMatchObject({ difference: 'changed', columns: ['users_sketch'] })
    expect(Object.keys(day.shown[0]?.table ?? {}).toSorted()).toEqual(['amounts', 'mean', 'mean_count', 'mean_sum', 'users', 'views'])
    const [repaired] = await it.sluice.verify(['views'], { repair: true })
    expect(repaired?.verifications.filter(({ verdict }) => verdict !== 'identical')).toEqual([])
    judge(await compared(it))
  })
})
