/** What is asked is what is answered: filters beside JavaScript over the same rows, on both servers. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { ask, onServer, refusal } from '../../test/support/endpoints.ts'
import type { Endpoints } from './endpoints.ts'

interface Row {
  readonly id: number
  readonly n: number | null
  readonly big: string | null
  readonly x: number | null
  readonly t: string | null
  readonly b: boolean | null
  readonly d: string | null
}

const words = ['', 'a', 'A', 'ab', 'b%', '_', '\\', "it's", '"q"', 'a,b', 'عائشہ', '小', '😀', ' x ']
const days = ['0001-01-01', '2024-02-29', '2025-01-01', '2025-12-31', '9999-12-31']
const bigs = ['-9223372036854775808', '-1', '0', '9007199254740993', '9223372036854775807']
const row = (id: number): fc.Arbitrary<Row> =>
  fc.record({
    id: fc.constant(id),
    n: fc.option(fc.constantFrom(-2147483648, -1, 0, 1, 7, 2147483647)),
    big: fc.option(fc.constantFrom(...bigs)),
    x: fc.option(fc.constantFrom(-1.5, 0, 0.1, 3, 1e300, 5e-324)),
    t: fc.option(fc.constantFrom(...words)),
    b: fc.option(fc.boolean()),
    d: fc.option(fc.constantFrom(...days)),
  })
const rows = fc.sample(fc.tuple(...Array.from({ length: 60 }, (_, id) => row(id))), { numRuns: 1, seed: 7 })[0] ?? []

const columns = ['n', 'big', 'x', 't', 'b', 'd'] as const
type Column = (typeof columns)[number]
const values: Readonly<Record<Column, readonly string[]>> = {
  n: ['-2147483648', '-1', '0', '1', '7', '+7', '007', '2147483647'],
  big: bigs,
  x: ['-1.5', '0', '.1', '1e-1', '3', '1e300', '5e-324', '2'],
  t: words,
  b: ['true', 'false'],
  d: [...days, '2025-06-15'],
}

/** As JavaScript compares: numbers by value, text and dates by code points, as the C collation does. */
function compare(column: Column, a: string | number | boolean, b: string): number {
  if (column === 'n' || column === 'x') return Number(a) - Number(b)
  if (column === 'big') return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0
  if (column === 'b') return String(a) === b ? 0 : 1
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(b))
}

function holds(column: Column, operator: string, value: Row[Column], given: readonly string[]): boolean {
  const [first = '', second = ''] = given
  if (value === null) return operator === 'ne'
  const order = compare(column, value, first)
  switch (operator) {
    case 'eq':
      return order === 0
    case 'ne':
      return order !== 0
    case 'lt':
      return order < 0
    case 'lte':
      return order <= 0
    case 'gt':
      return order > 0
    case 'gte':
      return order >= 0
    case 'in':
      return given.some((one) => compare(column, value, one) === 0)
    case 'between':
      return order >= 0 && compare(column, value, second) <= 0
    default:
      return String(value).includes(first)
  }
}

const quote = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

describe.each([18, 14] as const)('filters on PostgreSQL %i', (version) => {
  const bench = onServer(version)
  let endpoints: Endpoints

  beforeAll(async () => {
    await bench.query(
      `create table t (id int primary key, n int, big bigint, x float8, t text collate "C", b boolean, d date)`,
    )
    await bench.query(
      `insert into t select id, n, big, x, t, b, d from jsonb_to_recordset($1::jsonb) as r (id int, n int, big bigint, x float8, t text, b boolean, d date)`,
      [JSON.stringify(rows)],
    )
    await bench.publish()
    endpoints = bench.open({ t: { table: 't', filter: [...columns], sort: ['id'], shape: 'list', select: ['id'] } })
  })

  const filter = fc.constantFrom(...columns).chain((column) => {
    const of = fc.constantFrom(...values[column])
    const operators =
      column === 'b'
        ? ['eq', 'ne']
        : ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'between', ...(column === 't' ? ['contains'] : [])]
    return fc
      .constantFrom(...operators)
      .chain((operator) =>
        fc
          .array(
            of,
            operator === 'in'
              ? { minLength: 1, maxLength: 4 }
              : operator === 'between'
                ? { minLength: 2, maxLength: 2 }
                : { minLength: 1, maxLength: 1 },
          )
          .map((given) => ({ column, operator, given })),
      )
  })

  it('give the rows that JavaScript finds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(filter, { maxLength: 3, selector: ({ column, operator }) => `${column}.${operator}` }),
        async (filters) => {
          const given = Object.fromEntries(
            filters.map(({ column, operator, given: list }) => [
              `${column}.${operator}`,
              operator === 'in' || operator === 'between' ? list.map(quote).join(',') : list.join(','),
            ]),
          )
          const found = rows.filter((one) =>
            filters.every(({ column, operator, given: list }) => holds(column, operator, one[column], list)),
          )
          expect((await ask(endpoints, 't', given)).body).toEqual(found.map(({ id }) => ({ id })))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('refuse what does not fit, by name, and never with a word of the server', async () => {
    const wrong: readonly (readonly [string, string])[] = [
      ['n', ''], ['n', '1.0'], ['n', '2147483648'], ['n', "1' or '1'='1"], ['n', '99999999999999999999'], ['n.in', '1,x'], ['n.in', ''],
      ['n.between', '1'], ['n.between', '1,2,3'], ['big', '9223372036854775808'], ['x', 'NaN'], ['x', '1e400'], ['x', '1e-400'], ['x', '0x10'],
      ['t', 'a\0b'], ['t', '\ud800'], ['t.in', '"a'], ['b', '1'], ['b', 'TRUE'], ['d', '2025-02-29'], ['d', '2025-1-1'], ['d', '0000-01-01'],
      ['d', 'today'], ['d.gte', '2025-01-01T00:00:00Z'],
    ] // prettier-ignore
    for (const [name, value] of wrong)
      expect(await refusal(ask(endpoints, 't', { [name]: value })), `${name}=${value}`).toMatch(
        new RegExp(`^FILTER_INVALID: ${name.replace('.', '\\.')} `),
      )
    for (const name of [
      'id',
      'n.contains',
      'b.lt',
      'N',
      'n.eq.eq',
      'limit',
      'cursor',
      '__proto__',
      'constructor',
      'n ',
      '; drop table t',
    ])
      expect(await refusal(ask(endpoints, 't', JSON.parse(JSON.stringify({ [name]: '1' })))), name).toMatch(
        /^PARAMETER_UNKNOWN/,
      )
    expect(await refusal(ask(endpoints, 't', { n: ['1', '2'] }))).toBe('FILTER_INVALID: n is given more than once')
  })

  it('refuse or answer whatever is thrown at them', async () => {
    const name = fc.oneof(
      fc.constantFrom(
        ...columns.flatMap((one) => [one, `${one}.in`, `${one}.between`, `${one}.gte`]),
        'select',
        'sort',
      ),
      fc.string(),
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double().map(String),
      fc.bigInt().map(String),
      fc.constantFrom(...words),
    )
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, text, { maxKeys: 3 }), async (given) => {
        const outcome = await ask(endpoints, 't', given).then(
          () => 'answered',
          (error: { readonly code?: string }) => error.code,
        )
        expect(['answered', 'FILTER_INVALID', 'PARAMETER_UNKNOWN']).toContain(outcome)
      }),
      { numRuns: 300 },
    )
  })
})
