import fc from 'fast-check'
import { expect, it } from 'vitest'
import { listOf, oneIn, parseSearch, someIn, stringifySearch, textIn } from './search.ts'

it('text comes back from the URL as it was, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (text) => {
      expect(parseSearch(stringifySearch({ q: text }))).toEqual({ q: text })
    }),
  )
})

it('leaves out what is empty, and keeps commas readable', () => {
  expect(stringifySearch({ q: '', state: 'late,failed', page: undefined })).toBe('?state=late,failed')
  expect(stringifySearch({})).toBe('')
})

it('drops what does not fit', () => {
  expect(textIn('  ')).toBeUndefined()
  expect(oneIn('x', ['a', 'b'])).toBeUndefined()
  expect(someIn('b,x,a', ['a', 'b'])).toBe('a,b')
  expect(someIn('x', ['a', 'b'])).toBeUndefined()
  expect(listOf(undefined)).toEqual([])
})
