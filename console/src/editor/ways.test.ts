import { describe, expect, test } from 'vitest'
import type { Alternative, Field } from './shape.ts'
import { beginning, isScalar, scalarOf, wayOf } from './ways.ts'

const field = (key: string): Field => ({
  key,
  description: null,
  required: true,
  fallback: undefined,
  input: { tag: 'text' },
})
const way = (key: string): Alternative => ({
  key,
  description: null,
  input: { tag: 'group', fields: [field(key), field('store')] },
})
const from = [way('query'), way('table')]
const to: readonly Alternative[] = [{ key: null, description: null, input: { tag: 'text' } }, way('table')]
const lookback: readonly Alternative[] = [
  { key: null, description: null, input: { tag: 'text' } },
  { key: null, description: null, input: { tag: 'number', whole: false, min: 0, max: null } },
]

describe('values that can be written in several ways', () => {
  test('the way is told by the key, or by being no object', () => {
    expect(wayOf({ table: 'a' }, from)).toBe(1)
    expect(wayOf('a', to)).toBe(0)
    expect(wayOf({ table: 'a' }, to)).toBe(1)
    expect(wayOf(undefined, from)).toBe(0)
  })

  test('of two ways with the same key it is the one that has all of what the value has', () => {
    const tables = [way('table'), { ...way('table'), besides: ['store'] }, way('query')]
    expect(wayOf({ table: 'a' }, tables)).toBe(0)
    expect(wayOf({ table: 'a', store: 'billing' }, tables)).toBe(1)
    expect(wayOf({ query: 'a', store: 'billing' }, tables)).toBe(2)
    expect(beginning(tables[1] as Alternative, undefined)).toEqual({ table: '', store: '' })
  })

  test('ways without keys of their own are told by what they take', () => {
    const by: readonly Alternative[] = [
      { key: null, description: null, input: { tag: 'list' } },
      { key: null, description: null, input: { tag: 'json' } },
    ]
    const track: readonly Alternative[] = [
      { key: null, description: null, input: { tag: 'word', word: 'triggers' } },
      way('lookback'),
    ]
    expect([['a'], { a: 'b' }, undefined].map((value) => wayOf(value, by))).toEqual([0, 1, 0])
    expect(['triggers', { lookback: '3d' }].map((value) => wayOf(value, track))).toEqual([0, 1])
    expect(beginning(track[0] as Alternative, { lookback: '3d' })).toBe('triggers')
    expect(beginning(by[1] as Alternative, ['a'])).toEqual({})
  })

  test('another way begins empty, with what both have', () => {
    expect(beginning(from[1] as Alternative, { query: 'select 1', store: 'billing' })).toEqual({
      table: '',
      store: 'billing',
    })
    expect(beginning(to[0] as Alternative, { table: 'a' })).toBe('')
  })

  test('one field takes a duration or a number', () => {
    expect([isScalar(lookback), isScalar(to)]).toEqual([true, false])
    expect(['2h', '5', '0.5', ' ', '5x'].map((text) => scalarOf(text, lookback))).toEqual([
      '2h',
      5,
      0.5,
      undefined,
      '5x',
    ])
    expect(scalarOf('5', [lookback[0] as Alternative])).toBe('5')
  })
})
