/** The decisions of the working half, without a database. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Flow, FlowName, SliceKey } from '../flows/flow.ts'
import { codes, type Code } from '../lib/codes.ts'
import { SluiceError } from '../lib/error.ts'
import type { CandidateRow } from '../state/claim.ts'
import { choose } from './claim.ts'
import { eta, openMeter } from './meter.ts'
import { pauseBefore } from './publish.ts'
import { query, queueName } from './queue.ts'
import { workOf } from './request.ts'
import { afterFailure, afterInterruption, interruptionsAllowed } from './retry.ts'

const error = (code: Code): SluiceError => new SluiceError(code, '', { why: '', fix: '' })

describe('another attempt', () => {
  test('follows what may pass, as often as the flow allows, after longer and longer', () => {
    const every = fc.constantFrom(...(Object.keys(codes) as Code[]))
    fc.assert(
      fc.property(
        every,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (code, failed, attempts, random) => {
          const decision = afterFailure(error(code), failed, attempts, random)
          expect(decision.tag).toBe(codes[code].retry && failed < attempts ? 'retry' : 'end')
          if (decision.tag === 'retry') {
            expect(decision.afterMs).toBeGreaterThanOrEqual(500)
            expect(decision.afterMs).toBeLessThanOrEqual(300_000)
          }
        },
      ),
    )
  })
  test('follows a lost worker at once, but not for ever', () => {
    expect(afterInterruption(1)).toEqual({ tag: 'retry', afterMs: 0 })
    expect(afterInterruption(interruptionsAllowed + 1)).toEqual({ tag: 'end' })
  })
})

describe('the same work', () => {
  const of = (slices: string[] | null, options = {}, dueAt: Date | null = null): string =>
    workOf({ slices: slices as SliceKey[] | null, options }, dueAt)
  test('is the same in any order and spelling', () => {
    expect(of(['a', 'b'], { force: true, from: null })).toBe(of(['b', 'a'], { from: null, force: true }))
    expect(of(null, { force: false, step: null })).toBe(of(null))
  })
  test('is another with other slices, options or due time', () => {
    const all = [
      of(null),
      of([]),
      of(['a']),
      of(null, { force: true }),
      of(null, { from: 'x' }),
      of(null, {}, new Date(0)),
      of(null, {}, new Date(1)),
    ]
    expect(new Set(all).size).toBe(all.length)
  })
})

describe('choosing', () => {
  const flow = (name: string, stores: string[]): [string, Flow] => [
    name,
    { name: name as FlowName, stores } as unknown as Flow,
  ] // all that choosing reads
  const flows = new Map([flow('a', ['w']), flow('b', ['w', 'x']), flow('c', ['y'])])
  const row = (
    id: string,
    name: string,
    slices: string[] | null = null,
    operation: CandidateRow['operation'] = 'apply',
    trigger: CandidateRow['trigger'] = 'manual',
  ): CandidateRow => ({ id, flow: name, slices, operation, trigger })
  const chosen = (candidates: CandidateRow[], live: CandidateRow[], limits = {}): string | undefined =>
    choose(candidates, live, flows, limits)?.run.id

  test('takes the first that can begin', () => {
    expect(chosen([row('1', 'a'), row('2', 'c')], [])).toBe('1')
    expect(chosen([row('1', 'unknown'), row('2', 'c')], [])).toBe('2')
    expect(chosen([], [])).toBeUndefined()
  })
  test('passes what is full, for what is not', () => {
    expect(chosen([row('1', 'a'), row('2', 'c')], [row('9', 'b')], { w: 1 })).toBe('2')
    expect(chosen([row('1', 'a')], [row('9', 'b')], { w: 2, x: 1 })).toBe('1')
  })
  test('a backfill leaves the last place of a store to live work, where there are several', () => {
    const backfill = row('1', 'a', ['s'], 'apply', 'backfill')
    expect(chosen([backfill, row('2', 'b', ['s'])], [row('9', 'b', ['z'])], { w: 2 })).toBe('2')
    expect(chosen([backfill], [row('9', 'b')], { w: 3 })).toBe('1')
    expect(chosen([backfill], [], { w: 1 })).toBe('1')
  })
  test('never two at one slice', () => {
    expect(chosen([row('1', 'a')], [row('9', 'a', ['s'])])).toBeUndefined()
    expect(chosen([row('1', 'a', ['s', 't'])], [row('9', 'a', ['t'])])).toBeUndefined()
    expect(chosen([row('1', 'a', ['s'])], [row('9', 'a', ['t'])])).toBe('1')
    expect(chosen([row('1', 'a', null, 'verify')], [row('9', 'a')])).toBe('1')
  })
})

test('the meter counts by phase, and says when something moved', () => {
  let now = 0
  const meter = openMeter(() => now)
  meter.phase('read', { rows: 10 })
  now = 2000
  meter.progress({ rows: 4, bytes: 8 })
  expect([meter.dirty, meter.movedAt]).toEqual([true, 2000])
  expect(meter.read()).toEqual({
    phase: 'read',
    elapsedMs: 2000,
    progress: { rows: 4, rowsExpected: 10, bytes: 8 },
    phases: [],
  })
  expect(meter.dirty).toBe(false)
  now = 3000
  meter.phase('publish')
  now = 3500
  expect(meter.read(true).phases).toEqual([
    { name: 'read', rows: 4, rowsExpected: 10, bytes: 8, seconds: 3 },
    { name: 'publish', rows: 0, rowsExpected: null, bytes: 0, seconds: 0.5 },
  ])
})

test('the time left', () => {
  expect(eta({ rows: 25, rowsExpected: 100 }, 1000)).toBe(3000)
  expect(eta({ rows: 200, rowsExpected: 100 }, 1000)).toBe(0)
  expect(eta({ rows: 0, rowsExpected: 100 }, 1000)).toBeNull()
  expect(eta({ rows: 1, rowsExpected: null }, 1000)).toBeNull()
})

test('pauses grow, and end', () => {
  expect(pauseBefore(1, 0)).toBeLessThan(pauseBefore(6, 0))
  expect(pauseBefore(100, 1)).toBeLessThanOrEqual(5000)
})

test('statements of the queue keep their parameters, in any order and as often as they come', () => {
  const made = query("select $2, $1, '$', $2 where x = $10", ['a', 'b', 3, 4, 5, 6, 7, 8, 9, 'j'])
  expect(made.text).toBe("select $1, $2, '$', $3 where x = $4")
  expect(made.values).toEqual(['b', 'a', 'b', 'j'])
})

test('every project has a queue of its own', () => {
  expect(queueName('schools')).toBe('runs/schools')
  const names = ['@a/b', '_a_b', '_a/b', 'Übung', '_bung'].map(queueName)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[\w./-]+$/)
})
