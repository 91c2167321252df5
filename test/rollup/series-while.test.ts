/** A series is of one snapshot: while events move from bucket to bucket, and runs replace rows, each of them is seen once. */
import { expect, test } from 'vitest'
import type { SeriesRequest } from '../../src/endpoints/series/ask.ts'
import { counted, ran } from './truth.ts'

const events = 3000
const setUp = `
  create table view (id int primary key, blog int, viewed_at timestamptz not null);
  insert into view select i, i % 3, now() - interval '60 days' + i * interval '28 minutes' from generate_series(1, ${events}) i;
  create index on view (viewed_at);`
const options = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  zone: 'America/New_York',
  grains: ['hour', 'day', 'month'],
  by: ['blog'],
  measures: { views: 'count', blogs: { distinct: 'blog' } },
}
const asked: readonly SeriesRequest[] = [
  { grain: 'month' },
  { grain: 'day' },
  { grain: 'day', zone: 'Asia/Kathmandu' },
  { grain: 'month', by: 'blog' },
  { grain: 'week', filter: '{"gte": {"field": "blog", "value": 0}}' },
]

test.each([18, 14] as const)(
  'on PostgreSQL %i, none is lost and none is counted twice',
  { timeout: 60_000 },
  async (version) => {
    await using it = await counted(version, setUp, options)
    await ran(it.sluice)
    const from = new Date(Date.now() - 100 * 86_400_000).toISOString()
    const to = new Date(Date.now() + 2 * 86_400_000).toISOString()
    let [reads, runs] = [0, 0]
    const isOver = (): boolean => runs >= (version === 18 ? 5 : 3)
    const move = async (seed: number): Promise<void> => {
      for (let turn = seed; !isOver(); turn += 2)
        // From anywhere to anywhere, today among it, which is newer than the table in part.
        await it.db.query(
          `update view set viewed_at = now() - (($1::bigint * 7919 * (id + 1)) % (60 * 86400)) * (id % 4)::int * interval '0.34 seconds' where id % 97 = $2`,
          [turn, turn % 97],
        )
    }
    const run = async (): Promise<void> => {
      while (!isOver()) {
        await ran(it.sluice)
        runs += 1
      }
    }
    const read = async (): Promise<void> => {
      for (let turn = 0; !isOver(); turn += 1) {
        const request = { ...asked[turn % asked.length], from, to }
        const { series } = await it.sluice.series.read('views', request)
        const sum = series
          .flatMap(({ points }) => points)
          .reduce((total, { values }) => total + Number(values['views']), 0)
        expect(sum, JSON.stringify(request)).toBe(events)
        reads += 1
      }
    }
    await Promise.all([move(1), move(2), run(), read(), read()])
    expect(reads).toBeGreaterThan(0)
  },
)
