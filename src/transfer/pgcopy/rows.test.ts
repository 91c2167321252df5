import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PgType } from '../pgtype.ts'
import { encodeDecimal } from './decimal.ts'
import { canonicalJson, RowHasher } from './hash.ts'
import { RowSplitter } from './rows.ts'

type Fields = readonly (Uint8Array | null)[]

/** Written here independently of the encoder. */
function stream(rows: readonly Fields[], extension = 0): Uint8Array {
  const parts: Buffer[] = [Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(4)]
  const length = Buffer.alloc(4)
  length.writeInt32BE(extension)
  parts.push(length, Buffer.alloc(extension, 0xee))
  const int = (value: number, bytes: 2 | 4): void => {
    const buffer = Buffer.alloc(bytes)
    if (bytes === 2) buffer.writeInt16BE(value)
    else buffer.writeInt32BE(value)
    parts.push(buffer)
  }
  for (const row of rows) {
    int(row.length, 2)
    for (const field of row) {
      int(field === null ? -1 : field.length, 4)
      if (field !== null) parts.push(Buffer.from(field))
    }
  }
  int(-1, 2)
  return new Uint8Array(Buffer.concat(parts))
}

const rows = fc.integer({ min: 1, max: 4 }).chain((fields) =>
  fc.array(fc.array(fc.option(fc.uint8Array({ maxLength: 30 })), { minLength: fields, maxLength: fields }), {
    maxLength: 20,
  }),
)

test('rows come out as they went in, wherever the chunks are cut', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.nat(), { maxLength: 40 }), fc.nat(9), (list, cuts, extension) => {
      const bytes = stream(list, extension)
      const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
      const seen: Fields[] = []
      const fields = list[0]?.length ?? 1
      const splitter = new RowSplitter(fields, (row) => {
        seen.push(
          Array.from({ length: fields }, (_, field) => {
            const length = row.lengths[field] ?? -1
            const start = row.starts[field] ?? 0
            return length < 0 ? null : row.bytes.slice(start, start + length)
          }),
        )
      })
      for (let index = 1; index < at.length; index++) splitter.push(bytes.slice(at[index - 1], at[index]))
      splitter.end()
      expect(seen).toEqual(list)
      expect(splitter.rows).toBe(list.length)
    }),
    { numRuns: 500 },
  )
})

test('what is cut off, goes on, has other fields or is no COPY is refused', () => {
  const bytes = stream([[Uint8Array.of(1)], [null]])
  const feed = (fields: number, ...chunks: Uint8Array[]) => {
    const splitter = new RowSplitter(fields, () => undefined)
    for (const chunk of chunks) splitter.push(chunk)
    splitter.end()
  }
  expect(() => feed(1, bytes.slice(0, -1))).toThrow('cut off')
  expect(() => feed(1, bytes.slice(0, 30))).toThrow('cut off')
  expect(() => feed(1, bytes, Uint8Array.of(0))).toThrow('goes on')
  expect(() => feed(2, bytes)).toThrow('1 fields instead of 2')
  expect(() => feed(1, new Uint8Array(40))).toThrow('no binary COPY')
})

function hashOf(type: PgType, value: Uint8Array | null): string {
  const hasher = new RowHasher([type], [0])
  let hash = ''
  const splitter = new RowSplitter(1, (row) => {
    hasher.hash(row)
    hash = `${hasher.high}:${hasher.low}`
  })
  splitter.push(stream([[value]]))
  return hash
}

const numeric: PgType = { tag: 'numeric', precision: null, scale: null }

test('a number hashes by its value, not by its scale', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(20), fc.nat(20), (unscaled, scale, more) => {
      const same = encodeDecimal({ unscaled: unscaled * 10n ** BigInt(more), scale: scale + more })
      const value = hashOf(numeric, encodeDecimal({ unscaled, scale }))
      expect(hashOf(numeric, same)).toBe(value)
      expect(hashOf(numeric, encodeDecimal({ unscaled: unscaled + 1n, scale }))).not.toBe(value)
      if (unscaled !== 0n) expect(hashOf(numeric, encodeDecimal({ unscaled: -unscaled, scale }))).not.toBe(value)
    }),
  )
})

test('floats have one zero; char(n) no blanks; jsonb no spelling; null is no empty text', () => {
  const double = (value: number) => {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, value)
    return new Uint8Array(view.buffer)
  }
  expect(hashOf({ tag: 'float8' }, double(-0))).toBe(hashOf({ tag: 'float8' }, double(0)))
  expect(hashOf({ tag: 'float8' }, double(1))).not.toBe(hashOf({ tag: 'float8' }, double(-1)))
  const text = (value: string) => new Uint8Array(Buffer.from(value))
  expect(hashOf({ tag: 'char', length: 5 }, text('ab   '))).toBe(hashOf({ tag: 'char', length: 5 }, text('ab')))
  expect(hashOf({ tag: 'text' }, text('ab '))).not.toBe(hashOf({ tag: 'text' }, text('ab')))
  expect(hashOf({ tag: 'text' }, text(''))).not.toBe(hashOf({ tag: 'text' }, null))
  const jsonb = (value: string) => hashOf({ tag: 'jsonb' }, text(`\u0001${value}`))
  expect(jsonb('{"b": [1.0, "x"], "a": 1e2}')).toBe(jsonb('{"a":100,"b":[1,"x"]}'))
  expect(jsonb('{"a": 12345678901234567890}')).not.toBe(jsonb('{"a": 12345678901234567891}'))
  expect(jsonb('["1"]')).not.toBe(jsonb('[1]'))
  expect(canonicalJson('{"a":1}')).not.toBe(canonicalJson('[["a",1]]'))
})

test('a million rows that differ in one number have a million hashes', () => {
  const hasher = new RowHasher([{ tag: 'int4' }, { tag: 'text' }], [0, 1])
  const seen = new Set<string>()
  const field = Uint8Array.of(0x61)
  const view = new DataView(new ArrayBuffer(4))
  const bytes = new Uint8Array(view.buffer)
  const one = stream([[bytes, field]])
  const at = 19 + 2 + 4
  for (let n = 0; n < 1_000_000; n++) {
    new DataView(one.buffer).setInt32(at, n)
    const splitter = new RowSplitter(2, (row) => {
      hasher.hash(row)
      seen.add(`${hasher.high}:${hasher.low}`)
    })
    splitter.push(one)
  }
  expect(seen.size).toBe(1_000_000)
})
