import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancel, cancelWithin, pause, resume } from '../../src/runs/cancel.ts'
import { claim } from '../../src/runs/claim.ts'
import { inTransaction } from '../../src/runs/context.ts'
import type { RunEvent, RunRecord } from '../../src/runs/engine.ts'
import { ensure } from '../../src/runs/ensure.ts'
import { follow } from '../../src/runs/follow.ts'
import { findRun, readRunRecord } from '../../src/runs/records.ts'
import { request } from '../../src/runs/request.ts'
import { handBack } from '../../src/runs/take-up.ts'
import { describeWorker, registerWorker, Worker } from '../../src/runs/worker.ts'
import type { FlowName, SliceKey } from '../../src/flows/flow.ts'
import { countEnds } from '../../src/state/attempt.ts'
import { lockRun } from '../../src/state/run.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { ask, openHarness, testFlow, until, type Harness } from './harness.ts'

const flows = [
  testFlow('one', { table: 'one' }),
  testFlow('three', { table: 'three', slices: 3 }),
  testFlow('skipped', { table: 'skipped', skip: 'the source is unchanged' }),
  testFlow('flaky', { table: 'flaky', fail: { attempts: 2, code: 'STORE_LOST' } }),
  testFlow('broken', { table: 'broken', fail: { attempts: 9, code: 'KEY_NULL' }, lines: 3 }),
  testFlow('hopeless', { table: 'hopeless', fail: { attempts: 9, code: 'STORE_LOST' } }, { attempts: 2 }),
  testFlow('slow', { table: 'slow', workMs: 60_000 }),
  testFlow('chatty', { table: 'chatty', lines: 1500 }),
  testFlow('locked', { table: 'locked', locked: 4 }),
  testFlow('blocked', { table: 'blocked', locked: 1000 }, { publishTimeout: 400, attempts: 1 }),
  testFlow('stalled', { table: 'stalled', workMs: 60_000 }, { timeout: 800, attempts: 1 }),
  testFlow('a', { table: 'a', workMs: 400, store: 'narrow' }),
  testFlow('b', { table: 'b', workMs: 400, store: 'narrow' }),
  testFlow('c', { table: 'c', workMs: 400, store: 'narrow' }),
]

describe.each([18, 14] as const)('work on PostgreSQL %i', (version) => {
  let made: TestDatabase
  let harness: Harness
  beforeAll(async () => {
    made = await createDatabase({ version, max: 30 })
    harness = await openHarness(made.database, flows, {
      leases: { leaseMs: 3000, beatMs: 1000 },
      storeLimits: { narrow: 1 },
    })
  })
  afterAll(async () => {
    await harness[Symbol.asyncDispose]()
    await made[Symbol.asyncDispose]()
  })

  const read = async (id: string): Promise<RunRecord> => {
    const run = await readRunRecord(harness.engine.state.db, harness.engine.state, id)
    if (run === undefined) throw new Error('no run')
    return run
  }
  const go = async (flow: string): Promise<RunRecord> => {
    const { id } = await request(harness.engine, ask(flow))
    await ensure(harness.engine, id, 'test')
    return await read(id)
  }
  const messages = async (id: string): Promise<string[]> =>
    (await made.query<{ message: string }>('select message from sluice.log where run = $1 order by id', [id])).map(
      (line) => line.message,
    )
  const jobs = async (): Promise<number> =>
    (await made.query<{ n: number }>('select count(*)::int as n from sluice_jobs.job'))[0]?.n ?? -1

  test('a request is done here when nobody else lives, and leaves no job behind', async () => {
    const run = await go('one')
    expect(run).toMatchObject({ outcome: 'succeeded', rows: 1, result: { changes: { inserted: 1 } } })
    expect(run.attempts).toHaveLength(1)
    expect(run.attempts[0]).toMatchObject({ n: 1, outcome: 'succeeded', phase: { name: 'publish' } })
    expect(
      run.attempts[0]?.phases.map(({ name, rows, rowsExpected, bytes }) => [name, rows, rowsExpected, bytes]),
    ).toEqual([
      ['read', 100, 100, 1000],
      ['publish', 0, null, 0],
    ])
    expect(await made.query('select slice, attempt from one')).toEqual([{ slice: 's0', attempt: 1 }])
    expect(
      await made.query("select state, rows, lease_token, definition_hash from sluice.slice where flow = 'one'"),
    ).toEqual([{ state: 'done', rows: '1', lease_token: null, definition_hash: flows[0]?.definitionHash }])
    expect(await jobs()).toBe(0)
    expect(harness.ends.at(-1)).toMatchObject({ run: run.id, flow: 'one', outcome: 'succeeded' })
  })

  test('a run publishes each of its slices, and only those asked for', async () => {
    const { engine } = harness
    const { id } = await request(engine, ask('three', { slices: ['s1' as SliceKey] }))
    await ensure(engine, id, 'test')
    expect(await made.query('select slice from three')).toEqual([{ slice: 's1' }])
    expect((await go('three')).rows).toBe(3)
    expect(await made.query('select slice from three order by 1')).toEqual([
      { slice: 's0' },
      { slice: 's1' },
      { slice: 's2' },
    ])
  })

  test('equal requests get the same unfinished run, others do not', async () => {
    const { engine } = harness
    const asked = await Promise.all(Array.from({ length: 8 }, () => request(engine, ask('one'))))
    expect(new Set(asked.map((found) => found.id)).size).toBe(1)
    expect(asked.filter((found) => !found.joined)).toHaveLength(1)
    const forced = await request(engine, ask('one', { options: { force: true } }))
    const scheduled = await request(engine, ask('one', { slices: ['s0' as SliceKey] }))
    expect(new Set([asked[0]?.id, forced.id, scheduled.id]).size).toBe(3)
    for (const { id } of [...asked.slice(0, 1), forced, scheduled]) await ensure(engine, id, 'test')
    expect((await request(engine, ask('one'))).joined).toBe(false)
    const { id } = await findRun(engine.state.db, engine.state, 'last')
    await ensure(engine, id, 'test')
  })

  test('a skip says why', async () => {
    expect(await go('skipped')).toMatchObject({ outcome: 'skipped', reason: 'the source is unchanged', rows: null })
  })

  test('what may pass is tried again, what cannot is not', async () => {
    const flaky = await go('flaky')
    expect(flaky).toMatchObject({ outcome: 'succeeded', error: null })
    expect(flaky.attempts.map((attempt) => attempt.outcome)).toEqual(['failed', 'failed', 'succeeded'])
    const broken = await go('broken')
    expect(broken).toMatchObject({ outcome: 'failed', error: { code: 'KEY_NULL', where: { flow: 'broken' } } })
    expect(broken.attempts).toHaveLength(1)
    expect(await made.query("select state from sluice.slice where flow = 'broken'")).toEqual([{ state: 'failed' }])
    const hopeless = await go('hopeless')
    expect(hopeless).toMatchObject({ outcome: 'failed', error: { code: 'STORE_LOST' } })
    expect(hopeless.attempts).toHaveLength(2)
  })

  test('the log is stored when the run fails', async () => {
    const { id } = await go('broken')
    expect(await messages(id)).toEqual(['line 0', 'line 1', 'line 2', 'failed: it was told to fail'])
  })

  test('a queued run is cancelled at once', async () => {
    const { engine } = harness
    const { id } = await request(engine, ask('slow'))
    const run = await cancel(engine, id, 'me', 'not today')
    expect(run).toMatchObject({ outcome: 'cancelled', reason: 'cancelled by me: not today', attempts: [] })
    expect(await jobs()).toBe(0)
    await ensure(engine, id, 'test')
    expect(await cancel(engine, id, 'you', null)).toMatchObject({
      outcome: 'cancelled',
      reason: 'cancelled by me: not today',
    })
  })

  test('who looks for work does not wait for who cancels it: each would hold what the other needs', async () => {
    const { engine } = harness
    const { id } = await request(engine, ask('slow'))
    const worker = describeWorker(engine, ['worker'], 'test')
    await using _registered = await registerWorker(engine, worker)
    await inTransaction(engine, async (tx) => {
      await lockRun(tx, engine.state, id)
      expect(await claim(engine, worker.id, 'queue')).toBeNull()
      await cancelWithin(tx, engine, id, 'me', null)
    })
    expect(await read(id)).toMatchObject({ outcome: 'cancelled', attempts: [] })
  })

  test('a running run that is cancelled does not go on', async () => {
    const { engine } = harness
    const { id } = await request(engine, ask('slow'))
    const doing = ensure(engine, id, 'test')
    await until(async () => (await read(id)).attempts.length > 0)
    const begun = performance.now()
    expect(await cancel(engine, id, 'me', null)).toMatchObject({ outcome: null })
    await doing
    expect(performance.now() - begun).toBeLessThan(10_000)
    expect(await read(id)).toMatchObject({ outcome: 'cancelled', attempts: [{ outcome: 'cancelled' }] })
    expect(await made.query("select state, lease_token from sluice.slice where flow = 'slow'")).toEqual([
      { state: 'missing', lease_token: null },
    ])
  })

  test('a run that stands still is given up', async () => {
    expect(await go('stalled')).toMatchObject({ outcome: 'failed', error: { code: 'RUN_STALLED' } })
  })

  test('a lock that is not to be had is tried again, for so long', async () => {
    expect(await go('locked')).toMatchObject({ outcome: 'succeeded' })
    expect(await go('blocked')).toMatchObject({ outcome: 'failed', error: { code: 'PUBLISH_BLOCKED' } })
    expect(await made.query('select 1 from blocked')).toEqual([])
  })

  test('a paused flow refuses requests, and what waits goes on when it is resumed', async () => {
    const { engine } = harness
    const { id } = await request(engine, ask('one'))
    await pause(engine, 'one' as FlowName, 'me', 'migration')
    await expect(request(engine, ask('one'))).rejects.toMatchObject({
      code: 'FLOW_PAUSED',
      why: expect.stringContaining('migration'),
    })
    expect(await claim(engine, describeWorker(engine, ['run'], 'test').id, { id })).toBeNull()
    await resume(engine, 'one' as FlowName)
    await ensure(engine, id, 'test')
    expect(await read(id)).toMatchObject({ outcome: 'succeeded' })
    await expect(pause(engine, 'none' as FlowName, 'me', null)).rejects.toMatchObject({ code: 'FLOW_UNKNOWN' })
  })

  test('verify, plan, ddl and check leave their results', async () => {
    const { engine } = harness
    const results = []
    for (const operation of ['verify', 'plan', 'ddl', 'check'] as const) {
      const { id } = await request(
        engine,
        ask('one', { operation, options: operation === 'verify' ? { strict: true } : {} }),
      )
      await ensure(engine, id, 'test')
      const run = await read(id)
      expect(run.outcome).toBe('succeeded')
      results.push(run.result)
    }
    expect(results[0]?.verifications).toMatchObject([{ slice: 's0', verdict: 'differs', asOf: expect.any(Date) }])
    expect(results[1]).toMatchObject({ plan: { steps: ['write a row'] } })
    expect(results[2]).toEqual({ ddl: { source: 'select 1', target: 'create table t ()', columns: [], problem: null } })
    expect(results[3]).toEqual({ findings: [] })
    expect(await made.query("select verdict from sluice.verification where flow = 'one'")).toEqual([
      { verdict: 'differs' },
    ])
  })

  test('a worker does what waits, never more at a store than its limit, and a command leaves it to the worker', async () => {
    const { engine } = harness
    const worker = new Worker(engine, describeWorker(engine, ['worker'], 'test'), 4)
    await worker.start()
    const begun = performance.now()
    const asked = await Promise.all(['a', 'b', 'c'].map((flow) => request(engine, ask(flow))))
    await Promise.all(asked.map(({ id }) => ensure(engine, id, 'test')))
    expect(performance.now() - begun).toBeLessThan(6000)
    const attempts = await made.query<{ started_at: Date; finished_at: Date; worker: string }>(
      'select started_at, finished_at, worker from sluice.attempt where run = any($1) order by started_at',
      [asked.map(({ id }) => id)],
    )
    expect(attempts).toHaveLength(3)
    for (const [n, attempt] of attempts.entries()) {
      const next = attempts[n + 1]
      if (next !== undefined) expect(next.started_at.getTime()).toBeGreaterThanOrEqual(attempt.finished_at.getTime())
    }
    expect(new Set(attempts.map((attempt) => attempt.worker)).size).toBe(1)
    await worker.stop(1000)
    await worker.stop(1000)
    expect(await made.query("select 1 from sluice.worker where roles = '{worker}' and stopped_at is null")).toEqual([])
  })

  test('a run begins in well under a second', async () => {
    const { engine } = harness
    await using worker = new Worker(engine, describeWorker(engine, ['worker'], 'test'), 1)
    await worker.start()
    await sleep(300)
    const { id } = await request(engine, ask('one'))
    await ensure(engine, id, 'test')
    const run = await read(id)
    expect((run.startedAt?.getTime() ?? Infinity) - run.requestedAt.getTime()).toBeLessThan(500)
  })

  test('live work goes before backfills', async () => {
    const { engine } = harness
    const order = [
      await request(engine, ask('a', { trigger: 'backfill' })),
      await request(engine, ask('b', { trigger: 'schedule' })),
      await request(engine, ask('c', { trigger: 'manual' })),
    ]
    await using worker = new Worker(engine, describeWorker(engine, ['worker'], 'test'), 1)
    await worker.start()
    await Promise.all(order.map(({ id }) => ensure(engine, id, 'test')))
    const started = await Promise.all(order.map(async ({ id }) => (await read(id)).startedAt?.getTime() ?? 0))
    expect(started[2]).toBeLessThan(started[1] ?? 0)
    expect(started[1]).toBeLessThan(started[0] ?? 0)
  })

  test('a stopped worker gives its run back, and it goes on', async () => {
    const { engine } = harness
    const { id } = await request(engine, ask('slow'))
    const worker = new Worker(engine, describeWorker(engine, ['worker'], 'test'), 1)
    await worker.start()
    await until(async () => (await read(id)).attempts.length > 0)
    await worker.stop(100)
    expect(await read(id)).toMatchObject({
      outcome: null,
      attempts: [{ outcome: 'interrupted', error: { code: 'RUN_RELEASED' } }],
    })
    expect(await jobs()).toBe(1)
    await cancel(engine, id, 'me', null)
  })

  test('two who want one run do it once', async () => {
    const { engine } = harness
    const { id } = await request(engine, ask('chatty'))
    await Promise.all(Array.from({ length: 4 }, () => ensure(engine, id, 'test')))
    expect(await read(id)).toMatchObject({ outcome: 'succeeded', attempts: [{ n: 1 }] })
    expect(await made.query('select count(*)::int as n from chatty')).toEqual([{ n: 1 }])
  })

  test('followers see every line once, in order, and the end', async () => {
    const { engine } = harness
    await using other = await openHarness(made.database, flows)
    const { id } = await request(engine, ask('chatty'))
    const watch = async (from: Harness): Promise<RunEvent[]> => {
      const events: RunEvent[] = []
      for await (const event of follow(from.engine, id)) events.push(event)
      return events
    }
    const watching = Promise.all([watch(harness), watch(other)])
    await ensure(engine, id, 'test')
    for (const events of [...(await watching), await watch(other)]) {
      const lines = events.flatMap((event) => (event.tag === 'log' ? [event.line.message] : []))
      expect(lines).toEqual([...Array.from({ length: 1500 }, (_, n) => `line ${n}`), 'succeeded'])
      expect(events.filter((event) => event.tag === 'finished')).toHaveLength(1)
      expect(events.at(-1)).toMatchObject({ tag: 'finished', run: { id, outcome: 'succeeded' } })
    }
    const [live] = await watching
    expect(live?.some((event) => event.tag === 'progress' && event.phase.name === 'read')).toBe(true)
  })

  test('who stops following sends nothing to the database after it', async () => {
    const { engine } = harness
    const { id } = await request(engine, ask('slow'))
    const stop = new AbortController()
    let closed = false
    let late = 0
    const db = new Proxy(engine.state.db, {
      get: (target, name, receiver) => {
        if (closed) late += 1
        const found: unknown = Reflect.get(target, name, receiver)
        return typeof found === 'function' ? found.bind(target) : found
      },
    })
    const following = (async () => {
      for await (const _ of follow({ state: { ...engine.state, db }, bell: engine.bell }, id, {
        signal: stop.signal,
      })) {
        stop.abort()
      }
      closed = true
    })()
    stop.abort()
    await following
    const none = follow({ state: { ...engine.state, db }, bell: engine.bell }, id, { signal: stop.signal })
    expect((await none.next()).done).toBe(true)
    expect(late).toBe(0)
    await cancel(engine, id, 'a test', null)
  })

  test('what was broken off goes on in the next command that works; what merely waits, or is at work, does not', async () => {
    const { engine } = harness
    const dead = describeWorker(engine, ['run'], 'test')
    const begin = async (flow: string): Promise<string> => {
      const { id } = await request(engine, ask(flow, { options: { force: true } }))
      expect(await claim(engine, dead.id, { id })).not.toBeNull()
      return id
    }
    const broken = await begin('three')
    const same = await begin('one')
    const waiting = await request(engine, ask('chatty'))
    // Nobody renews these leases.
    await made.query('update sluice.attempt set lease_until = sluice.now() where run = any($1)', [[broken, same]])
    const own = await go('one')
    expect(own.outcome).toBe('succeeded')
    for (const id of [broken, same]) {
      // What is of another flow goes on beside, and nobody waits for it.
      expect(await until(async () => (await read(id)).outcome !== null && (await read(id)))).toMatchObject({
        outcome: 'succeeded',
        attempts: [{ outcome: 'interrupted' }, { outcome: 'succeeded' }],
      })
    }
    const taken = (await messages(own.id)).filter((message) => message.startsWith('took up'))
    expect(taken).toHaveLength(2)
    expect(taken).toEqual(
      expect.arrayContaining([
        expect.stringMatching(new RegExp(`^took up run ${broken} of three, interrupted at 20`)),
        expect.stringMatching(new RegExp(`^took up run ${same} of one, interrupted at 20`)),
      ]),
    )
    // Of its own flow, what was broken off comes first.
    expect((await read(same)).finishedAt?.getTime()).toBeLessThanOrEqual(own.startedAt?.getTime() ?? 0)
    expect(await read(waiting.id)).toMatchObject({ outcome: null, attempts: [] })
    await cancel(engine, waiting.id, 'a test', null)
  })

  test('a small run does not wait for a large one that was taken up, which is handed back and costs it nothing', async () => {
    const slow = [...flows, testFlow('small', { table: 'small', workMs: 300, store: 'narrow' })]
    const large = [...slow, testFlow('large', { table: 'large', workMs: 60_000, store: 'narrow' })]
    const said: string[] = []
    for (let turn = 1; turn <= 2; turn += 1) {
      await using command = await openHarness(made.database, large, {
        leases: { leaseMs: 3000, beatMs: 1000 },
        storeLimits: { narrow: 2 },
        project: 'guests',
      })
      const { engine } = command
      const { id: broken } = await request(engine, ask('large'))
      if (turn === 1) {
        expect(await claim(engine, describeWorker(engine, ['run'], 'test').id, { id: broken })).not.toBeNull()
        await made.query('update sluice.attempt set lease_until = sluice.now() where run = $1', [broken])
      }
      const { id } = await request(engine, ask('small'))
      const began = performance.now()
      await ensure(engine, id, 'test')
      expect(performance.now() - began).toBeLessThan(5000)
      expect(await readRunRecord(engine.state.db, engine.state, id)).toMatchObject({ outcome: 'succeeded' })
      const taken = await until(async () => {
        const run = await readRunRecord(engine.state.db, engine.state, broken)
        return run?.attempts.at(-1)?.outcome === null && run
      })
      expect(taken.attempts).toHaveLength(turn + 1)
      await handBack(engine)
      said.push(...command.said)
      const left = await readRunRecord(engine.state.db, engine.state, broken)
      expect(left).toMatchObject({ outcome: null })
      expect(left?.attempts.at(-1)).toMatchObject({ outcome: 'interrupted', error: { code: 'RUN_RELEASED' } })
      expect(await countEnds(engine.state.db, engine.state, broken)).toEqual({ failed: 0, interrupted: 1 })
      expect(said.filter((line) => line.startsWith(`warn left unfinished: run ${broken} of large;`))).toHaveLength(turn)
    }
  })

  test('what was taken up and keeps an own run from its store gives way to it', async () => {
    const crowd = [
      testFlow('first', { table: 'first', workMs: 1500 }),
      testFlow('late', { table: 'late', store: 'narrow' }),
    ]
    await using command = await openHarness(
      made.database,
      [...crowd, testFlow('large', { table: 'large', workMs: 60_000, store: 'narrow' })],
      { leases: { leaseMs: 3000, beatMs: 1000 }, storeLimits: { narrow: 1 }, project: 'crowd' },
    )
    const { engine } = command
    const { id: broken } = await request(engine, ask('large'))
    await claim(engine, describeWorker(engine, ['run'], 'test').id, { id: broken })
    await made.query('update sluice.attempt set lease_until = sluice.now() where run = $1', [broken])
    const first = await request(engine, ask('first'))
    const doing = ensure(engine, first.id, 'test')
    await until(async () => (await readRunRecord(engine.state.db, engine.state, broken))?.attempts.length === 2)
    const late = await request(engine, ask('late'))
    await ensure(engine, late.id, 'test')
    expect(await readRunRecord(engine.state.db, engine.state, late.id)).toMatchObject({ outcome: 'succeeded' })
    await doing
  })

  test('what its kind can never be asked for is refused, and not recorded', async () => {
    const before = await made.query('select id from sluice.run order by id')
    const odd = request(harness.engine, ask('one', { options: { step: 'purge' } }))
    await expect(odd).rejects.toMatchObject({ code: 'USAGE' })
    expect(await made.query('select id from sluice.run order by id')).toEqual(before)
  })

  test('runs are found by id, by part of it, and as the last', async () => {
    const { engine } = harness
    const run = await go('one')
    const { db } = engine.state
    expect((await findRun(db, engine.state, run.id)).id).toBe(run.id)
    expect((await findRun(db, engine.state, run.id.slice(-10))).id).toBe(run.id)
    expect((await findRun(db, engine.state, 'last')).id).toBe(run.id)
    for (const text of ['', 'zzzz', '00000000-0000-0000-0000-000000000000', run.id.slice(0, 4)]) {
      await expect(findRun(db, engine.state, text)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    }
  })

  test('who holds an exclusive store with another definition is named', async () => {
    const changed = testFlow('one', { table: 'one', slices: 2 })
    await using older = await openHarness(made.database, flows)
    await using worker = new Worker(older.engine, describeWorker(older.engine, ['worker'], 'test'), 1)
    await worker.start()
    await using newer = await openHarness(made.database, [...flows.slice(1), changed], {
      exclusiveStores: ['database'],
    })
    const before = await made.query('select id from sluice.run order by id')
    for (const options of [{}, { force: true }]) {
      await expect(request(newer.engine, ask('one', { options }))).rejects.toMatchObject({
        code: 'WORKER_OUTDATED',
        where: { flow: 'one', store: 'database' },
      })
    }
    expect(await made.query('select id from sluice.run order by id')).toEqual(before)
    await worker.stop(0)
    const { id } = await request(newer.engine, ask('one'))
    // Another one comes up before the run has begun.
    await using late = new Worker(older.engine, describeWorker(older.engine, ['worker'], 'test'), 1)
    await late.start()
    await expect(ensure(newer.engine, id, 'test')).rejects.toMatchObject({ code: 'WORKER_OUTDATED' })
    expect(await read(id)).toMatchObject({ outcome: 'cancelled', attempts: [] })
    await late.stop(0)
    const again = await request(newer.engine, ask('one'))
    await ensure(newer.engine, again.id, 'test')
    expect(await read(again.id)).toMatchObject({ outcome: 'succeeded', rows: 2 })
  })

  describe('a flow that was defined anew since', () => {
    const anew = [testFlow('one', { table: 'one', slices: 2 }), ...flows.slice(1)]
    const runs = (): Promise<object[]> => made.query('select id from sluice.run order by id')
    const leases = { leaseMs: 3000, beatMs: 1000 }
    const refusal = { code: 'WORKER_OUTDATED', where: { flow: 'one' } }

    test('is refused at once, also beside a worker that has it as it was, and not recorded', async () => {
      await using older = await openHarness(made.database, flows, { leases })
      await using worker = new Worker(older.engine, describeWorker(older.engine, ['worker'], 'test'), 1)
      await using _newer = await openHarness(made.database, anew)
      const before = await runs()
      await expect(request(older.engine, ask('one'))).rejects.toMatchObject(refusal)
      await worker.start()
      await expect(request(older.engine, ask('one'))).rejects.toMatchObject(refusal)
      expect(await runs()).toEqual(before)
    })

    test('is not done after its request either, which is cancelled', async () => {
      await using older = await openHarness(made.database, flows, { leases })
      const { id } = await request(older.engine, ask('one'))
      await using worker = new Worker(older.engine, describeWorker(older.engine, ['worker'], 'test'), 0)
      await worker.start()
      const ensuring = expect(ensure(older.engine, id, 'test')).rejects.toMatchObject(refusal)
      await using _newer = await openHarness(made.database, anew)
      await ensuring
      expect(await read(id)).toMatchObject({
        outcome: 'cancelled',
        attempts: [],
        reason: expect.stringContaining('does not know one') as string,
      })
    })

    test('is done by a worker that has it', async () => {
      await using older = await openHarness(made.database, flows, { leases })
      await using newer = await openHarness(made.database, anew, { leases })
      await using worker = new Worker(newer.engine, describeWorker(newer.engine, ['worker'], 'test'), 1)
      await worker.start()
      const { id } = await request(older.engine, ask('one'))
      await ensure(older.engine, id, 'test')
      expect(await read(id)).toMatchObject({ outcome: 'succeeded', rows: 2 })
    })

    test('is left to a command that has it and may have joined', async () => {
      await using older = await openHarness(made.database, flows, { leases })
      const { id } = await request(older.engine, ask('one'))
      await using newer = await openHarness(made.database, anew, { leases })
      const { seen } = await (async () => {
        await using _command = await registerWorker(newer.engine, describeWorker(newer.engine, ['run'], 'test'))
        expect(await request(newer.engine, ask('one'))).toEqual({ id, joined: true })
        const other = ensure(older.engine, id, 'test')
        await sleep(1200)
        await ensure(newer.engine, id, 'test')
        return { seen: other }
      })()
      await seen
      expect(await read(id)).toMatchObject({ outcome: 'succeeded', rows: 2 })
    })

    test('or is gone is refused, whatever else is at work', async () => {
      await using older = await openHarness(made.database, flows, { leases })
      const { id } = await request(older.engine, ask('one'))
      await using newer = await openHarness(made.database, flows.slice(1), { leases })
      await using _command = await registerWorker(newer.engine, describeWorker(newer.engine, ['run', 'worker'], 'test'))
      await expect(ensure(older.engine, id, 'test')).rejects.toMatchObject(refusal)
      expect(await read(id)).toMatchObject({ outcome: 'cancelled', attempts: [] })
    })
  })
})
