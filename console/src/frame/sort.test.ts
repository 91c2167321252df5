import { expect, it } from 'vitest'
import { parseSort, writeSort } from './sort.ts'

it.each([undefined, 'rows', '-rows'])('%s comes back as it was', (text) => {
  expect(writeSort(parseSort(text))).toBe(text)
})

it('nothing sorts by nothing', () => {
  expect(parseSort('')).toEqual([])
  expect(parseSort('-')).toEqual([])
})
