import { describe, expect, it } from 'vitest'
import { arrivalOf, gistOf } from './delivery.ts'

const delivery = (state: 'waiting' | 'delivered' | 'given up') => ({ state, attempts: 1 })

describe('what became of a notification', () => {
  it('is the worst of its deliveries', () => {
    expect(arrivalOf([delivery('delivered'), delivery('given up'), delivery('waiting')])).toBe('given up')
    expect(arrivalOf([delivery('delivered'), delivery('waiting')])).toBe('waiting')
    expect(arrivalOf([delivery('delivered')])).toBe('delivered')
    expect(arrivalOf([])).toBe('nobody')
  })
})

describe('the gist of a payload', () => {
  it('is the code and what it means, or why', () => {
    const error = { code: 'STORE_UNREACHABLE', means: 'A store cannot be reached.', store: null }
    expect(gistOf({ type: 'flow.failed', data: { error, why: null } })).toBe(
      'STORE_UNREACHABLE: A store cannot be reached.',
    )
    expect(gistOf({ type: 'flow.late', data: { error: null, why: 'due at 05:00' } })).toBe('due at 05:00')
  })

  it('of a test is who sent it', () => expect(gistOf({ type: 'test', data: { by: 'ada' } })).toBe('by ada'))

  it('of something else is nothing', () => {
    expect([null, 5, 'x', [], {}, { data: null }].map(gistOf)).toEqual(['', '', '', '', '', ''])
  })
})
