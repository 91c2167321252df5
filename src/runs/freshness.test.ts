import { describe, expect, test } from 'vitest'
import type { Schedule } from '../lib/schedule.ts'
import type { ErrorRecord } from '../lib/error.ts'
import { judge, lastDue, shownDue, tellingOf, type FlowFacts } from './freshness.ts'

const hour = 3_600_000
const at = (time: string): Date => new Date(`2026-11-22T${time}Z`)
const error = (code: ErrorRecord['code']): ErrorRecord => ({
  code,
  summary: 'It did not work',
  why: 'no such table\nLINE 1',
  fix: 'look',
  where: {},
})

const fresh: FlowFacts = {
  now: at('12:10'),
  paused: null,
  due: { at: at('12:00'), reason: null },
  late: 30 * 60_000,
  sourceEvery: null,
  published: true,
  ever: true,
  doneTo: at('12:00'),
  failure: null,
  asOf: at('11:50'),
}
const failure = { run: 'r1', at: at('12:05'), error: error('STORE_QUERY') }

describe('by precedence', () => {
  test.each<[string, Partial<FlowFacts>, string, string | null]>([
    ['what was due is done', {}, 'fresh', null],
    ['what was due is not done, but not late yet', { doneTo: at('10:00') }, 'fresh', null],
    [
      'late is a matter of due time, not of when something ran',
      { now: at('12:31'), doneTo: at('11:59') },
      'late',
      'due 2026-11-22 12:00 UTC, not done after 31 min',
    ],
    ['exactly at the end of its grace it is not late', { now: at('12:30'), doneTo: at('10:00') }, 'fresh', null],
    [
      'late says why it was skipped',
      { now: at('13:00'), doneTo: at('10:00'), due: { at: at('12:00'), reason: 'paused by ann' } },
      'late',
      'due 2026-11-22 12:00 UTC, not done after 1 h: paused by ann',
    ],
    ['a run asked for after the due time answers to it', { now: at('13:00'), doneTo: at('12:20') }, 'fresh', null],
    ['nothing was due yet', { due: null, doneTo: null }, 'fresh', null],
    [
      'never published',
      { published: false, ever: false, doneTo: null, due: null, asOf: null },
      'never',
      'never published',
    ],
    [
      'others are published, the new one is not yet due',
      { published: false, doneTo: null, now: at('12:10') },
      'fresh',
      null,
    ],
    [
      'never published, and late',
      { published: false, ever: false, doneTo: null, now: at('13:00'), asOf: null },
      'late',
      'due 2026-11-22 12:00 UTC, not done after 1 h',
    ],
    [
      'a source that was not rebuilt',
      { sourceEvery: 24 * hour, asOf: new Date('2026-11-20T12:00Z') },
      'stale',
      'the source is as of 2026-11-20 12:00 UTC, 2 d 10 min old; it is rebuilt every 1 d',
    ],
    [
      'a source that is within its time and grace',
      { sourceEvery: 24 * hour, asOf: new Date('2026-11-21T11:50Z') },
      'fresh',
      null,
    ],
    [
      'late before stale',
      { sourceEvery: hour, asOf: at('01:00'), doneTo: at('10:00'), now: at('13:00') },
      'late',
      'due 2026-11-22 12:00 UTC, not done after 1 h',
    ],
    [
      'failed before late',
      { failure, doneTo: at('10:00'), now: at('13:00') },
      'failed',
      'STORE_QUERY: It did not work (no such table)',
    ],
    ['paused before failed', { failure, paused: { at: at('12:00'), by: 'ann', reason: null } }, 'paused', 'by ann'],
  ])('%s', (_, change, state, why) => {
    expect(judge({ ...fresh, ...change })).toEqual({ state, why })
  })
})

describe('the due time that counts', () => {
  const every: Schedule = { tag: 'every', every: 2 * hour, offset: 0 }
  test('what was due before the schedule was there does not', () => {
    expect(lastDue(every, at('11:15'), null, at('11:30'))).toBeNull()
    expect(lastDue(every, at('11:15'), null, at('12:30'))).toEqual({ at: at('12:00'), reason: null })
  })
  test('the newest occurrence does, with what became of it', () => {
    const newest = { at: at('12:00'), reason: 'paused by ann' }
    expect(lastDue(every, at('12:00'), newest, at('13:00'))).toEqual(newest)
    expect(lastDue(every, at('12:00'), newest, at('14:01'))).toEqual({ at: at('14:00'), reason: null })
  })
  test('by hand: none', () => expect(lastDue(null, null, null, at('13:00'))).toBeNull())
  test('shown is what is due and not done, else what is due next', () => {
    expect(shownDue({ ...fresh, doneTo: at('10:00') }, every)).toEqual(at('12:00'))
    expect(shownDue(fresh, every)).toEqual(at('14:00'))
    expect(shownDue({ ...fresh, due: null }, null)).toBeNull()
  })
})

describe('told once each', () => {
  test.each([
    [null, 'failed', 'STORE_QUERY', { told: 'failed', telling: 'failed' }],
    ['failed', 'failed', 'STORE_QUERY', null],
    [null, 'failed', 'GUARD_EMPTY', { told: 'guard', telling: 'guard' }],
    ['failed', 'failed', 'GUARD_SHRUNK', { told: 'guard', telling: 'guard' }],
    ['late', 'failed', 'STORE_QUERY', { told: 'failed', telling: 'failed' }],
    [null, 'late', null, { told: 'late', telling: 'late' }],
    ['late', 'late', null, null],
    ['late', 'fresh', null, { told: null, telling: 'recovered' }],
    ['failed', 'stale', null, { told: null, telling: 'recovered' }],
    [null, 'fresh', null, null],
    [null, 'never', null, null],
    ['failed', 'paused', null, null],
    [null, 'paused', null, null],
  ] as const)('told %s, now %s (%s)', (told, state, code, change) => {
    expect(tellingOf(told, state, code === null ? null : error(code))).toEqual(change)
  })
})
