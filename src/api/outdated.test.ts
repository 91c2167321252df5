/** A process that was started before a flow was defined anew: it says so at once, and leaves the flow to who has it. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'
import type { FlowName } from '../flows/flow.ts'
import { openSluice, type Sluice } from '../sluice.ts'

let api: TestApi
let newer: Sluice
beforeEach(async () => {
  api = await createApi()
  const things = { kind: 'sync', from: { csv: 'things.csv' }, to: 'things', key: ['id'], latestBy: 'name' }
  newer = await openSluice({
    directory: api.project.directory,
    config: { project: 'api', database: api.project.url, flows: { things } },
  })
})
afterEach(async () => {
  await newer.close()
  await api[Symbol.asyncDispose]()
})

const asked = async (): Promise<{ readonly status: number; readonly body: object }> => {
  const url = '/api/flows/things/runs'
  const answer = await api.ask({ method: 'POST', url, as: 'operator', headers: { prefer: 'wait=30' }, payload: {} })
  return { status: answer.statusCode, body: answer.json() }
}
const refusal = { code: 'WORKER_OUTDATED', where: { flow: 'things' } }

test('where nobody has it as it is now, its runs are refused, and doctor finds it', async () => {
  expect(await asked()).toMatchObject({ status: 409, body: refusal })
  await expect(api.sluice.run(['things'])).rejects.toMatchObject(refusal)
  await expect(api.sluice.verify(['things'])).rejects.toMatchObject(refusal)
  // The other flow is in no config any more.
  await expect(api.sluice.run(['others'])).rejects.toMatchObject({ ...refusal, where: { flow: 'others' } })
  expect(await api.sluice.engine.runs({ limit: 10 })).toEqual([])
  const findings = await api.sluice.doctor()
  for (const about of ['things', 'others'])
    expect(findings).toContainEqual(
      expect.objectContaining({
        severity: 'problem',
        about,
        says: expect.stringContaining('as it is defined now') as string,
      }),
    )
})

test('a worker that has it as it is now does its runs, and no warning says otherwise', async () => {
  await using _worker = await newer.engine.start(['worker'])
  expect(await asked()).toMatchObject({ status: 200, body: { warning: null, run: { outcome: 'succeeded', rows: 3 } } })
  expect(await api.sluice.run(['things'])).toMatchObject([{ outcome: 'skipped' }])
})

test('what is saved in the console between its request and its beginning is done as it is saved', async () => {
  const made = { kind: 'sync', from: { csv: 'things.csv' }, to: 'made' }
  await newer.definitions.save('made', made, 'ann', null)
  await api.sluice.engine.refresh()
  const { id } = await api.sluice.engine.request({
    operation: 'apply',
    flow: 'made' as FlowName, // a test's name
    slices: null,
    options: {},
    trigger: 'api',
    requestedBy: 'ann',
  })
  await newer.definitions.save('made', { ...made, key: ['id'] }, 'ann', 1)
  await api.sluice.engine.ensure(id)
  expect(await api.sluice.engine.run(id)).toMatchObject({ outcome: 'succeeded', rows: 3 })
  const keys = `select from pg_index where indrelid = 'made'::regclass and indisprimary`
  expect(await api.project.query(keys)).toHaveLength(1)
})
