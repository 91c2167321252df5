/** A series over HTTP: who may, what it says of its age, and what is refused. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi({
    config: {
      flows: {
        views: {
          kind: 'rollup',
          from: 'view',
          at: 'viewed_at',
          to: 'views_rollup',
          zone: 'America/New_York',
          grains: ['hour', 'day', 'month'],
          by: ['blog', 'country'],
          measures: { views: 'count', mean: { avg: 'took' } },
        },
        things: { kind: 'sync', from: { csv: 'things.csv' }, to: 'things', key: ['id'] },
      },
    },
  })
  await api.project.query(`
    create table view (id bigint generated always as identity, blog int, country text, took numeric, viewed_at timestamptz);
    insert into view (blog, country, took, viewed_at)
      select i % 3, nullif((array['US', 'DE', ''])[1 + i % 3], ''), i % 7, timestamptz '2025-11-01 04:00+00' + i * interval '1 hour'
      from generate_series(0, 71) i where i not between 24 and 48`)
  await api.sluice.run(['views'])
  // Newer than the table.
  await api.project.query(`insert into view (blog, took, viewed_at) values (1, 3, now())`)
})
afterAll(() => api[Symbol.asyncDispose]())

const address = (asked: Readonly<Record<string, string>>, rollup = 'views'): string =>
  `/api/series/${rollup}?${new URLSearchParams(asked).toString()}`
const days = { grain: 'day', from: '2025-11-01', to: '2025-11-03' }

test('every bucket of the range is there, with its growth; the answer says how old it is', async () => {
  const answer = await api.ask({ url: address(days), as: 'viewer' })
  expect(answer.statusCode).toBe(200)
  const body = answer.json<{ asOf: string; series: unknown[] }>()
  expect(answer.headers['sluice-as-of']).toBe(body.asOf)
  expect(answer.headers['cache-control']).toContain('no-cache')
  expect(body).toMatchObject({
    rollup: 'views',
    grain: 'day',
    zone: 'America/New_York',
    from: '2025-11-01T04:00:00.000Z',
    to: '2025-11-04T05:00:00.000Z',
    by: [],
  })
  const over = { partial: false, live: false }
  expect(body.series).toEqual([
    {
      key: {},
      points: [
        {
          ...over,
          bucket: '2025-11-01T04:00:00.000Z',
          to: '2025-11-02T04:00:00.000Z',
          label: '2025-11-01',
          values: { views: 24, mean: expect.any(Number) as number },
          growth: { views: null, mean: null },
        },
        // The day of 25 hours, on which nothing happened.
        {
          ...over,
          bucket: '2025-11-02T04:00:00.000Z',
          to: '2025-11-03T05:00:00.000Z',
          label: '2025-11-02',
          values: { views: 0, mean: null },
          growth: { views: -100, mean: null },
        },
        {
          ...over,
          bucket: '2025-11-03T05:00:00.000Z',
          to: '2025-11-04T05:00:00.000Z',
          label: '2025-11-03',
          values: { views: 23, mean: expect.any(Number) as number },
          growth: { views: 100, mean: null },
        },
      ],
    },
  ])
})

test('what is newer than the table is counted, in a bucket that is not over', async () => {
  const { series } = (await api.ask({ url: address({ grain: 'month' }), as: 'viewer' })).json<{
    series: { points: { values: object; partial: boolean; live: boolean }[] }[]
  }>()
  expect(series[0]?.points.at(-1)).toMatchObject({ values: { views: 1, mean: 3 }, partial: true, live: true })
})

test('a series for each value of dimensions, unknown among them, and only what the filter leaves', async () => {
  const filter = JSON.stringify({ not: { eq: { field: 'blog', value: 0 } } })
  const { series } = (await api.ask({ url: address({ ...days, by: 'country', filter }), as: 'viewer' })).json<{
    series: { key: object }[]
  }>()
  expect(series.map(({ key }) => key)).toEqual([{ country: 'DE' }, { country: null }])
})

test('only who may look is told', async () => {
  expect((await api.ask({ url: address(days), as: null })).statusCode).toBe(401)
  expect((await api.ask({ url: address(days), as: 'none' })).statusCode).toBe(403)
})

test.each([
  [{ zone: 'Mars/Olympus' }, 'zone', /no time zone is called "Mars\/Olympus"/],
  [{ grain: 'decade' }, 'grain', /no grain "decade"/],
  [{ by: 'author' }, 'by', /no dimension "author"/],
  [{ from: 'yesterday' }, 'from', /neither a day nor an instant/],
  [{ filter: '{"eq":{"field":"author","value":1}}' }, 'filter', /no field "author"/],
  [{ filter: '{"near":{"field":"blog","value":1}}' }, 'filter', /no operator "near"/],
  [{ grain: 'hour', from: '2020', to: '2025' }, 'grain', /more than 10,000 buckets/],
])('%j is a 400 that names the parameter', async (more, parameter, why) => {
  const answer = await api.ask({ url: address({ ...days, ...more }), as: 'viewer' })
  expect(answer.statusCode).toBe(400)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  const { code, detail, problems } = answer.json<{ code: string; detail: string; problems: object[] }>()
  expect(code).toBe('FILTER_INVALID')
  expect(detail).toMatch(why)
  expect(problems).toEqual([expect.objectContaining({ path: parameter })])
})

test('a parameter that there is not is a 400; a rollup that there is not, or a flow that is none, is a 404', async () => {
  expect((await api.ask({ url: address({ ...days, zones: 'UTC' }), as: 'viewer' })).statusCode).toBe(400)
  for (const name of ['nothing', 'things']) {
    const answer = await api.ask({ url: address(days, name), as: 'viewer' })
    expect(answer.statusCode).toBe(404)
    expect(answer.json<{ code: string }>().code).toBe('FLOW_UNKNOWN')
  }
})
