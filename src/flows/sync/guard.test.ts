import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPlainlyFine, suspicion } from './guard.ts'

const question = { minRows: 1, maxShrink: 0.5, flow: 'f', table: 'public.t' }

test('no rows, and fewer than half, are suspicious; half is not', () => {
  expect(suspicion({ ...question, rows: 0, published: 100 })?.code).toBe('GUARD_EMPTY')
  expect(suspicion({ ...question, rows: 0, published: null })?.code).toBe('GUARD_EMPTY')
  expect(suspicion({ ...question, rows: 49, published: 100 })?.code).toBe('GUARD_SHRUNK')
  expect(suspicion({ ...question, rows: 50, published: 100 })).toBeNull()
  expect(suspicion({ ...question, rows: 1, published: null })).toBeNull()
})

test('the counts are named, and how to publish all the same', () => {
  const error = suspicion({ ...question, rows: 300_000, published: 3_000_000 })
  expect(error?.summary).toBe('the source has 300,000 rows, 90 % fewer than the 3,000,000 rows published')
  expect(error?.fix).toContain('sluice run f --force')
})

test('zero is allowed where the guard says so', () => {
  expect(suspicion({ ...question, minRows: 0, maxShrink: 1, rows: 0, published: 100 })).toBeNull()
})

test('growing is never suspicious', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.nat(1e9),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (published, more, maxShrink) => {
        expect(suspicion({ ...question, maxShrink, rows: published + more, published })).toBeNull()
      },
    ),
  )
})

test('rows are not counted where what was published and what the table seems to hold agree', () => {
  const glance = { rows: 990, recorded: 1000, estimated: 1010, minRows: 1, maxShrink: 0.5 }
  expect(isPlainlyFine(glance)).toBe(true)
  expect(isPlainlyFine({ ...glance, rows: 700 })).toBe(false)
  expect(isPlainlyFine({ ...glance, recorded: null })).toBe(false)
  expect(isPlainlyFine({ ...glance, estimated: 5000 })).toBe(false)
  expect(isPlainlyFine({ ...glance, estimated: 100 })).toBe(false)
  expect(isPlainlyFine({ ...glance, minRows: 2000 })).toBe(false)
  expect(isPlainlyFine({ ...glance, maxShrink: 0 })).toBe(false)
})

test('what is plainly fine is not suspicious, as long as neither number is off by a quarter', () => {
  const near = fc.double({ min: 0.8, max: 1.25, noNaN: true })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(2e9), near, near, (published, rows, a, b) => {
      const glance = { rows, recorded: published * a, estimated: published * b, minRows: 1, maxShrink: 0.5 }
      if (isPlainlyFine(glance)) expect(suspicion({ ...question, rows, published })).toBeNull()
    }),
  )
})
