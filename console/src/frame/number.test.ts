import { expect, it } from 'vitest'
import { bytes, compact, count, plural } from './number.ts'

it('groups thousands', () => {
  expect(count(3_000_000)).toBe('3,000,000')
  expect(compact(9_999)).toBe('9,999')
  expect(compact(3_210_000)).toBe('3.2M')
})

it('one is no many', () => {
  expect([plural(0, 'row'), plural(1, 'row'), plural(2, 'row'), plural(2, 'query', 'queries')]).toEqual([
    '0 rows',
    '1 row',
    '2 rows',
    '2 queries',
  ])
})

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_500, '1.5 kB'],
  [250_000_000, '250 MB'],
  [3_200_000_000, '3.2 GB'],
])('%d bytes', (value, text) => {
  expect(bytes(value)).toBe(text)
})
