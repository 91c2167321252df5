/** Pages and totals over 5,000 runs and 10,000 slices: exact, stable while others write, and each filter served by an index. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FlowName, SliceKey } from '../../src/flows/flow.ts'
import { sql, type Database, type Query, type Row } from '../../src/lib/sql.ts'
import type { RunRecord } from '../../src/runs/engine.ts'
import {
  countByState,
  describeQueue,
  listHistory,
  listNotifications,
  listOccurrences,
  listSlices,
  listVerifications,
  listWorkers,
} from '../../src/runs/lists.ts'
import { readRunRecords } from '../../src/runs/records.ts'
import type { RunFilter } from '../../src/runs/views.ts'
import { countNotifications } from '../../src/state/notification.ts'
import { countOccurrences } from '../../src/state/occurrence.ts'
import { countRuns } from '../../src/state/run-list.ts'
import { openState, type State } from '../../src/state/state.ts'
import { countVerifications } from '../../src/state/verification.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { openHarness, testFlow, type Harness } from './harness.ts'

const flow = (name: string): FlowName => name as FlowName // names of tests are names
const names = ['a', 'b', 'c', 'd', 'e']
/** So much of the state a page of any list may touch, in pages of 8 KiB. */
const mostPages = 1_000
const pagesOf = (plan: string): number =>
  [...(/Buffers: shared (.+)/.exec(plan)?.[1] ?? 'none').matchAll(/(?:hit|read)=(\d+)/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  )

/** As much as a project has after a while, and as much again of another project in the same tables. */
const seed = `
insert into sluice.run (project, id, operation, flow, slices, trigger, requested_by, requested_at, backfill, work, outcome, started_at, finished_at, rows, result, error)
select p, gen_random_uuid(), (array['apply','apply','apply','apply','verify','plan'])[1 + n % 6], (array['a','b','c','d','e'])[1 + n % 5], null,
  (array['schedule','schedule','manual','api','backfill'])[1 + (n / 7) % 5], 'seed',
  -- Several of one moment, to the microsecond.
  timestamptz '2026-01-01' + (n / 3) * interval '1 hour' + interval '123 microseconds',
  case when (n / 7) % 5 = 4 then ('00000000-0000-4000-8000-' || lpad((n / 500)::text, 12, '0'))::uuid end, n::text,
  case when n < 4990 then (array['succeeded','succeeded','succeeded','failed','skipped','cancelled','succeeded'])[1 + n % 7] end,
  timestamptz '2026-01-01' + (n / 3) * interval '1 hour' + interval '2 seconds',
  case when n < 4990 then timestamptz '2026-01-01' + (n / 3) * interval '1 hour' + interval '10 seconds' end, n,
  jsonb_build_object('changes', jsonb_build_object('inserted', n, 'changed', 1, 'deleted', 0, 'unchanged', 2)), null
from generate_series(0, 4999) n, unnest(array['test', 'other']) p;
insert into sluice.slice (project, flow, key, ordinal, span, state, definition_hash, period_from, period_to, rows, published_at, run)
select p, 'a', 's' || n, n / 2, to_jsonb(n), (array['done','done','done','done','dirty','failed','missing','frozen'])[1 + (n / 3) % 8], 'h',
  timestamptz '2025-01-01' + n * interval '1 hour', timestamptz '2025-01-01' + (n + 1) * interval '1 hour', n, now(), gen_random_uuid()
from generate_series(0, 9999) n, unnest(array['test', 'other']) p;
insert into sluice.verification (project, flow, slice, run, verdict, compared, missing, extra, changed, source_changed, at)
select p, 'a', 's' || n % 10000, gen_random_uuid(), (array['identical','differs'])[1 + n % 2], 10, 0, 0, 0, false,
  timestamptz '2026-01-01' + (n / 4) * interval '1 minute'
from generate_series(0, 19999) n, unnest(array['test', 'other']) p;
insert into sluice.occurrence (project, flow, due_at, state, reason, run)
select p, f, timestamptz '2026-01-01' + n * interval '1 hour', (array['run','skipped','run','run'])[1 + n % 4], 'because', gen_random_uuid()
from generate_series(0, 1999) n, unnest(array['a','b','c','d','e']) f, unnest(array['test', 'other']) p;
insert into sluice.notification (project, id, flow, kind, payload, created_at)
select p, gen_random_uuid(), 'a', 'failed', '{}', timestamptz '2026-01-01' + (n / 3) * interval '1 minute'
from generate_series(0, 1999) n, unnest(array['test', 'other']) p;
insert into sluice.notification_delivery (project, notification, webhook, delivered_at)
select project, id, 'notify[0]', now() from sluice.notification;
analyze`

describe.each([18, 14] as const)('lists on PostgreSQL %i', (version) => {
  let made: TestDatabase
  let harness: Harness
  let state: State
  let db: Database

  beforeAll(async () => {
    made = await createDatabase({ version, max: 10 })
    harness = await openHarness(
      made.database,
      names.map((name) => testFlow(name, { table: 'one' })),
    )
    await made.query(seed)
    state = harness.engine.state
    db = state.db
  })
  afterAll(async () => {
    await harness[Symbol.asyncDispose]()
    await made[Symbol.asyncDispose]()
  })

  /** All pages, one after the other, as who has only the last entry of each would read them. */
  async function paged<T, C>(
    read: (after: C | undefined) => Promise<readonly T[]>,
    place: (last: T) => C,
  ): Promise<T[]> {
    const all: T[] = []
    for (let after: C | undefined; ;) {
      const page = await read(after)
      all.push(...page)
      const last = page.at(-1)
      if (last === undefined) return all
      after = place(last)
    }
  }

  const hour = (n: number): Date => new Date(Date.parse('2026-01-01T00:00:00Z') + n * 3_600_000)
  const filters = fc.record(
    {
      flow: fc.constantFrom(...names.map(flow)),
      operation: fc.constantFrom('apply', 'verify', 'plan', 'ddl'),
      outcomes: fc.subarray(['succeeded', 'failed', 'cancelled', 'skipped', 'waiting', 'running'] as const),
      triggers: fc.subarray(['manual', 'schedule', 'backfill', 'api'] as const, { minLength: 1 }),
      since: fc.integer({ min: 0, max: 1700 }).map(hour),
      until: fc.integer({ min: 0, max: 1700 }).map(hour),
      backfill: fc.integer({ min: 0, max: 10 }).map((n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`),
    },
    { requiredKeys: [] },
  )
  const fits = (run: RunRecord, filter: RunFilter): boolean =>
    (filter.flow === undefined || run.flow === filter.flow) &&
    (filter.operation === undefined || run.operation === filter.operation) &&
    (filter.outcomes === undefined || filter.outcomes.includes(run.outcome ?? 'waiting')) &&
    (filter.triggers === undefined || filter.triggers.includes(run.trigger)) &&
    (filter.since === undefined || run.requestedAt >= filter.since) &&
    (filter.until === undefined || run.requestedAt < filter.until) &&
    (filter.backfill === undefined || run.backfill === filter.backfill)

  test('runs: whatever the filter, pages and total are what the whole list says', async () => {
    const all = await readRunRecords(db, state, { limit: 10_000 })
    expect(all).toHaveLength(5000)
    const ids = await paged(
      (before: string | undefined) =>
        readRunRecords(db, state, { limit: 700, ...(before === undefined ? {} : { before }) }),
      ({ id }) => id,
    )
    expect(ids.map(({ id }) => id)).toEqual(all.map(({ id }) => id))
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 50, max: 900 }), async (filter, limit) => {
        const wanted = all.filter((run) => fits(run, filter)).map(({ id }) => id)
        expect(await countRuns(db, state, filter)).toBe(wanted.length)
        const found = await readRunRecords(db, state, { ...filter, limit })
        expect(found.map(({ id }) => id)).toEqual(wanted.slice(0, limit))
        const last = found.at(-1)
        if (last === undefined) return
        const next = await readRunRecords(db, state, { ...filter, limit, before: last.id })
        expect(next.map(({ id }) => id)).toEqual(wanted.slice(limit, 2 * limit))
      }),
      { numRuns: 60 },
    )
  })

  test('runs: what is written between two pages shifts nothing; a place that is gone is said to be', async () => {
    const filter = { flow: flow('b'), limit: 20 } as const
    const first = await readRunRecords(db, state, filter)
    const second = await readRunRecords(db, state, { ...filter, before: first.at(-1)?.id ?? '' })
    await made.query(`insert into sluice.run (project, id, operation, flow, trigger, requested_by, work)
      select 'test', gen_random_uuid(), 'apply', 'b', 'manual', 'later', 'later' || n from generate_series(1, 30) n`)
    expect(await readRunRecords(db, state, { ...filter, before: first.at(-1)?.id ?? '' })).toEqual(second)
    await made.query("delete from sluice.run where requested_by = 'later'")
    await expect(
      readRunRecords(db, state, { ...filter, before: '00000000-0000-4000-8000-00000000dead' }),
    ).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
  })

  test('slices: pages by ordinal and key, by state and by the time that they stand for; totals by state', async () => {
    const all = await listSlices(db, state, { flow: flow('a'), limit: 20_000 })
    expect(all).toHaveLength(10_000)
    const pages = await paged(
      (after: SliceKey | undefined) =>
        listSlices(db, state, { flow: flow('a'), limit: 3001, ...(after === undefined ? {} : { after }) }),
      ({ key }) => key,
    )
    expect(pages.map(({ key }) => key)).toEqual(all.map(({ key }) => key))
    expect(all[0]).toMatchObject({
      flow: 'a',
      ordinal: 4999,
      verified: { verdict: expect.any(String), at: expect.any(Date) },
    })
    const counts = await countByState(db, state, { flow: flow('a') })
    for (const one of ['done', 'dirty', 'failed', 'missing', 'frozen', 'running'] as const) {
      const found = await listSlices(db, state, { flow: flow('a'), states: [one], limit: 20_000 })
      expect(found).toHaveLength(counts[one])
      expect(found.map(({ key }) => key)).toEqual(all.filter((slice) => slice.state === one).map(({ key }) => key))
    }
    const [from, to] = [new Date('2025-03-01T00:30:00Z'), new Date('2025-03-02T00:00:00Z')]
    const day = await listSlices(db, state, { flow: flow('a'), from, to, limit: 100 })
    expect(day).toHaveLength(24)
    expect(day.at(-1)?.period).toEqual({ from: new Date('2025-03-01T00:00:00Z'), to: new Date('2025-03-01T01:00:00Z') })
    const sum = (by: Readonly<Record<string, number>>): number => Object.values(by).reduce((a, b) => a + b, 0)
    expect(sum(await countByState(db, state, { flow: flow('a'), from, to }))).toBe(24)
    await expect(
      listSlices(db, state, { flow: flow('a'), limit: 5, after: 'nowhere' as SliceKey }),
    ).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
  })

  test('verifications, occurrences, notifications: every entry once, in order, and counted', async () => {
    const verified = await paged(
      (before: { run: string; slice: SliceKey } | undefined) =>
        listVerifications(db, state, { flow: flow('a'), limit: 4999, ...(before === undefined ? {} : { before }) }),
      ({ run, slice }) => ({ run, slice }),
    )
    expect(new Set(verified.map(({ run, slice }) => run + slice)).size).toBe(20_000)
    expect(verified.map(({ at }) => at.getTime())).toEqual(
      verified.map(({ at }) => at.getTime()).toSorted((a, b) => b - a),
    )
    expect(await countVerifications(db, state, { flow: flow('a') })).toBe(20_000)
    expect(await countVerifications(db, state, { flow: flow('a'), slice: 's7' })).toBe(2)

    const filter = { states: ['skipped'], since: hour(100), until: hour(900) } as const
    const skipped = await paged(
      (before: { dueAt: Date; flow: FlowName } | undefined) =>
        listOccurrences(db, state, { ...filter, limit: 333, ...(before === undefined ? {} : { before }) }),
      ({ dueAt, flow: name }) => ({ dueAt, flow: name }),
    )
    expect(skipped).toHaveLength(await countOccurrences(db, state, filter))
    expect(new Set(skipped.map((one) => one.flow + one.dueAt.toISOString())).size).toBe(1000)

    const told = await paged(
      (before: string | undefined) =>
        listNotifications(db, state, { limit: 450, ...(before === undefined ? {} : { before }) }),
      ({ id }) => id,
    )
    expect(new Set(told.map(({ id }) => id)).size).toBe(await countNotifications(db, state))
    expect(told[0]?.deliveries).toMatchObject([{ webhook: 'notify[0]', state: 'delivered', nextAt: null }])
    await expect(
      listNotifications(db, state, { limit: 1, before: '00000000-0000-4000-8000-00000000dead' }),
    ).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
  })

  test('history, queue and workers say what is there', async () => {
    const points = await listHistory(db, state, flow('c'), { limit: 50 })
    expect(points).toHaveLength(50)
    expect(points.at(-1)).toMatchObject({ changes: { changed: 1 }, seconds: 8 })
    expect(points.map(({ at }) => at.getTime())).toEqual(points.map(({ at }) => at.getTime()).toSorted((a, b) => a - b))
    expect(
      (await listHistory(db, state, flow('c'), { since: hour(1600), limit: 500 })).every(({ at }) => at >= hour(1600)),
    ).toBe(true)
    const queue = await describeQueue(db, state)
    expect(queue).toMatchObject({ waiting: 10, running: 0, delayed: 0, paused: 0, lastHour: { finished: 0 } })
    expect(queue.oldestMs).toBeGreaterThan(0)
    await made.query(`insert into sluice.worker (project, id, host, pid, roles, stores, flows, version, heartbeat_at, stopped_at) values
      ('test', gen_random_uuid(), 'alive', 1, '{worker}', '{database}', '{"a": "other"}', '1', now(), null),
      ('test', gen_random_uuid(), 'dead', 2, '{worker}', '{database}', '{}', '1', now() - interval '1 hour', null),
      ('test', gen_random_uuid(), 'stopped', 3, '{run}', '{database}', '{}', '1', now(), now()),
      ('test', gen_random_uuid(), 'old', 4, '{run}', '{database}', '{}', '1', now() - interval '2 days', now())`)
    const workers = await listWorkers(db, state, 15_000)
    expect(workers.map(({ host, alive, outdated }) => [host, alive, outdated])).toEqual([
      ['alive', true, ['a']],
      ...workers.slice(1).map(({ host }) => [host, false, []]),
    ])
    expect(workers.map(({ host }) => host).toSorted()).toEqual(['alive', 'dead', 'stopped'])
  })

  /** The statements that a reading makes, each with its plan. */
  async function plans(read: (state: State) => Promise<unknown>): Promise<readonly string[]> {
    const asked: Query[] = []
    const spy = <K extends 'all' | 'one' | 'maybe'>(method: K): Database[K] =>
      (async (query: Query) => {
        asked.push(query)
        return await (db[method] as (query: Query) => Promise<unknown>)(query)
      }) as Database[K]
    const spied: Database = Object.create(db, {
      all: { value: spy('all') },
      one: { value: spy('one') },
      maybe: { value: spy('maybe') },
    }) as Database
    await read(openState(spied, 'sluice', 'test'))
    expect(asked).not.toHaveLength(0)
    return await Promise.all(
      asked.map(async (query) =>
        (await db.all<Row>(sql`explain (analyze, buffers, timing off) ${query}`))
          .map((row) => String(row['QUERY PLAN']))
          .join('\n'),
      ),
    )
  }

  test('every filter is served by an index, and touches few pages', async () => {
    const limit = 50
    const backfill = '00000000-0000-4000-8000-000000000003'
    const [newest] = await readRunRecords(db, state, { limit: 1 })
    const readings: Readonly<Record<string, (on: State) => Promise<unknown>>> = {
      all: (on) => readRunRecords(on.db, on, { limit }),
      next: (on) => readRunRecords(on.db, on, { limit, before: newest?.id ?? '' }),
      flow: (on) => readRunRecords(on.db, on, { flow: flow('c'), limit }),
      operation: (on) => readRunRecords(on.db, on, { operation: 'verify', limit }),
      failed: (on) => readRunRecords(on.db, on, { outcomes: ['failed'], limit }),
      'failed or cancelled': (on) => readRunRecords(on.db, on, { outcomes: ['failed', 'cancelled'], limit }),
      running: (on) => readRunRecords(on.db, on, { outcomes: ['running'], limit }),
      waiting: (on) => readRunRecords(on.db, on, { outcomes: ['waiting'], limit }),
      trigger: (on) => readRunRecords(on.db, on, { triggers: ['api'], limit }),
      time: (on) => readRunRecords(on.db, on, { since: hour(10), until: hour(12), limit }),
      backfill: (on) => readRunRecords(on.db, on, { backfill, limit }),
      'count failed': (on) => countRuns(on.db, on, { outcomes: ['failed'] }),
      'count time': (on) => countRuns(on.db, on, { since: hour(1600) }),
      slices: (on) => listSlices(on.db, on, { flow: flow('a'), limit }),
      'next slices': (on) => listSlices(on.db, on, { flow: flow('a'), limit, after: 's5000' as SliceKey }),
      'failed slices': (on) => listSlices(on.db, on, { flow: flow('a'), states: ['failed'], limit }),
      'slices of a day': (on) =>
        listSlices(on.db, on, { flow: flow('a'), from: new Date('2025-03-01'), to: new Date('2025-03-02'), limit }),
      verifications: (on) => listVerifications(on.db, on, { flow: flow('a'), limit }),
      'verifications of a slice': (on) =>
        listVerifications(on.db, on, { flow: flow('a'), slice: 's3' as SliceKey, limit }),
      occurrences: (on) => listOccurrences(on.db, on, { limit }),
      'occurrences of a flow': (on) => listOccurrences(on.db, on, { flow: flow('d'), limit }),
      'skipped occurrences': (on) => listOccurrences(on.db, on, { states: ['skipped'], limit }),
      notifications: (on) => listNotifications(on.db, on, { limit }),
      history: (on) => listHistory(on.db, on, flow('c'), { limit }),
    }
    const slow: string[] = []
    for (const [name, read] of Object.entries(readings)) {
      for (const plan of await plans(read)) {
        if (/Seq Scan on (run|slice|verification|occurrence|notification)\b/.test(plan) || !(pagesOf(plan) < mostPages))
          slow.push(`${name}\n${plan}`)
      }
    }
    expect(slow).toEqual([])
    // The whole calendar.
    expect(await listSlices(db, state, { flow: flow('a'), limit: 10_000 })).toHaveLength(10_000)
  })
})
