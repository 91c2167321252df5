/** No row outside the caller's claims, whatever the claims are and whatever is asked. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it, test } from 'vitest'
import type { Json } from '../lib/json.ts'
import type { EndpointOptions } from './config.ts'
import type { Endpoints } from './endpoints.ts'
import { ask, onServer, refusal } from '../../test/support/endpoints.ts'
import { kindOf } from './kinds.ts'
import { sightOf } from './scope.ts'

const sectors = ['North', "So'uth", 'نور', 'a,b'] as const
const schools = ['s1', 's2', 's3'] as const
const grades = ['1', '2'] as const
const rows = sectors.flatMap((sector) =>
  schools.flatMap((school) => grades.map((grade) => ({ sector, school: `${sector} ${school}`, grade }))),
)

const seen: EndpointOptions['scope'] = {
  by: 'role',
  when: { FDE: 'all', AEO: { sector: 'sector' }, Principal: { school: 'school', sector: 'sector' }, Nobody: {} },
}

/** What those claims may see, said once more and more simply. */
function visible(claims: Readonly<Record<string, Json>>): typeof rows {
  const among = (claim: string, value: string): boolean => {
    const given = Object.hasOwn(claims, claim) ? claims[claim] : undefined
    const list: readonly unknown[] = Array.isArray(given) ? given : [given]
    return list.every((one) => typeof one === 'string' && one !== '') && list.includes(value)
  }
  const role = Object.hasOwn(claims, 'role') ? claims['role'] : undefined
  if (role === 'FDE') return rows
  if (role === 'AEO') return rows.filter(({ sector }) => among('sector', sector))
  if (role === 'Principal')
    return rows.filter(({ sector, school }) => among('school', school) && among('sector', sector))
  return []
}

describe.each([18, 14] as const)('scope on PostgreSQL %i', (version) => {
  const bench = onServer(version)
  let endpoints: Endpoints

  beforeAll(async () => {
    await bench.query('create table t (sector varchar(50), school text, grade text)')
    await bench.query(
      'insert into t select * from jsonb_to_recordset($1::jsonb) as r (sector text, school text, grade text)',
      [JSON.stringify(rows)],
    )
    await bench.publish()
    const filter = ['sector', 'school', 'grade']
    const common = { filter, search: ['school', 'grade'], scope: seen }
    const sort = ['sector', 'school', 'grade']
    endpoints = bench.open({
      page: { table: 't', sort, page: { size: 100 }, ...common },
      list: { table: 't', sort, shape: 'list', ...common },
      query: {
        query: 'select sector, school, grade from t where grade = :grade or :grade is null',
        params: { grade: {} },
        flows: ['flow'],
        sort,
        shape: 'list',
        ...common,
        filter: ['sector', 'school'],
      },
      totals: {
        table: 't',
        aggregate: { n: { count: '*' }, schools: { distinct: 'school' }, first: { min: 'school' } },
        ...common,
      },
      groups: {
        table: 't',
        aggregate: { n: { count: '*' } },
        by: ['sector'],
        sort: ['sector'],
        shape: 'list',
        ...common,
      },
      options: { table: 't', distinct: { sectors: 'sector', schools: 'school', grades: 'grade' }, ...common },
    })
  })

  const text = fc.oneof(
    fc.constantFrom(...sectors, ...rows.map(({ school }) => school), ...grades, '', '%', "' or true --"),
    fc.string(),
  )
  const claim: fc.Arbitrary<Json> = fc.oneof(
    text,
    fc.array(text, { maxLength: 3 }),
    fc.constantFrom(null, true, 1, { a: 1 }, ['North', null], [['North']], []),
  )
  const role = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('FDE', 'AEO', 'Principal', 'Nobody') },
    {
      weight: 1,
      arbitrary: fc.oneof(claim, fc.constantFrom('__proto__', 'constructor', 'toString', ['AEO'], ['FDE'])),
    },
  )
  const claims = fc.record({ role, sector: claim, school: claim }, { requiredKeys: [] })
  const given = fc.dictionary(
    fc.constantFrom(
      'sector',
      'sector.in',
      'sector.ne',
      'school.gte',
      'school.contains',
      'grade',
      'search',
      'role',
      'scope',
      'select',
    ),
    text,
    { maxKeys: 3 },
  )

  it('shows what the claims allow, and nothing else, in every shape', async () => {
    await fc.assert(
      fc.asyncProperty(claims, async (who) => {
        const allowed = visible(who).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
        const read = async (name: string): Promise<unknown> => (await ask(endpoints, name, {}, { claims: who })).body
        const inOrder = (items: unknown): unknown =>
          (items as typeof rows).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) // rows of the table
        expect(inOrder(await read('list'))).toEqual(allowed)
        expect(inOrder(await read('query'))).toEqual(allowed)
        const page = (await read('page')) as { readonly items: typeof rows; readonly total: number } // the documented shape
        expect([inOrder(page.items), page.total]).toEqual([allowed, allowed.length])
        expect(await read('totals')).toMatchObject({
          n: allowed.length,
          schools: new Set(allowed.map(({ school }) => school)).size,
        })
        const options = (await read('options')) as Readonly<Record<string, readonly string[]>> // the documented shape
        for (const [list, column] of [
          ['sectors', 'sector'],
          ['schools', 'school'],
          ['grades', 'grade'],
        ] as const)
          expect(new Set(options[list])).toEqual(new Set(allowed.map((one) => one[column])))
        const groups = (await read('groups')) as readonly { readonly sector: string; readonly n: number }[] // the documented shape
        expect(groups.map(({ sector, n }) => [sector, n])).toEqual(
          expect.arrayContaining(
            [...new Set(allowed.map(({ sector }) => sector))].map((sector) => [
              sector,
              allowed.filter((one) => one.sector === sector).length,
            ]),
          ),
        )
        expect(groups).toHaveLength(new Set(allowed.map(({ sector }) => sector)).size)
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('is not widened by anything that is asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        claims,
        given,
        fc.constantFrom('page', 'list', 'query', 'options', 'totals'),
        async (who, asked, name) => {
          const allowed = visible(who)
          const body = await ask(endpoints, name, asked, { claims: who }).then(
            (found) => found.body,
            () => null,
          )
          if (body === null) return
          if (name === 'totals') expect((body as { n: number }).n).toBeLessThanOrEqual(allowed.length)
          else if (name === 'options') {
            const schoolsSeen = (body as { schools: readonly string[] }).schools
            expect(schoolsSeen.filter((one) => !allowed.some(({ school }) => school === one))).toEqual([])
          } else {
            const items = name === 'page' ? (body as { items: readonly object[] }).items : (body as readonly object[])
            for (const item of items)
              expect(
                allowed.some((one) =>
                  Object.entries(item).every(([column, value]) => one[column as keyof typeof one] === value),
                ),
              ).toBe(true)
          }
        },
      ),
      { numRuns: 150 },
    )
  }, 60_000)

  it('does not let one caller go on with the cursor, or the ETag, of another', async () => {
    const who = { claims: { role: 'AEO', sector: 'North' } }
    const { answer, body } = await ask(endpoints, 'page', { limit: '2' }, who)
    const cursor = (body as { readonly next: string }).next
    expect(await refusal(ask(endpoints, 'page', { limit: '2', cursor }, { claims: { role: 'FDE' } }))).toMatch(
      /^CURSOR_INVALID/,
    )
    if (answer.status !== 200 || answer.etag === null) throw new Error('an answer with an ETag was due')
    const how = { ifNoneMatch: answer.etag }
    expect((await ask(endpoints, 'page', { limit: '2' }, who, how)).answer.status).toBe(304)
    expect((await ask(endpoints, 'page', { limit: '2' }, { claims: { role: 'FDE' } }, how)).answer.status).toBe(200)
  })
})

const kind = (type: string) => () => kindOf(type, false)

test.each([
  ['integer', 5, ['5']],
  ['integer', '5', ['5']],
  ['integer', 5.5, null],
  ['integer', 'five', null],
  ['integer', [1, 2], ['1', '2']],
  ['integer', [1, 'x'], null],
  ['integer', true, null],
  ['text', 5, null],
  ['text', ['a', ''], null],
  ['text', 'a\0', null],
  ['boolean', true, ['true']],
  ['boolean', 'true', null],
  ['date', '2025-02-30', null],
  ['uuid', '0b9cbd1a-8f3e-4f6b-9d58-2f1c5b0c9f5e', ['0b9cbd1a-8f3e-4f6b-9d58-2f1c5b0c9f5e']],
  ['jsonb', 'a', null],
] as const)('a claim for a column of type %s: %j', (type, claim, values) => {
  expect(sightOf({ c: 'claim' }, { claim }, kind(type))).toEqual(
    values === null ? { tag: 'none' } : { tag: 'bound', to: [{ column: 'c', values }] },
  )
})

test('a scope without columns, or of columns that are not there, shows nothing', () => {
  expect(sightOf({}, { a: 'a' }, kind('text'))).toEqual({ tag: 'none' })
  expect(sightOf({ c: 'claim' }, { claim: 'a' }, () => undefined)).toEqual({ tag: 'none' })
  expect(sightOf(undefined, {}, kind('text'))).toEqual({ tag: 'all' })
})
