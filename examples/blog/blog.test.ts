/** The blog team's counts on a smaller year: equal to plain SQL, whatever comes late, and answered in the words of their page. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openSluice } from 'sluice'
import { createProject, type Project } from '../../test/support/project.ts'
import { asViewer } from '../../test/support/api.ts'
import { fill } from './generate.ts'

type Sluice = Awaited<ReturnType<typeof openSluice>>

let project: Project
let sluice: Sluice
let page: Awaited<ReturnType<typeof asViewer>>

beforeAll(async () => {
  project = await createProject('{}')
  const config = await readFile(join(import.meta.dirname, 'sluice.config.ts'), 'utf8')
  await project.write(
    'sluice.config.ts',
    config.replace("env('DATABASE_URL', { or: 'embedded' })", JSON.stringify(project.url)),
  )
  await fill(project.url, { blogs: 40, authors: 12, views: 30_000 })
  sluice = await openSluice({ directory: project.directory })
  for (const { outcome, error } of await sluice.run()) expect(outcome, JSON.stringify(error)).toBe('succeeded')
  page = await asViewer(sluice)
}, 120_000)
afterAll(async () => {
  await page[Symbol.asyncDispose]()
  await sluice.close()
  await project[Symbol.asyncDispose]()
})

const levels = {
  'blog+author+country': ['v.blog', 'b.author', 'c.code'],
  author: ['null', 'b.author', 'null'],
  country: ['null', 'null', 'c.code'],
  total: ['null', 'null', 'null'],
} as const

/** By the team's calendar: weeks begin on Sunday. */
const bucket = (grain: string, at: string): string =>
  grain === 'week'
    ? `date_trunc('week', ${at} + interval '1 day', 'UTC') - interval '1 day'`
    : `date_trunc('${grain}', ${at}, 'UTC')`

const grains = ['hour', 'day', 'week', 'month', 'year'] as const

/** How many rows of the two tables are not what plain SQL counts. */
async function differing(of: readonly string[] = grains): Promise<number> {
  const bounds = await project.query<{ flow: string; through: string }>(
    `select flow, value ->> 'through' as through from sluice.position`,
  )
  const through = (flow: string): string => bounds.find((one) => one.flow === flow)?.through ?? ''
  const pairs = of.flatMap((grain) => [
    ...Object.entries(levels).map(([level, [blog, author, country]]) => [
      `select ${bucket(grain, 'v.viewed_at')}, ${blog}::int, ${author}::int, ${country}::text, count(*), count(distinct v.reader), count(distinct v.blog)
        from blog_view v join blog b on b.id = v.blog left join country c on c.id = b.country where v.viewed_at < '${through('blog_views')}' group by 1, 2, 3, 4`,
      `select bucket, blog, author, country::text, view_count, unique_users, unique_blogs_viewed from blog_views where grain = '${grain}' and level = '${level}'`,
    ]),
    ...[
      ['author+country', 'b.author', 'c.code'],
      ['total', 'null', 'null'],
    ].map(([level, author, country]) => [
      `select ${bucket(grain, 'b.created_at')}, ${author}::int, ${country}::text, count(*) from blog b left join country c on c.id = b.country
        where b.created_at < '${through('blog_creations')}' group by 1, 2, 3`,
      `select bucket, author, country::text, blog_count from blog_creations where grain = '${grain}' and level = '${level}'`,
    ]),
  ])
  let rows = 0
  for (const [raw, kept] of pairs) {
    const [found] = await project.query<{ n: number }>(
      `select count(*)::int as n from ((${raw} except all ${kept}) union all (${kept} except all ${raw})) d`,
    )
    rows += found?.n ?? 0
  }
  return rows
}

async function runAll(): Promise<void> {
  for (const { outcome, error } of await sluice.run())
    expect(outcome, JSON.stringify(error)).toMatch(/^s(ucceed|kipp)ed$/)
}

it('counts views and readers by hour, day, week, month and year as plain SQL does', { timeout: 60_000 }, async () => {
  expect(await differing()).toBe(0)
})

it(
  'so it does after views came late, moved to another blog and went, and a blog changed hands',
  { timeout: 120_000 },
  async () => {
    await project.query(`
    insert into blog_view select 1000000 + i, 1 + i % 40, i, now() - interval '200 days' + i * interval '7 minutes', now(), now() from generate_series(1, 200) i;
    update blog_view set blog = 1 + blog % 40 where id % 500 = 0;
    delete from blog_view where id % 777 = 0;
    update blog set author = 1, country = 2 where id = 5;
    update country set code = 'DEU' where id = 2;`)
    await runAll()
    expect(await differing()).toBe(0)
  },
)

/** Redoes it as `sluice backfill … --force` does. */
async function backfill(grain: string, from: string, to: string, clear = false): Promise<void> {
  const { backfills } = sluice.engine
  const flow = sluice.flows.find(({ name }) => name === 'blog_views')?.name
  if (flow === undefined) throw new Error('there is no such flow')
  const asked = { flow, from, to, slices: null, force: true, grain, clear }
  const { id } = await backfills.create(asked, 'test')
  await backfills.ensure(id)
  expect((await backfills.get(id)).state).toBe('done')
}

it.each([
  ['a month from its 15th to the 10th of the next', 'month', 'month', 14, 9],
  ['a week of which the range is one Sunday', 'week', 'week', 0, 0],
  ['a day of the year', 'year', 'year', 40, 40],
])('counts %s whole when it is redone', { timeout: 60_000 }, async (_, grain, unit, first, last) => {
  const [range] = await project.query<{ from: string; to: string }>(`
    select to_char(start + ${first} * interval '1 day', 'YYYY-MM-DD') as from,
      to_char(start + ${unit === 'month' ? `interval '1 month' + ` : ''}${last} * interval '1 day', 'YYYY-MM-DD') as to
    from (select (${bucket(unit, `(now() - interval '100 days')`)}) at time zone 'UTC' as start) s`)
  for (const clear of [false, true]) {
    await backfill(grain, range?.from ?? '', range?.to ?? '', clear)
    expect(await differing(), JSON.stringify(range)).toBe(0)
  }
})

it('tells what lies on either side of a month, a week and a year from each other', { timeout: 60_000 }, async () => {
  const edges = ['month', 'week', 'year'].map((unit) => bucket(unit, `(now() - interval '20 days')`))
  await project.query(`
    insert into blog_view select 2000000 + row_number() over (), 7, 7, edge + side, now(), now()
    from unnest(array[${edges.join(', ')}]) edge, unnest(array[interval '-1 microsecond', interval '0']) side`)
  await runAll()
  expect(await differing()).toBe(0)
  for (const { verifications } of await sluice.verify())
    expect(verifications.filter(({ verdict }) => verdict !== 'identical')).toEqual([])
})

interface Page {
  readonly count: number
  readonly results: readonly { readonly x: string; readonly y: number; readonly z: number | null }[]
}

async function ask(
  path: string,
): Promise<{ readonly status: number; readonly body: Page & { readonly detail: string } }> {
  const answer = await page.get(path)
  return { status: answer.statusCode, body: answer.json<Page & { detail: string }>() }
}
const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10)

it('tells the performance of an author by month, with new blogs and growth', { timeout: 60_000 }, async () => {
  const [start, end] = [day(200), day(0)]
  const { status, body } = await ask(`/analytics/performance/?compare=month&user_id=1&start=${start}&end=${end}`)
  expect(status).toBe(200)
  // Periods are whole: the first begins before `start`.
  const rows = await project.query<{ month: string; views: number; blogs: number }>(`
    select to_char(m, 'YYYY-MM') as month,
      (select count(*)::int from blog_view v join blog b on b.id = v.blog where b.author = 1 and v.viewed_at >= m and v.viewed_at < m + interval '1 month') as views,
      (select count(*)::int from blog b where b.author = 1 and b.created_at >= m and b.created_at < m + interval '1 month') as blogs
    from generate_series(date_trunc('month', date '${start}', 'UTC'), date '${end}', interval '1 month') m`)
  expect(body.results.map(({ x, y }) => [x, y])).toEqual(
    rows.map(({ month, views, blogs }) => [`${month} (${blogs} blogs)`, views]),
  )
  expect(body.results[0]?.z).toBeNull()
  const [a, b] = [rows[0]?.views ?? 0, rows[1]?.views ?? 0]
  expect(body.results[1]?.z).toBeCloseTo(((b - a) / a) * 100, 6)
})

it('tells who has most, of exactly the days that were asked for', { timeout: 60_000 }, async () => {
  const [start, end] = [day(40), day(12)]
  const raw = async (name: string, join_: string): Promise<readonly (readonly [string, number, number])[]> => {
    const rows = await project.query<{ x: string; y: number; z: number }>(`
      select coalesce(${name}::text, 'unknown') as x, count(distinct v.blog)::int as y, count(*)::int as z from blog_view v join blog b on b.id = v.blog ${join_}
      where v.viewed_at >= '${start} 00:00+00' and v.viewed_at < timestamptz '${end} 00:00+00' + interval '1 day' group by 1`)
    return rows
      .map(({ x, y, z }) => [x, y, z] as const)
      .toSorted((one, two) => two[2] - one[2] || one[0].localeCompare(two[0]))
  }
  const shown = ({ results }: Page): readonly unknown[] => results.map(({ x, y, z }) => [x, y, z])
  const countries = await ask(`/analytics/top/?top=country&start=${start}&end=${end}`)
  expect(shown(countries.body)).toEqual((await raw('c.code', 'left join country c on c.id = b.country')).slice(0, 10))
  const users = await ask(`/analytics/blog-views/?group=user&start=${start}&end=${end}&page_size=1000`)
  expect(shown(users.body)).toEqual(await raw('b.author', ''))
  const filters = encodeURIComponent(
    JSON.stringify({ not: { in: { field: 'blog.country.code', value: ['US', 'FR'] } } }),
  )
  const filtered = await ask(`/analytics/top/?top=country&start=${start}&end=${end}&filters=${filters}`)
  expect(filtered.body.results.some(({ x }) => ['US', 'FR', 'unknown'].includes(x))).toBe(false)
})

it('filters views and new blogs alike', { timeout: 60_000 }, async () => {
  const filters = encodeURIComponent(
    JSON.stringify({
      and: [{ lte: { field: 'blog.id', value: 30 } }, { eq: { field: 'blog.country.code', value: 'FR' } }],
    }),
  )
  const { body } = await ask(`/analytics/performance/?compare=year&start=${day(700)}&filters=${filters}`)
  const rows = await project.query<{ year: string; views: number; blogs: number }>(`
    with b as (select b.* from blog b join country c on c.id = b.country where b.id <= 30 and c.code = 'FR')
    select to_char(y, 'YYYY') as year,
      (select count(*)::int from blog_view v join b on b.id = v.blog where date_trunc('year', v.viewed_at, 'UTC') = y) as views,
      (select count(*)::int from b where date_trunc('year', b.created_at, 'UTC') = y) as blogs
    from generate_series(date_trunc('year', date '${day(700)}', 'UTC'), now(), interval '1 year') y`)
  expect(rows.some(({ blogs }) => blogs > 0)).toBe(true)
  expect(body.results.map(({ x, y }) => [x, y])).toEqual(
    rows.map(({ year, views, blogs }) => [`${year} (${blogs} blogs)`, views]),
  )
})

it('grows by 100 from nothing, and by nothing known from nothing to nothing', { timeout: 60_000 }, async () => {
  await project.query(`
    insert into author values (99, 'new'); insert into blog values (999, 'New', 99, null, now() - interval '10 days');
    insert into blog_view select 3000000 + i, 999, i, date_trunc('day', now()) - interval '3 days', now(), now() from generate_series(1, 4) i;
    insert into blog_view select 3000100 + i, 999, i, date_trunc('day', now()) - interval '2 days', now(), now() from generate_series(1, 6) i`)
  // Nothing has run since: what is not counted yet is counted as it is read.
  const { body } = await ask(`/analytics/performance/?user_id=99&start=${day(6)}&end=${day(1)}`)
  expect(body.results.map(({ y, z }) => [y, z])).toEqual([
    [0, null],
    [0, null],
    [0, null],
    [4, 100],
    [6, 50],
    [0, -100],
  ])
  const second = await ask(`/analytics/performance/?user_id=99&start=${day(6)}&end=${day(1)}&page=2&page_size=4`)
  expect(second.body).toMatchObject({ count: 6, page: 2, page_size: 4, results: body.results.slice(4) })
})

it.each([
  [6, 7, /^\d{4}-\d\d-\d\d /],
  [7, null, /^\d{4}-\d\d-\d\d /],
  [29, null, /^\d{4}-\d\d-\d\d /],
  [30, null, /^\d{4}-\d\d /],
  [364, null, /^\d{4}-\d\d /],
  [365, null, /^\d{4} /],
])('shows %i days and today in the period that fits', async (before, periods, label) => {
  const { body } = await ask(`/analytics/performance/?start=${day(before)}&end=${day(0)}`)
  expect(
    body.results.every(({ x }) => label.test(x)),
    body.results[0]?.x,
  ).toBe(true)
  if (periods !== null) expect(body.count).toBe(periods)
  else if (before < 30) expect(body.count).toBeLessThanOrEqual(6)
})

it('answers with its age, with and without the slash, and is described', async () => {
  const [one, other] = [await page.get('/analytics/top/?top=blog'), await page.get('/analytics/top?top=blog')]
  expect(Date.parse(String(one.headers['sluice-as-of']))).toBeGreaterThan(Date.now() - 60_000)
  expect(other.json()).toEqual(one.json())
  const { paths } = (await page.get('/openapi.json')).json<{ paths: Record<string, object> }>()
  expect(Object.keys(paths).filter((path) => path.startsWith('/analytics'))).toEqual([
    '/analytics/performance/',
    '/analytics/blog-views/',
    '/analytics/top/',
  ])
  for (const path of ['performance', 'blog-views', 'top'])
    expect(paths[`/analytics/${path}/`]).toMatchObject({ get: { 'x-sluice-role': 'viewer' } })
})

const filters = (tree: string): string => `filters=${encodeURIComponent(tree)}`

it.each([
  ['/analytics/performance/?compare=hour', /compare/],
  ['/analytics/performance/?user_id=', /user_id/],
  ['/analytics/performance/?start=yesterday', /start/],
  ['/analytics/performance/?start=2025-02-30', /start/],
  ['/analytics/blog-views/?start=2025-03-02&end=2025-03-01', /2025-03-01 is before start/],
  ['/analytics/top/?colour=red', /colour/],
  [`/analytics/top/?${filters('{')}`, /no JSON/],
  [`/analytics/top/?${filters('{"and":[]}')}`, /not empty/],
  [
    `/analytics/top/?${filters('{"eq":{"field":"blog.colour","value":1}}')}`,
    /blog\.colour.*blog\.id, blog\.author\.id/,
  ],
  [`/analytics/performance/?${filters('{"eq":{"field":"author","value":1}}')}`, /"author"/],
  [`/analytics/top/?${filters('{"near":{"field":"blog.id","value":1}}')}`, /near/],
  [`/analytics/top/?${filters('{"eq":{"field":"blog.id","value":"x"}}')}`, /blog\.id/],
  [`/analytics/top/?${filters('{"contains":{"field":"blog.author.id","value":"1"}}')}`, /blog\.author\.id/],
])('refuses %s, and names what is wrong', async (path, named) => {
  const { status, body } = await ask(path)
  expect(status).toBe(400)
  expect(body.detail).toMatch(named)
})

it.each([
  ['/analytics/performance/?start=2999-01-01', 'start', /has not begun yet/],
  ['/analytics/top/?start=2999-01-01', 'start', /has not begun yet/],
  ['/analytics/performance/?compare=day&start=1900-01-01', 'compare', /compare longer periods/],
  ['/analytics/top/?start=0000-01-01', 'start', /./],
])('refuses %s in the words of the page', async (path, name, said) => {
  const { status, body } = await ask(path)
  expect(status).toBe(400)
  expect(JSON.stringify(body)).toMatch(said)
  expect(JSON.stringify(body)).toContain(name)
  expect(JSON.stringify(body)).not.toMatch(/swap from|parameter (by|grain|from|to) /)
})

it('drops hours after 400 days, keeps days and all that is longer', { timeout: 60_000 }, async () => {
  await project.query(`insert into blog_view values (4000000, 3, 1, now() - interval '500 days', now(), now())`)
  await runAll()
  expect(await differing(['day', 'week', 'month', 'year'])).toBe(0)
  const first = await project.query<{ grain: string; days: number }>(
    `select grain, extract(day from now() - min(bucket))::int as days from blog_views group by 1`,
  )
  const days = Object.fromEntries(first.map((one) => [one.grain, one.days]))
  expect(days['hour']).toBeLessThanOrEqual(401)
  expect(days['day']).toBeGreaterThanOrEqual(500)
})

// So many blogs are in everything from here on.
it('ranks 21,000 blogs where their rows are', { timeout: 120_000 }, async () => {
  await project.query(`
    insert into author select 1000 + i, 'author ' || 1000 + i from generate_series(0, 2) i;
    insert into blog select 100000 + i, 'x', 1000 + i % 3, null, now() - interval '10 days' from generate_series(1, 21000) i;
    insert into blog_view select 5000000 + i, 100000 + i, i, now() - interval '3 days', now(), now() from generate_series(1, 21000) i;
    insert into blog_view select 5100000 + i, 100007, i, now() - interval '3 days', now(), now() from generate_series(1, 50000) i`)
  await runAll()
  const range = `start=${day(5)}&end=${day(1)}`
  const blogs = await ask(`/analytics/top/?top=blog&${range}`)
  expect(blogs.status).toBe(200)
  expect(blogs.body.results[0]).toEqual({ x: '100007', y: 1, z: 50_001 })
  expect(blogs.body.count).toBe(10)
  const users = await ask(`/analytics/top/?top=user&${range}`)
  expect(users.body.results.filter(({ x }) => /^100[012]$/.test(x))).toEqual([
    { x: '1001', y: 7000, z: 57_000 },
    { x: '1000', y: 7000, z: 7000 },
    { x: '1002', y: 7000, z: 7000 },
  ])
  const page2 = await ask(`/analytics/blog-views/?group=user&${range}&page=2&page_size=1`)
  expect(page2.body.results).toEqual([{ x: '1000', y: 7000, z: 7000 }])
  const beyond = await ask(`/analytics/blog-views/?group=user&${range}&page=900`)
  expect(beyond.body).toMatchObject({ count: page2.body.count, results: [] })
})

it('says that nothing was counted instead of zeros', async () => {
  await project.query(`delete from sluice.position where flow = 'blog_views'`)
  for (const path of ['performance', 'blog-views', 'top']) {
    const { status, body } = await ask(`/analytics/${path}/`)
    expect(status).toBe(404)
    expect(body.detail).toContain('sluice run blog_views')
  }
})
