import fc from 'fast-check'
import { expect, test } from 'vitest'
import { textFault } from './text.ts'

test('any JSON of whole characters is let in', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\u0000') && one.isWellFormed())
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 5 }), text, (value, key) => {
      const clean = JSON.parse(JSON.stringify({ [key]: value }).replaceAll(String.raw`\u0000`, ''))
      expect(textFault(clean, 'body')).toBeNull()
    }),
  )
})

test('a fault is found wherever it is, and named', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant('list'), fc.constant('object')), { maxLength: 20 }),
      fc.constantFrom('a\u0000b', '\ud800', 'x\udc00'),
      (shape, bad) => {
        let value: unknown = bad
        for (const one of shape) value = one === 'list' ? ['fine', value] : { first: 1, a: value }
        expect(textFault(value, 'body')).toMatch(/^body.* has (the character U\+0000|half of a character)$/)
      },
    ),
  )
  expect(textFault({ a: { ['x\u0000']: 1 } }, 'body')).toBe('a name in body/a has the character U+0000')
})

test('nesting without end is refused, not followed', () => {
  expect(textFault(JSON.parse(`${'['.repeat(300_000)}${']'.repeat(300_000)}`), 'body')).toMatch(
    /nested deeper than 64$/,
  )
})
