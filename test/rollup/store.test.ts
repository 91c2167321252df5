/** Events that the warehouse has: counted there, landed here, equal to plain SQL of PostgreSQL over the same events. */
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { counted, difference, ran, type Counted, type Truth } from './truth.ts'

const grains = ['quarter-hour', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const

/** Two years of views, some at the changes of clocks, some of no time that buckets have. */
const setUp = `
  create table view (id int primary key, blog int, country text, usr int, took float8, paid numeric(10, 2), viewed_at timestamptz, local_at timestamp, "on" date);
  insert into view (id, blog, country, usr, took, paid, viewed_at)
    select i, case when i % 97 = 0 then null else 1 + i * 7 % 20 end, (array['US', 'D''E', 'Üß', null])[1 + i % 4], case when i % 31 = 0 then null else i * 13 % 400 end,
      i % 100 / 4.0, (i % 1000) / 100.0, timestamptz '2024-01-01 00:00+00' + (i::bigint * 7919 % (730 * 86400)) * interval '1 second' + (i % 1000) * interval '1 millisecond'
    from generate_series(1, 6000) i;
  insert into view (id, blog, usr, viewed_at)
    select 10000 + i, 1 + i % 20, i, timestamptz '2025-11-02 03:30:00+00' + i * interval '10 minutes' from generate_series(1, 60) i;
  insert into view (id, blog, usr, viewed_at) values (20001, 1, 1, null), (20002, 1, 1, 'infinity'), (20003, 1, 1, '-infinity'), (20004, 1, 1, '0001-06-01');
  update view set local_at = case when isfinite(viewed_at) then viewed_at at time zone 'UTC' else viewed_at::timestamp end, "on" = viewed_at::date;`

const measures = {
  views: 'count',
  users: { distinct: 'usr' },
  known: { count: 'usr' },
  paid: { sum: 'paid' },
  ids: { sum: 'id' },
  longest: { max: 'took' },
  first: { min: 'on' },
  mean: { avg: 'paid' },
  spent: { sum: 'took' },
}
const options = {
  from: { parquet: 'views.parquet' },
  at: 'viewed_at',
  to: 'rolled',
  grains: [...grains],
  by: ['blog', 'country'],
  levels: [['blog', 'country'], ['country'], []],
  measures,
}

const truth = (more: Partial<Truth> = {}): Truth => ({
  table: 'rolled',
  grains,
  zone: 'UTC',
  events: `from view v where v.viewed_at >= '0002-01-01' and v.viewed_at < '9999-12-31'`,
  at: 'v.viewed_at',
  dimensions: ['blog', 'country'],
  levels: { 'blog+country': { blog: 'v.blog', country: 'v.country' }, country: { country: 'v.country' }, total: {} },
  measures: {
    views: 'count(*)',
    users: 'count(distinct v.usr)',
    known: 'count(v.usr)',
    paid: 'sum(v.paid)',
    ids: 'sum(v.id)',
    longest: 'max(v.took)',
    mean: 'avg(v.paid)',
    spent: 'sum(v.took)',
  },
  ...more,
})

const types = `{ id: 'INTEGER', blog: 'INTEGER', country: 'VARCHAR', usr: 'INTEGER', took: 'DOUBLE', paid: 'DECIMAL(10, 2)', viewed_at: 'TIMESTAMPTZ', local_at: 'TIMESTAMP', "on": 'DATE' }`
let second = Date.parse('2026-01-01T00:00:00Z')

/** Writes the application's events into a Parquet file, as the store would have them. */
async function dump(it: Counted, file = 'views.parquet', where = 'true'): Promise<void> {
  const rows = await it.db.query<Record<string, unknown>>(
    `select id, blog, country, usr, took, paid::text, viewed_at::text, local_at::text, "on"::text from view where ${where} order by id`,
  )
  const json = join(it.directory, 'views.ndjson')
  await writeFile(json, rows.map((row) => JSON.stringify(row)).join('\n'))
  await duckdb(
    ':memory:',
    `copy (select * from read_json('${json}', format = 'newline_delimited', columns = ${types})) to '${join(it.directory, file)}' (format parquet)`,
  )
  // Within one tick of the clock two files may look like one.
  second += 1000
  await utimes(join(it.directory, file), new Date(second), new Date(second))
}

async function duckdb(path: string, ...statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  await connection.run(`set TimeZone = 'UTC'`)
  for (const statement of statements) await connection.run(statement)
  connection.closeSync()
  instance.closeSync()
}

async function project(version: 18 | 14, more: object = {}): Promise<Counted> {
  const it = await counted(version, setUp, { ...options, ...more })
  await dump(it)
  return it
}

async function identical(it: Counted): Promise<void> {
  const [verified] = await it.sluice.verify(['views'])
  expect(verified?.run.error ?? null).toBeNull()
  expect(verified?.verifications.length).toBeGreaterThan(50)
  expect(verified?.verifications.filter(({ verdict }) => verdict !== 'identical')).toEqual([])
}

describe.each([
  [18, 'America/New_York', 'monday', 'viewed_at', 'v.viewed_at'],
  [14, 'Asia/Kathmandu', 'sunday', 'viewed_at', 'v.viewed_at'],
  // Local times: each hour of the change of clocks is there once or never.
  [18, 'America/New_York', 'sunday', 'local_at', `(v.local_at at time zone 'America/New_York')`],
  [18, 'Europe/Berlin', 'monday', 'on', `(v."on"::timestamp at time zone 'Europe/Berlin')`],
  [18, 'UTC', 'monday', 'viewed_at', 'v.viewed_at'],
] as const)('on PostgreSQL %i, in %s with weeks from %s, by %s', (version, zone, weekStart, at, expression) => {
  let it: Counted
  beforeAll(async () => {
    it = await project(version, { zone, weekStart, at })
  })
  afterAll(() => it[Symbol.asyncDispose]())

  test('everything equals plain SQL over the same events', async () => {
    await ran(it.sluice)
    const whole = truth({ zone, weekStart, at: expression })
    expect(await difference(it.db, whole)).toEqual([])
    await identical(it)
  })

  test('so it does where coarser grains are made of finer ones', async () => {
    const { users: _, ...adding } = measures
    const { users: __, ...judged } = truth().measures
    await ran(await it.again({ ...options, zone, weekStart, at, measures: adding }))
    expect(await difference(it.db, truth({ zone, weekStart, at: expression, measures: judged }))).toEqual([])
  })
})

describe('what has changed', () => {
  let it: Counted
  beforeAll(async () => {
    it = await project(18, { grains: ['hour', 'day', 'month'] })
    await ran(it.sluice)
  })
  afterAll(() => it[Symbol.asyncDispose]())
  const judged = truth({ grains: ['hour', 'day', 'month'] })

  test('nothing: the file is not read again', async () => {
    // An hour may have ended since, which is then counted.
    const [first] = await it.sluice.run(['views'])
    const [record] = first?.outcome === 'succeeded' ? await it.sluice.run(['views']) : [first]
    expect(record).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('nothing has changed') as string,
    })
  })

  test('the file, however old the events: everything is counted anew, and says why', async () => {
    await it.db.query(`
      insert into view (id, blog, usr, viewed_at) select 30000 + i, 3, 900 + i, timestamptz '2024-03-09 04:00+00' + i * interval '9 minutes' from generate_series(1, 50) i;
      update view set viewed_at = viewed_at + interval '40 days', blog = 5 where id % 777 = 0;
      delete from view where viewed_at >= '2024-05-05' and viewed_at < '2024-05-06';`)
    await dump(it)
    const [record] = await it.sluice.run(['views'])
    expect(record).toMatchObject({ outcome: 'succeeded' })
    expect(await difference(it.db, judged)).toEqual([])
    await identical(it)
  })

  test('a row of the table: verify names it, and a repair has it counted again', async () => {
    await it.db.query(
      `update rolled set views = views + 1 where (grain, level, bucket) = ('day', 'total', '2025-01-02Z')`,
    )
    const [found] = await it.sluice.verify(['views'])
    const odd = found?.verifications.filter(({ verdict }) => verdict !== 'identical')
    expect(odd).toMatchObject([{ slice: '2025-01[UTC]/day', changed: 1, examples: [{ columns: ['views'] }] }])
    const [repaired] = await it.sluice.verify(['views'], { repair: true })
    expect(repaired?.repair?.error ?? null).toBeNull()
    expect(await difference(it.db, judged)).toEqual([])
  })

  test('all of it: an empty file empties the table', async () => {
    await dump(it, 'views.parquet', 'false')
    await ran(it.sluice)
    expect(await it.db.query('select count(*)::int as n from rolled')).toEqual([{ n: 0 }])
    await dump(it)
    await ran(it.sluice)
    expect(await difference(it.db, judged)).toEqual([])
  })

  test('a file that is no more leaves what was counted, and is a failure', async () => {
    const before = await it.db.query('select * from rolled order by grain, level, bucket, blog, country')
    const broken = await it.again({ ...options, from: { parquet: 'gone.parquet' }, grains: ['hour', 'day', 'month'] })
    const [record] = await broken.run(['views'])
    expect(record).toMatchObject({
      outcome: 'failed',
      error: { code: 'FILE_NOT_FOUND' },
    })
    expect(await it.db.query('select * from rolled order by grain, level, bucket, blog, country')).toEqual(before)
  })

  test('a range is counted again, and no more than it', async () => {
    const sluice = await it.again({ ...options, grains: ['hour', 'day', 'month'] })
    await ran(sluice)
    await it.db.query(`update rolled set views = 0 where bucket < '2024-03-01'`)
    await ran(sluice, { from: '2024-01-15', to: '2024-01-20' })
    const wrong = await it.db.query<{ grain: string; bucket: Date }>(
      `select distinct grain, bucket from rolled where views = 0 and grain <> 'hour' order by 1, 2`,
    )
    expect(wrong.some(({ grain, bucket }) => grain === 'day' && bucket < new Date('2024-01-15'))).toBe(true)
    expect(
      wrong.filter(
        ({ grain, bucket }) => grain === 'day' && bucket >= new Date('2024-01-15') && bucket < new Date('2024-01-21'),
      ),
    ).toEqual([])
    await ran(sluice, { force: true })
    expect(await difference(it.db, judged)).toEqual([])
  })
})

test('with a lookback only what is not older is counted again', async () => {
  await using it = await project(18, { grains: ['day', 'month'], track: { lookback: '30d' } })
  await it.db.query(`update view set viewed_at = now() - (1 + id % 400) * interval '1 day' where id <= 6000`)
  await dump(it)
  await ran(it.sluice)
  const judged = truth({ grains: ['day', 'month'] })
  expect(await difference(it.db, judged)).toEqual([])
  await it.db.query(`delete from view where id % 400 in (3, 200)`)
  await dump(it)
  await ran(it.sluice)
  const lacking = await difference(it.db, truth({ grains: ['day'], levels: { total: {} } }))
  expect(lacking.filter((row) => 'what' in row && row.what === 'extra').length).toBeGreaterThan(0)
  const bound = `v.viewed_at > date_trunc('day', now() - interval '29 days', 'UTC') and v.viewed_at < date_trunc('day', now(), 'UTC')`
  await it.db.query(
    `create view recent as select * from rolled where grain = 'day' and bucket > now() - interval '30 days'`,
  )
  expect(
    await difference(it.db, truth({ table: 'recent', grains: ['day'], events: `from view v where ${bound}` })),
  ).toEqual([])
  await ran(it.sluice, { force: true })
  expect(await difference(it.db, judged)).toEqual([])
})

test('a query, a table, CSV and JSON of the warehouse are counted as Parquet is', async () => {
  await using it = await project(18, { grains: ['day'] })
  const parquet = join(it.directory, 'views.parquet')
  await duckdb(
    ':memory:',
    `copy (from '${parquet}') to '${join(it.directory, 'views.csv')}' (format csv, header)`,
    `copy (from '${parquet}' where isfinite(viewed_at)) to '${join(it.directory, 'views.json')}' (format json)`,
  )
  await ran(it.sluice)
  await it.sluice.close()
  await duckdb(join(it.directory, '.sluice', 'warehouse.duckdb'), `create table views as from '${parquet}'`)
  const bare = { grains: ['day'], measures: { views: 'count', users: { distinct: 'usr' } } }
  const judged = truth({ grains: ['day'], measures: { views: 'count(*)', users: 'count(distinct v.usr)' } })
  for (const from of [
    { query: `select *, viewed_at as "when" from 'views.parquet' -- as it is` },
    { table: 'main.views', store: 'warehouse' },
    { csv: 'views.csv' },
    // Of what JSON has, DuckDB takes times with a zone for text.
    { query: `select * replace (cast(viewed_at as timestamptz) as viewed_at) from 'views.json'` },
  ]) {
    const at = 'query' in from && from.query.includes('when') ? 'when' : 'viewed_at'
    const sluice = await it.again({ ...options, ...bare, from, at })
    await ran(sluice)
    expect(await difference(it.db, judged), JSON.stringify(from)).toEqual([])
    await sluice.close()
  }
})

test('times in nanoseconds, and a table that is called as one of ours', async () => {
  await using it = await project(18, { grains: ['day'], by: ['blog'], levels: [[]], measures: { views: 'count' } })
  await ran(it.sluice)
  await it.sluice.close()
  const parquet = join(it.directory, 'views.parquet')
  await duckdb(
    ':memory:',
    `copy (select blog, cast(cast(viewed_at as timestamp) as timestamp_ns) as viewed_at from '${parquet}' where viewed_at between '2000-01-01' and '2100-01-01')
     to '${join(it.directory, 'ns.parquet')}' (format parquet)`,
  )
  await duckdb(join(it.directory, '.sluice', 'warehouse.duckdb'), `create table buckets as from '${parquet}'`)
  const more = { ...options, grains: ['day'], by: ['blog'], levels: [[]], measures: { views: 'count' } }
  const judged = truth({
    grains: ['day'],
    dimensions: ['blog'],
    levels: { total: {} },
    measures: { views: 'count(*)' },
  })
  for (const from of [{ parquet: 'ns.parquet' }, { table: 'buckets', store: 'warehouse' }]) {
    const sluice = await it.again({ ...more, from })
    await ran(sluice)
    expect(await difference(it.db, judged), JSON.stringify(from)).toEqual([])
    await sluice.close()
  }
})

test('a backfill of what has changed does not take it for up to date', async () => {
  await using it = await project(18, { grains: ['day'] })
  await ran(it.sluice)
  await it.db.query(`delete from view where id % 2 = 0`)
  await dump(it)
  const asked = {
    flow: it.sluice.flows[0]?.name ?? ('views' as never),
    from: '2024-02-01',
    to: '2024-02-29',
    slices: null,
    force: false,
  }
  const preview = await it.sluice.engine.backfills.preview(asked, 'test')
  expect(preview.slices.map(({ key }) => key)).toEqual(['2024-02[UTC]/day'])
})

test('triggers of a table go when the events move to the warehouse', async () => {
  const onTable = { ...options, from: 'view', grains: ['day'] }
  await using it = await counted(18, setUp, onTable)
  await ran(it.sluice)
  const triggers = `select count(*)::int as n from pg_trigger where tgname like 'sluice_%'`
  expect(await it.db.query(triggers)).not.toEqual([{ n: 0 }])
  await dump(it)
  await ran(await it.again({ ...options, grains: ['day'] }))
  expect(await it.db.query(triggers)).toEqual([{ n: 0 }])
  expect(await difference(it.db, truth({ grains: ['day'] }))).toEqual([])
})

describe('is refused by name', () => {
  let it: Counted
  beforeAll(async () => {
    it = await project(18)
  })
  afterAll(() => it[Symbol.asyncDispose]())

  test.each<[string, object, RegExp]>([
    [
      'a time that is not there',
      { at: 'nope' },
      /SOURCE_COLUMN_MISSING.*views\.parquet has no column «nope».*viewed_at/s,
    ],
    ['a time that is none', { at: 'blog' }, /SOURCE_COLUMN_MISSING.*is no time/s],
    ['a dimension', { by: ['blog', 'nope'], levels: [['nope']] }, /SOURCE_COLUMN_MISSING.*«nope»/s],
    [
      'a sum of text',
      { measures: { views: 'count', odd: { sum: 'country' } } },
      /SOURCE_UNSUITABLE.*cannot count odd/s,
    ],
    [
      'the smallest of booleans',
      {
        from: { query: 'select now() as viewed_at, true as b' },
        by: [],
        levels: [[]],
        measures: { odd: { min: 'b' } },
      },
      /SOURCE_UNSUITABLE.*cannot count odd.*boolean/s,
    ],
    [
      'documents',
      {
        from: { query: `select now() as viewed_at, cast('{}' as json) as blog` },
        by: ['blog'],
        levels: [['blog']],
        measures: { n: 'count' },
      },
      /SOURCE_UNSUITABLE.*cannot count by blog.*jsonb/s,
    ],
    ['the smallest of texts', { measures: { odd: { min: 'country' } } }, /SOURCE_UNSUITABLE.*cannot count odd.*text/s],
  ])('%s', async (_what, more, said) => {
    const sluice = await it.again({ ...options, ...more })
    const [record] = await sluice.run(['views'])
    expect(record?.outcome).toBe('failed')
    expect(`${record?.error?.code}: ${record?.error?.summary}: ${record?.error?.why}`).toMatch(said)
  })
})

describe('a series', () => {
  let it: Counted
  beforeAll(async () => {
    it = await project(18, { grains: ['hour', 'day', 'month', 'year'] })
    await it.db.query(`update view set viewed_at = now() - (id % 500) * interval '13 hours' where id <= 6000`)
    await dump(it)
    await ran(it.sluice)
  })
  afterAll(() => it[Symbol.asyncDispose]())

  test('has what was counted, and says what is not yet', async () => {
    const now = Date.now()
    const from = new Date(now - 40 * 86_400_000).toISOString()
    const to = new Date(now + 86_400_000).toISOString()
    const answer = await it.sluice.series.read('views', { grain: 'day', from, to, measures: 'views,users' })
    const points = answer.series[0]?.points ?? []
    const raw = await it.db.query<{ day: Date; views: number; users: number }>(
      `select date_trunc('day', viewed_at, 'UTC') as day, count(*)::int as views, count(distinct usr)::int as users from view
       where isfinite(viewed_at) and viewed_at < date_trunc('hour', now()) group by 1`,
    )
    const today = new Date(new Date(now).toISOString().slice(0, 10))
    for (const { bucket, values, partial } of points.filter((point) => point.bucket <= today)) {
      const found = raw.find(({ day }) => day.getTime() === bucket.getTime())
      // At midnight nothing of the day is counted yet.
      if (answer.through !== null && bucket < answer.through)
        expect({ bucket, ...values }).toEqual({ bucket, views: found?.views ?? 0, users: found?.users ?? 0 })
      expect(partial).toBe(bucket.getTime() + 86_400_000 > (answer.through?.getTime() ?? 0))
    }
    expect(points.at(-1)).toMatchObject({ values: { views: null, users: null }, partial: true, live: false })
    expect(answer.asOf).toEqual(answer.through)
  })

  test('is refused by what no level has together', async () => {
    const sluice = await it.again({ ...options, grains: ['day'], levels: [['blog'], ['country']] })
    await ran(sluice)
    await expect(
      sluice.series.read('views', {
        grain: 'day',
        from: '2025-01-01',
        to: '2025-01-31',
        by: 'blog,country',
        measures: 'views',
      }),
    ).rejects.toMatchObject({ code: 'FILTER_INVALID' })
    const range = { from: '2025-01-01', to: '2025-01-31' }
    for (const asked of [
      { grain: 'day', by: 'blog,country', measures: 'users' },
      { grain: 'day', by: 'blog', measures: 'views', zone: 'Asia/Kolkata' },
      { grain: 'week', by: 'blog', measures: 'users' },
    ])
      await expect(sluice.series.read('views', { ...range, ...asked }), JSON.stringify(asked)).rejects.toMatchObject({
        code: 'FILTER_INVALID',
      })
  })

  test('and the console show the source, and a bucket beside it', async () => {
    const sluice = await it.again({ ...options, grains: ['day'] })
    await ran(sluice)
    const look = await sluice.rollups.get('views')
    expect(look).toMatchObject({
      source: {
        table: expect.stringMatching(/views\.parquet$/) as string,
        store: 'warehouse',
        joined: [],
        at: 'viewed_at',
      },
      anew: null,
    })
    const at = new Date(Date.now() - 20 * 86_400_000)
    const before = await sluice.rollups.compare('views', { grain: 'day', at, level: 'total', limit: 10 })
    expect(before.counts).toMatchObject({ events: before.counts.table, missing: 0, extra: 0, changed: 0 })
    await it.db.query(`update rolled set views = views + 1 where level = 'total' and bucket = $1`, [before.from])
    const after = await sluice.rollups.compare('views', { grain: 'day', at, level: 'total', limit: 10 })
    expect(after.counts.changed).toBe(1)
  })
})
