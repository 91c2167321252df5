/** Dimensions and measures may be called what our statements, or PostgreSQL's, call things, too. */
import { expect, test } from 'vitest'
import { counted, difference, ran } from './truth.ts'

const names = ['i', 'at', 'side', 'events', 'k0', 'order', 'it"s'] as const
const measures = {
  n0_hour: 'count',
  v0: { distinct: 'columns' },
  columns: { sum: 'at' },
  key: { max: 'i' },
  stored: { avg: 'at' },
} as const

test.each([18, 14] as const)('on PostgreSQL %i', async (version) => {
  const columns = names.map((name) => `"${name.replaceAll('"', '""')}"`)
  await using it = await counted(
    version,
    `create table "view ""x""" (id int, ${columns.map((name) => `${name} int`).join(', ')}, columns int, "the time" timestamptz not null);
     insert into "view ""x""" select i, ${columns.map((_, index) => `i % ${index + 2}`).join(', ')}, i % 7, now() - interval '10 days' + i * interval '1 hour' from generate_series(1, 200) i`,
    {
      from: 'public.view "x"',
      at: 'the time',
      to: 'rolled',
      grains: ['hour', 'day', 'month'],
      by: [...names],
      levels: [[...names], ['side', 'i'], ['events']],
      measures,
    },
  )
  await ran(it.sluice)
  await it.db.query(`update "view ""x""" set side = 5, at = at + 1 where id % 9 = 0`)
  await ran(it.sluice)
  const all = Object.fromEntries(names.map((name, index) => [name, `v.${columns[index] ?? ''}`]))
  const quoted = (name: string): string => name.replaceAll('"', '""')
  expect(
    await difference(it.db, {
      table: 'rolled',
      grains: ['hour', 'day', 'month'],
      zone: 'UTC',
      events: `from "view ""x""" v where "the time" < date_trunc('hour', now())`,
      at: 'v."the time"',
      dimensions: names.map(quoted),
      levels: {
        [names.join('+').replaceAll("'", "''")]: Object.fromEntries(
          Object.entries(all).map(([name, one]) => [quoted(name), one]),
        ),
        'i+side': { i: 'v.i', side: 'v.side' },
        events: { events: 'v.events' },
      },
      measures: {
        n0_hour: 'count(*)',
        v0: 'count(distinct v.columns)',
        columns: 'sum(v.at)',
        key: 'max(v.i)',
        stored: 'avg(v.at)',
      },
    }),
  ).toEqual([])
  const [verified] = await it.sluice.verify(['views'])
  expect(verified?.run.error ?? null).toBeNull()
  expect(verified?.verifications.every(({ verdict }) => verdict === 'identical')).toBe(true)
  const answer = await it.sluice.series.read('views', {
    grain: 'day',
    by: 'i,side',
    filter: '{"eq": {"field": "at", "value": 1}}',
  })
  const total = answer.series
    .flatMap(({ points }) => points)
    .reduce((sum, { values }) => sum + Number(values['n0_hour']), 0)
  expect(await it.db.query(`select count(*)::int as n from "view ""x""" where at = 1`)).toEqual([{ n: total }])
})
