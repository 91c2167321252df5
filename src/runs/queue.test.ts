/** The queue installs itself, once, however many processes come at the same moment to a new database. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { Database } from '../lib/sql.ts'
import { openState } from '../state/state.ts'
import { openDatabase } from '../stores/postgres/client.ts'
import { openQueue, type Queue } from './queue.ts'

const together = 6

describe.each([18, 14] as const)('on PostgreSQL %i', (version) => {
  let made: TestDatabase
  const clients: Database[] = []
  beforeAll(async () => {
    made = await createDatabase({ version })
    for (let n = 0; n < together; n++) clients.push(await openDatabase({ store: 'database', url: made.url, max: 2 }))
  })
  afterAll(async () => {
    for (const client of clients) await client[Symbol.asyncDispose]()
    await made[Symbol.asyncDispose]()
  })

  test.each(['one', 'two', 'three', 'four'])('%s: all that install at once get the same queue', async (schema) => {
    const opened = await Promise.allSettled(
      clients.map((db, n) => openQueue(openState(db, schema, n % 2 === 0 ? 'mine' : 'yours'))),
    )
    const failed = opened.flatMap((one) => (one.status === 'rejected' ? [String(one.reason?.why ?? one.reason)] : []))
    const queues = opened.flatMap((one): Queue[] => (one.status === 'fulfilled' ? [one.value] : []))
    try {
      expect(failed).toEqual([])
      // What one puts in, another of the same project takes out, once.
      const [first, other, second] = queues
      if (first === undefined || other === undefined || second === undefined) throw new Error('too few queues')
      const id = randomUUID()
      await made.database.transaction((tx) => first.send(tx, id, { priority: 1 }))
      expect(await made.database.transaction((tx) => other.take(tx, 10))).toEqual([])
      expect(await made.database.transaction((tx) => second.take(tx, 10))).toEqual([id])
      expect(await made.database.transaction((tx) => first.take(tx, 10))).toEqual([])
      const names = await made.query(`select name from ${schema}_jobs.queue order by name`)
      expect(names).toEqual([{ name: 'runs/mine' }, { name: 'runs/yours' }])
    } finally {
      for (const queue of queues) await queue[Symbol.asyncDispose]()
    }
  })
})
