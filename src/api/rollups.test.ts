/** What is to be seen of a rollup: how far it is, what is dirty, and where table and events differ. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

const views = {
  kind: 'rollup',
  from: 'view',
  at: 'viewed_at',
  to: 'views_rollup',
  zone: 'America/New_York',
  grains: ['hour', 'day', 'month'],
  by: ['blog'],
  measures: { views: 'count', mean: { avg: 'took' } },
  keep: { hour: '36500d' },
}

let api: TestApi
beforeAll(async () => {
  api = await createApi({
    config: {
      flows: {
        views,
        recent: { ...views, to: 'recent_rollup', keep: { raw: '30d' } },
        never: { ...views, to: 'never_rollup', measures: { views: 'count', took: { distinct: 'took' } } },
        things: { kind: 'sync', from: { csv: 'things.csv' }, to: 'things', key: ['id'] },
      },
    },
  })
  // The day of 25 hours, and another one.
  await api.project.query(`
    create table view (id bigint generated always as identity, blog int, took numeric, viewed_at timestamptz);
    create index on view (viewed_at);
    insert into view (blog, took, viewed_at)
      select i % 3, i % 7, timestamptz '2025-11-02 04:00+00' + i * interval '30 minutes' from generate_series(0, 95) i`)
  await api.sluice.run(['views', 'recent'])
})
afterAll(() => api[Symbol.asyncDispose]())

interface Asked<Body> {
  readonly status: number
  readonly body: Body
}

async function get<Body = Readonly<Record<string, unknown>>>(
  path: string,
  as: 'viewer' | 'none' | null = 'viewer',
): Promise<Asked<Body>> {
  const answer = await api.ask({ method: 'GET', url: `/api/flows/${path}`, as })
  return { status: answer.statusCode, body: answer.json<Body>() }
}

const day = encodeURIComponent('2025-11-02[America/New_York]/hour')
const bucketAt = (at: string, more = ''): string => `views/buckets?grain=hour&bucket=${encodeURIComponent(at)}${more}`

test('only who may look is told', async () => {
  for (const path of ['views/rollup', `views/slices/${day}/buckets`, bucketAt('2025-11-02T05:00:00Z')]) {
    expect((await get(path, null)).status, path).toBe(401)
    expect((await get(path, 'none')).status, path).toBe(403)
    expect((await get(path)).status, path).toBe(200)
  }
})

describe('how far it has come', () => {
  test('what is counted, by which periods, and what each is made of', async () => {
    const { body } = await get('views/rollup')
    expect(body).toMatchObject({
      flow: 'views',
      source: { table: 'public.view', store: null, joined: [], at: 'viewed_at' },
      target: 'public.views_rollup',
      zone: 'America/New_York',
      weekStart: 'monday',
      grains: [
        { grain: 'hour', madeOf: null, slice: 'day', keep: 36_500 * 86_400_000, dirty: 0 },
        { grain: 'day', madeOf: 'hour', slice: 'month', keep: null, dirty: 0 },
        { grain: 'month', madeOf: 'day', slice: 'year', dirty: 0 },
      ],
      levels: [
        { name: 'blog', dimensions: ['blog'] },
        { name: 'total', dimensions: [] },
      ],
      dimensions: [{ name: 'blog', from: 'blog' }],
      measures: [
        { name: 'views', fn: 'count', of: null },
        { name: 'mean', fn: 'avg', of: 'took' },
      ],
      keepRaw: null,
      lookback: null,
      anew: null,
      verified: null,
    })
    const through = Date.parse(String(body['through']))
    expect(through % 3_600_000).toBe(0)
    expect(Date.now() - through).toBeLessThan(3_700_000)
    const rows = await api.project.query<{ grain: string; rows: number }>(
      'select grain, count(*)::int as rows from views_rollup group by grain',
    )
    const grains = body['grains'] as readonly { readonly grain: string; readonly rows: number }[] // as seen above
    expect(Object.fromEntries(grains.map(({ grain, rows: shown }) => [grain, shown]))).toEqual(
      Object.fromEntries(rows.map(({ grain, rows: there }) => [grain, there])),
    )
  })

  test('one that never ran has counted nothing, and distinct values are made of events', async () => {
    const { body } = await get('never/rollup')
    expect(body).toMatchObject({
      through: null,
      anew: 'never counted',
      grains: [{ madeOf: null }, { madeOf: null, rows: 0, slices: 0 }, { madeOf: null }],
    })
    expect((await get(`never/slices/${day}/buckets`)).body['items']).toContainEqual({
      from: '2025-11-02T04:00:00.000Z',
      to: '2025-11-02T05:00:00.000Z',
      rows: 0,
      state: 'missing',
    })
    expect(await get('never/buckets?grain=hour&bucket=2025-11-02T05:00:00Z')).toMatchObject({
      status: 404,
      body: { code: 'TARGET_MISSING' },
    })
  })

  test('the last comparison, and how much of it differs', async () => {
    await api.sluice.verify(['recent'])
    await api.sluice.verify(['views'])
    const { body } = await get<{ readonly verified: { readonly slices: number } }>('views/rollup')
    expect(body.verified).toMatchObject({ differs: 0, failed: 0 })
    expect(body.verified.slices).toBeGreaterThan(2)
  })
})

describe('the buckets of a slice', () => {
  interface Buckets {
    readonly grain: string
    readonly items: readonly {
      readonly from: string
      readonly to: string
      readonly rows: number
      readonly state: string
    }[]
  }

  test('a day of 25 hours has 25, each with its rows', async () => {
    const { body } = await get<Buckets>(`views/slices/${day}/buckets`)
    expect(body.grain).toBe('hour')
    expect(body.items).toHaveLength(25)
    expect(body.items[0]).toEqual({
      from: '2025-11-02T04:00:00.000Z',
      to: '2025-11-02T05:00:00.000Z',
      rows: 3,
      state: 'done',
    })
    expect(new Set(body.items.map(({ state }) => state))).toEqual(new Set(['done']))
  })

  test('what is not over is partial, what has not begun waits, what has no events any more is frozen', async () => {
    const now = new Date()
    const year = new Date(now.getTime() - 5 * 3_600_000).getUTCFullYear()
    const months = await get<Buckets>(`views/slices/${encodeURIComponent(`${year}[America/New_York]/month`)}/buckets`)
    const of = (bucket: Buckets['items'][number]): string =>
      Date.parse(bucket.to) <= now.getTime() ? 'done' : Date.parse(bucket.from) < now.getTime() ? 'partial' : 'waiting'
    expect(months.body.items.map(({ state }) => state)).toEqual(months.body.items.map(of))
    const old = await get<Buckets>(`recent/slices/${day}/buckets`)
    expect(new Set(old.body.items.map(({ state }) => state))).toEqual(new Set(['frozen']))
  })

  test('a key that is none of its is not found, nor is a flow that is no rollup', async () => {
    for (const key of ['all', '2025-11-02[UTC]/hour', '2025-11-02[America/New_York]/week'])
      expect(await get(`views/slices/${encodeURIComponent(key)}/buckets`), key).toMatchObject({
        status: 404,
        body: { code: 'SLICE_UNKNOWN' },
      })
    for (const path of ['rollup', `slices/${day}/buckets`, 'buckets?grain=hour&bucket=2025-11-02T05:00:00Z'])
      for (const flow of ['things', 'nobody'])
        expect(await get(`${flow}/${path}`), path).toMatchObject({ status: 404, body: { code: 'FLOW_UNKNOWN' } })
  })

  test('slices are found by what is in their key', async () => {
    const found = await get<{ readonly items: readonly { readonly key: string }[]; readonly total: number }>(
      `views/slices?search=${encodeURIComponent(']/hour')}`,
    )
    expect(found.body.items.length).toBeGreaterThan(0)
    expect(found.body.total).toBe(
      Number(
        (
          await api.project.query(`select count(*) from sluice.slice where flow = 'views' and span->>'grain' = 'hour'`)
        )[0]?.['count'],
      ),
    )
    expect(found.body.items.every(({ key }) => key.endsWith(']/hour'))).toBe(true)
  })
})

describe('a bucket beside its events', () => {
  test('agrees after a run, value by value', async () => {
    const { body } = await get(bucketAt('2025-11-02T05:30:00Z'))
    expect(body).toMatchObject({
      grain: 'hour',
      from: '2025-11-02T05:00:00.000Z',
      to: '2025-11-02T06:00:00.000Z',
      state: 'done',
      level: null,
      dimensions: ['blog'],
      measures: ['views', 'mean', 'mean_sum', 'mean_count'],
      counts: { events: 3, table: 3, missing: 0, extra: 0, changed: 0 },
    })
    expect(body['rows']).toMatchObject([
      { level: 'total', key: { blog: null }, difference: null, events: { views: '2' }, table: { views: '2' } },
      { level: 'blog', key: { blog: '0' }, difference: null, events: { views: '1' }, table: { views: '1' } },
      { level: 'blog', key: { blog: '2' }, difference: null },
    ])
    expect((await get(bucketAt('2025-11-02T05:00:00Z', '&level=total'))).body).toMatchObject({
      level: 'total',
      counts: { events: 1, table: 1 },
      rows: [{ level: 'total' }],
    })
  })

  test('what was changed in the table, left out or added is told, those rows first, and all are counted', async () => {
    await api.project.query(`
      update views_rollup set views = 9 where grain = 'hour' and bucket = '2025-11-02 10:00+00' and level = 'total';
      delete from views_rollup where grain = 'hour' and bucket = '2025-11-02 10:00+00' and level = 'blog' and blog = 0;
      insert into views_rollup (grain, level, bucket, blog, views) values ('hour', 'blog', '2025-11-02 10:00+00', 77, 1)`)
    const { body } = await get<{ readonly rows: readonly object[] }>(bucketAt('2025-11-02T10:00:00Z', '&limit=3'))
    expect(body).toMatchObject({ counts: { events: 3, table: 3, missing: 1, extra: 1, changed: 1 } })
    expect(body.rows).toMatchObject([
      { level: 'total', difference: 'changed', columns: ['views'], events: { views: '2' }, table: { views: '9' } },
      { level: 'blog', key: { blog: '0' }, difference: 'missing', table: null, events: { views: '1' } },
      { level: 'blog', key: { blog: '77' }, difference: 'extra', events: null, table: { views: '1' } },
    ])
  })

  test('an event that comes late makes its buckets dirty, of every grain, until the next run', async () => {
    await api.project.query(`insert into view (blog, took, viewed_at) values (1, 1, '2025-11-02 12:10+00')`)
    expect((await get('views/rollup')).body).toMatchObject({
      grains: [
        { dirty: 1, dirtySlices: ['2025-11-02[America/New_York]/hour'] },
        { dirty: 1, dirtySlices: ['2025-11[America/New_York]/day'] },
        { dirty: 1, dirtySlices: ['2025[America/New_York]/month'] },
      ],
    })
    expect((await get(bucketAt('2025-11-02T12:00:00Z'))).body).toMatchObject({ state: 'dirty', counts: { changed: 2 } })
    await api.sluice.run(['views'])
    expect((await get('views/rollup')).body).toMatchObject({
      grains: [{ dirty: 0, dirtySlices: [] }, { dirty: 0 }, { dirty: 0 }],
    })
    expect((await get(bucketAt('2025-11-02T12:00:00Z'))).body).toMatchObject({ state: 'done', counts: { changed: 0 } })
  })

  test('what has not begun has no rows on either side', async () => {
    expect((await get(bucketAt('2999-01-01T00:00:00Z'))).body).toMatchObject({
      state: 'waiting',
      counts: { events: 0, table: 0 },
      rows: [],
    })
  })

  test.each([
    ['grain=decade&bucket=2025-11-02T05:00:00Z', 'REQUEST_INVALID'],
    ['grain=hour&bucket=yesterday', 'REQUEST_INVALID'],
    ['grain=hour', 'REQUEST_INVALID'],
    ['grain=hour&bucket=2025-11-02T05:00:00Z&limit=5000', 'REQUEST_INVALID'],
    ['grain=week&bucket=2025-11-02T05:00:00Z', 'USAGE'],
    ['grain=hour&bucket=2025-11-02T05:00:00Z&level=author', 'USAGE'],
  ])('%s is refused', async (query, code) => {
    expect(await get(`views/buckets?${query}`)).toMatchObject({ status: 400, body: { code } })
  })
})

test('the table of a rollup can be looked at, as that of a sync', async () => {
  const answer = await api.ask({ method: 'GET', url: '/api/flows/views/rows?grain=month&level=total', as: 'admin' })
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({ items: [{ grain: 'month' }] })
})
