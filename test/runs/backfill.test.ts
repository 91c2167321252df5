/** Backfills over a kind of many slices: real workers, real processes killed in the middle. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { FlowName, SliceKey } from '../../src/flows/flow.ts'
import { openBackfills } from '../../src/runs/backfill.ts'
import { settleBackfills } from '../../src/runs/backfill-feed.ts'
import type { BackfillEvent, BackfillRecord, Backfills, BackfillState } from '../../src/runs/backfills.ts'
import { pause, resume } from '../../src/runs/cancel.ts'
import { ensure } from '../../src/runs/ensure.ts'
import { findRun, readRunRecords } from '../../src/runs/records.ts'
import { request } from '../../src/runs/request.ts'
import { retryRun } from '../../src/runs/retry-run.ts'
import { describeWorker, Worker } from '../../src/runs/worker.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { ask, openHarness, testFlow, until, type Harness } from './harness.ts'

const definitions = [
  { name: 'quick', options: { table: 'quick', slices: 12 } },
  { name: 'slow', options: { table: 'slow', slices: 40, workMs: 150 } },
  { name: 'fragile', options: { table: 'fragile', slices: 6, broken: 'broken' } },
  { name: 'live', options: { table: 'live' } },
  { name: 'nothing', options: { table: 'nothing', slices: 3, skip: 'it is up to date' } },
]
const leases = { leaseMs: 1500, beatMs: 500 }
const flow = (name: string): FlowName => name as FlowName // names of tests are names

describe.each([18, 14] as const)('backfills on PostgreSQL %i', (version) => {
  let made: TestDatabase
  let harness: Harness
  let backfills: Backfills
  const workers = new Set<Worker>()
  const children = new Set<ChildProcess>()

  beforeAll(async () => {
    made = await createDatabase({ version, max: 30 })
    await made.query('create table broken (slice text)')
    harness = await openHarness(
      made.database,
      definitions.map(({ name, options }) => testFlow(name, options)),
      { leases },
    )
    backfills = openBackfills(harness.engine, 'test')
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    children.clear()
    for (const worker of workers) await worker.stop(5000)
    workers.clear()
    await made.query('delete from broken')
  })
  afterAll(async () => {
    await harness[Symbol.asyncDispose]()
    await made[Symbol.asyncDispose]()
  })

  const work = async (concurrency = 4): Promise<void> => {
    const worker = new Worker(harness.engine, describeWorker(harness.engine, ['worker'], 'test'), concurrency)
    await worker.start()
    workers.add(worker)
  }
  const spawn = async (): Promise<ChildProcess> => {
    const file = fileURLToPath(new URL('child.ts', import.meta.url))
    const child = fork(file, [made.url, JSON.stringify(definitions), 'work', '', '', String(leases.leaseMs)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    children.add(child)
    await once(child, 'message')
    return child
  }
  const range = (name: string, more: object = {}) => ({
    flow: flow(name),
    from: null,
    to: null,
    slices: null,
    force: false,
    ...more,
  })
  const reached = async (id: string, ...states: readonly BackfillState[]): Promise<BackfillRecord> =>
    await until(async () => {
      const record = await backfills.get(id)
      return states.includes(record.state) && record
    })
  const keysOf = (slices: readonly { readonly key: SliceKey }[]): string[] => slices.map(({ key }) => key)
  /** Slices in the order in which their runs began. */
  const begun = async (id: string): Promise<string[]> =>
    (
      await made.query<{ slice: string }>(
        'select slices[1] as slice from sluice.run where backfill = $1 and started_at is not null order by requested_at, id',
        [id],
      )
    ).map(({ slice }) => slice)

  test('the exact slices beforehand, the same are done, newest first, so many at once', async () => {
    const asked = range('quick', { from: '2', to: '9' })
    const preview = await backfills.preview(asked, 'ann')
    expect(keysOf(preview.slices)).toEqual(['s8', 's7', 's6', 's5', 's4', 's3', 's2'])
    const created = await backfills.create({ ...asked, atOnce: 3 }, 'ann')
    expect(created).toMatchObject({
      state: 'running',
      from: '2',
      to: '9',
      requestedBy: 'ann',
      slices: { total: 7, waiting: 7, running: 0 },
      etaMs: null,
    })
    expect(await made.query('select 1 from sluice.run where backfill = $1', [created.id])).toHaveLength(3)
    await work()
    const done = await reached(created.id, 'done')
    expect(done).toMatchObject({ finishedAt: expect.any(Date), slices: { total: 7, succeeded: 7, waiting: 0 } })
    expect(await begun(created.id)).toEqual(keysOf(preview.slices))
    expect(keysOf(await backfills.slices(created.id, { limit: 100 }))).toEqual(keysOf(preview.slices))
    const runs = await readRunRecords(harness.engine.state.db, harness.engine.state, {
      backfill: created.id,
      limit: 100,
    })
    expect(runs).toHaveLength(7)
    expect(
      runs.every((run) => run.trigger === 'backfill' && run.requestedBy === 'ann' && run.outcome === 'succeeded'),
    ).toBe(true)
    const [overlap] = await made.query<{ most: number }>(
      `select max((select count(*) from sluice.run o where o.backfill = r.backfill and o.requested_at <= r.requested_at
        and o.finished_at > r.requested_at))::int as most from sluice.run r where r.backfill = $1`,
      [created.id],
    )
    expect(overlap?.most).toBeLessThanOrEqual(3)
  })

  test('live work is never starved, neither of places nor of its slices', async () => {
    await work(3)
    const { id } = await backfills.create({ ...range('slow'), atOnce: 16 }, 'ann')
    await until(async () => (await backfills.get(id)).slices.running >= 2)
    expect((await backfills.get(id)).slices.running).toBeLessThanOrEqual(2)
    const other = await request(harness.engine, ask('live', { trigger: 'schedule' }))
    // Every slice of its flow: it cannot begin beside any of them.
    const same = await request(harness.engine, ask('slow', { trigger: 'schedule', slices: null }))
    const ended = async (run: string): Promise<boolean> =>
      (await findRun(harness.engine.state.db, harness.engine.state, run)).outcome !== null
    await until(() => ended(other.id))
    await until(async () => (await findRun(harness.engine.state.db, harness.engine.state, same.id)).startedAt !== null)
    const before = await backfills.get(id)
    expect(before.state).toBe('running')
    expect(before.slices.waiting).toBeGreaterThan(20)
    await until(() => ended(same.id))
    await backfills.cancel(id, 'ann', 'enough')
  })

  test('paused nothing begins, resumed it goes on', async () => {
    await work()
    const { id } = await backfills.create(range('slow', { to: '12' }), 'ann')
    await until(async () => (await backfills.get(id)).slices.succeeded >= 2)
    const paused = await backfills.pause(id, 'bob', 'the source is busy')
    expect(paused).toMatchObject({ state: 'paused', stopped: { by: 'bob', reason: 'the source is busy' }, etaMs: null })
    const still = await until(async () => {
      const record = await backfills.get(id)
      return record.slices.running === 0 && record
    })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect((await backfills.get(id)).slices).toEqual(still.slices)
    await expect(backfills.pause(id, 'bob', null)).rejects.toMatchObject({ code: 'BACKFILL_STATE' })
    const resumed = await backfills.resume(id, 'ann')
    expect(resumed).toMatchObject({ state: 'running', stopped: null, etaMs: expect.any(Number) })
    expect(await reached(id, 'done')).toMatchObject({ slices: { succeeded: 12, total: 12 } })
    await expect(backfills.resume(id, 'ann')).rejects.toMatchObject({ code: 'BACKFILL_STATE' })
  })

  test('cancelled: what runs is cancelled, what waits is not done; tried again it does only that', async () => {
    await work()
    const { id } = await backfills.create(range('slow'), 'ann')
    await until(async () => (await backfills.get(id)).slices.succeeded >= 2)
    expect(await backfills.cancel(id, 'bob', 'wrong range')).toMatchObject({
      state: 'cancelled',
      stopped: { by: 'bob', reason: 'wrong range' },
    })
    const stopped = await until(async () => {
      const record = await backfills.get(id)
      return record.slices.running === 0 && record.slices.waiting === 0 && record
    })
    expect(stopped.slices.succeeded + stopped.slices.cancelled).toBe(40)
    expect(stopped.slices.cancelled).toBeGreaterThan(0)
    const before = new Set(await begun(id))
    await backfills.retry(id, 'ann')
    const done = await reached(id, 'done')
    expect(done.slices).toMatchObject({ succeeded: 40, cancelled: 0, total: 40 })
    const [twice] = await made.query<{ n: number }>(
      "select count(*)::int as n from (select slices from sluice.run where backfill = $1 and outcome = 'succeeded' group by slices having count(*) > 1) s",
      [id],
    )
    expect(twice).toEqual({ n: 0 })
    expect(before.size).toBeLessThan(40)
  })

  test('a failed slice makes it failed, and stays to be tried again, all together or alone', async () => {
    await made.query("insert into broken values ('s1'), ('s4')")
    await work()
    const { id } = await backfills.create(range('fragile'), 'ann')
    const failed = await reached(id, 'failed', 'done')
    expect(failed).toMatchObject({ state: 'failed', finishedAt: expect.any(Date), slices: { failed: 2, succeeded: 4 } })
    expect(keysOf(await backfills.slices(id, { states: ['failed'], limit: 9 }))).toEqual(['s4', 's1'])
    expect(await backfills.count({ states: ['failed'] })).toBe(1)
    // One alone: its run is tried again, and the backfill knows.
    await made.query("delete from broken where slice = 's4'")
    const [slice] = await backfills.slices(id, { states: ['failed'], limit: 1 })
    const again = await retryRun(harness.engine, slice?.run ?? '', 'bob')
    expect(
      await until(async () => {
        const run = await findRun(harness.engine.state.db, harness.engine.state, again.id)
        return run.outcome !== null && run
      }),
    ).toMatchObject({ outcome: 'succeeded', requestedBy: 'bob', slices: ['s4'] })
    expect(await reached(id, 'failed')).toMatchObject({ slices: { failed: 1, succeeded: 5 } })
    // All that failed; and it fails again.
    await backfills.retry(id, 'ann')
    expect(await reached(id, 'failed')).toMatchObject({ slices: { failed: 1, succeeded: 5 } })
    await made.query('delete from broken')
    await backfills.retry(id, 'ann')
    expect(await reached(id, 'done')).toMatchObject({ slices: { failed: 0, succeeded: 6, total: 6 } })
    await expect(backfills.retry(id, 'ann')).rejects.toMatchObject({ code: 'BACKFILL_STATE' })
  })

  test('killed in the middle it goes on elsewhere: every slice once, progress never goes back', async () => {
    await made.query('delete from slow')
    const { id } = await backfills.create(range('slow', { to: '16' }), 'ann')
    let seen = 0
    for (let round = 0; round < 3; round += 1) {
      const child = await spawn()
      await until(async () => (await backfills.get(id)).slices.succeeded >= 3 * (round + 1))
      child.kill('SIGKILL')
      await once(child, 'exit')
      const { succeeded } = (await backfills.get(id)).slices
      expect(succeeded).toBeGreaterThanOrEqual(seen)
      seen = succeeded
    }
    await spawn()
    const done = await reached(id, 'done')
    expect(done.slices).toMatchObject({ succeeded: 16, total: 16 })
    expect(await made.query('select slice from slow group by slice having count(*) > 1')).toEqual([])
    expect(await made.query('select count(*)::int as n from slow')).toEqual([{ n: 16 }])
    expect(await made.query('select count(*)::int as n from sluice.run where backfill = $1', [id])).toEqual([{ n: 16 }])
  })

  test('a run that somebody asked for is joined, and told of whatever way it ends', async () => {
    const { id: own } = await request(harness.engine, ask('quick', { slices: ['s3' as SliceKey] }))
    const { id } = await backfills.create(range('quick', { from: '3', to: '4' }), 'ann')
    expect((await backfills.slices(id, { limit: 9 }))[0]?.run).toBe(own)
    // As if it had ended in the moment in which it was joined: nobody has told the slice.
    await made.query("update sluice.run set outcome = 'succeeded', finished_at = now() where id = $1", [own])
    expect((await backfills.get(id)).state).toBe('running')
    await settleBackfills(harness.engine)
    expect(await backfills.get(id)).toMatchObject({ state: 'done', slices: { succeeded: 1 } })
  })

  test('without a worker whoever sees to it does it, slice after slice, and tells how it goes', async () => {
    const { id } = await backfills.create(range('slow', { to: '8', force: true }), 'ann')
    const told: BackfillEvent[] = []
    const following = (async () => {
      for await (const event of backfills.follow(id)) told.push(event)
    })()
    await backfills.ensure(id)
    await following
    expect(await backfills.get(id)).toMatchObject({ state: 'done', slices: { succeeded: 8, total: 8 } })
    expect(told.at(-1)).toMatchObject({ tag: 'finished', backfill: { state: 'done', slices: { succeeded: 8 } } })
    const begunNow = told.flatMap((event) => (event.tag === 'begun' ? [event.slice] : []))
    expect(new Set(begunNow).size).toBe(begunNow.length)
    expect(begunNow.length).toBeGreaterThan(4)
    const ended = told.flatMap((event) => (event.tag === 'begun' ? [] : [event.backfill.slices.succeeded]))
    expect(ended).toEqual(ended.toSorted((a, b) => a - b))
    expect(await backfills.get(id.slice(-12))).toMatchObject({ id })
  })

  test('without a worker live work that comes before it is done with it, though nobody else asked for that', async () => {
    const { id } = await backfills.create(range('slow', { to: '3', force: true }), 'ann')
    // As a scheduler leaves it that ends before a worker comes.
    const { id: live } = await request(harness.engine, ask('slow', { trigger: 'schedule', options: { force: true } }))
    await backfills.ensure(id)
    expect(await backfills.get(id)).toMatchObject({ state: 'done', slices: { succeeded: 3 } })
    expect(await findRun(harness.engine.state.db, harness.engine.state, live)).toMatchObject({ outcome: 'succeeded' })
  })

  test('without a worker live work does not wait for a slice that was broken off, which gives way to it', async () => {
    const { id } = await backfills.create(range('slow', { to: '6', force: true }), 'ann')
    const child = await spawn()
    await until(async () => (await backfills.get(id)).slices.running > 0)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const live = async (): Promise<string> => {
      const { id: asked } = await request(harness.engine, ask('slow', { options: { force: true } }))
      await ensure(harness.engine, asked, 'test')
      return (await findRun(harness.engine.state.db, harness.engine.state, asked))?.outcome ?? 'none'
    }
    // The next one finds what the first has taken up, and not begun.
    expect([await live(), await live()]).toEqual(['succeeded', 'succeeded'])
    await backfills.ensure(id)
    expect(await backfills.get(id)).toMatchObject({ state: 'done', slices: { succeeded: 6 } })
  })

  test('who sees to it lets go when it is paused, or when told to stop; the next one goes on', async () => {
    const { id } = await backfills.create(range('slow', { to: '12', force: true }), 'ann')
    const seen = backfills.ensure(id)
    await until(async () => (await backfills.get(id)).slices.succeeded >= 2)
    await backfills.pause(id, 'bob', null)
    await seen
    expect(await backfills.get(id)).toMatchObject({ state: 'paused', slices: { running: 0 } })
    await backfills.resume(id, 'bob')
    const stop = new AbortController()
    const before = (await backfills.get(id)).slices.succeeded
    const again = backfills.ensure(id, stop.signal)
    await until(async () => (await backfills.get(id)).slices.succeeded > before)
    stop.abort()
    await again
    expect(await backfills.get(id)).toMatchObject({ state: 'running', slices: { running: 0 } })
    await backfills.ensure(id)
    expect(await backfills.get(id)).toMatchObject({ state: 'done', slices: { succeeded: 12 } })
  })

  test('who sees to it finds what nobody told', async () => {
    const { id: own } = await request(harness.engine, ask('quick', { slices: ['s3' as SliceKey] }))
    const { id } = await backfills.create(range('quick', { from: '3', to: '4' }), 'ann')
    await made.query("update sluice.run set outcome = 'succeeded', finished_at = now() where id = $1", [own])
    await backfills.ensure(id)
    expect(await backfills.get(id)).toMatchObject({ state: 'done', slices: { succeeded: 1 } })
  })

  test('what cannot be is refused, and says why', async () => {
    await expect(backfills.create(range('nothing'), 'ann')).rejects.toMatchObject({
      code: 'BACKFILL_EMPTY',
      why: '3 slices are left as they are: it is up to date',
    })
    expect((await backfills.preview(range('nothing'), 'ann')).skipped).toHaveLength(3)
    for (const atOnce of [0, 17, 1.5, NaN])
      await expect(backfills.create({ ...range('quick'), atOnce }, 'ann')).rejects.toMatchObject({ code: 'USAGE' })
    for (const id of ['00000000-0000-4000-8000-000000000000', "' or true --", ''])
      await expect(backfills.get(id)).rejects.toMatchObject({ code: 'BACKFILL_UNKNOWN' })
    await pause(harness.engine, flow('quick'), 'bob', null)
    await expect(backfills.create(range('quick'), 'ann')).rejects.toMatchObject({ code: 'FLOW_PAUSED' })
    await resume(harness.engine, flow('quick'))
    const all = await backfills.list({ limit: 100 })
    expect(all).toHaveLength(await backfills.count({}))
    expect((await backfills.list({ limit: 100, before: all[1]?.id ?? '' })).map(({ id }) => id)).toEqual(
      all.slice(2).map(({ id }) => id),
    )
  })

  test('a run is tried again when it has ended, not before', async () => {
    const { id } = await request(harness.engine, ask('live', { options: { force: true } }))
    await expect(retryRun(harness.engine, id, 'bob')).rejects.toMatchObject({ code: 'RUN_NOT_FINISHED' })
    await ensure(harness.engine, id, 'test')
    const again = await retryRun(harness.engine, id, 'bob')
    expect(again).toMatchObject({ joined: false })
    await ensure(harness.engine, again.id, 'test')
    expect(await findRun(harness.engine.state.db, harness.engine.state, again.id)).toMatchObject({
      outcome: 'succeeded',
      options: { force: true },
      trigger: 'api',
      requestedBy: 'bob',
      backfill: null,
    })
    await expect(retryRun(harness.engine, '00000000-0000-4000-8000-000000000000', 'bob')).rejects.toMatchObject({
      code: 'RUN_UNKNOWN',
    })
  })

  test('of a paused one nobody sees to slices that are begun and not at work', async () => {
    const { id } = await backfills.create(range('quick', { from: '4', to: '8' }), 'ann')
    await backfills.pause(id, 'ann', null)
    await backfills.ensure(id)
    expect(await backfills.get(id)).toMatchObject({ state: 'paused', slices: { waiting: 4, succeeded: 0 } })
    await backfills.cancel(id, 'ann', null)
    await backfills.ensure(id)
  })

  test('the rest of one whose flow is defined anew is left to who has that', async () => {
    const anew = definitions.map(({ name, options }) =>
      testFlow(name, name === 'quick' ? { ...options, lines: 1 } : options),
    )
    const { id } = await backfills.create(range('quick', { from: '0', to: '4' }), 'ann')
    await using newer = await openHarness(made.database, anew, { leases })
    await expect(backfills.ensure(id)).rejects.toMatchObject({ code: 'WORKER_OUTDATED', where: { flow: 'quick' } })
    expect(await backfills.get(id)).toMatchObject({ state: 'running', slices: { waiting: 4, cancelled: 0 } })
    await openBackfills(newer.engine, 'test').ensure(id)
    expect(await backfills.get(id)).toMatchObject({ state: 'done', slices: { succeeded: 4 } })
  })
})
