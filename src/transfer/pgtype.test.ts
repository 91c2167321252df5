import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { formatPgType, parsePgType, type PgType } from './pgtype.ts'

const client = new Client(inject('postgres14'))
beforeAll(() => client.connect())
afterAll(() => client.end())

/** What PostgreSQL itself prints for a type that is written so. */
async function formatType(written: string): Promise<string> {
  await client.query('begin')
  await client.query(`create table pgtype_case (c ${written})`)
  const found = await client.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = 'pgtype_case'::regclass and attname = 'c'`,
  )
  await client.query('rollback')
  return found.rows[0]?.type ?? ''
}

const leaf: fc.Arbitrary<PgType> = fc.oneof(
  fc.constantFrom<PgType>(
    ...(['boolean', 'int2', 'int4', 'int8', 'float4', 'float8', 'text', 'bytea'] as const).map((tag) => ({ tag })),
    ...(['date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'uuid', 'json', 'jsonb'] as const).map(
      (tag) => ({ tag }),
    ),
    { tag: 'numeric', precision: null, scale: null },
  ),
  fc
    .record({ precision: fc.integer({ min: 1, max: 38 }), scale: fc.integer({ min: 0, max: 38 }) })
    .map((r): PgType => ({
      tag: 'numeric',
      precision: Math.max(r.precision, r.scale),
      scale: Math.min(r.precision, r.scale),
    })),
  fc
    .constantFrom('time', 'timetz', 'timestamp', 'timestamptz', 'interval')
    .chain((tag) => fc.integer({ min: 0, max: 6 }).map((precision): PgType => ({ tag, precision }))),
  fc.option(fc.integer({ min: 1, max: 900 })).map((length): PgType => ({ tag: 'varchar', length })),
  fc.integer({ min: 1, max: 900 }).map((length): PgType => ({ tag: 'char', length })),
  fc.integer({ min: 1, max: 900 }).map((length): PgType => ({ tag: 'bit', length, varying: false })),
  fc.option(fc.integer({ min: 1, max: 900 })).map((length): PgType => ({ tag: 'bit', length, varying: true })),
)
const anyType = fc.oneof(
  leaf,
  leaf.map((of): PgType => ({ tag: 'array', of })),
)

test('prints what PostgreSQL prints, and reads it back', async () => {
  await fc.assert(
    fc.asyncProperty(anyType, async (type) => {
      const printed = formatPgType(type)
      expect(parsePgType(printed)).toEqual(type)
      expect(await formatType(printed)).toBe(printed)
    }),
    { numRuns: 150 },
  )
})

test.each([
  'INT',
  'int2',
  'int4',
  'int8',
  'bool',
  'float',
  'float(24)',
  'float(25)',
  'float4',
  'float8',
  'DOUBLE  precision',
  'dec(5)',
  'decimal( 9 , 6 )',
  'varchar',
  'VARCHAR(255)',
  'char',
  'char(3)',
  'timestamptz',
  'timestamptz(3)',
  'timestamp (2) with time zone',
  'timetz',
  'time(9)',
  'varbit(8)',
  'bit',
  'bit varying',
  'int[][]',
  'text[3]',
  'text array',
  'numeric(9,6)[]',
  'timestamp with time zone[]',
  'interval(2)',
  'interval year to month',
  'citext_missing',
])('understands %s as PostgreSQL does', async (written) => {
  const type = parsePgType(written)
  if (type.tag === 'other' && !written.startsWith('interval')) return expect(formatPgType(type)).toBe(written)
  expect(formatPgType(type)).toBe(await formatType(written))
})

test.each(['', 'numeric(0)', 'numeric(', 'varchar(0)', 'float(54)', 'text; drop table x', 'a b c', 'int)'])(
  'refuses %j',
  (written) => {
    expect(() => parsePgType(written)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  },
)

test('a type of the database keeps its name', () => {
  expect(parsePgType('app."Mood"')).toEqual({ tag: 'other', name: 'app."Mood"', textual: false })
  expect(parsePgType('app."Mood"[]')).toEqual({
    tag: 'array',
    of: { tag: 'other', name: 'app."Mood"', textual: false },
  })
  expect(parsePgType('public.citext')).toEqual({ tag: 'other', name: 'public.citext', textual: true })
})
