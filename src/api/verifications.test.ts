/** A comparison that repairs: a chain of runs, each recorded as the one before it ends. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi({ worker: true })
})
afterAll(() => api[Symbol.asyncDispose]())
beforeEach(async () => {
  await api.project.write('things.csv', 'id,name\n1,one\n2,two\n3,three\n')
  await api.sluice.run(['things'], { force: true })
})

interface Run {
  readonly id: string
  readonly outcome: string | null
  readonly result: { readonly followedBy: string | null }
}

async function ask(body: object, as: 'viewer' | 'operator' = 'operator') {
  return await api.ask({
    method: 'POST',
    url: '/api/flows/things/verifications',
    as,
    headers: { prefer: 'wait=30' },
    payload: body,
  })
}

/** A run when it has ended. */
async function ended(id: string | null): Promise<Run> {
  let run: Run | undefined
  await expect
    .poll(
      async () => {
        run = (await api.ask({ url: `/api/runs/${id}`, as: 'viewer' })).json<Run>()
        return run.outcome
      },
      { timeout: 30_000 },
    )
    .not.toBeNull()
  if (run === undefined) throw new Error('it was looked at')
  return run
}

test('what differs is redone and compared again, and each run names the next', async () => {
  await api.project.query("update things set name = 'x' where id = 2")
  const answer = await ask({ repair: true })
  expect(answer.statusCode).toBe(200)
  const first = answer.json<{ run: Run }>().run
  expect(first).toMatchObject({
    operation: 'verify',
    options: { repair: true },
    command: 'sluice verify things --repair',
    result: { verifications: [{ verdict: 'differs', changed: 1 }] },
  })
  const repair = await ended(first.result.followedBy)
  expect(repair).toMatchObject({
    operation: 'apply',
    outcome: 'succeeded',
    slices: ['all'],
    trigger: 'api',
    requestedBy: 'the operator',
    changes: { changed: 1 },
  })
  const again = await ended(repair.result.followedBy)
  expect(again).toMatchObject({
    operation: 'verify',
    outcome: 'succeeded',
    result: { verifications: [{ verdict: 'identical' }], followedBy: null },
  })
  expect(await api.project.query('select name from things where id = 2')).toEqual([{ name: 'two' }])
  const audit = await api.ask({ url: '/api/audit?action=verification.request', as: 'admin' })
  expect(audit.json<{ items: unknown[] }>().items[0]).toMatchObject({
    action: 'verification.request',
    subject: 'things',
    after: { run: first.id, repair: true },
  })
})

test('the guard holds: what it stops is not compared again', async () => {
  await api.project.query("update things set name = 'x' where id = 2")
  await api.project.write('things.csv', 'id,name\n1,one\n')
  const first = (await ask({ repair: true })).json<{ run: Run }>().run
  const repair = await ended(first.result.followedBy)
  expect(repair).toMatchObject({ outcome: 'failed', error: { code: 'GUARD_SHRUNK' }, result: { followedBy: null } })
  expect(await api.project.query('select count(*)::int as n from things')).toEqual([{ n: 3 }])
})

test('nothing follows where nothing differs, and where nobody asked for it', async () => {
  expect((await ask({ repair: true })).json()).toMatchObject({
    run: { result: { verifications: [{ verdict: 'identical' }], followedBy: null } },
  })
  await api.project.query("update things set name = 'x' where id = 2")
  expect((await ask({})).json()).toMatchObject({
    run: { options: { repair: false }, result: { verifications: [{ verdict: 'differs' }], followedBy: null } },
  })
})

test('of a paused flow nothing is repaired, and it can be compared', async () => {
  await api.sluice.engine.pause(api.sluice.flows[0]?.name ?? ('' as never), 'ann', 'because')
  try {
    const refused = await ask({ repair: true })
    expect(refused.statusCode).toBe(409)
    expect(refused.json()).toMatchObject({ code: 'FLOW_PAUSED' })
    expect((await ask({})).statusCode).toBe(200)
  } finally {
    await api.sluice.engine.resume(api.sluice.flows[0]?.name ?? ('' as never), 'ann')
  }
})

test('it takes an operator', async () => {
  expect((await ask({ repair: true }, 'viewer')).statusCode).toBe(403)
})
