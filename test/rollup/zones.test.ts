/** Days of 25 and 23 hours, days that begin at a quarter past, and weeks over the turn of a year. */
import { expect, test } from 'vitest'
import { counted, ran, type Counted } from './truth.ts'

/** An event every ten minutes of these days, in UTC. */
const setUp = (from: string, to: string): string => `
  create table view (id bigint generated always as identity, viewed_at timestamptz not null);
  insert into view (viewed_at) select generate_series(timestamptz '${from} 00:00+00', timestamptz '${to} 00:00+00', interval '10 minutes')`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  grains: ['hour', 'day', 'week'],
  measures: { views: 'count' },
}

const hoursOf = async (
  it: Counted,
  zone: string,
  day: string,
): Promise<{ readonly hours: number; readonly views: number }> => {
  const [row] = await it.db.query<{ hours: number; views: number }>(`
    select count(*)::int as hours, sum(views)::int as views from rolled
    where grain = 'hour' and bucket >= timestamp '${day}' at time zone '${zone}' and bucket < (timestamp '${day}' + interval '1 day') at time zone '${zone}'`)
  return row ?? { hours: 0, views: 0 }
}
const dayOf = async (it: Counted, zone: string, day: string): Promise<number | undefined> =>
  (
    await it.db.query<{ views: number }>(
      `select views::int from rolled where grain = 'day' and bucket = timestamp '${day}' at time zone '${zone}'`,
    )
  )[0]?.views

test('New York: 25 hours on 2025-11-02, 23 on 2025-03-09, and hours add up to days', async () => {
  for (const [from, to, day, hours] of [
    ['2025-10-30', '2025-11-05', '2025-11-02', 25],
    ['2025-03-06', '2025-03-12', '2025-03-09', 23],
  ] as const) {
    await using it = await counted(18, setUp(from, to), { ...options, zone: 'America/New_York' })
    await ran(it.sluice)
    expect(await hoursOf(it, 'America/New_York', day)).toEqual({ hours, views: hours * 6 })
    expect(await dayOf(it, 'America/New_York', day)).toBe(hours * 6)
  }
})

test.each(['Asia/Kathmandu', 'Asia/Kolkata'])('days of %s equal raw, and their hours add up to them', async (zone) => {
  await using it = await counted(18, setUp('2025-05-01', '2025-05-09'), { ...options, zone })
  await ran(it.sluice)
  const raw = await it.db.query<{ day: string; views: number }>(
    `select (viewed_at at time zone '${zone}')::date::text as day, count(*)::int as views from view group by 1 order by 1`,
  )
  expect(raw.length).toBeGreaterThan(7)
  for (const { day, views } of raw) {
    expect(await dayOf(it, zone, day)).toBe(views)
    expect((await hoursOf(it, zone, day)).views).toBe(views)
  }
})

test.each([
  ['monday', '2026-12-28'],
  ['sunday', '2026-12-27'],
] as const)('2027-01-02 is in the week that begins on a %s, %s', async (weekStart, week) => {
  await using it = await counted(18, `create table view (viewed_at timestamptz not null)`, { ...options, weekStart })
  await it.db.query(`insert into view values ('2027-01-02 12:00+00')`)
  await ran(it.sluice)
  const { series } = await it.sluice.series.read('views', { grain: 'week', from: '2027-01-02', to: '2027-01-02' })
  expect(series[0]?.points.map(({ bucket, values }) => [bucket.toISOString().slice(0, 10), values['views']])).toEqual([
    [week, 1],
  ])
})
