import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HashBatch } from '../compare.ts'
import { findRows, hashRows, type RowPlan } from './hash-rows.ts'

type Field = Uint8Array | null

function encode(rows: readonly (readonly Field[])[], extension = 0): Uint8Array {
  const header = Buffer.alloc(19 + extension)
  header.write('PGCOPY\n\xff\r\n\0', 'latin1')
  header.writeInt32BE(extension, 15)
  const parts: Buffer[] = [header]
  const push = (value: number, bytes: 2 | 4): void => {
    const buffer = Buffer.alloc(bytes)
    buffer.writeIntBE(value, 0, bytes)
    parts.push(buffer)
  }
  for (const fields of rows) {
    push(fields.length, 2)
    for (const field of fields) {
      push(field === null ? -1 : field.length, 4)
      if (field !== null) parts.push(Buffer.from(field))
    }
  }
  push(-1, 2)
  return Buffer.concat(parts)
}

async function* cut(data: Uint8Array, sizes: readonly number[]): AsyncIterable<Uint8Array> {
  let at = 0
  for (let turn = 0; at < data.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    yield data.subarray(at, at + size)
    at += size
  }
}

async function all(batches: AsyncIterable<HashBatch>): Promise<{ key: number[]; row: number[] }> {
  const result: { key: number[]; row: number[] } = { key: [], row: [] }
  for await (const { key, row, rows } of batches) {
    result.key.push(...key.subarray(0, rows * 2))
    result.row.push(...row.subarray(0, rows * 2))
  }
  return result
}

const plan: RowPlan = { types: [{ tag: 'int4' }, { tag: 'text' }, { tag: 'bytea' }], key: [0] }
const field = fc.option(fc.uint8Array({ maxLength: 20 }), { nil: null })
const tuple = fc.tuple(field, field, field)
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })

test('hashes do not depend on where the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(tuple, { maxLength: 30 }), cuts, fc.nat(8), async (rows, sizes, extension) => {
      const data = encode(rows, extension)
      const whole = await all(hashRows(cut(data, [data.length]), plan))
      expect(await all(hashRows(cut(data, sizes), plan))).toEqual(whole)
      expect(whole.row.length).toBe(rows.length * 2)
    }),
  )
})

test('a row that was asked for comes back with its very fields', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(tuple, {
        minLength: 1,
        maxLength: 20,
        selector: (row) => Buffer.concat([encode([row])]).toString('hex'),
      }),
      cuts,
      async (rows, sizes) => {
        const { row } = await all(hashRows(cut(encode(rows), sizes), plan))
        const name = `${(row[1] ?? 0).toString(16)}:${(row[0] ?? 0).toString(16)}`
        const found = []
        for await (const each of findRows(cut(encode(rows), sizes), plan, new Set([name]))) found.push(each)
        expect(found).toHaveLength(1)
        expect(found[0]?.fields.map((bytes) => (bytes === null ? null : [...bytes]))).toEqual(
          rows[0]?.map((bytes) => (bytes === null ? null : [...bytes])),
        )
      },
    ),
  )
})

test('rows that differ in one bit have different hashes, and null is not empty', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), async (bytes, at) => {
      const other = bytes.slice()
      other[at % bytes.length] = (other[at % bytes.length] ?? 0) ^ (1 << (at % 8))
      const { row } = await all(
        hashRows(
          cut(
            encode([
              [bytes, null, null],
              [other, null, null],
            ]),
            [7],
          ),
          plan,
        ),
      )
      expect([row[0], row[1]]).not.toEqual([row[2], row[3]])
    }),
  )
  const { row } = await all(
    hashRows(
      cut(
        encode([
          [null, null, null],
          [new Uint8Array(), null, null],
          [null, new Uint8Array(), null],
        ]),
        [7],
      ),
      plan,
    ),
  )
  expect(new Set([`${row[0]}:${row[1]}`, `${row[2]}:${row[3]}`, `${row[4]}:${row[5]}`]).size).toBe(3)
})

test('the display scale of a numeric does not count', async () => {
  const numeric = (scale: number): Uint8Array => Uint8Array.from([0, 1, 0, 0, 0, 0, 0, scale, 0, 1])
  const { row } = await all(
    hashRows(cut(encode([[numeric(1)], [numeric(2)]]), [9]), {
      types: [{ tag: 'numeric', precision: null, scale: null }],
      key: [],
    }),
  )
  expect([row[0], row[1]]).toEqual([row[2], row[3]])
})

test('a hundred thousand rows have a hundred thousand hashes, in each half nearly so', async () => {
  const rows = Array.from({ length: 100_000 }, (_, id) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(id)
    return [bytes, null, null]
  })
  const { row } = await all(hashRows(cut(encode(rows), [65_536]), plan))
  const pairs = new Set(rows.map((_, at) => `${row[at * 2]}:${row[at * 2 + 1]}`))
  expect(pairs.size).toBe(rows.length)
  for (const half of [0, 1])
    expect(new Set(rows.map((_, at) => row[at * 2 + half])).size).toBeGreaterThan(rows.length - 20)
})

test('a stream that ends in the middle is refused', async () => {
  const data = encode([[new Uint8Array(4), null, null]])
  await expect(all(hashRows(cut(data.subarray(0, data.length - 3), [5]), plan))).rejects.toThrow('was cut off')
})
