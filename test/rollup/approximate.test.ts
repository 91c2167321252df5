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
    expect(Object.keys(day.shown[0]?.table ?? {}).toSorted()).toEqual([
      'amounts',
      'mean',
      'mean_count',
      'mean_sum',
      'users',
      'views',
    ])
    const [repaired] = await it.sluice.verify(['views'], { repair: true })
    expect(repaired?.verifications.filter(({ verdict }) => verdict !== 'identical')).toEqual([])
    judge(await compared(it))
  })
})

/** What the smallest 1,024 hashes of the different values in these events say. */
async function told(it: Counted, where: string): Promise<{ readonly exact: number; readonly number: number }> {
  const [row] = await it.db.query<{ n: number; kth: string | null }>(`
    select count(*)::int as n, (array_agg(encode(h, 'hex') order by h))[1024] as kth
    from (select distinct ${hashOf(raw('v.usr')).sql} as h ${exact.events} and v.usr is not null and ${where}) as d`)
  const [n, kth] = [row?.n ?? 0, row?.kth ?? null]
  return { exact: n, number: kth === null ? n : Math.round((1023 * 2 ** 64) / (Number(BigInt(`0x${kth}`)) + 1)) }
}

describe.each([18, 14] as const)('as series on PostgreSQL %i', (version) => {
  let it: Counted
  beforeAll(async () => {
    it = await counted(version, setUp, options)
    await ran(it.sluice)
  })
  afterAll(() => it[Symbol.asyncDispose]())

  const local = (text: string): string => `timestamp '${text}' at time zone '${zone}'`
  const months = ['2025-01', '2025-02', '2025-03', '2025-04']
  const inMonth = (at: number, more: string): string =>
    `v.viewed_at >= ${local(`${months[at]}-01`)} and v.viewed_at < ${local(`${months[at + 1]}-01`)} and ${more}`
  const filters = [
    ['true', null],
    [`b.country = 'DE'`, { eq: { field: 'country', value: 'DE' } }],
    ['not (v.blog in (1, 3))', { not: { in: { field: 'blog', value: [1, 3] } } }],
  ] as const
  const asked = { from: '2025-01', to: '2025-03', grain: 'month', measures: 'users' }

  const check = async (): Promise<void> => {
    for (const [where, tree] of filters) {
      const filter = tree === null ? undefined : JSON.stringify(tree)
      const answer = await it.sluice.series.read('views', { ...asked, filter })
      for (const [at, { values }] of (answer.series[0]?.points ?? []).entries())
        expect(values, `${where} ${at}`).toEqual({ users: (await told(it, inMonth(at, where))).number })
      const whole = await it.sluice.series.total('views', { ...asked, filter })
      const { exact: of, number } = await told(
        it,
        `v.viewed_at >= ${local('2025-01-01')} and v.viewed_at < ${local('2025-04-01')} and ${where}`,
      )
      // Were months summed, those that come again would count again.
      expect(whole.series[0]?.points[0]?.values).toEqual({ users: number })
      expect(Math.abs(number - of)).toBeLessThanOrEqual(4 * sketchError * of)
    }
    const by = await it.sluice.series.read('views', { ...asked, by: 'country' })
    expect(new Set(by.series.map(({ key }) => key['country']))).toEqual(new Set(['DE', 'US', null]))
    for (const { key, points } of by.series)
      for (const [at, { values, growth }] of points.entries()) {
        const where = `b.country is not distinct from ${JSON.stringify(key['country']).replaceAll('"', "'")}`
        const { number } = await told(it, inMonth(at, where))
        expect(values).toEqual({ users: number })
        const before = points[at - 1]?.values['users']
        if (before === undefined) expect(growth).toEqual({ users: null })
        else expect(growth['users']).toBeCloseTo((100 * (number - Number(before))) / Number(before), 6)
      }
  }

  test('three months, by month and as one, with a filter and by a dimension', async () => {
    await check()
    const answer = await it.sluice.series.read('views', { ...asked, measures: 'views,users' })
    expect(answer.measures).toEqual([
      { name: 'views', fn: 'count', approximate: null },
      { name: 'users', fn: 'approximate', approximate: { error: sketchError } },
    ])
    expect(answer.series[0]?.points.some(({ live }) => live)).toBe(false)
  })

  test('in a zone that the table has no days of, and of days in which nothing happened', async () => {
    const answer = await it.sluice.series.read('views', {
      ...asked,
      zone: 'Asia/Tokyo',
      grain: 'day',
      from: '2025-03-08',
      to: '2025-03-14',
    })
    const start = Date.parse('2025-03-08T00:00:00+09:00')
    for (const [at, { values, bucket }] of (answer.series[0]?.points ?? []).entries()) {
      expect(bucket.getTime()).toBe(start + at * 86_400_000)
      const between = [at, at + 1].map((day) => `'${new Date(start + day * 86_400_000).toISOString()}'`)
      const { number } = await told(it, `v.viewed_at >= ${between[0]} and v.viewed_at < ${between[1]}`)
      expect(values).toEqual({ users: number })
    }
    const none = await it.sluice.series.read('views', { ...asked, from: '2024-01', to: '2024-01' })
    expect(none.series[0]?.points[0]?.values).toEqual({ users: 0 })
  })

  test('while the table is behind', async () => {
    await it.db.query(`
      insert into view (blog, usr, viewed_at) select 1 + i % 6, 70000 + i, '2025-02-14 12:00+00' from generate_series(1, 2500) i;
      delete from view where viewed_at >= '2025-03-12' and id % 2 = 0;`)
    await check()
    const { series } = await it.sluice.series.read('views', asked)
    expect(series[0]?.points.map(({ live }) => live)).toEqual([false, true, true])
    await ran(it.sluice)
    await check()
  })
})

test('a year is made of what was counted, not of its events', async () => {
  await using it = await counted(18, setUp, { ...options, keep: { raw: '36500d' } })
  await ran(it.sluice)
  const year = async (): Promise<unknown> =>
    (await it.db.query(`select users::int as n from rolled where grain = 'year' and level = 'total'`))[0]?.['n']
  await it.db.query(
    `insert into view (blog, usr, viewed_at) select 1, 90000 + i, '2025-02-02 12:00+00' from generate_series(1, 100) i`,
  )
  const { number } = await told(it, 'true')
  // Nobody is told of it: whoever looked at events of March for the year would find none.
  await it.db.query(`
    set session_replication_role = replica;
    delete from view where viewed_at >= '2025-02-03' or viewed_at < '2025-02-02';
    reset session_replication_role`)
  await ran(it.sluice)
  expect(await year()).toBe(number)
})

test('events need not be kept for it, and a definition that changes is counted anew', async () => {
  const { users, views } = options.measures
  const changed = { ...options, measures: { views, users: { distinct: 'usr' }, paid: { sum: 'usr' } } }
  await using it = await counted(18, setUp, changed)
  await ran(it.sluice)
  // Of a column that held exact numbers, and one that held sums of another type.
  const again = await it.again({ ...options, measures: { ...options.measures, users, paid: { approximate: 'usr' } } })
  await ran(again)
  judge(await compared(it))
  expect(await difference(it.db, exact)).toEqual([])
  const back = await it.again({ ...options, keep: { raw: '30d' } })
  await ran(back)
  const [before] = await it.db.query<{ n: string }>(
    `select md5(string_agg(users_sketch, '' order by grain, level, bucket, blog, country)) as n from rolled where bucket < '2026-01-01'`,
  )
  await it.db.query(`
    delete from view;
    insert into view (blog, usr, viewed_at) select 1, i, now() - interval '2 days' from generate_series(1, 9) i`)
  await ran(back)
  const [recent] = await it.db.query(
    `select users::int as n from rolled where grain = 'year' and level = 'total' order by bucket desc limit 1`,
  )
  expect(recent).toEqual({ n: 9 })
  expect(
    await it.db.query(
      `select md5(string_agg(users_sketch, '' order by grain, level, bucket, blog, country)) as n from rolled where bucket < '2026-01-01'`,
    ),
  ).toEqual([before])
})

test('what is wrong in a config is named', () => {
  const faults = (more: object): readonly string[] =>
    faultsOf(
      rollupDefinition.parse({ from: 'view', at: 'viewed_at', to: 'rolled', grains: ['hour', 'year'], ...more }),
    ).map(({ path, fault }) => `${path}: ${fault}`)
  expect(faults({ measures: { users: { approximate: 'usr' } }, keep: { raw: '7d' } })).toEqual([])
  expect(faults({ measures: { users: { distinct: 'usr' } }, keep: { raw: '7d' } })).toEqual([
    expect.stringMatching(/^keep.raw: different values of users by year .* count \{ approximate: … \}$/),
  ])
  expect(faults({ measures: { users: { approximate: 'blog.author' } } })).toEqual([
    expect.stringMatching(/^measures.users: "blog.author" is of "blog"/),
  ])
  expect(faults({ measures: { users: { approximate: 'usr' }, users_sketch: 'count' } })).toEqual([
    'measures: two columns of the table would be called "users_sketch"',
  ])
  expect(faults({ measures: { [`${'u'.repeat(60)}`]: { approximate: 'usr' } } })).toEqual([
    expect.stringMatching(/_sketch" is too long for the name of a column/),
  ])
  expect(() => faults({ measures: { users: { approximate: 'usr', distinct: 'usr' } } })).toThrow()
})
