import fc from 'fast-check'
import { expect, it } from 'vitest'
import { diff } from './diff.ts'

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'))

it('both texts can be read out of it', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diff(before, after)
      const of = (...tags: string[]) => lines.filter(({ tag }) => tags.includes(tag)).map((line) => line.text)
      expect(of('same', 'gone').join('\n')).toBe(before)
      expect(of('same', 'new').join('\n')).toBe(after)
    }),
  )
})

it('keeps what stays', () => {
  expect(diff('a\nb\nc', 'a\nx\nc')).toEqual([
    { tag: 'same', text: 'a' },
    { tag: 'gone', text: 'b' },
    { tag: 'new', text: 'x' },
    { tag: 'same', text: 'c' },
  ])
  expect(diff('a', 'a').every(({ tag }) => tag === 'same')).toBe(true)
})
