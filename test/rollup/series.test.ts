/** Series against plain SQL over the events: any grain, zone, range and filter. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SeriesRequest } from '../../src/endpoints/series/ask.ts'
import type { SeriesAnswer } from '../../src/endpoints/series/series.ts'
import type { Grain } from '../../src/lib/grain.ts'
import { counted, ran, truncated, type Counted } from './truth.ts'

const setUp = `
  create table view (id int primary key, blog int, country text, usr int, paid numeric, viewed_at timestamptz not null);
  insert into view select i, i % 7, case when i % 11 = 0 then null else (array['US', 'DE', 'D''E', 'NP'])[1 + i % 4] end, i * 13 % 120, (i % 50) / 4.0,
    date_trunc('hour', now()) - interval '400 days' + (i::bigint * 7919 % (401 * 86400)) * interval '1 second' from generate_series(1, 6000) i;
  create index on view (viewed_at);`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  zone: 'America/New_York',
  grains: ['hour', 'day', 'week', 'month', 'year'],
  by: ['blog', 'country'],
  levels: [['blog', 'country'], ['country'], []],
  measures: {
    views: 'count',
    users: { distinct: 'usr' },
    near: { approximate: 'usr' },
    paid: { sum: 'paid' },
    most: { max: 'paid' },
    mean: { avg: 'paid' },
  },
}

/** A random number generator that says the same every time. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return Math.floor((state / 0x7fffffff) * below) % below
  }
}
const pick = <T>(roll: (below: number) => number, list: readonly T[]): T => list[roll(list.length)] as T // never empty

interface Asked {
  readonly request: SeriesRequest
  readonly where: string
  readonly grain: Grain
  readonly zone: string
  readonly by: readonly string[]
}

function filterOf(roll: (below: number) => number, depth: number): { readonly json: unknown; readonly sql: string } {
  const kind = depth > 2 ? 3 + roll(4) : roll(7)
  if (kind === 0 || kind === 1) {
    const parts = Array.from({ length: 1 + roll(3) }, () => filterOf(roll, depth + 1))
    const operator = kind === 0 ? 'and' : 'or'
    return {
      json: { [operator]: parts.map(({ json }) => json) },
      sql: `(${parts.map(({ sql }) => sql).join(` ${operator} `)})`,
    }
  }
  if (kind === 2) {
    const part = filterOf(roll, depth + 1)
    return { json: { not: part.json }, sql: `(not ${part.sql})` }
  }
  if (kind === 3) {
    const value = pick(roll, ['US', 'DE', "D'E", 'XX'])
    return { json: { eq: { field: 'country', value } }, sql: `(country = '${value.replaceAll("'", "''")}')` }
  }
  if (kind === 4) {
    const [name, symbol] = pick(roll, [
      ['lt', '<'],
      ['lte', '<='],
      ['gt', '>'],
      ['gte', '>='],
      ['eq', '='],
    ] as const)
    const value = roll(8)
    return { json: { [name]: { field: 'blog', value } }, sql: `(blog ${symbol} ${value})` }
  }
  if (kind === 5) return { json: { contains: { field: 'country', value: 'E' } }, sql: `(strpos(country, 'E') > 0)` }
  const values = [roll(7), roll(7)]
  return { json: { in: { field: 'blog', value: values } }, sql: `(blog in (${values.join(', ')}))` }
}

const zones = ['America/New_York', 'UTC', 'Asia/Kathmandu', 'Asia/Kolkata', 'Europe/Berlin', 'Australia/Lord_Howe']

function ask(roll: (below: number) => number): Asked {
  const zone = pick(roll, zones)
  const [grain, days] = pick(roll, [
    ['hour', 3],
    ['day', 40],
    ['week', 90],
    ['month', 400],
    ['quarter', 400],
    ['year', 500],
    ['quarter-hour', 1],
  ] as const)
  const ago = 5 + roll(395)
  const day = (at: number): string => new Date(Date.now() - at * 86_400_000).toISOString().slice(0, 10)
  const by = pick(roll, [[], [], ['blog'], ['country'], ['blog', 'country']] as const)
  const filter = roll(3) === 0 ? null : filterOf(roll, 0)
  return {
    request: {
      grain,
      zone,
      from: day(ago),
      to: day(Math.max(-1, ago - 1 - roll(days))),
      ...(by.length === 0 ? {} : { by: by.join(',') }),
      ...(filter === null ? {} : { filter: JSON.stringify(filter.json) }),
    },
    where: filter?.sql ?? 'true',
    grain,
    zone,
    by,
  }
}

const flat = (answer: SeriesAnswer): readonly string[] =>
  answer.series
    .flatMap(({ key, points }) =>
      points.map(({ bucket, values }) =>
        JSON.stringify([
          key,
          bucket.toISOString(),
          Number(values['views']),
          Number(values['users']),
          Number(values['near']),
          Number(values['paid']),
          values['most'] === null ? null : Number(values['most']),
          values['mean'] === null ? null : Number(Number(values['mean']).toPrecision(12)),
        ]),
      ),
    )
    .filter((line) => JSON.parse(line)[2] !== 0)
    .toSorted()

describe.each([18, 14] as const)('on PostgreSQL %i', (version) => {
  let it: Counted
  beforeAll(async () => {
    it = await counted(version, setUp, options)
    await ran(it.sluice)
  })
  afterAll(() => it[Symbol.asyncDispose]())

  const raw = async ({ grain, zone, by, where }: Asked, { from, to }: SeriesAnswer): Promise<readonly string[]> => {
    const keys = by.map((name) => `, ${name}`).join('')
    const rows = await it.db.query<Record<string, unknown> & { bucket: Date }>(
      `select ${truncated(grain, 'viewed_at', zone)} as bucket${keys}, count(*)::int as views, count(distinct usr)::int as users, sum(paid)::float8 as paid,
         max(paid)::float8 as most, avg(paid)::float8 as mean
       from view where viewed_at >= $1 and viewed_at < $2 and ${where} group by 1${keys}`,
      [from, to],
    )
    return rows
      .map((row) =>
        JSON.stringify([
          Object.fromEntries(by.map((name) => [name, row[name]])),
          row.bucket.toISOString(),
          row['views'],
          row['users'],
          // Few are exact.
          row['users'],
          row['paid'],
          row['most'],
          Number(Number(row['mean']).toPrecision(12)),
        ]),
      )
      .toSorted()
  }
  const compare = async (seed: number, rounds: number): Promise<void> => {
    const roll = dice(seed)
    for (let round = 0; round < rounds; round += 1) {
      const asked = ask(roll)
      // Where clocks are moved by half an hour, PostgreSQL's hours overlap.
      if (asked.zone === 'Australia/Lord_Howe' && asked.grain === 'hour') continue
      const answer = await it.sluice.series.read('views', asked.request)
      expect(flat(answer), JSON.stringify(asked)).toEqual(await raw(asked, answer))
    }
  }

  test('500 random questions are answered as plain SQL answers them', { timeout: 240_000 }, async () => {
    await compare(7, version === 18 ? 500 : 60)
  })

  test(
    'so they are while the table is behind: what has changed since is counted as it is read',
    { timeout: 240_000 },
    async () => {
      await it.db.query(`
      insert into view select 10000 + i, i % 7, 'US', i, 1, now() - i * interval '3 hours' from generate_series(1, 300) i;
      update view set country = 'NP' where id % 41 = 0;
      delete from view where id % 53 = 0;`)
      await compare(11, version === 18 ? 200 : 30)
      await ran(it.sluice)
      await compare(13, version === 18 ? 60 : 10)
    },
  )

  test('what nothing happened in is 0, what is not over is partial, what was never counted is null', async () => {
    const answer = await it.sluice.series.read('views', { grain: 'day', from: '2001-01-01', to: '2001-01-03' })
    expect(
      answer.series[0]?.points.map(({ values, partial, growth }) => [
        values['views'],
        values['most'],
        partial,
        growth['views'],
      ]),
    ).toEqual([
      [0, null, false, null],
      [0, null, false, null],
      [0, null, false, null],
    ])
    const now = await it.sluice.series.read('views', { grain: 'year' })
    expect(now.series[0]?.points.at(-1)).toMatchObject({ partial: true, live: true })
    const other = await it.again({ ...options, to: 'other', measures: { views: 'count' } })
    const never = await other.series.read('views', { grain: 'day', from: '2025-01-01', to: '2025-01-01' })
    expect(never.series[0]?.points[0]?.values).toEqual({ views: null })
    expect(never.through).toBeNull()
  })

  test('a range as one bucket has the different values of just that range', async () => {
    const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10)
    for (const [from, to] of [
      [day(60), day(31)],
      [`${day(100).slice(0, 4)}-01-01`, `${day(100).slice(0, 4)}-01-31`],
    ] as const) {
      const { series } = await it.sluice.series.total('views', { zone: 'America/New_York', from, to })
      const raw = await it.db.query(`select count(*)::int as views, count(distinct usr)::int as users from view
        where viewed_at >= timestamp '${from}' at time zone 'America/New_York' and viewed_at < (timestamp '${to}' + interval '1 day') at time zone 'America/New_York'`)
      expect(series[0]?.points[0]?.values).toMatchObject(raw[0] ?? {})
    }
  })

  test('where the events are another table by now, nothing that was counted is believed', async () => {
    await it.db.query(`alter table view rename to was; create table view as select * from was where id <= 100`)
    const { series } = await it.sluice.series.read('views', {
      grain: 'year',
      from: '2020',
      to: '2030',
      measures: 'views',
    })
    expect(series[0]?.points.reduce((sum, { values }) => sum + Number(values['views']), 0)).toBe(
      (await it.db.query<{ n: number }>('select count(*)::int as n from view'))[0]?.n,
    )
    await it.db.query(`drop table view; alter table was rename to view`)
  })

  test('growth is against the bucket before', async () => {
    const { series } = await it.sluice.series.read('views', {
      grain: 'month',
      zone: 'UTC',
      from: new Date(Date.now() - 200 * 86_400_000).toISOString(),
    })
    const points = series[0]?.points ?? []
    for (const [at, { values, growth }] of points.entries()) {
      const before = points[at - 1]
      if (before === undefined) expect(growth['views']).toBeNull()
      else
        expect(growth['views']).toBeCloseTo(
          ((Number(values['views']) - Number(before.values['views'])) / Number(before.values['views'])) * 100,
          6,
        )
    }
  })

  test.each([
    [{ grain: 'days' }, /did you mean "day"/],
    [{ zone: 'Europe/Nowhere' }, /no time zone/],
    [{ by: 'blogs' }, /did you mean "blog"/],
    [{ from: '2025-02-30' }, /neither a day nor an instant/],
    [{ from: '2025-02-30T00:00:00Z' }, /neither a day nor an instant/],
    [{ from: '0000' }, /neither a day nor an instant/],
    [{ from: '9990', to: '9999', grain: 'year' }, /beyond the years/],
    [{ from: '0001', to: '0002', grain: 'year', zone: 'Asia/Kathmandu' }, /beyond the years/],
    [{ grain: 'day', from: '2020', to: '2025', by: 'blog,country' }, /points; it may have 20,000/],
    [{ measures: 'view' }, /did you mean "views"/],
    [{ weekStart: 'Monday' }, /did you mean "monday"/],
    [{ from: '2025-02-02', to: '2025-01-01' }, /ends before/],
    [{ grain: 'hour', from: '2020', to: '2025' }, /more than 10,000 buckets/],
    [{ filter: '{' }, /no JSON/],
    [{ filter: '{"eq": {"field": "nothing", "value": 1}}' }, /no field "nothing"/],
    [{ filter: '{"near": {"field": "blog", "value": 1}}' }, /no operator "near"/],
    [{ filter: '{"eq": {"field": "blog", "value": "x"}}' }, /the value of blog/],
    [{ filter: '{"and": []}' }, /not empty/],
    [{ filter: '{"eq": {"field": "blog", "value": 1}, "not": {}}' }, /exactly one/],
    [{ filter: '{"contains": {"field": "blog", "value": 1}}' }, /does not go with/],
  ] as const)('%j is refused', async (request, why) => {
    await expect(it.sluice.series.read('views', request)).rejects.toMatchObject({
      code: 'FILTER_INVALID',
      why: expect.stringMatching(why) as string,
    })
  })

  test('an instant may have any offset, also one whose plus was not escaped', async () => {
    const from = (written: string): Promise<SeriesAnswer> =>
      it.sluice.series.read('views', { grain: 'hour', zone: 'UTC', from: written, to: '2025-03-02' })
    for (const written of ['2025-03-01T05:45:00+05:45', '2025-03-01 05:45 05:45', '2025-03-01t05:45:00.000+0545'])
      expect((await from(written)).from.toISOString(), written).toBe('2025-03-01T00:00:00.000Z')
  })

  test('a zone may be an offset, ahead of UTC where it is written with +', async () => {
    const by = async (zone: string): Promise<SeriesAnswer> =>
      await it.sluice.series.read('views', { grain: 'day', from: '2025-01-30', to: '2025-02-02', zone })
    const told = ({ series }: SeriesAnswer): unknown =>
      series.flatMap(({ points }) => points.map(({ bucket, values }) => [bucket.toISOString(), values]))
    expect(told(await by('+05:30'))).toEqual(told(await by('Asia/Kolkata')))
    expect(told(await by('-07:00'))).toEqual(told(await by('America/Phoenix')))
    expect((await by('+05:30')).from.toISOString()).toBe('2025-01-29T18:30:00.000Z')
    await expect(by('UTC+5')).rejects.toMatchObject({ code: 'FILTER_INVALID' })
  })

  test('a filter is checked by the types of the events while there is no table', async () => {
    const never = await it.again({ ...options, to: 'nowhere' })
    const asked = { grain: 'month', from: '2025', to: '2025', by: 'blog' }
    const filtered = (field: string, value: unknown): SeriesRequest => ({
      ...asked,
      filter: JSON.stringify({ eq: { field, value } }),
    })
    expect((await never.series.read('views', filtered('blog', 1))).through).toBeNull()
    await expect(never.series.read('views', filtered('blog', 'x'))).rejects.toMatchObject({ code: 'FILTER_INVALID' })
    await expect(never.series.read('views', filtered('country', 1))).rejects.toMatchObject({ code: 'FILTER_INVALID' })
  })

  // The last one: by this definition everything is counted anew.
  test('measures may be called as what is read beside them, and be of texts', async () => {
    const odd = await it.again({
      ...options,
      to: 'odd',
      measures: { at: 'count', k0: { max: 'blog' }, _at: { min: 'country' } },
    })
    await ran(odd)
    const { series } = await odd.series.read('views', { grain: 'year', from: '2000', by: 'country,blog' })
    const { total } = (await it.db.query<{ total: number }>('select count(*)::int as total from view'))[0] ?? {
      total: 0,
    }
    const sum = series.flatMap(({ points }) => points).reduce((all, { values }) => all + Number(values['at']), 0)
    expect(sum).toBe(total)
    for (const { key, points } of series)
      expect(new Set(points.map(({ values }) => values['_at'] ?? key['country']))).toEqual(new Set([key['country']]))
  })
})
