/** Values of every type as JSON, long lists in chunks, publications in another database, faults of a config, and small parsers. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { createDatabase } from '../../test/support/database.ts'
import { openReader } from '../stores/postgres/reader.ts'
import { elementsOf } from './arrays.ts'
import { endpointDefinition, endpointFaults, type EndpointOptions } from './config.ts'
import { fieldsOf } from './fields.ts'
import { ask, everybody, onServer, refusal, textOf } from '../../test/support/endpoints.ts'
import { openEndpoints } from './open.ts'
import { namesIn, piecesOf } from './placeholders.ts'

describe.each([18, 14] as const)('values on PostgreSQL %i', (version) => {
  const bench = onServer(version)

  beforeAll(async () => {
    await bench.query(`create type mood as enum ('sad', 'so "so"')`)
    await bench.query('create domain positive as numeric(12,2) check (value > 0)')
    await bench.query(`
      create table t (i2 smallint, i8 bigint, n numeric, p positive, f4 real, f8 double precision, b boolean, v varchar(20), c char(4), d date,
        ts timestamp, tz timestamptz, tm time, u uuid, j json, jb jsonb, ai int[], at text[], m mood, y bytea, iv interval, r int4range)`)
    await bench.query(`
      insert into t values
      (1, 9007199254740991, 12345678901234.5, 1.50, 0.1, 0.1, true, 'a"\\', 'ab', '2025-08-31', '2025-08-31 13:45:00.123456', '2025-08-31 13:45:00+05',
        '13:45', '0b9cbd1a-8f3e-4f6b-9d58-2f1c5b0c9f5e', '{"a": [1]}', '{"a": {"b": null}}', '{1,null,3}', array['x', null, 'a"b', 'c,d', 'NULL', ''], 'so "so"', '\\x00ff', '1 day 02:00', '[1,5)'),
      (-1, 9007199254740993, 'NaN', 2, 'Infinity', '-Infinity', false, e'\\u0001\\n', '', '0044-03-15 BC', 'infinity', '-infinity', '24:00', null, 'null', '"x"', '{}', '{{a,b}}', 'sad', '', '0', 'empty'),
      (null, -9223372036854775808, 123456789012345678.9, 3, 'NaN', 1e300, null, null, null, null, '10000-01-01', '10000-01-01 00:00Z', null, null, null, null, null, null, null, null, null, null)`)
    await bench.publish()
  })

  it('become JSON that says what they are', async () => {
    const { body } = await ask(bench.open({ t: { table: 't', shape: 'list' } }), 't')
    expect(body).toEqual([
      {
        i2: 1, i8: 9007199254740991, n: 12345678901234.5, p: 1.5, f4: 0.1, f8: 0.1, b: true, v: 'a"\\', c: 'ab  ', d: '2025-08-31', ts: '2025-08-31T13:45:00.123456',
        tz: '2025-08-31T08:45:00Z', tm: '13:45:00', u: '0b9cbd1a-8f3e-4f6b-9d58-2f1c5b0c9f5e', j: { a: [1] }, jb: { a: { b: null } }, ai: [1, null, 3],
        at: ['x', null, 'a"b', 'c,d', 'NULL', ''], m: 'so "so"', y: '\\x00ff', iv: '1 day 02:00:00', r: '[1,5)',
      },
      {
        i2: -1, i8: '9007199254740993', n: 'NaN', p: 2, f4: 'Infinity', f8: '-Infinity', b: false, v: '\u0001\n', c: '    ', d: '0044-03-15 BC', ts: 'infinity',
        tz: '-infinity', tm: '24:00:00', u: null, j: null, jb: 'x', ai: [], at: [['a', 'b']], m: 'sad', y: '\\x', iv: '00:00:00', r: 'empty',
      },
      {
        i2: null, i8: '-9223372036854775808', n: '123456789012345678.9', p: 3, f4: 'NaN', f8: 1e300, b: null, v: null, c: null, d: null, ts: '10000-01-01T00:00:00',
        tz: '10000-01-01T00:00:00Z', tm: null, u: null, j: null, jb: null, ai: null, at: null, m: null, y: null, iv: null, r: null,
      },
    ]) // prettier-ignore
  })

  it('are found by filters of their type', async () => {
    const filter = ['i2', 'i8', 'n', 'p', 'f4', 'f8', 'b', 'v', 'c', 'd', 'ts', 'tz', 'tm', 'u', 'jb', 'ai', 'at', 'm']
    const endpoints = bench.open({
      t: { table: 't', filter, search: ['v', 'm'], select: ['p'], sort: ['p'], shape: 'list' },
    })
    const found: readonly (readonly [Readonly<Record<string, string>>, readonly number[]])[] = [
      [{ i2: '-1' }, [2]], [{ i8: '9007199254740993' }, [2]], [{ 'i8.lt': '0' }, [3]], [{ n: '123456789012345678.9' }, [3]], [{ p: '1.5' }, [1.5]],
      [{ f4: '0.1' }, [1.5]], [{ 'f4.in': '0.1,7' }, [1.5]], [{ f8: '1e300' }, [3]], [{ b: 'false' }, [2]], [{ 'b.ne': 'false' }, [1.5, 3]], [{ v: 'a"\\' }, [1.5]],
      [{ c: 'ab' }, [1.5]], [{ c: 'ab  ' }, [1.5]], [{ d: '2025-08-31' }, [1.5]], [{ ts: '2025-08-31T13:45:00.123456' }, [1.5]],
      [{ 'ts.between': '2025-08-31,2025-09-01' }, [1.5]], [{ tz: '2025-08-31T08:45:00Z' }, [1.5]], [{ tz: '2025-08-31T13:45:00+05:00' }, [1.5]],
      [{ tz: '2025-08-31T13:45:00 05:00' }, [1.5]], [{ tm: '13:45' }, [1.5]], [{ u: '0B9CBD1A-8F3E-4F6B-9D58-2F1C5B0C9F5E' }, [1.5]], [{ 'jb.contains': '{"a":{}}' }, [1.5]],
      [{ 'ai.contains': '3' }, [1.5]], [{ 'at.contains': 'c,d' }, [1.5]], [{ 'at.contains': 'NULL' }, [1.5]], [{ m: 'sad' }, [2]], [{ m: 'glad' }, []],
      [{ 'm.in': 'sad,glad' }, [2]], [{ search: 'SO "' }, [1.5]], [{ search: '%' }, []], [{ search: '\\' }, [1.5]],
    ] // prettier-ignore
    for (const [given, rows] of found)
      expect((await ask(endpoints, 't', given)).body, JSON.stringify(given)).toEqual(rows.map((p) => ({ p })))
    const wrong: Readonly<Record<string, string>> = {
      tz: '2025-08-31T13:45:00', ts: '2025-08-31T13:45:00Z', tm: '25:00', u: 'x', 'jb.contains': '{', 'ai.contains': 'x', n: '1e9999', f4: '1e39',
    } // prettier-ignore
    for (const [name, value] of Object.entries(wrong))
      expect(await refusal(ask(endpoints, 't', { [name]: value })), name).toMatch(/^FILTER_INVALID/)
    expect(await refusal(ask(endpoints, 't', { 'jb.contains': String.raw`"\u0000"` }))).toMatch(/^FILTER_INVALID/)
  })

  it('refuse a config that their types do not bear, naming it', async () => {
    const faults: readonly (readonly [EndpointOptions, RegExp])[] = [
      [{ table: 't', filter: ['x'] }, /no column "x"/],
      [{ table: 't', filter: ['j'] }, /"j" is json/],
      [{ table: 't', filter: { b: ['lt'] } }, /"b" is boolean/],
      [{ table: 't', sort: ['j'] }, /"j" is json/],
      [{ table: 't', search: ['i2'] }, /"i2" is smallint/],
      [{ table: 't', scope: { jb: 'c' } }, /"jb" is jsonb/],
      [{ table: 't', aggregate: { a: { sum: 'v' } } }, /has no sum/],
      [{ table: 't', aggregate: { a: { min: 'b' } } }, /has no min/],
      [{ table: 't', distinct: { a: 'j' } }, /"j" is json/],
      [{ query: 'select 1 as a, 2 as a' }, /two columns/],
      [{ query: 'select :p as a', params: { p: { type: 'int', default: 'x' } } }, /params\.p/],
      [{ query: 'this is no sql' }, /SQLSTATE 42601/],
    ]
    for (const [options, why] of faults) {
      const endpoints = bench.open({ t: options })
      const error = await ask(endpoints, 't').then(
        () => null,
        (thrown: unknown) => thrown,
      )
      expect(error, JSON.stringify(options)).toMatchObject({
        code: 'ENDPOINT_INVALID',
        why: expect.stringMatching(why),
      })
      expect((await endpoints.describe())[0]?.problem).not.toBeNull()
    }
  })

  it('are described with their parameters and types', async () => {
    const endpoints = bench.open({ t: { table: 't', filter: ['d', 'm'], sort: ['p'], scope: { v: 'claim' } } })
    expect(endpoints.list()[0]).toMatchObject({ columns: null, claims: ['claim'], flows: ['flow'] })
    const [described] = await endpoints.describe()
    expect(described).toMatchObject({ shape: 'page', problem: null, table: 'public.t', page: { size: 100, max: 1000 } })
    expect(described?.parameters.map(({ name }) => name)).toEqual([
      'select',
      'sort',
      'limit',
      'cursor',
      'd',
      'd.ne',
      'd.lt',
      'd.lte',
      'd.gt',
      'd.gte',
      'd.in',
      'd.between',
      'm',
      'm.ne',
      'm.in',
      'm.contains',
    ])
    expect(described?.columns?.find(({ name }) => name === 'd')).toMatchObject({
      type: 'date',
      schema: { type: ['string', 'null'], format: 'date' },
    })
  })

  it('of a long list come in chunks, in bounded memory, and the connection comes back whether they are taken or left', async () => {
    await bench.query(`create table many as select i, repeat('x', 200) as x from generate_series(1, 60000) as i`)
    const reader = openReader({ store: 'database', url: bench.url, max: 1 })
    const endpoints = openEndpoints({
      endpoints: [
        {
          name: 'many',
          definition: endpointDefinition.parse({ table: 'many', sort: ['i'], shape: 'list' }),
          query: null,
        },
        {
          name: 'slow',
          definition: endpointDefinition.parse({ query: 'select pg_sleep(30)', shape: 'list', timeout: 1 }),
          query: 'select pg_sleep(30)::text as a',
        },
      ],
      reader: async () => reader,
      state: { store: 'database', schema: 'sluice', project: 'p' },
      targets: () => [],
      secret: () => Promise.resolve(Buffer.alloc(32)),
    })
    const body = async (): Promise<AsyncIterable<Uint8Array>> => {
      const answer = await endpoints.read('many', {}, everybody)
      if (answer.status !== 200 || typeof answer.body === 'string' || answer.body instanceof Uint8Array)
        throw new Error('chunks were due')
      return answer.body
    }
    const rows = JSON.parse(await textOf(await body())) as readonly { readonly i: number }[] // what the endpoint lists
    expect(rows.map(({ i }) => i)).toEqual(Array.from({ length: 60000 }, (_, i) => i + 1))
    let taken = 0
    for await (const chunk of await body()) {
      taken += chunk.length
      if (taken > 200_000) break
    }
    // There is one connection: who left has given it back.
    expect(JSON.parse(await textOf(await body()))).toHaveLength(60000)
    expect(await refusal(endpoints.read('slow', {}, everybody))).toMatch(/^READ_TIMEOUT/)
    expect(JSON.parse(await textOf(await body()))).toHaveLength(60000)
    await reader[Symbol.asyncDispose]()
  }, 30_000)
})

it('is read beside the tables where they are not in the database of the state', async () => {
  await using elsewhere = await createDatabase()
  await using reader = openReader({ store: 'elsewhere', url: elsewhere.url })
  await elsewhere.query('create table t (a int)')
  await elsewhere.query('insert into t values (1)')
  const endpoints = openEndpoints({
    endpoints: [
      {
        name: 't',
        definition: endpointDefinition.parse({ table: 't', store: 'elsewhere', shape: 'list' }),
        query: null,
      },
    ],
    reader: async () => reader,
    state: { store: 'database', schema: 'sluice', project: 'p' },
    targets: () => [{ flow: 'flow', store: 'elsewhere', schema: 'public', table: 't' }],
    secret: () => Promise.resolve(Buffer.alloc(32)),
  })
  expect((await ask(endpoints, 't')).answer).toMatchObject({ asOf: null, etag: null })
  const asOf = '2025-08-31T13:45:00.000Z'
  await elsewhere.query(`
    create table sluice_publication (project text, flow text, slice text, publication uuid, result jsonb, published_at timestamptz)`)
  await elsewhere.query(
    `insert into sluice_publication values ('p', 'flow', 'all', gen_random_uuid(), jsonb_build_object('asOf', $1::text), now()), ('other', 'flow', 'all', null, null, now())`,
    [asOf],
  )
  const fresh = openEndpoints({
    endpoints: [
      {
        name: 't',
        definition: endpointDefinition.parse({ table: 't', store: 'elsewhere', shape: 'list' }),
        query: null,
      },
    ],
    reader: async () => reader,
    state: { store: 'database', schema: 'sluice', project: 'p' },
    targets: () => [{ flow: 'flow', store: 'elsewhere', schema: 'public', table: 't' }],
    secret: () => Promise.resolve(Buffer.alloc(32)),
  })
  const { answer } = await ask(fresh, 't')
  expect(answer).toMatchObject({ asOf: new Date(asOf), etag: expect.stringMatching(/^"[\w-]{27}"$/) })
  await elsewhere.query(`update sluice_publication set publication = gen_random_uuid() where project = 'p'`)
  expect((await ask(fresh, 't')).answer).not.toMatchObject({ etag: answer.status === 200 ? answer.etag : '' })
})

test('a config that contradicts itself is named', () => {
  const faults = (options: EndpointOptions): readonly string[] =>
    endpointFaults(endpointDefinition.parse(options)).map(({ path, fault }) => `${path} ${fault}`)
  expect(faults({})).toEqual([' has either `table` or `query`'])
  expect(faults({ table: 't', query: 'select 1' })).toHaveLength(1)
  expect(faults({ table: 't', params: { a: {} } })).toEqual(['params belong to `query`, which is not given'])
  expect(faults({ query: 'select :a', params: { b: {} } })).toEqual([
    'query has :a, which `params` does not declare',
    'params.b is not in `query`',
  ])
  expect(faults({ query: 'select :limit', params: { limit: {} } })).toEqual([
    'params.limit is a parameter of every endpoint',
  ])
  expect(faults({ table: 't', by: ['a'] })).toEqual(['by groups figures; name them in `aggregate`'])
  expect(faults({ table: 't', distinct: { a: 'a' }, shape: 'list' })).toEqual(['shape makes no sense with `distinct`'])
  expect(faults({ table: 't', sort: ['a', '-a'] })).toEqual(['sort names "a" twice'])
  expect(faults({ table: 't', page: { size: 10, max: 5 } })).toEqual(['page.size is larger than `page.max`'])
})

test('the parameters of a statement are those that are none of its text', () => {
  const statement = `select ':a', ":b", e'\\':c', x::text, $$ :d $$, $q$ :e $q$, y[1:2], :f -- :g\n /* :h */ from t where a = :f and b=:i::int and c:=d`
  expect(namesIn(statement)).toEqual(['f', 'i'])
  fc.assert(
    fc.property(
      fc.string(),
      (text) =>
        piecesOf(text)
          .map((piece) => piece.text + (piece.name === null ? '' : `:${piece.name}`))
          .join('') === text,
    ),
  )
})

test('values with commas and quotes arrive as they were written', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('a', ',', '"', ' ', '小') }), { minLength: 1 }),
      (values) => {
        const written = values.map((one) => (/[",]/.test(one) ? `"${one.replaceAll('"', '""')}"` : one)).join(',')
        expect(fieldsOf(written)).toEqual(values)
      },
    ),
  )
  expect(['"a', '"a"b', 'a,"'].map(fieldsOf)).toEqual([null, null, null])
})

test('arrays are read as the server prints them', () => {
  expect(elementsOf('{}')).toEqual([])
  expect(elementsOf('[0:1]={a,NULL}')).toEqual(['a', null])
  expect(elementsOf(String.raw`{{"a\"b","c\\d"},{"NULL",""}}`)).toEqual([
    ['a"b', 'c\\d'],
    ['NULL', ''],
  ])
})
