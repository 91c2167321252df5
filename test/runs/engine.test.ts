/** The engine as `sluice.ts` has it: scheduler, worker, status and outbox together. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FlowName, Stores } from '../../src/flows/flow.ts'
import { createEngine } from '../../src/runs/create.ts'
import type { Engine } from '../../src/runs/engine.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { ask, testFlow, testKind, until } from './harness.ts'

let made: TestDatabase
const flows = [
  testFlow('often', { table: 'often' }, { schedule: { tag: 'every', every: 1000, offset: 0 } }),
  testFlow('broken', { table: 'often', fail: { attempts: 9, code: 'KEY_NULL' } }),
]
const open = async (): Promise<Engine> => {
  const stores: Stores = {
    database: () => Promise.resolve(made.database),
    source: () => Promise.reject(new Error('nothing to read')),
  }
  const engine = await createEngine({
    state: made.database,
    schema: 'sluice',
    project: 'engine',
    flows,
    kinds: { command: testKind },
    stores,
    webhooks: [{ id: 'notify[0]', url: 'http://127.0.0.1:9/', secret: null, on: ['failed'] }],
  })
  await engine.register(flows.map((flow) => ({ flow, definition: { ...flow.options } as never })))
  return engine
}
beforeAll(async () => {
  made = await createDatabase({ max: 20 })
  await made.query('create table often (slice text, run uuid, attempt integer)')
})
afterAll(async () => {
  await made[Symbol.asyncDispose]()
})

test('what is due is done, its status is fresh, and it stops cleanly', async () => {
  await using engine = await open()
  const [before] = await engine.status(['often' as FlowName])
  expect(before).toMatchObject({ state: 'never', lastRun: null })
  const service = await engine.start(['scheduler', 'worker'])
  const done = await until(async () => {
    const runs = await engine.runs({ flow: 'often' as FlowName, limit: 5 })
    return runs.filter((run) => run.outcome === 'succeeded').length >= 2 && runs
  })
  await service.stop(5000)
  await service.stop(5000)
  expect(done[0]).toMatchObject({ trigger: 'schedule', requestedBy: 'schedule', dueAt: expect.any(Date) })
  expect((await engine.status(['often' as FlowName]))[0]).toMatchObject({ state: 'fresh', rows: 1 })
  expect((await engine.occurrences({ limit: 3 }))[0]).toMatchObject({ flow: 'often' })
  expect(await engine.next('often' as FlowName, 2)).toHaveLength(2)
  expect(await made.query('select 1 from sluice.worker where stopped_at is null')).toEqual([])
})

test('a failure is told in the transaction that writes it', async () => {
  await using engine = await open()
  const { id } = await engine.request(ask('broken'))
  await engine.ensure(id)
  expect(await engine.run('last')).toMatchObject({ id, outcome: 'failed' })
  expect((await engine.status(['broken' as FlowName]))[0]).toMatchObject({ state: 'failed' })
  expect(await made.query('select flow, kind from sluice.notification')).toEqual([{ flow: 'broken', kind: 'failed' }])
  await expect(engine.request(ask('none'))).rejects.toMatchObject({ code: 'FLOW_UNKNOWN' })
})

test('a test message to a webhook says whether it arrived, and is of no flow', async () => {
  await using engine = await open()
  // Nobody listens there.
  const sent = await engine.notifyTest('notify[0]', 'ann')
  expect(sent).toMatchObject({
    flow: null,
    kind: 'test',
    payload: { type: 'test', data: { project: 'engine', by: 'ann' } },
    deliveries: [{ webhook: 'notify[0]', state: 'waiting', error: expect.stringMatching(/^no connection/) }],
  })
  expect((await engine.notifications({ limit: 1 }))[0]?.id).toBe(sent.id)
  expect(JSON.stringify(engine.webhooks())).not.toContain('127.0.0.1')
  await expect(engine.notifyTest('notify[7]', 'ann')).rejects.toMatchObject({
    code: 'WEBHOOK_UNKNOWN',
    why: 'the config has notify[0]',
  })
})

test('who answers HTTP only gives a sign of life, too, and its coming due times have their local time', async () => {
  await using engine = await open()
  const service = await engine.start(['api'])
  expect(await engine.workers()).toContainEqual(expect.objectContaining({ roles: ['api'], alive: true, doing: [] }))
  expect(await engine.alive()).toEqual({ scheduler: false, worker: false })
  await service.stop(0)
  expect((await engine.workers()).find(({ roles }) => roles.includes('api'))?.alive).toBe(false)
  expect(await engine.nextDue('often' as FlowName, 2)).toMatchObject([{ zone: 'UTC', oddity: null }, { zone: 'UTC' }])
  expect(await engine.countLog((await engine.run('last')).id)).toBeGreaterThan(0)
})
