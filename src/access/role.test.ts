import fc from 'fast-check'
import { expect, test } from 'vitest'
import { atLeast, claims, lesser, name, role } from './role.ts'

test('each role may what the one before may', () => {
  const ranks = [null, ...role.options]
  for (const [at, has] of ranks.entries())
    for (const [from, needed] of role.options.entries()) expect(atLeast(has, needed)).toBe(at >= from + 1)
  for (const [at, one] of ranks.entries())
    for (const [from, other] of ranks.entries()) expect(lesser(one, other)).toBe(ranks[Math.min(at, from)])
})

test('names and claims are what PostgreSQL and a page can hold', () => {
  for (const odd of ['', '  ', 'a\0', 'a\nb', '\ud800', 'x'.repeat(101)])
    expect(name.safeParse(odd).success).toBe(false)
  expect(name.parse(' Ann Õ ')).toBe('Ann Õ')
  expect(claims.parse({ sector: ['East', 2, true], school: 'x' })).toEqual({ sector: ['East', 2, true], school: 'x' })
  for (const odd of [{ a: null }, { a: {} }, { a: [['x']] }, { a: '\0' }, { '': 1 }, { a: Infinity }, [], null])
    expect(claims.safeParse(odd).success).toBe(false)
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const parsed = claims.safeParse(value)
      if (parsed.success) expect(JSON.parse(JSON.stringify(parsed.data))).toEqual({ ...parsed.data })
    }),
  )
})
