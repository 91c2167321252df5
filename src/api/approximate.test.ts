/** What is approximate is marked in every answer, is no bytes in any, and is not summed where it does not add up. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

const events = { from: 'view', at: 'viewed_at', grains: ['day', 'month'], by: ['blog', 'author', 'country'] }

let api: TestApi
beforeAll(async () => {
  api = await createApi({
    config: {
      flows: {
        views: {
          ...events,
          kind: 'rollup',
          to: 'views_rollup',
          measures: { views: 'count', readers: { approximate: 'usr' } },
        },
      },
      api: { analytics: { views: 'views', posts: 'views', viewCount: 'readers', postCount: 'views' } },
    },
  })
  // Two authors with two blogs each; whoever reads one of them reads all.
  await api.project.query(`
    create table view (id bigint generated always as identity, blog int, author int, country text, usr int, viewed_at timestamptz);
    insert into view (blog, author, country, usr, viewed_at)
      select b, b % 2, 'US', u, '2025-11-02 04:00+00' from generate_series(1, 4) b, generate_series(1, 10) u`)
  await api.sluice.run(['views'])
})
afterAll(() => api[Symbol.asyncDispose]())

async function get(url: string): Promise<{ readonly body: unknown; readonly text: string; readonly mark: unknown }> {
  const answer = await api.ask({ url, as: 'viewer' })
  expect(answer.statusCode, answer.body).toBe(200)
  return { body: answer.json(), text: answer.body, mark: answer.headers['sluice-approximate'] }
}

const marked = { name: 'readers', fn: 'approximate', approximate: { error: 0.0313 } }
const exact = { name: 'views', fn: 'count', approximate: null }

test('the rollup says which measures are', async () => {
  const { body } = await get('/api/flows/views/rollup')
  expect(body).toMatchObject({
    measures: [exact, { ...marked, of: 'usr' }],
    grains: [{ madeOf: null }, { madeOf: 'day' }],
  })
})

test('so does a series, and a bucket beside its events', async () => {
  const series = await get('/api/series/views?grain=month&from=2025-11&to=2025-11')
  expect(series.body).toMatchObject({
    measures: [exact, marked],
    series: [{ points: [{ values: { views: 40, readers: 10 } }] }],
  })
  const bucket = await get('/api/flows/views/buckets?grain=day&bucket=2025-11-02T00:00:00Z&level=total')
  expect(bucket.body).toMatchObject({
    measures: ['views', 'readers'],
    approximate: { readers: { error: 0.0313 } },
    rows: [{ difference: null, events: { readers: '10' }, table: { readers: '10' } }],
  })
  for (const { text } of [series, bucket]) expect(text).not.toMatch(/_sketch|\\x/)
})

test('readers of two blogs are not summed where they are the same ones', async () => {
  const range = 'start=2025-11-01&end=2025-11-30'
  const authors = await get(`/analytics/blog-views/?group=user&${range}`)
  expect(authors.body).toMatchObject({
    results: [
      { x: '0', y: 2, z: 10 },
      { x: '1', y: 2, z: 10 },
    ],
  })
  expect(authors.mark).toBe('0.0313')
  const countries = await get(`/analytics/top/?top=country&${range}`)
  expect(countries.body).toMatchObject({ results: [{ x: 'US', y: 4, z: 10 }] })
  const blogs = await get(`/analytics/top/?top=blog&${range}`)
  expect(blogs.body).toMatchObject({ results: Array.from({ length: 4 }, () => ({ y: 1, z: 10 })) })
  const performance = await get(`/analytics/performance/?compare=month&${range}`)
  expect(performance.body).toMatchObject({ results: [{ x: '2025-11 (40 blogs)', y: 10 }] })
  expect(performance.mark).toBe('0.0313')
})

test('the command line says it where it names what is counted', async () => {
  const says = 'readers: approximate from 1,024 different values on, with a standard error of 3.1 %'
  const [plan] = await api.sluice.plan(['views'], { force: true })
  expect(plan?.plan.steps).toContain(says)
  expect((await api.sluice.ddl('views')).target).toContain(says)
})
