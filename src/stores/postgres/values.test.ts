import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { sql } from '../../lib/sql.ts'
import { formatTimestamp, parseTimestamp } from './values.ts'

let created: TestDatabase
beforeAll(async () => {
  created = await createDatabase()
})
afterAll(() => created[Symbol.asyncDispose]())

// PostgreSQL begins in 4714 BC.
const date = fc.date({ min: new Date('-004712-01-01T00:00:00Z'), max: new Date(8.64e15), noInvalidDate: true })

test('every Date goes to the server and comes back, as timestamp and as timestamptz, in any zone, alone and in arrays', async () => {
  await fc.assert(
    fc.asyncProperty(
      date,
      fc.constantFrom('UTC', 'America/St_Johns', 'Asia/Kolkata', 'Africa/Monrovia'),
      async (at, zone) => {
        const row = await created.database.transaction(async (tx) => {
          await tx.run(sql`select set_config('TimeZone', ${zone}, true)`)
          return tx.one(
            sql`select ${at}::timestamptz as instant, ${at}::timestamp as wall, ${[at, null]}::timestamptz[] as several`,
          )
        })
        expect(row).toEqual({ instant: at, wall: at, several: [at, null] })
      },
    ),
    { numRuns: 200 },
  )
})

test('text, numbers, bytes and JSON come back as they went', async () => {
  const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', ''))
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.option(text)),
      fc.double(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.uint8Array(),
      async (word, words, float, big, bytes) => {
        fc.pre(word.isWellFormed() && words.every((each) => each === null || each.isWellFormed()))
        const row = await created.database.one(
          sql`select ${word}::text as word, ${words}::text[] as words, ${float}::float8 as float, ${big}::int8 as big, ${bytes}::bytea as bytes,
          ${JSON.stringify([word])}::jsonb as doc`,
        )
        expect(row).toEqual({
          word,
          words,
          float: float === 0 ? expect.closeTo(0) : float,
          big: String(big),
          bytes: Buffer.from(bytes),
          doc: [word],
        })
      },
    ),
    { numRuns: 200 },
  )
})

test('what a Date cannot hold keeps its place in the order', async () => {
  const { early, late, far } = await created.database.one<{ early: Date; late: Date; far: Date }>(
    sql`select '-infinity'::timestamptz as early, 'infinity'::timestamptz as late, timestamp '294000-01-01' as far`,
  )
  expect(early.getTime()).toBe(-8.64e15)
  expect(late.getTime()).toBe(8.64e15)
  expect(far.getTime()).toBe(8.64e15)
  expect(() => parseTimestamp('01/02/2025')).toThrow('ISO')
  expect(() => formatTimestamp(new Date(Number.NaN))).toThrow('invalid')
})
