/**
 * Which rows of the table a series believes: the table is filled here, by plain SQL, and whatever is out of date in it is wrong on purpose.
 * Every answer is compared with plain SQL over the events.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SeriesRequest } from '../../src/endpoints/series/ask.ts'
import type { SeriesMark, SeriesRollup } from '../../src/endpoints/series/rollup.ts'
import { answerSeries, type SeriesAnswer } from '../../src/endpoints/series/series.ts'
import { columnsOf, levelName, type Measure } from '../../src/flows/rollup/config.ts'
import { ofCounted, ofEvents } from '../../src/flows/rollup/sql/measure.ts'
import type { Grain } from '../../src/lib/grain.ts'
import { ident, raw, sql } from '../../src/lib/sql.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { truncated } from './truth.ts'

/** A random number generator that says the same every time. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return Math.floor((state / 0x7fffffff) * below) % below
  }
}
type Roll = (below: number) => number
const pick = <T>(roll: Roll, list: readonly T[]): T => list[roll(list.length)] as T // never empty

const day = 86_400_000
const begin = Date.parse('2024-08-20T00:00:00Z')
const through = Date.parse('2025-11-12T13:00:00Z')
const setUp = `
  create table truth (id int, at timestamptz not null, blog int, country text, usr int, paid numeric);
  insert into truth select i, '2024-08-20T00:00Z'::timestamptz + (i::bigint * 7919 * 61 % (460 * 86400)) * interval '1 second',
    nullif(i % 5, 4), nullif((array['US', 'D''E', 'Üß', 'NP', ''])[1 + i * 7 % 5], ''), i / 25 * 13 % 37, (i % 40) / 8.0 from generate_series(1, 5000) i;
  -- Both 01:00 hours of New York, the half hour of Lord Howe, and the turns of years.
  insert into truth select 10000 + i, t::timestamptz + i * interval '17 minutes', i % 3, 'US', i, 1.25
    from unnest(array['2024-11-03T04:30Z', '2025-03-09T05:00Z', '2025-04-05T14:00Z', '2025-10-04T14:30Z', '2024-12-31T16:00Z', '2025-11-02T03:30Z']) t, generate_series(0, 20) i;
  create index on truth (at);`

const dimensions = ['blog', 'country'] as const
const measures: readonly Measure[] = [
  { name: 'views', fn: 'count', of: null },
  { name: 'at', fn: 'sum', of: { of: null, column: 'paid' } },
  { name: 'k0', fn: 'max', of: { of: null, column: 'paid' } },
  { name: 'least', fn: 'min', of: { of: null, column: 'country' } },
  { name: 'mean', fn: 'avg', of: { of: null, column: 'paid' } },
  { name: 'users', fn: 'distinct', of: { of: null, column: 'usr' } },
]
const counted = `count(*), sum(paid), max(paid), min(country), avg(paid), sum(paid), count(paid), count(distinct usr)`
const looked: readonly string[] = ['true', 'paid', 'paid', 'country', 'paid', 'usr']

interface Shape {
  readonly table: string
  readonly zone: string
  readonly weekStart: 'monday' | 'sunday'
  readonly grains: readonly Grain[]
  readonly levels: readonly (readonly string[])[]
}
const shapes: readonly Shape[] = [
  {
    table: 'new_york',
    zone: 'America/New_York',
    weekStart: 'sunday',
    grains: ['hour', 'day', 'week', 'month', 'year'],
    levels: [['blog', 'country'], ['country'], []],
  },
  {
    table: 'kathmandu',
    zone: 'Asia/Kathmandu',
    weekStart: 'monday',
    grains: ['quarter-hour', 'day', 'month'],
    levels: [['blog', 'country'], []],
  },
  {
    table: 'days',
    zone: 'Australia/Lord_Howe',
    weekStart: 'monday',
    grains: ['day', 'quarter', 'year'],
    levels: [['blog'], ['country']],
  },
]

/** Rows of one grain and level, as of `through`, by PostgreSQL's calendar. */
function stored({ table, zone, weekStart }: Shape, grain: Grain, level: readonly string[]): string {
  const bucket = truncated(grain, 'at', zone, weekStart)
  const columns = dimensions.map((name) => (level.includes(name) ? name : `null::${name === 'blog' ? 'int' : 'text'}`))
  const groups = [bucket, ...dimensions.filter((name) => level.includes(name))]
  return `insert into ${table} select '${grain}', '${levelName(level)}', ${bucket}, ${columns.join(', ')}, ${counted}
    from truth where at < '${new Date(through).toISOString()}' group by ${groups.join(', ')}`
}

/** Wrong numbers, missing rows and rows of nothing in every bucket that a mark is in, and in those that are not over. */
function spoil({ table, zone, weekStart, grains, levels }: Shape, marks: readonly Date[]): readonly string[] {
  const touched = [...marks.flatMap((at) => [at, new Date(at.getTime() + 15 * 60_000 - 1)]), new Date(through)]
  const list = `array[${touched.map((at) => `'${at.toISOString()}'`).join(', ')}]::timestamptz[]`
  return grains.flatMap((grain) => {
    const wrong = `grain = '${grain}' and bucket = any(select ${truncated(grain, 'm', zone, weekStart)} from unnest(${list}) m)`
    return [
      `delete from ${table} where ${wrong} and abs(hashtext(bucket::text || level)) % 3 = 0`,
      `update ${table} set views = views + 1000, "at" = "at" * 7 + 1, k0 = 999, least = '!', mean = 55, mean_sum = 5, mean_count = 1, users = users + 3 where ${wrong}`,
      `insert into ${table} select distinct '${grain}', '${levelName(levels[0] ?? [])}', ${truncated(grain, 'm', zone, weekStart)}, ${
        levels[0]?.includes('blog') === true ? '77' : 'null::int'
      }, null, 9, 9, 9, 'x', 9, 9, 9, 9 from unnest(${list}) m`,
    ]
  })
}

const zones = [
  'America/New_York',
  'UTC',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Europe/Berlin',
  'Australia/Lord_Howe',
] as const

interface Filtered {
  readonly json: unknown
  readonly sql: string
}
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** `leaves`: which comparisons there may be; of one field, or of all. */
function filterOf(roll: Roll, depth: number, leaves: readonly number[]): Filtered {
  switch (depth > 2 || roll(7) > 2 ? pick(roll, leaves) : roll(3)) {
    case 0:
    case 1: {
      const operator = pick(roll, ['and', 'or'] as const)
      const parts = Array.from({ length: 1 + roll(3) }, () => filterOf(roll, depth + 1, leaves))
      return {
        json: { [operator]: parts.map(({ json }) => json) },
        sql: `(${parts.map((one) => one.sql).join(` ${operator} `)})`,
      }
    }
    case 2: {
      const part = filterOf(roll, depth + 1, leaves)
      return { json: { not: part.json }, sql: `(not ${part.sql})` }
    }
    case 3: {
      const value = pick(roll, ['US', "D'E", 'Üß', 'XX', '%'])
      const [name, symbol] = pick(roll, [
        ['eq', '='],
        ['eq', '='],
        ['lt', '<'],
        ['gte', '>='],
      ] as const)
      return { json: { [name]: { field: 'country', value } }, sql: `(country ${symbol} ${quoted(value)})` }
    }
    case 4: {
      const value = roll(6)
      const [name, symbol] = pick(roll, [
        ['lt', '<'],
        ['lte', '<='],
        ['gt', '>'],
        ['gte', '>='],
        ['eq', '='],
      ] as const)
      return {
        json: { [name]: { field: 'blog', value: pick(roll, [value, String(value)]) } },
        sql: `(blog ${symbol} ${value})`,
      }
    }
    case 5: {
      const value = pick(roll, ['S', "'", 'ß', '_'])
      return {
        json: { contains: { field: 'country', value } },
        sql: `(country like ${quoted(`%${value === '_' ? '\\_' : value}%`)})`,
      }
    }
    default: {
      const value = [roll(5), roll(5)]
      return { json: { in: { field: 'blog', value } }, sql: `(blog in (${value.join(', ')}))` }
    }
  }
}

interface Asked {
  readonly request: SeriesRequest & {
    readonly grain: Grain
    readonly zone: string
    readonly weekStart: 'monday' | 'sunday'
  }
  readonly by: readonly string[]
  readonly where: string
}

/** `own`: of the rollup's zone, and what its table has. */
function ask(roll: Roll, shape: Shape, own: boolean): Asked {
  const zone = own || roll(2) === 0 ? shape.zone : pick(roll, zones)
  const grain =
    own || roll(2) === 0
      ? pick(roll, shape.grains)
      : pick(roll, ['quarter-hour', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const)
  const days = { 'quarter-hour': 2, hour: 4, day: 50, week: 120, month: 460, quarter: 460, year: 800 }[grain]
  const from = begin - 3 * day + roll(464) * day
  const to = from + (1 + roll(days)) * day
  const isInstant = roll(3) === 0
  const written = (at: number): string =>
    isInstant ? new Date(at + 5 * 60_000 * roll(12)).toISOString() : new Date(at).toISOString().slice(0, 10)
  const level = own ? pick(roll, shape.levels) : null
  const by = level ?? pick(roll, [[], [], ['blog'], ['country'], ['blog', 'country'], ['country', 'blog']] as const)
  const filter =
    level !== null || roll(3) === 0
      ? null
      : filterOf(
          roll,
          0,
          pick(roll, [
            [3, 5],
            [4, 6],
            [3, 4, 5, 6],
          ]),
        )
  return {
    request: {
      grain,
      zone,
      weekStart: own || roll(2) === 0 ? shape.weekStart : pick(roll, ['monday', 'sunday'] as const),
      from: written(from),
      to: written(to),
      ...(by.length === 0 ? {} : { by: by.join(',') }),
      ...(filter === null ? {} : { filter: JSON.stringify(filter.json) }),
    },
    by,
    where: filter?.sql ?? 'true',
  }
}

/** Every bucket once, one after the other, over the range; growth is that of the values. */
function expectWhole({ request }: Asked, answer: SeriesAnswer): void {
  for (const { points } of answer.series) {
    expect(points[0]?.bucket).toEqual(answer.from)
    expect(points.at(-1)?.to).toEqual(answer.to)
    for (const [at, point] of points.entries()) {
      const before = points[at - 1]
      if (before === undefined) expect(point.growth['views']).toBeNull()
      else {
        expect(point.bucket).toEqual(before.to)
        const [a, b] = [Number(before.values['views']), Number(point.values['views'])]
        expect(point.growth['views']).toBe(a === 0 ? (b === 0 ? null : 100) : ((b - a) / a) * 100)
      }
      if (point.values['views'] === 0)
        expect(point.values).toEqual({ views: 0, at: 0, k0: null, least: null, mean: null, users: 0 })
      expect(point.growth['least']).toBeNull()
    }
  }
  if (request.from?.length !== 10) expect(answer.from.getTime()).toBeLessThanOrEqual(Date.parse(request.from ?? ''))
}

const number = (value: unknown): number | null => (value === null ? null : Number(Number(value).toPrecision(12)))
const numbers = ['views', 'at', 'k0', 'mean', 'users'] as const
type Names = readonly (typeof numbers)[number][]
const line = (names: Names, key: object, bucket: Date, values: Readonly<Record<string, unknown>>): string =>
  JSON.stringify([key, bucket.toISOString(), ...names.map((name) => number(values[name])), values['least']])

describe.each([
  [18, 170, 80],
  [14, 12, 6],
] as const)('on PostgreSQL %i', (version, rounds, ownRounds) => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase({ version })
    await db.query(setUp)
    for (const shape of shapes) {
      await db.query(`create table ${shape.table} (grain text, level text, bucket timestamptz, blog int, country text,
        views bigint, "at" numeric, k0 numeric, least text, mean numeric, mean_sum numeric, mean_count bigint, users bigint)`)
      for (const grain of shape.grains) for (const level of shape.levels) await db.query(stored(shape, grain, level))
      await db.query(`create index on ${shape.table} (grain, bucket, level)`)
    }
  }, 60_000)
  afterAll(() => db[Symbol.asyncDispose]())

  const rollupOf = (shape: Shape, events: string, marks: readonly SeriesMark[]): SeriesRollup => ({
    name: shape.table,
    hash: 'hash',
    table: ident('public', shape.table),
    calendar: { zone: shape.zone, weekStart: shape.weekStart },
    grains: shape.grains,
    dimensions,
    levels: new Map(shape.levels.map((level) => [levelName(level), level])),
    measures: measures.map((measure, index) => ({
      name: measure.name,
      fn: measure.fn,
      columns: columnsOf(measure),
      ofEvents: ofEvents(measure, index),
      ofCounted: ofCounted(measure, index),
      sketch: null,
      approximate: null,
    })),
    keep: {},
    keepRaw: null,
    events: () =>
      Promise.resolve(
        sql`(select at, blog as d0, country as d1, ${raw(looked.map((one, index) => `${one} as m${index}`).join(', '))} from ${ident(events)})`,
      ),
    position: () => Promise.resolve({ through: new Date(through), hash: 'hash', since: {} }),
    marks: () => Promise.resolve(marks),
  })

  const truth = async (
    names: Names,
    { request, by, where }: Asked,
    { from, to }: SeriesAnswer,
  ): Promise<readonly string[]> => {
    const keys = by.map((name) => `, ${name}`).join('')
    const rows = await db.query<Record<string, unknown> & { bucket: Date }>(
      `select ${truncated(request.grain, 'at', request.zone, request.weekStart)} as bucket${keys}, count(*) as views, sum(paid) as at, max(paid) as k0,
         min(country) as least, avg(paid) as mean, count(distinct usr) as users
       from truth where at >= $1 and at < $2 and ${where} group by 1${keys}`,
      [from, to],
    )
    return rows
      .map((row) => line(names, Object.fromEntries(by.map((name) => [name, row[name]])), row.bucket, row))
      .toSorted()
  }
  const flat = (names: Names, answer: SeriesAnswer): readonly string[] =>
    answer.series
      .flatMap(({ key, points }) =>
        points.flatMap(({ bucket, values }) => (values['views'] === 0 ? [] : [line(names, key, bucket, values)])),
      )
      .toSorted()
  const compare = async (roll: Roll, shape: Shape, rollup: SeriesRollup, own: boolean): Promise<void> => {
    const asked = ask(roll, shape, own)
    // Where clocks are moved by half an hour, PostgreSQL's hours overlap.
    if (asked.request.zone === 'Australia/Lord_Howe' && asked.request.grain === 'hour') return
    const answer = await answerSeries(db.database, rollup, asked.request)
    // Different values of a bucket that is not over are counted from the events as a whole.
    const names = own && answer.to.getTime() > through ? numbers.filter((name) => name !== 'users') : numbers
    expect(flat(names, answer), JSON.stringify(asked)).toEqual(await truth(names, asked, answer))
    expectWhole(asked, answer)
  }

  describe.each(shapes)('of $table', (shape) => {
    const roll = dice(shapes.indexOf(shape) + 3)
    const marks = Array.from({ length: 25 }, () => ({
      grain: null,
      at: new Date(begin + Math.floor(roll(450 * 96)) * 15 * 60_000),
    }))

    test('rows that are up to date are read, not their events', { timeout: 120_000 }, async () => {
      const events = `${shape.table}_odd`
      // Events that nobody has marked, hence nobody may see but where they are counted anew.
      await db.query(`create table ${events} as select * from truth;
        insert into ${events} select id, at, blog, country, usr + 500, paid + 1 from truth where at < '${new Date(through).toISOString()}'`)
      const rollup = rollupOf(shape, events, [])
      for (let round = 0; round < ownRounds; round += 1) await compare(roll, shape, rollup, true)
    })

    test('rows that are out of date are not', { timeout: 240_000 }, async () => {
      for (const statement of spoil(
        shape,
        marks.map(({ at }) => at),
      ))
        await db.query(statement)
      const rollup = rollupOf(shape, 'truth', marks)
      for (let round = 0; round < rounds; round += 1) await compare(roll, shape, rollup, round % 5 === 0)
    })

    test('none is, when everything is marked', { timeout: 120_000 }, async () => {
      await db.query(`update ${shape.table} set views = 5, "at" = 5, users = 5, mean_sum = 5`)
      const rollup = rollupOf(shape, 'truth', [...marks, { grain: null, at: null }])
      for (let round = 0; round < 20; round += 1) await compare(roll, shape, rollup, false)
    })
  })

  test('a read that the server ends is one that was given up', async () => {
    const slow = { ...rollupOf(shapes[0] as Shape, 'truth', []), name: 'slow' } // there are three
    const asleep = `/* ${db.name} */ select pid from pg_stat_activity where datname = current_database() and query like '%pg_sleep(61)%' and pid <> pg_backend_pid()`
    const events = (): Promise<ReturnType<typeof raw>> =>
      Promise.resolve(
        raw(
          `(select v.at, 1 as d0, 'x' as d1, ${looked.map((_, index) => `1 as m${index}`).join(', ')} from truth v, pg_sleep(61))`,
        ),
      )
    const reading = answerSeries(
      db.database,
      { ...slow, events },
      { grain: 'day', zone: 'Asia/Kathmandu', from: '2025-01-01', to: '2025-01-02' },
    )
    const refused = expect(reading).rejects.toMatchObject({ code: 'READ_TIMEOUT', where: { flow: 'slow' } })
    await expect.poll(async () => (await db.query(asleep)).length, { timeout: 10_000 }).toBe(1)
    await db.query(`select pg_cancel_backend(pid) from (${asleep}) as p`)
    await refused
  })
})
