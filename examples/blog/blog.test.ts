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

async function differing(): Promise<number> {
  const [{ through } = { through: '' }] = await project.query<{ through: string }>(
    `select value ->> 'through' as through from sluice.position where flow = 'blog_views'`,
  )
  let rows = 0
  for (const grain of ['hour', 'day', 'week', 'month', 'year'])
    for (const [level, [blog, author, country]] of Object.entries(levels)) {
      const raw = `select ${bucket(grain, 'v.viewed_at')}, ${blog}::int, ${author}::int, ${country}::text, count(*), count(distinct v.reader), count(distinct v.blog)
        from blog_view v join blog b on b.id = v.blog left join country c on c.id = b.country where v.viewed_at < '${through}' group by 1, 2, 3, 4`
      const kept = `select bucket, blog, author, country::text, view_count, unique_users, unique_blogs_viewed from blog_views where grain = '${grain}' and level = '${level}'`
      const [found] = await project.query<{ n: number }>(
        `select count(*)::int as n from ((${raw} except all ${kept}) union all (${kept} except all ${raw})) d`,
      )
      rows += found?.n ?? 0
    }
  return rows
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
    for (const { outcome, error } of await sluice.run(['blog_views']))
      expect(outcome, JSON.stringify(error)).toBe('succeeded')
    expect(await differing()).toBe(0)
  },
)

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

it.each([
  ['/analytics/performance/?compare=hour', /compare/],
  ['/analytics/performance/?start=yesterday', /start/],
  [`/analytics/top/?filters=${encodeURIComponent('{"eq":{"field":"blog.colour","value":1}}')}`, /blog\.colour/],
  [`/analytics/top/?filters=${encodeURIComponent('{"near":{"field":"blog.id","value":1}}')}`, /near/],
  [`/analytics/top/?filters=${encodeURIComponent('{"eq":{"field":"blog.id","value":"x"}}')}`, /blog/],
])('refuses %s, and names what is wrong', async (path, named) => {
  const { status, body } = await ask(path)
  expect(status).toBe(400)
  expect(body.detail).toMatch(named)
})
