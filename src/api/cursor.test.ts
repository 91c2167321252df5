import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { fromCursor, pageByName, toCursor } from './cursor.ts'

test('a cursor is the position that it was made of', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      expect(fromCursor(z.string(), toCursor(name))).toBe(name)
    }),
  )
})

test('any other text is refused, whatever it is', () => {
  const position = z.object({ run: z.uuid() })
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => fromCursor(position, text)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }))
    }),
  )
})

test('pages have every item once, in order, however large they are', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ maxLength: 5 })), fc.integer({ min: 1, max: 7 }), (names, limit) => {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = pageByName(names, (name) => name, { limit, cursor })
        expect(page.total).toBe(names.length)
        expect(page.items.length).toBeLessThanOrEqual(limit)
        seen.push(...page.items)
        cursor = page.next ?? undefined
      } while (cursor !== undefined)
      expect(seen).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)))
    }),
  )
})
