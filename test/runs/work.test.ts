import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensure } from '../../src/runs/ensure.ts'
import { readRunRecord } from '../../src/runs/records.ts'
import { request } from '../../src/runs/request.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { ask, openHarness, testFlow, type Harness } from './harness.ts'

describe.each([18, 14] as const)('work on PostgreSQL %i', (version) => {
  let made: TestDatabase
  let harness: Harness
  beforeAll(async () => {
    made = await createDatabase({ version })
    harness = await openHarness(made.database, [testFlow('one', { table: 'one' })])
  })
  afterAll(async () => {
    await harness[Symbol.asyncDispose]()
    await made[Symbol.asyncDispose]()
  })

  test('a request is done here when nobody else lives', async () => {
    const { engine } = harness
    const begun = performance.now()
    const { id } = await request(engine, ask('one'))
    await ensure(engine, id, 'test')
    const run = await readRunRecord(engine.state.db, engine.state, id)
    console.log(performance.now() - begun, harness.said)
    expect(run).toMatchObject({ outcome: 'succeeded', rows: 1, result: { changes: { inserted: 1 } } })
    expect(await made.query('select slice, attempt from one')).toEqual([{ slice: 's0', attempt: 1 }])
  })
})
