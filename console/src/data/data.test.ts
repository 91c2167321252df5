import { describe, expect, test } from 'vitest'
import type { EndpointParameter } from '../client/model/endpointParameter.ts'
import { addressOf, filtersByColumn, queryOf, sortable, valuesOf, withParameter } from './query.ts'
import { answered, cellText } from './rows.ts'

const parameter = (name: string, column: string | null, role: EndpointParameter['role']): EndpointParameter => ({
  name,
  role,
  column,
  operator: null,
  type: 'text',
  required: false,
  description: '',
  schema: {},
})

describe('what is asked', () => {
  test("the page's own keys are no parameters", () => {
    expect(queryOf({ $endpoint: 'a', $table: 'b', $as: 'json', state: 'TX', 'x.gte': '5', gone: undefined })).toEqual({
      state: 'TX',
      'x.gte': '5',
    })
  })

  test('an address with every parameter in it', () => {
    expect(addressOf('/api/data/a', {})).toBe('/api/data/a')
    expect(addressOf('/api/data/a', { 'x.in': 'a,b', q: "it's & so" })).toBe('/api/data/a?x.in=a,b&q=it%27s+%26+so')
  })

  test('another filter begins at the first page', () => {
    expect(withParameter({ a: '1', cursor: 'c' }, 'b', '2')).toEqual({ a: '1', b: '2' })
    expect(withParameter({ a: '1', cursor: 'c' }, 'a', undefined)).toEqual({})
  })

  test('filters by column; values where the schema lists them', () => {
    const filters = filtersByColumn([
      parameter('a', 'a', 'filter'),
      parameter('a.ne', 'a', 'filter'),
      parameter('limit', null, 'limit'),
    ])
    expect([...filters].map(([column, those]) => [column, those.map(({ name }) => name)])).toEqual([
      ['a', ['a', 'a.ne']],
    ])
    expect(valuesOf({ schema: { enum: ['a', 1] } })).toEqual(['a', '1'])
    expect(valuesOf({ schema: null })).toEqual([])
    expect(sortable({ description: 'columns, a minus before one descends: iata, name' })).toEqual(['iata', 'name'])
    expect(sortable({ description: 'none' })).toEqual([])
  })
})

describe('what is answered', () => {
  test('each shape as rows', () => {
    expect(answered({ items: [{ a: 1 }, { b: null }], next: 'c', total: 9, asOf: null })).toEqual({
      columns: ['a', 'b'],
      rows: [{ a: 1 }, { b: null }],
      next: 'c',
      total: 9,
    })
    expect(answered([{ a: 1 }])).toMatchObject({ columns: ['a'], next: null, total: null })
    expect(answered({ total: 3, average: 0.5 })).toMatchObject({
      columns: ['total', 'average'],
      rows: [{ total: 3, average: 0.5 }],
    })
    expect(answered({ schools: ['x', 'y'], sectors: ['s'] })).toMatchObject({
      columns: ['schools', 'sectors'],
      rows: [
        { schools: 'x', sectors: 's' },
        { schools: 'y', sectors: undefined },
      ],
    })
    expect(answered([])).toMatchObject({ columns: [], rows: [] })
  })

  test('null is not empty', () => {
    expect([null, '', 0, false, { a: 1 }].map(cellText)).toEqual([null, '', '0', 'false', '{"a":1}'])
  })
})
