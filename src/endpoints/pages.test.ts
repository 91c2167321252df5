/** Pages give every row once, in order, however the order ties, whatever is null, with a key or without one. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { EndpointCaller, Endpoints } from './endpoints.ts'
import { ask, everybody, onServer, refusal } from '../../test/support/endpoints.ts'

interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[]
  readonly next: string | null
  readonly total: number
}

async function walk(
  endpoints: Endpoints,
  name: string,
  given: Readonly<Record<string, string>>,
  caller: EndpointCaller = everybody,
): Promise<Page['items']> {
  const items: Readonly<Record<string, unknown>>[] = []
  let cursor: string | null = null
  do {
    const page = (await ask(endpoints, name, { ...given, ...(cursor === null ? {} : { cursor }) }, caller)).body as Page // the documented shape
    items.push(...page.items)
    if (page.next !== null) expect(page.items).toHaveLength(Number(given['limit']))
    expect(page.total).toBeGreaterThanOrEqual(items.length)
    cursor = page.next
    if (cursor === null) expect(page.total).toBe(items.length)
  } while (cursor !== null)
  return items
}

const count = 97
const columns = ['a', 'b', 'c', 'd'] as const

describe.each([18, 14] as const)('pages on PostgreSQL %i', (version) => {
  const bench = onServer(version)
  let endpoints: Endpoints

  beforeAll(async () => {
    await bench.query(`create table t (a int, b text collate "C", c date not null, d float8)`)
    // Many ties, many nulls, many equal rows.
    await bench.query(`
      insert into t select nullif(i % 4, 0), nullif((array['x', 'y', 'Z', ''])[1 + i % 7 % 4], ''), date '2025-01-01' + i % 3, nullif(i % 5, 1) / 3.0
      from generate_series(1, ${count}) as i`)
    await bench.query('create table keyed as select row_number() over ()::int as id, t.* from t')
    await bench.query('alter table keyed add primary key (id)')
    await bench.query('create view seen as select a, b, c, d from t')
    await bench.publish()
    const sort = ['a', '-b', 'c', 'd']
    const all = { sort, page: { size: 10, max: 100 }, filter: ['a'] }
    endpoints = bench.open({
      bare: { table: 't', ...all },
      keyed: { table: 'keyed', ...all, flows: ['flow'] },
      view: { table: 'seen', ...all, flows: ['flow'] },
      query: { query: 'select a, b, c, d from t -- not the end', ...all, flows: ['flow'] },
      unordered: { query: 'select a, b from t', flows: ['flow'] },
      grouped: {
        table: 't',
        by: ['a', 'b'],
        aggregate: { n: { count: '*' }, most: { max: 'd' } },
        sort: ['-n', 'b'],
        page: { size: 3 },
      },
      unaged: { table: 'keyed', ...all },
      hidden: { query: `select t.a, 'salary ' || i as b from t, generate_series(1, 2) as i`, select: ['a'] },
    })
  })

  const directions = fc
    .uniqueArray(fc.constantFrom(...columns), { maxLength: 4 })
    .chain((names) => fc.tuple(...names.map((name) => fc.boolean().map((down) => ({ name, down })))))

  it('give each row once and in order', async () => {
    const plain = (await bench.query(`select a, b, c::text, d from t`)) as Page['items']
    const sorted = (items: Page['items']): string[] =>
      items.map((item) => JSON.stringify(columns.map((name) => item[name]))).sort()
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('bare', 'keyed', 'view', 'query', 'unaged'),
        directions,
        fc.integer({ min: 1, max: 40 }),
        async (name, order, limit) => {
          const sort = order.map(({ name: column, down }) => `${down ? '-' : ''}${column}`).join(',')
          const items = await walk(endpoints, name, { limit: String(limit), ...(sort === '' ? {} : { sort }) })
          expect(sorted(items)).toEqual(sorted(plain))
          if (name !== 'bare' || sort !== '')
            expect(items.every((item, at) => at === 0 || !before(order, item, items[at - 1] ?? {}))).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
    expect(new Set((await walk(endpoints, 'keyed', { limit: '7', select: 'id' })).map(({ id }) => id)).size).toBe(count)
  }, 120_000)

  it('give rows that are equal in everything as often as they are there', async () => {
    const items = await walk(endpoints, 'unordered', { limit: '3' })
    const plain = await bench.query('select a, b from t')
    expect(items.map((item) => JSON.stringify(item)).sort()).toEqual(plain.map((item) => JSON.stringify(item)).sort())
  })

  it('of figures give each group once', async () => {
    const items = await walk(endpoints, 'grouped', { limit: '3' })
    const plain = await bench.query('select a, b, count(*)::int as n, max(d) as most from t group by a, b')
    expect(items.map((item) => JSON.stringify(item)).sort()).toEqual(plain.map((item) => JSON.stringify(item)).sort())
    expect(items.map(({ n }) => n)).toEqual(plain.map(({ n }) => Number(n)).sort((one, other) => other - one))
  })

  it('refuse a cursor that was not given out for the same', async () => {
    const next = async (name: string, given: Readonly<Record<string, string>> = {}): Promise<string> =>
      ((await ask(endpoints, name, { limit: '5', ...given })).body as Page).next ?? ''
    const cursor = await next('bare')
    for (const wrong of [
      '',
      'x',
      `${cursor}A`,
      cursor.slice(0, -2),
      cursor.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      `${cursor} `,
      '\u0000',
    ])
      expect(await refusal(ask(endpoints, 'bare', { cursor: wrong })), wrong).toMatch(/^(CURSOR|FILTER)_INVALID/)
    expect(await refusal(ask(endpoints, 'keyed', { cursor }))).toMatch(/^CURSOR_INVALID/)
    expect(await refusal(ask(endpoints, 'bare', { cursor, a: '1' }))).toMatch(/^CURSOR_INVALID/)
    expect(await refusal(ask(endpoints, 'bare', { cursor, sort: 'b' }))).toMatch(/^CURSOR_INVALID/)
    expect((await ask(endpoints, 'bare', { cursor, limit: '9' })).answer.status).toBe(200)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: cursor.length - 1 }),
        fc.constantFrom(...'ABCxyz019-_'),
        async (at, letter) => {
          const forged = cursor.slice(0, at) + letter + cursor.slice(at + 1)
          if (forged !== cursor)
            expect(await refusal(ask(endpoints, 'bare', { cursor: forged }))).toMatch(/^CURSOR_INVALID/)
        },
      ),
      { numRuns: 60 },
    )
    for (const limit of ['0', '-1', '101', '1e1', '', ' 5', '99999999999'])
      expect(await refusal(ask(endpoints, 'bare', { limit })), limit).toMatch(/^FILTER_INVALID: limit /)
    for (const sort of ['', 'e', 'a,a', 'a,-a', 'a;b', '--a'])
      expect(await refusal(ask(endpoints, 'bare', { sort })), sort).toMatch(/^FILTER_INVALID: sort /)
  })

  it('name their place so that nobody reads in it what the answer does not show', async () => {
    const { body } = await ask(endpoints, 'hidden', { limit: '1' })
    const { items, next } = body as Page
    expect(items.map((item) => Object.keys(item))).toEqual([['a']])
    const bytes = Buffer.from(next ?? '', 'base64url')
    expect(bytes.length).toBeGreaterThan(30)
    expect(bytes.toString('latin1')).not.toContain('salary')
    expect((await ask(endpoints, 'hidden', { limit: '1', cursor: next ?? '' })).answer.status).toBe(200)
  })

  it('end with the publication that they were of', async () => {
    for (const name of ['bare', 'keyed', 'view', 'query', 'grouped']) {
      const { body } = await ask(endpoints, name, { limit: '2' })
      const cursor = (body as Page).next ?? '' // more than two rows
      expect((await ask(endpoints, name, { limit: '2', cursor })).answer.status).toBe(200)
      await bench.publish(`update t set d = d where a = 1`)
      expect(await refusal(ask(endpoints, name, { limit: '2', cursor })), name).toMatch(/^CURSOR_EXPIRED/)
    }
  })
})

/** Whether `a` comes before `b`; null comes last in either direction. */
function before(
  order: readonly { readonly name: string; readonly down: boolean }[],
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): boolean {
  for (const { name, down } of order) {
    const [x, y] = [a[name], b[name]]
    if (x === y) continue
    if (x === null || y === null) return y === null
    const less =
      typeof x === 'number' ? x < Number(y) : Buffer.compare(Buffer.from(x as string), Buffer.from(y as string)) < 0
    return less !== down
  }
  return false
}
