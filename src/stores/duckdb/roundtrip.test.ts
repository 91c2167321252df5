/**
 * Values through real DuckDB, our encoder and real PostgreSQL, compared with what PostgreSQL itself makes of the value's
 * text: an oracle that knows nothing of our encoder.
 */
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverUrl } from '../../../test/support/database.ts'
import { raw } from '../../lib/sql.ts'
import type { Database } from '../../lib/sql.ts'
import { formatPgType, parsePgType, type PgType } from '../../transfer/pgtype.ts'
import { fieldText } from '../../transfer/pgcopy/field.ts'
import { RowHasher } from '../../transfer/pgcopy/hash.ts'
import { RowSplitter } from '../../transfer/pgcopy/rows.ts'
import { openDatabase } from '../postgres/client.ts'
import { openDuckdb, type Duckdb } from './client.ts'

const big = (bits: number, signed: boolean) => {
  const high = 2n ** BigInt(signed ? bits - 1 : bits) - 1n
  const low = signed ? -high - 1n : 0n
  return fc
    .oneof(
      fc.bigInt({ min: low, max: high }),
      fc.constantFrom(low, high, low + 1n, high - 1n, 0n, 1n),
      fc.bigInt({ min: 0n, max: 99n }),
    )
    .map(String)
}
const decimal = (precision: number, scale: number) =>
  fc
    .oneof(
      fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
      fc.bigInt({ min: -9999n, max: 9999n }),
      fc.constantFrom(
        0n,
        10n ** BigInt(precision) - 1n,
        -(10n ** BigInt(precision)) + 1n,
        10n ** BigInt(precision - 1),
      ),
    )
    .map((unscaled) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
      const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
      return unscaled < 0n ? `-${text}` : text
    })
const two = (value: number) => String(value).padStart(2, '0')
const pad = (value: number, width: number) => String(value).padStart(width, '0')
const day = fc
  .oneof(
    fc.integer({ min: 1, max: 9999 }),
    fc.integer({ min: 1900, max: 2100 }),
    fc.integer({ min: 10000, max: 200000 }),
  )
  .chain((year) =>
    fc.record({
      year: fc.constant(year),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 1, max: 28 }),
    }),
  )
const clock = (digits: number) =>
  fc
    .record({
      h: fc.integer({ min: 0, max: 23 }),
      m: fc.integer({ min: 0, max: 59 }),
      s: fc.integer({ min: 0, max: 59 }),
      f: fc.integer({ min: 0, max: 10 ** digits - 1 }),
    })
    .map(({ h, m, s, f }) => `${two(h)}:${two(m)}:${two(s)}${digits === 0 ? '' : `.${pad(f, digits)}`}`)
const dates = fc.oneof(
  day.map((d) => `${pad(d.year, 4)}-${two(d.month)}-${two(d.day)}`),
  day.filter((d) => d.year <= 4713).map((d) => `${pad(d.year, 4)}-${two(d.month)}-${two(d.day)} (BC)`),
  fc.constantFrom(
    'infinity',
    '-infinity',
    '1970-01-01',
    '2000-02-29',
    '1900-03-01',
    '0001-01-01',
    '0001-12-31 (BC)',
    '4714-11-24 (BC)',
    '5874897-12-31',
  ),
)
const stamps = (digits: number, years: 'all' | 'ns') =>
  fc.oneof(
    fc
      .tuple(
        day.filter((d) => (years === 'all' ? true : d.year > 1700 && d.year < 2250)),
        clock(digits),
      )
      .map(([d, time]) => `${pad(d.year, 4)}-${two(d.month)}-${two(d.day)} ${time}`),
    fc.constantFrom('infinity', '-infinity', '1970-01-01 00:00:00', '1999-12-31 23:59:59', '2000-01-01 00:00:00'),
    ...(years === 'all'
      ? [
          fc.constantFrom('4714-11-24 (BC) 00:00:00', '0001-01-01 (BC) 00:00:01', '294246-12-31 23:59:59'),
          fc
            .tuple(
              day.filter((d) => d.year < 4000),
              clock(digits),
            )
            .map(([d, time]) => `${pad(d.year, 4)}-${two(d.month)}-${two(d.day)} (BC) ${time}`),
        ]
      : []),
  )
const float = (bits: 32 | 64) =>
  fc
    .oneof(
      bits === 64 ? fc.double() : fc.float(),
      fc.constantFrom(
        0,
        -0,
        Number.NaN,
        Infinity,
        -Infinity,
        0.1,
        1e15,
        1e-5,
        123456,
        1234567,
        0.0001,
        2310298.25,
        2 ** -12,
        2 ** -96,
        2 ** 90,
      ),
    )
    .map((value) => (Object.is(value, -0) ? '-0' : String(bits === 32 ? Math.fround(value) : value)))
const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom('', ' ', 'NULL', '\\', '\\x00', '"', "'", '👩‍👩‍👧‍👦', 'é', '\t\n', 'exactly12byt', 'exactly13byte'),
)
const text = words.map((value) => value.replaceAll('\0', ''))

interface Case {
  /** DuckDB's type. */
  readonly from: string
  /** The target; default: what the source proposes. */
  readonly to?: string
  readonly values: fc.Arbitrary<string>
  /** The value's text for PostgreSQL, where it differs from DuckDB's. */
  readonly oracle?: (value: string) => string
  /** The type that PostgreSQL reads the text as before it becomes the target's, where that is text. */
  readonly via?: string
}

/** DuckDB writes the era behind the date, PostgreSQL behind all. */
const era = (value: string): string => (value.includes(' (BC)') ? `${value.replace(' (BC)', '')} BC` : value)
const json = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  fc.constantFrom('{"a":1.10,"b":[1,2,{"c":null}]}', '123456789012345678901234567890.5', '"é"', '[]'),
)
// Neither of the two can be in jsonb; they have a test of their own.
const cleanJson = json.filter((value) => !value.includes('\\u'))

const cases: readonly Case[] = [
  { from: 'BOOLEAN', values: fc.boolean().map(String) },
  { from: 'TINYINT', values: big(8, true) },
  { from: 'SMALLINT', values: big(16, true) },
  { from: 'INTEGER', values: big(32, true) },
  { from: 'BIGINT', values: big(64, true) },
  { from: 'HUGEINT', values: big(128, true) },
  { from: 'UTINYINT', values: big(8, false) },
  { from: 'USMALLINT', values: big(16, false) },
  { from: 'UINTEGER', values: big(32, false) },
  { from: 'UBIGINT', values: big(64, false) },
  { from: 'UHUGEINT', values: big(128, false) },
  { from: 'BIGNUM', values: big(200, true) },
  { from: 'BIGINT', to: 'int', values: big(32, true) },
  { from: 'BIGINT', to: 'smallint', values: big(16, true) },
  { from: 'UBIGINT', to: 'bigint', values: big(63, false) },
  { from: 'HUGEINT', to: 'bigint', values: big(64, true) },
  { from: 'INTEGER', to: 'double precision', values: big(32, true) },
  { from: 'UINTEGER', to: 'double precision', values: big(32, false) },
  { from: 'INTEGER', to: 'text', values: big(32, true) },
  { from: 'FLOAT', values: float(32) },
  { from: 'DOUBLE', values: float(64) },
  { from: 'DOUBLE', to: 'text', values: float(64), via: 'float8' },
  { from: 'FLOAT', to: 'text', values: float(32), via: 'float4' },
  {
    from: 'FLOAT',
    to: 'double precision',
    values: fc.integer({ min: -1000, max: 1000 }).map((value) => String(value / 8)),
  },
  { from: 'DECIMAL(4,2)', values: decimal(4, 2) },
  { from: 'DECIMAL(9,6)', values: decimal(9, 6) },
  { from: 'DECIMAL(15,2)', values: decimal(15, 2) },
  { from: 'DECIMAL(18,0)', values: decimal(18, 0) },
  { from: 'DECIMAL(18,18)', values: decimal(18, 18) },
  { from: 'DECIMAL(38,20)', values: decimal(38, 20) },
  { from: 'DECIMAL(38,4)', values: decimal(38, 4) },
  { from: 'DECIMAL(38,38)', values: decimal(38, 38) },
  { from: 'DECIMAL(15,2)', to: 'numeric', values: decimal(15, 2) },
  { from: 'DECIMAL(9,2)', to: 'numeric(20,5)', values: decimal(9, 2) },
  { from: 'DECIMAL(18,4)', to: 'numeric(12,4)', values: decimal(12, 4) },
  { from: 'DOUBLE', to: 'numeric(9,6)', values: decimal(9, 6) },
  { from: 'BIGINT', to: 'numeric', values: big(64, true) },
  { from: 'VARCHAR', values: text },
  { from: 'VARCHAR', to: 'varchar(300)', values: text.filter((value) => [...value].length <= 300) },
  { from: 'VARCHAR', to: 'char(12)', values: text.filter((value) => [...value].length <= 12) },
  { from: 'VARCHAR', to: 'bigint', values: big(64, true) },
  { from: 'VARCHAR', to: 'numeric', values: decimal(38, 20) },
  { from: 'VARCHAR', to: 'date', values: dates.filter((value) => /^\d{4}-\d\d-\d\d$/u.test(value)) },
  {
    from: 'VARCHAR',
    to: 'timestamptz',
    values: stamps(6, 'all')
      .filter((value) => /^\d{4}-[^(]*$/u.test(value))
      .map((value) => `${value}+02:30`),
  },
  { from: 'VARCHAR', to: 'uuid', values: fc.uuid() },
  { from: 'VARCHAR', to: 'boolean', values: fc.constantFrom('true', 'f', 'YES', 'off', '1', '0') },
  {
    from: 'BLOB',
    values: fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => [...bytes].map((b) => `\\x${b.toString(16).padStart(2, '0')}`).join('')),
    oracle: (value) => `\\x${value.replaceAll('\\x', '')}`,
  },
  { from: 'BIT', values: fc.stringMatching(/^[01]{1,70}$/u) },
  { from: 'DATE', values: dates, oracle: era },
  { from: 'TIME', values: fc.oneof(clock(6), clock(0), fc.constantFrom('00:00:00', '23:59:59.999999', '24:00:00')) },
  { from: 'TIME_NS', values: clock(6) },
  {
    from: 'TIMETZ',
    values: fc
      .tuple(clock(6), fc.constantFrom('+00', '+05:30', '-15:59:59', '+15:59:59', '-03'))
      .map((parts) => parts.join('')),
  },
  { from: 'TIMESTAMP', values: stamps(6, 'all'), oracle: era },
  { from: 'TIMESTAMP_S', values: stamps(0, 'ns') },
  { from: 'TIMESTAMP_MS', values: stamps(3, 'ns') },
  { from: 'TIMESTAMP_NS', values: stamps(6, 'ns') },
  { from: 'TIMESTAMPTZ', values: stamps(6, 'all'), oracle: era },
  { from: 'DATE', to: 'timestamp', values: dates.filter((value) => !/^\d{5,}/u.test(value)), oracle: era },
  { from: 'TIMESTAMP', to: 'text', values: stamps(6, 'ns'), via: 'timestamp' },
  {
    from: 'INTERVAL',
    values: fc
      .record({
        months: fc.integer({ min: -1000, max: 1000 }),
        days: fc.integer({ min: -100000, max: 100000 }),
        seconds: fc.integer({ min: -1e9, max: 1e9 }),
        micros: fc.integer({ min: 0, max: 999999 }),
      })
      .map((part) => `${part.months} months ${part.days} days ${part.seconds} seconds ${part.micros} microseconds`),
  },
  {
    from: 'UUID',
    values: fc.oneof(
      fc.uuid(),
      fc.constantFrom('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    ),
  },
  { from: `ENUM('sad', 'ok', 'großartig')`, values: fc.constantFrom('sad', 'ok', 'großartig') },
  { from: 'JSON', values: cleanJson },
  { from: 'JSON', to: 'json', values: json },
  { from: 'VARCHAR', to: 'jsonb', values: cleanJson },
]

const groups = 3
const perGroup = 60

let duckdb: Duckdb
beforeAll(async () => {
  duckdb = await openDuckdb({ path: ':memory:', store: 'warehouse' })
})
afterAll(() => duckdb.close())

/** Those of the server whose turn it is. */
let client: pg.Client
let database: Database

const quote = (value: string): string => `'${value.replaceAll("'", "''")}'`
let counter = 0

/** Carries rows `(id, v)` of a DuckDB table; the name of the table in PostgreSQL, and the stream's bytes. */
async function carry(table: string, to?: string): Promise<{ target: string; type: PgType; chunks: Uint8Array[] }> {
  const source = duckdb.source({ tag: 'table', table, changed: null })
  const columns = await source.columns()
  const proposed = columns.find((column) => column.name === 'v')?.type
  const type = to === undefined ? proposed : parsePgType(to)
  if (type === undefined) throw new Error('no column v')
  const target = `roundtrip.t${++counter}`
  await client.query(`create table ${target} (id int, v ${formatPgType(type)})`)
  const stream = source.copy({
    table: target,
    key: ['id'],
    columns: [
      { source: 'id', target: 'id', type: { tag: 'int4' }, policy: 'error' },
      { source: 'v', target: 'v', type, policy: 'error' },
    ],
  })
  const chunks: Uint8Array[] = []
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const { data } of stream) {
      chunks.push(data.slice())
      yield data
    }
  }
  await database.session((session) => session.copyIn(raw(`copy ${target} from stdin (format binary)`), bytes()))
  await stream.summary
  return { target, type, chunks }
}

function read(chunks: readonly Uint8Array[], types: readonly PgType[]): { hash: string; text: string | null }[] {
  const hasher = new RowHasher(types, [0, 1])
  const rows: { hash: string; text: string | null; id: number }[] = []
  const splitter = new RowSplitter(2, (row) => {
    hasher.hash(row)
    rows.push({
      hash: `${hasher.high}:${hasher.low}`,
      text: fieldText(row, 1, types[1] ?? { tag: 'text' }),
      id: Number(fieldText(row, 0, { tag: 'int4' })),
    })
  })
  for (const chunk of chunks) splitter.push(chunk)
  splitter.end()
  return rows.sort((a, b) => a.id - b.id).map(({ hash, text: shown }) => ({ hash, text: shown }))
}

const nested: readonly [written: string, to: string | undefined, want: string][] = [
  ['[1, null, 3]::int[]', undefined, '{1,NULL,3}'],
  ['[]::int[]', undefined, '{}'],
  [`['a,b', 'null', '', '"', null, 'é']::varchar[]`, undefined, '{"a,b","null","","\\"",NULL,é}'],
  ['[1.10, 2.00]::decimal(9,2)[]', undefined, '{1.10,2.00}'],
  ['[[1, 2], [3, 4]]::int[2][2]', undefined, '{{1,2},{3,4}}'],
  ['[[1, 2], [3, 4]]::int[][]', 'int[]', '{{1,2},{3,4}}'],
  ['[[1, 2], [3]]::int[][]', undefined, '[[1, 2], [3]]'],
  [
    `{'a': 1.10::decimal(38,20), 'b': [1, null], 'c': {'d': 'x"y'}}`,
    undefined,
    '{"a": 1.10000000000000000000, "b": [1, null], "c": {"d": "x\\"y"}}',
  ],
  [
    `map {'k': 170141183460469231731687303715884105727::hugeint}`,
    undefined,
    '{"k": 170141183460469231731687303715884105727}',
  ],
  [`union_value(num := 3)`, undefined, '{"num": 3}'],
  [`[date '2020-02-29', 'infinity'::date]`, undefined, '{2020-02-29,infinity}'],
  [`[{'a': 1}, null]`, undefined, '[{"a": 1}, null]'],
  [`{'t': timestamp '2020-01-01 00:00:01'}`, 'text', '{"t":"2020-01-01 00:00:01"}'],
  [`['a']::varchar[]`, 'jsonb', '["a"]'],
]

const refused: readonly [written: string, to: string | undefined, why: RegExp][] = [
  [`'a' || chr(0) || 'b'`, undefined, /0x00/u],
  [`'a long text with ' || chr(0) || ' more'`, undefined, /0x00/u],
  [`9223372036854775808::hugeint`, 'bigint', /out of range/u],
  ['40000', 'smallint', /out of range/u],
  ['3000000000::bigint', 'int', /out of range/u],
  ['18446744073709551615::ubigint', 'bigint', /out of range/u],
  ['1.5', 'int', /point/u],
  [`'nan'::double`, 'int', /NaN/u],
  [`12.3456789::double`, 'numeric(9,6)', /point/u],
  [`123.45::decimal(5,2)`, 'numeric(4,2)', /out of range/u],
  [`'infinity'::double`, 'numeric(9,2)', /Infinity/u],
  [`0.1::double`, 'int2', /point/u],
  [`9007199254740993::bigint`, 'double precision', /too few digits/u],
  [`'abcd'`, 'varchar(3)', /longer/u],
  [`'5877642-06-25 (BC)'::date`, undefined, /out of range/u],
  [`'5881580-07-10'::date`, undefined, /out of range/u],
  [`'290309-12-22 (BC) 00:00:00'::timestamp`, undefined, /out of range/u],
  [`'2020-01-01 00:00:00.000000001'::timestamp_ns`, undefined, /digits of a second/u],
  [`timestamp '2020-01-01 00:00:01'`, 'date', /time of day/u],
  [`timestamp '2020-01-01 00:00:00.5'`, 'timestamp(0)', /digits of a second/u],
  [`'x'`, 'uuid', /uuid/u],
  [`'2020-02-30'`, 'date', /no such day/u],
  [`'{"a":'`, 'jsonb', /not JSON/u],
  [`'{"a":"\\u0000"}'::json`, undefined, /u0000/u],
  [`{'a': 'nan'::double}`, undefined, /not JSON/u],
  ['[[1, 2], [3]]::int[][]', 'int[]', /differ in length/u],
  [`date '2020-01-01'`, 'bytea', /does not become/u],
]

describe.each([18, 14] as const)('on PostgreSQL %i', (version) => {
  beforeAll(async () => {
    database = await openDatabase({ store: 'database', url: serverUrl(version), max: 3 })
    client = new pg.Client(serverUrl(version))
    await client.connect()
    await client.query(
      `set timezone = 'UTC'; set client_min_messages = warning; create schema if not exists roundtrip; set search_path = roundtrip`,
    )
  })
  afterAll(async () => {
    await client.query('drop schema roundtrip cascade')
    await client.end()
    await database[Symbol.asyncDispose]()
  })

  describe.each(cases)('$from → $to', ({ from, to, values, oracle, via }) => {
    test('arrives as PostgreSQL would have read it', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.option(values, { freq: 8 }), { minLength: 1, maxLength: perGroup }),
          async (list) => {
            const table = `s${++counter}`
            const literals = list.map((value, id) => `(${id}, ${value === null ? 'null' : `${quote(value)}`})`)
            await duckdb.run(
              `create table ${table} (id int, v ${from}); insert into ${table} select id, v::${from} from (values ${literals.join(', ')}) as rows(id, v)`,
            )
            const { target, type, chunks } = await carry(table, to)
            const texts = list.map((value) => (value === null ? null : (oracle ?? ((same) => same))(value)))
            const name = formatPgType(type)
            const found = await client.query<{ id: number; got: string | null; want: string | null }>(
              `select id, v::text as got, want.t::${via ?? name}::text as want from ${target} join unnest($1::text[]) with ordinality as want(t, n) on n = id + 1 order by id`,
              [texts],
            )
            expect(found.rows.map((row) => row.got)).toEqual(found.rows.map((row) => row.want))
            expect(found.rows.length).toBe(list.length)
            // What we print of a field is what PostgreSQL prints, and what it sends back hashes as what we sent.
            const types: PgType[] = [{ tag: 'int4' }, type]
            const sent = read(chunks, types)
            const back: Uint8Array[] = []
            await database.session(async (session) => {
              for await (const chunk of session.copyOut(
                raw(`copy (select id, v from ${target} order by id) to stdout (format binary)`),
              ))
                back.push(chunk.slice())
            })
            const received = read(back, types)
            expect(received.map((row) => row.hash)).toEqual(sent.map((row) => row.hash))
            expect(received.map((row) => row.text)).toEqual(found.rows.map((row) => row.got))
            await client.query(`drop table ${target}`)
            await duckdb.run(`drop table ${table}`)
          },
        ),
        { numRuns: groups },
      )
    })
  })

  test.each(nested)('%s → %s', async (written, to, want) => {
    const table = `s${++counter}`
    await duckdb.run(`create table ${table} as select 1 as id, ${written} as v union all select 2, null`)
    const { target } = await carry(table, to)
    const found = await client.query<{ v: string | null }>(`select v::text as v from ${target} order by id`)
    expect(found.rows.map((row) => row.v)).toEqual([want, null])
  })

  test.each(refused)('%s does not go into %s', async (written, to, why) => {
    const table = `s${++counter}`
    await duckdb.run(`create table ${table} as select 1 as id, null as v where false union all select 7, ${written}`)
    await expect(carry(table, to)).rejects.toMatchObject({
      code: 'VALUE_UNREPRESENTABLE',
      why: expect.stringMatching(why) as string,
      where: { table: expect.stringMatching(/^roundtrip\.t\d+$/u) as string, column: 'v', key: '7' },
    })
  })
})
