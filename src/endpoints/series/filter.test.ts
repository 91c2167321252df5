/** Filter trees: applied, or refused at their place. */
import { describe, expect, test } from 'vitest'
import { raw } from '../../lib/sql.ts'
import { kindOf } from '../kinds.ts'
import { conditionOf, fieldsOf, parseFilter, pins } from './filter.ts'

const fields = new Map([
  ['blog', kindOf('integer', false)],
  ['big', kindOf('bigint', false)],
  ['country', kindOf('text', true)],
  ['state', kindOf('"mood"', true)],
  ['paid', kindOf('boolean', false)],
  ['born', kindOf('timestamp with time zone', false)],
  ['tags', kindOf('text[]', false)],
  ['more', kindOf('jsonb', false)],
])
const eq = (field: string, value: unknown): object => ({ eq: { field, value } })

test('a tree becomes a condition with its values bound', () => {
  const filter = parseFilter(
    {
      and: [
        eq('country', "D'E"),
        { not: { or: [{ lt: { field: 'blog', value: '3' } }, { in: { field: 'blog', value: [1, 2] } }] } },
      ],
    },
    fields,
  )
  const condition = conditionOf(filter, fields, (name) => raw(`t.${name}`))
  expect(condition.text).toBe(
    '((t.country = $1::text) and (not ((t.blog < $2::integer) or (t.blog = any($3::integer[])))))',
  )
  expect(condition.values).toEqual(["D'E", '3', ['1', '2']])
  expect([...fieldsOf(filter)]).toEqual(['country', 'blog'])
})

test('contains takes its characters for themselves', () => {
  const filter = parseFilter({ contains: { field: 'country', value: '%_' } }, fields)
  const condition = conditionOf(filter, fields, (name) => raw(`t.${name}`))
  expect(condition.text).toContain('strpos(t.country')
  expect(condition.values).toEqual(['%_'])
})

describe('what is refused', () => {
  test.each([
    [null, '', /one operator/],
    [[], '', /one operator/],
    ['eq', '', /one operator/],
    [{}, '', /0 operators/],
    [{ ...eq('blog', 1), not: eq('blog', 1) }, '', /exactly one/],
    [{ and: [] }, '/and', /not empty/],
    [{ or: eq('blog', 1) }, '/or', /a list/],
    [{ and: [eq('blog', 1), { not: [] }] }, '/and/1/not', /one operator/],
    [{ not: { or: [eq('nothing', 1)] } }, '/not/or/0/eq', /no field "nothing"/],
    [eq('__proto__', 1), '/eq', /no field/],
    [{ eq: { field: 1, value: 1 } }, '/eq', /no field 1/],
    [{ ne: { field: 'blog', value: 1 } }, '/ne', /no operator "ne"/],
    [{ between: { field: 'blog', value: [1, 2] } }, '/between', /no operator "between"/],
    [{ contain: { field: 'country', value: 'x' } }, '/contain', /did you mean "contains"/],
    [{ eq: { field: 'blog', value: 1, also: 2 } }, '/eq', /"field"/],
    [{ eq: { field: 'blog' } }, '/eq', /"field"/],
    [eq('blog', 'x'), '/eq', /value of blog/],
    [eq('blog', 1.5), '/eq', /value of blog/],
    [eq('blog', 2 ** 31), '/eq', /value of blog/],
    [eq('blog', true), '/eq', /a number/],
    [eq('blog', null), '/eq', /a number/],
    [eq('blog', [1]), '/eq', /a number/],
    // Whoever reads this as JSON reads 9007199254740992.
    [JSON.parse('{"eq": {"field": "big", "value": 9007199254740993}}'), '/eq', /write it as a text/],
    [eq('country', 1), '/eq', /a text/],
    [eq('country', 'a\0'), '/eq', /code 0/],
    [eq('paid', 'true'), '/eq', /true or false/],
    [eq('born', 'yesterday'), '/eq', /value of born/],
    [eq('born', '2025-02-30T00:00:00Z'), '/eq', /value of born/],
    [{ lt: { field: 'paid', value: true } }, '/lt', /does not go with paid/],
    [{ lt: { field: 'state', value: 'sad' } }, '/lt', /does not go with state/],
    [{ contains: { field: 'blog', value: 1 } }, '/contains', /does not go with blog/],
    [{ contains: { field: 'tags', value: 'x' } }, '/contains', /does not go with tags/],
    [{ contains: { field: 'more', value: '1' } }, '/contains', /does not go with more/],
    [{ in: { field: 'blog', value: 1 } }, '/in', /a list/],
    [{ in: { field: 'blog', value: [] } }, '/in', /not empty/],
    [{ in: { field: 'blog', value: [1, 'x'] } }, '/in', /value of blog/],
  ] as const)('%j', (written, path, why) => {
    expect(() => parseFilter(written, fields)).toThrow(
      expect.objectContaining({
        code: 'FILTER_INVALID',
        message: path === '' ? 'the filter is wrong' : `the filter is wrong at ${path}`,
        why: expect.stringMatching(why) as string,
      }),
    )
  })

  test('a tree that is too deep', () => {
    let written: object = eq('blog', 1)
    for (let depth = 0; depth < 51; depth += 1) written = { not: written }
    expect(() => parseFilter(written, fields)).toThrow(expect.objectContaining({ code: 'FILTER_INVALID' }))
  })
})

test('a text is taken where a number of JSON is too small', () => {
  const filter = parseFilter(eq('big', '9007199254740993'), fields)
  expect(filter).toEqual({ tag: 'compare', operator: 'eq', field: 'big', value: '9007199254740993' })
})

test('one value is left of every field that is not asked by', () => {
  const of = (written: unknown, by: readonly string[] = []): boolean => pins(parseFilter(written, fields), by)
  expect(pins(null, [])).toBe(true)
  expect(of(eq('blog', 1))).toBe(true)
  expect(of({ and: [eq('blog', 1), eq('country', 'x')] })).toBe(true)
  expect(of({ and: [eq('blog', 1), { lt: { field: 'country', value: 'x' } }] }, ['country'])).toBe(true)
  expect(of({ or: [eq('blog', 1), eq('blog', 2)] })).toBe(false)
  expect(of({ not: eq('blog', 1) })).toBe(false)
  expect(of({ in: { field: 'blog', value: [1] } })).toBe(false)
  expect(of({ lt: { field: 'blog', value: 1 } })).toBe(false)
})
