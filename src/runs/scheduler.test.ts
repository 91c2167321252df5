import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sql } from '../lib/sql.ts'
import type { Flow } from '../flows/flow.ts'
import { endRun, type RunRow } from '../state/run.ts'
import { readRuns } from '../state/run-list.ts'
import { readOccurrences } from '../state/occurrence.ts'
import { pauseFlow, resumeFlow } from '../state/flow.ts'
import { createDatabase, type TestDatabase } from '../../test/support/database.ts'
import {
  everyHour,
  flowOf,
  hour,
  minute,
  openClockwork,
  setClock,
  type Clockwork,
} from '../../test/support/clockwork.ts'
import { cancel } from './cancel.ts'
import { request } from './request.ts'
import { migrate } from '../state/migrate.ts'
import type { Scheduler } from './scheduler.ts'
import { readStatus } from './status.ts'

let own: TestDatabase
let work: Clockwork
let scheduler: Scheduler

beforeEach(async () => {
  own = await createDatabase()
  await migrate(own.database, 'sluice')
})
afterEach(async () => {
  await scheduler.stop()
  await work[Symbol.asyncDispose]()
  await own[Symbol.asyncDispose]()
})

/** Registers flows at a time. */
async function begin(at: string, ...flows: readonly Flow[]): Promise<void> {
  await clock(at)
  work = await openClockwork(own.database, flows)
  scheduler = work.scheduler()
}
const clock = (at: string): Promise<void> => setClock(own.database, 'sluice', `2026-11-22T${at}Z`)

async function tick(at: string): Promise<number> {
  await clock(at)
  return await scheduler.tick()
}

/** `06:00 run`, `05:00 skipped: …`, oldest first. */
async function occurrences(flow = 'hourly'): Promise<readonly string[]> {
  const rows = await readOccurrences(own.database, work.state, { flow, limit: 1_000 })
  return rows
    .map(
      (row) => `${row.due_at.toISOString().slice(11, 16)} ${row.state}${row.reason === null ? '' : `: ${row.reason}`}`,
    )
    .toReversed()
}

const runs = async (flow = 'hourly'): Promise<readonly RunRow[]> =>
  (await readRuns(own.database, work.state, { flow, limit: 1_000 })) ?? []

/** Ends the open run of a flow as a worker would: its outcome, and what was published with it. */
async function finish(flow: string, outcome: 'succeeded' | 'failed' = 'succeeded'): Promise<void> {
  const { state } = work
  const open = (await runs(flow)).filter((run) => run.outcome === null)
  for (const run of open) {
    await own.database.transaction(async (tx) => {
      await tx.run(sql`update ${state.t('run')} set frozen_at = ${state.now} where id = ${run.id}`)
      if (outcome === 'succeeded') {
        await tx.run(sql`
          insert into ${state.t('slice')} (project, flow, key, ordinal, span, state, due_at, as_of, rows, run, published_at)
          values (${state.project}, ${flow}, 'all', 0, 'null', 'done', ${run.due_at}, ${state.now}, 10, ${run.id}, ${state.now})
          on conflict (project, flow, key) do update set due_at = greatest(slice.due_at, excluded.due_at), as_of = excluded.as_of,
            run = excluded.run, published_at = excluded.published_at`)
      }
      const error =
        outcome === 'failed'
          ? {
              code: 'STORE_QUERY',
              summary: 'refused',
              why: 'a secret value',
              fix: 'look',
              where: { key: 'key of a row' },
            }
          : null
      await endRun(tx, state, run.id, { outcome, reason: null, error, result: null, rows: 10 })
      await work.engine.ended(tx, { run: run.id, flow, operation: 'apply', outcome, error: null })
    })
  }
}

describe('an hourly flow, six hours down', () => {
  test('catchUp latest: one run, five skips with reasons', async () => {
    await begin('00:30', flowOf('hourly', { schedule: everyHour }))
    await tick('06:30')
    const found = await occurrences()
    expect(found).toHaveLength(6)
    expect(found[0]).toBe('01:00 skipped: missed by 5 h 30 min; catchUp: latest runs only the newest')
    expect(found[5]).toBe('06:00 run')
    expect((await runs()).map((run) => run.due_at?.toISOString())).toEqual(['2026-11-22T06:00:00.000Z'])
  })

  test('catchUp skip: no run, six skips with reasons', async () => {
    await begin('00:30', flowOf('hourly', { schedule: everyHour, catchUp: 'skip' }))
    await tick('06:30')
    const found = await occurrences()
    expect(found).toHaveLength(6)
    expect(found.every((line) => / skipped: missed by .*; catchUp: skip$/.test(line))).toBe(true)
    expect(await runs()).toHaveLength(0)
    await tick('07:00')
    expect((await occurrences())[6]).toBe('07:00 run')
  })

  test('catchUp all: six runs, in order, one after the other', async () => {
    await begin('00:30', flowOf('hourly', { schedule: everyHour, catchUp: 'all' }))
    for (let turn = 0; turn < 6; turn += 1) {
      await tick('06:30')
      expect((await runs()).filter((run) => run.outcome === null)).toHaveLength(1)
      await finish('hourly')
    }
    await tick('06:30')
    expect(await occurrences()).toEqual(['01', '02', '03', '04', '05', '06'].map((at) => `${at}:00 run`))
    expect((await runs()).map((run) => run.due_at?.toISOString().slice(11, 13)).toReversed()).toEqual([
      '01',
      '02',
      '03',
      '04',
      '05',
      '06',
    ])
  })
})

test('every 2 h with a run that takes a minute: every occurrence runs', async () => {
  await begin('00:01', flowOf('hourly', { schedule: { tag: 'every', every: 2 * hour, offset: 0 } }))
  for (const due of ['02', '04', '06', '08', '10']) {
    expect(await tick(`${due}:00`)).toBeLessThanOrEqual(2 * hour)
    await clock(`${due}:01`)
    await finish('hourly')
    await tick(`${due}:01`)
    const [status] = await readStatus(work.state, [...work.engine.flows.values()], work.engine.kinds)
    expect(status).toMatchObject({ state: 'fresh', why: null, running: false })
    // A run that ended a minute after its due time does not satisfy the next one.
    expect(status?.dueAt?.toISOString().slice(11, 16)).toBe(`${String(Number(due) + 2).padStart(2, '0')}:00`)
  }
  expect(await occurrences()).toEqual(['02', '04', '06', '08', '10'].map((at) => `${at}:00 run`))
})

test('sleeps until the next due time', async () => {
  await begin('00:30', flowOf('hourly', { schedule: everyHour }))
  const sleep = await tick('00:59:58')
  expect(sleep).toBeGreaterThan(1_000)
  expect(sleep).toBeLessThanOrEqual(2_000)
})

test('a manual run satisfies no later occurrence, and is waited for', async () => {
  await begin('00:30', flowOf('hourly', { schedule: everyHour }))
  const [flow] = work.engine.flows.values()
  if (flow === undefined) throw new Error('no flow')
  await clock('00:59')
  await request(work.engine, {
    operation: 'apply',
    flow: flow.name,
    slices: null,
    options: {},
    trigger: 'manual',
    requestedBy: 'ann',
  })
  await tick('01:00')
  expect((await occurrences())[0]).toMatch(/^01:00 waiting: waits for run .* to end$/)
  await finish('hourly')
  await tick('01:05')
  expect(await occurrences()).toEqual(['01:00 run'])
  expect((await runs()).map((run) => run.trigger)).toEqual(['schedule', 'manual'])
})

test('a schedule that changed counts from now', async () => {
  await begin('00:30', flowOf('hourly', { schedule: everyHour }))
  await tick('01:00')
  await work[Symbol.asyncDispose]()
  await begin('05:30', flowOf('hourly', { schedule: { tag: 'every', every: 2 * hour, offset: 0 } }))
  await tick('06:30')
  expect(await occurrences()).toEqual(['01:00 run', '06:00 waiting: ' + (await waitedFor())])
})
const waitedFor = async (): Promise<string> => `waits for run ${(await runs()).at(-1)?.id} to end`

test('paused: skipped with the reason, by whom; resumed: the next runs', async () => {
  await begin('00:30', flowOf('hourly', { schedule: everyHour }))
  await pauseFlow(own.database, work.state, 'hourly', 'ann', 'moving house')
  await tick('02:00')
  await resumeFlow(own.database, work.state, 'hourly')
  await tick('03:00')
  expect(await occurrences()).toEqual([
    '01:00 skipped: paused by ann: moving house',
    '02:00 skipped: paused by ann: moving house',
    '03:00 run',
  ])
})

test('overlap skip and cancel', async () => {
  await begin(
    '00:30',
    flowOf('hourly', { schedule: everyHour, overlap: 'skip' }),
    flowOf('other', { schedule: everyHour, overlap: 'cancel' }),
  )
  await tick('01:00')
  await tick('02:00')
  expect((await occurrences())[1]).toMatch(/^02:00 skipped: run .* was not over yet; overlap: skip$/)
  // Nobody works on it, so that it is cancelled at once; the tick after that runs the new one.
  await tick('02:00:01')
  expect(await occurrences('other')).toEqual(['01:00 run', '02:00 run'])
  expect((await runs('other')).map((run) => run.outcome)).toEqual([null, 'cancelled'])
  expect((await runs('other')).at(-1)?.reason).toBe(
    'cancelled by schedule: the next occurrence is due (overlap: cancel)',
  )
})

describe('after', () => {
  const flows = [
    flowOf('schools', { schedule: everyHour }),
    flowOf('teachers', { schedule: everyHour, after: [flowOf('schools', {}).name] }),
  ]

  test('waits for what its upstream owes at that due time', async () => {
    await begin('00:30', ...flows)
    await tick('01:00')
    expect(await occurrences('teachers')).toEqual(['01:00 waiting: waits for schools (never done)'])
    await clock('01:10')
    await finish('schools')
    await tick('01:10')
    expect(await occurrences('teachers')).toEqual(['01:00 run'])
    await finish('teachers')
    await tick('02:00')
    expect((await occurrences('teachers'))[1]).toBe(
      '02:00 waiting: waits for schools (not done, due 2026-11-22T02:00:00.000Z)',
    )
  })

  test('up to late, then it is skipped with the reason', async () => {
    await begin('00:30', ...flows)
    await tick('01:00')
    await finish('schools', 'failed')
    await tick('01:29')
    expect((await occurrences('teachers'))[0]).toMatch(/^01:00 waiting/)
    await tick('01:30')
    expect(await occurrences('teachers')).toEqual(['01:00 skipped: waited 30 min for schools (failed)'])
  })
})

describe('told once each', () => {
  const told = async (): Promise<readonly string[]> =>
    (
      await own.query<{ kind: string; at: Date }>(
        'select kind, created_at as at from sluice.notification order by created_at, id',
      )
    ).map(({ kind, at }) => `${at.toISOString().slice(11, 16)} ${kind}`)

  test('failed, recovered, late, recovered', async () => {
    await begin('00:30', flowOf('hourly', { schedule: everyHour }))
    await tick('01:00')
    await clock('01:01')
    await finish('hourly', 'failed')
    await tick('01:02')
    await tick('02:00')
    await clock('02:01')
    await finish('hourly', 'failed')
    expect(await told()).toEqual(['01:01 failed'])
    await tick('03:00')
    await clock('03:01')
    await finish('hourly')
    await tick('03:02')
    await tick('04:00')
    await tick('04:30')
    await tick('04:31')
    await tick('04:32')
    await clock('04:40')
    await finish('hourly')
    await tick('04:41')
    expect(await told()).toEqual(['01:01 failed', '03:01 recovered', '04:31 late', '04:40 recovered'])
    const payloads = JSON.stringify(await own.query('select payload from sluice.notification'))
    expect(payloads).toContain('STORE_QUERY')
    expect(payloads).not.toContain('secret value')
    expect(payloads).not.toContain('key of a row')
  })

  test('by several at once', async () => {
    await begin('00:30', flowOf('hourly', { schedule: everyHour }))
    const others = [1, 2].map(() => work.scheduler())
    await clock('02:00')
    await Promise.all([scheduler, ...others].map((one) => one.tick()))
    expect(await occurrences()).toHaveLength(2)
    expect(await runs()).toHaveLength(1)
    await clock('02:31')
    await Promise.all([scheduler, ...others].map((one) => one.tick()))
    expect(await told()).toEqual(['02:31 late'])
  })
})

test('a long outage of a fine schedule is decided page by page, all of it', async () => {
  await begin('00:00', flowOf('hourly', { schedule: { tag: 'every', every: 5_000, offset: 0 } }))
  await clock('10:00')
  while ((await scheduler.tick()) === 0) continue
  const [counted] = await own.query<{ total: string; run: string; skipped: string }>(`
    select count(*) as total, count(*) filter (where state = 'run') as run, count(*) filter (where state = 'skipped') as skipped from sluice.occurrence`)
  expect(counted).toEqual({ total: '7200', run: '1', skipped: '7199' })
  expect((await runs())[0]?.due_at?.toISOString()).toBe('2026-11-22T10:00:00.000Z')
})

test('runs by itself: starts at the due time, wakes when a run ends, and stops at once', async () => {
  await begin('00:30', flowOf('hourly', { schedule: { tag: 'every', every: 2_000, offset: 0 }, catchUp: 'all' }))
  await setClock(own.database, 'sluice', undefined)
  await own.query(`update sluice.schedule set decided_to = sluice.now()`)
  scheduler.start()
  scheduler.start()
  await expect.poll(async () => (await runs()).length, { timeout: 5_000 }).toBe(1)
  const [first] = await runs()
  // The clock decides, not a poll: it was asked for before the next one was due.
  expect((first?.requested_at.getTime() ?? 0) - (first?.due_at?.getTime() ?? 0)).toBeLessThan(2_000)
  await cancel(work.engine, first?.id ?? '', 'ann', null)
  await expect.poll(async () => (await runs()).length, { timeout: 5_000 }).toBeGreaterThan(1)
  const began = performance.now()
  await scheduler.stop()
  await scheduler.stop()
  expect(performance.now() - began).toBeLessThan(1_000)
})

test('a backfill neither makes fresh nor is waited for', async () => {
  await begin('00:30', flowOf('hourly', { schedule: everyHour, late: 10 * minute }))
  await own.query(`
    insert into sluice.run (project, id, operation, flow, trigger, requested_by, work) values
      ('clockwork', gen_random_uuid(), 'apply', 'hourly', 'backfill', 'ann', 'x')`)
  await tick('01:00')
  expect(await occurrences()).toEqual(['01:00 run'])
  await clock('01:30')
  await own.query(`
    update sluice.run set outcome = 'succeeded', frozen_at = sluice.now(), finished_at = sluice.now() where trigger = 'backfill'`)
  const [status] = await readStatus(work.state, [...work.engine.flows.values()], work.engine.kinds)
  expect(status?.state).toBe('late')
})
