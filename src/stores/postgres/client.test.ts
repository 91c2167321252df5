import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../lib/sql.ts'
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts'

let test18: TestDatabase
beforeAll(async () => {
  test18 = await createDatabase({ version: 18 })
})
afterAll(() => test18[Symbol.asyncDispose]())

async function* chunksOf(...parts: string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const part of parts) yield Buffer.from(part)
}

test('copies in and out', async () => {
  const { database } = test18
  await database.run(sql`create table copied (id int primary key, name text)`)
  const rows = await database.transaction((tx) => tx.copyIn(sql`copy copied from stdin`, chunksOf('1\ta\n2', '\tb\n')))
  expect(rows).toBe(2)
  const out = await database.session(async (session) => {
    const parts: Uint8Array[] = []
    for await (const part of session.copyOut(sql`copy copied to stdout`)) parts.push(part)
    return Buffer.concat(parts).toString()
  })
  expect(out).toBe('1\ta\n2\tb\n')
})
