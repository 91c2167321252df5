/** What verify finds besides buckets that differ: rows of no bucket, sums that are as near as they can be, a definition of before. */
import { expect, test } from 'vitest'
import type { Sluice } from '../../src/sluice.ts'
import { counted, ran } from './truth.ts'

const base = `
  create table view (id int primary key, blog int, country text, viewed_at timestamptz not null);
  insert into view select i, i % 7, (array['fr','pk',null])[i % 3 + 1], timestamptz '2025-01-01 00:30+00' + i * interval '197 minutes' from generate_series(1, 1000) i;
  create index on view (viewed_at);`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  grains: ['hour', 'day', 'month'],
  by: ['blog'],
  measures: { views: 'count' },
}

async function differing(sluice: Sluice): Promise<Readonly<Record<string, number>>> {
  const [found] = await sluice.verify(['views'])
  expect(found?.run.error ?? null).toBeNull()
  const all = (found?.verifications ?? []).filter(({ verdict }) => verdict !== 'identical')
  return Object.fromEntries(all.map(({ slice, extra }) => [slice.replace('[UTC]', ''), extra]))
}

const strange = `insert into rolled (grain, level, bucket, views) values
  ('day', 'total', '2025-01-01 05:00Z', 5), ('day', 'total', '2025-01-02 00:00:00.000001Z', 5), ('day', 'total', '1990-01-01Z', 5),
  ('day', 'total', '2990-01-01Z', 5), ('day', 'nonsense', '2025-01-02Z', 5), ('week', 'total', '2025-01-06Z', 5),
  (null, null, null, 5), ('day', 'total', 'infinity', 5), ('day', 'total', '20000-01-01Z', 5)`

test('rows that belong to no bucket are extra, and a repair removes them', async () => {
  await using it = await counted(18, base, options)
  await ran(it.sluice)
  expect(await differing(it.sluice)).toEqual({})
  const before = await it.db.query('select * from rolled order by grain, level, bucket, blog')
  await it.db.query(strange)
  const found = await differing(it.sluice)
  const { '2025-01/day': january, '1990-01/day': old, '2990-01/day': late, ...others } = found
  expect({ january, old, late }).toEqual({ january: 3, old: 1, late: 1 })
  // What lies in no slice is told by the newest hour.
  expect(Object.entries(others)).toEqual([[expect.stringMatching(/\/hour$/), 4]])
  const [repaired] = await it.sluice.verify(['views'], { repair: true })
  expect(repaired?.repair?.error ?? null).toBeNull()
  expect(await differing(it.sluice)).toEqual({})
  expect(await it.db.query('select * from rolled order by grain, level, bucket, blog')).toEqual(before)
})

test('what is older than the events that are kept stays, whatever it is', async () => {
  await using it = await counted(18, base, { ...options, keep: { raw: '90d' } })
  await it.db.query(`update view set viewed_at = now() - id * interval '1 hour'`)
  await ran(it.sluice)
  await it.db.query(
    `insert into rolled (grain, level, bucket, views) values ('day', 'total', '1990-01-01 05:00Z', 5), ('week', 'total', '2025-01-06Z', 5)`,
  )
  await it.sluice.verify(['views'], { repair: true })
  expect(
    await it.db.query(
      `select count(*)::int as n from rolled where bucket in ('1990-01-01 05:00Z', '2025-01-06Z') and views = 5`,
    ),
  ).toEqual([{ n: 2 }])
})

test('a definition that has not run yet is not compared, and it is said why', async () => {
  await using it = await counted(18, base, options)
  await ran(it.sluice)
  for (const more of [{ by: ['blog', 'country'] }, { measures: { views: { sum: 'id' } } }]) {
    const [found] = await (await it.again({ ...options, ...more })).verify(['views'])
    expect(found?.run.error).toMatchObject({
      code: 'TARGET_MISSING',
      summary: 'public.rolled was not counted since the definition was changed',
      fix: expect.stringContaining('sluice run views') as string,
    })
  }
})

test.each([18, 14] as const)(
  'sums of floating point are compared as near as they are, on PostgreSQL %i',
  async (version) => {
    await using it = await counted(
      version,
      `create table view (id int primary key, blog int, amount float8, ratio real, viewed_at timestamptz not null);
     insert into view select i, i % 3, random() * 1000, random() * 1000, timestamptz '2025-01-01Z' + i * interval '61 seconds' from generate_series(1, 10000) i;
     create index on view (viewed_at)`,
      {
        ...options,
        measures: {
          d: { sum: 'amount' },
          da: { avg: 'amount' },
          r: { sum: 'ratio' },
          ra: { avg: 'ratio' },
          dm: { max: 'amount' },
        },
      },
    )
    await ran(it.sluice)
    expect(await differing(it.sluice)).toEqual({})
    const at = `grain = 'month' and level = 'total' and bucket = '2025-01-01Z'`
    await it.db.query(`update rolled set d = d * (1 + 1e-8) where ${at}`)
    expect(await differing(it.sluice)).toEqual({ '2025/month': 0 })
    await it.db.query(`update rolled set d = 'Infinity' where ${at}`)
    expect(await differing(it.sluice)).toEqual({ '2025/month': 0 })
    await it.sluice.verify(['views'], { repair: true })
    expect(await differing(it.sluice)).toEqual({})
    await it.db.query(`update view set amount = 'NaN', ratio = 'Infinity' where id = 77`)
    await ran(it.sluice)
    expect(await differing(it.sluice)).toEqual({})
    const compared = await it.sluice.rollups.compare('views', {
      grain: 'day',
      at: new Date('2025-01-02Z'),
      level: null,
      limit: 10,
    })
    expect(compared.counts.changed).toBe(0)
  },
)

/** Counted as if it had been two hours ago; since then events of an hour that is over have come. */
const twoHoursLater = `
  update sluice.position set value = jsonb_set(value, '{through}', to_jsonb(to_char(
    (value ->> 'through')::timestamptz at time zone 'UTC' - interval '2 hours', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
  update sluice.slice set as_of = as_of - interval '2 hours';
  insert into view select 2000 + i, i, 'fr', date_trunc('hour', now()) - interval '10 minutes' from generate_series(1, 5) i`

test.each(['day', 'hour'])('a part by %s that was counted further than the rest does not differ', async (grain) => {
  await using it = await counted(18, base, {
    ...options,
    measures: { views: 'count', countries: { distinct: 'country' } },
  })
  await ran(it.sluice)
  await it.db.query(twoHoursLater)
  const [{ day } = { day: '' }] = await it.db.query<{ day: string }>(
    `select to_char((now() - interval '1 hour') at time zone 'UTC', 'YYYY-MM-DD') as day`,
  )
  await ran(it.sluice, { from: day, to: day, grain })
  expect(await it.db.query(`select from rolled where grain = '${grain}' and bucket >= '${day}'`)).not.toEqual([])
  expect(await differing(it.sluice)).toEqual({})
  const [further] = await it.sluice.verify(['views'])
  const told = further?.verifications.filter(({ sourceChanged }) => sourceChanged).map(({ slice }) => slice)
  expect(told).toContain(grain === 'day' ? `${day.slice(0, 7)}[UTC]/day` : `${day}[UTC]/hour`)
  // As soon as all is counted as far, it is compared like anything else.
  await ran(it.sluice)
  expect(await differing(it.sluice)).toEqual({})
  await it.db.query(`update rolled set views = views + 1 where bucket >= '${day}' and level = 'total'`)
  expect(Object.keys(await differing(it.sluice))).not.toEqual([])
})
