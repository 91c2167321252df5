import { expect, test } from 'vitest'
import { afterOf, paged } from './cursor.ts'

const records = (...ids: readonly string[]) => ids.map((id) => ({ id }))

test('a page that is full and the last one has no next; one with more behind it leads there', () => {
  expect(paged(records('3', '2'), 2, 2)).toEqual({ items: records('3', '2'), next: null, total: 2 })
  expect(paged([], 2, 0)).toEqual({ items: [], next: null, total: 0 })
  const { items, next } = paged(records('3', '2', '1'), 2, 3)
  expect(items).toEqual(records('3', '2'))
  expect(afterOf({ limit: 2, cursor: next }, 'number')).toBe('2')
  expect(() => afterOf({ limit: 2, cursor: next }, 'uuid')).toThrow('none of this list')
  expect(afterOf({ limit: 2, cursor: null }, 'uuid')).toBeNull()
})
