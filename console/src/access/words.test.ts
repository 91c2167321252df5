import { expect, it } from 'vitest'
import { expiry } from './words.ts'

it('a token made now expires so many days later, or never', () => {
  const now = new Date('2026-03-28T12:00:00Z')
  expect(expiry('90', now)).toBe('2026-06-26T12:00:00.000Z')
  expect(expiry('never', now)).toBeNull()
})
