import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FlowName } from '../flows/flow.ts'
import { decideOccurrences, graceMs, type OccurrenceFacts, type Verdict } from './occurrences.ts'

const hour = 3_600_000
const minute = 60_000
const at = (time: string): Date => new Date(`2026-11-22T${time}Z`)
const upstream = 'schools' as FlowName // parsed by the config elsewhere

const base: OccurrenceFacts = {
  now: at('06:30'),
  timing: { catchUp: 'latest', maxAge: null, overlap: 'wait', after: [], late: 30 * minute },
  paused: null,
  due: [],
  newest: at('06:00'),
  waiting: [],
  open: [],
  owes: () => null,
}
const facts = (
  change: Partial<Omit<OccurrenceFacts, 'timing'>> & { timing?: Partial<OccurrenceFacts['timing']> },
): OccurrenceFacts => ({ ...base, ...change, timing: { ...base.timing, ...change.timing } })

const said = (given: OccurrenceFacts): readonly string[] =>
  decideOccurrences(given).occurrences.map(
    ({ dueAt, verdict }) => `${dueAt.toISOString().slice(11, 16)} ${text(verdict)}`,
  )
const text = (verdict: Verdict): string => (verdict.tag === 'run' ? 'run' : `${verdict.tag}: ${verdict.reason}`)
const six = ['01:00', '02:00', '03:00', '04:00', '05:00', '06:00'].map(at)

describe('six hours down', () => {
  test('latest runs one', () => {
    const found = said(facts({ due: six }))
    expect(found).toHaveLength(6)
    expect(found[0]).toBe('01:00 skip: missed by 5 h 30 min; catchUp: latest runs only the newest')
    expect(found[5]).toBe('06:00 run')
    expect(found.filter((line) => line.endsWith('run'))).toHaveLength(1)
  })
  test('skip runs none', () => {
    const found = said(facts({ due: six, timing: { catchUp: 'skip' } }))
    expect(found[5]).toBe('06:00 skip: missed by 30 min; catchUp: skip')
    expect(found.filter((line) => line.includes('skip: missed'))).toHaveLength(6)
  })
  test('skip runs what is due just now', () => {
    const found = said(facts({ due: six, now: new Date(at('06:00').getTime() + graceMs), timing: { catchUp: 'skip' } }))
    expect(found[5]).toBe('06:00 run')
    expect(found.filter((line) => line.includes('skip: missed'))).toHaveLength(5)
  })
  test('all runs every one, one after the other', () => {
    const found = said(facts({ due: six, timing: { catchUp: 'all' } }))
    expect(found[0]).toBe('01:00 run')
    expect(found.slice(1).every((line) => line.includes('wait: waits for the occurrence of 2026-11-22T01:00'))).toBe(
      true,
    )
  })
  test('all, no older than maxAge', () => {
    const found = said(facts({ due: six, timing: { catchUp: 'all', maxAge: 2 * hour } }))
    expect(found.slice(0, 4).every((line) => line.endsWith('old; maxAge: 2 h'))).toBe(true)
    expect(found[4]).toBe('05:00 run')
  })
  test('a page that does not reach the newest runs nothing of it', () => {
    expect(said(facts({ due: six.slice(0, 3) })).every((line) => line.includes('skip: missed'))).toBe(true)
  })
  test('paused', () => {
    const found = said(
      facts({
        due: six,
        waiting: [{ dueAt: at('00:00'), since: at('00:00') }],
        paused: { by: 'ann', reason: 'moving house' },
      }),
    )
    expect(found).toHaveLength(7)
    expect(found.every((line) => line.endsWith('skip: paused by ann: moving house'))).toBe(true)
  })
})

describe('the flow still runs', () => {
  const open = [{ id: 'r1', scheduled: true, cancelling: false }]
  const now = at('06:00')
  test('wait', () =>
    expect(said(facts({ now, due: [at('06:00')], open }))).toEqual(['06:00 wait: waits for run r1 to end']))
  test('skip', () =>
    expect(said(facts({ now, due: [at('06:00')], open, timing: { overlap: 'skip' } }))).toEqual([
      '06:00 skip: run r1 was not over yet; overlap: skip',
    ]))
  test('cancel: the old one is asked to stop, once, and the new one waits for its end', () => {
    const cancelling = decideOccurrences(facts({ now, due: [at('06:00')], open, timing: { overlap: 'cancel' } }))
    expect(cancelling.cancel).toEqual(['r1'])
    expect(cancelling.occurrences[0]?.verdict.tag).toBe('wait')
    const asked = [{ id: 'r1', scheduled: true, cancelling: true }]
    const waiting = [{ dueAt: at('06:00'), since: at('06:00') }]
    expect(decideOccurrences(facts({ now, waiting, open: asked, timing: { overlap: 'cancel' } })).cancel).toEqual([])
    expect(said(facts({ now, waiting, timing: { overlap: 'cancel' } }))).toEqual(['06:00 run'])
  })
  test('cancel does not touch what a person asked for', () => {
    const byHand = [{ id: 'r2', scheduled: false, cancelling: false }]
    expect(
      decideOccurrences(facts({ now, due: [at('06:00')], open: byHand, timing: { overlap: 'cancel' } })).cancel,
    ).toEqual([])
  })
  test('what was missed waits its turn, whatever the policy', () => {
    const waiting = [{ dueAt: at('02:00'), since: at('06:00') }]
    expect(said(facts({ waiting, open, timing: { overlap: 'skip', catchUp: 'all' } }))).toEqual([
      '02:00 wait: waits for run r1 to end',
    ])
  })
  test('a newer one overtakes what waits, unless all are wanted', () => {
    const waiting = [{ dueAt: at('05:00'), since: at('05:00') }]
    expect(said(facts({ now, waiting, due: [at('06:00')], open }))).toEqual([
      '05:00 skip: overtaken by the occurrence of 2026-11-22T06:00:00.000Z while it waited',
      '06:00 wait: waits for run r1 to end',
    ])
    expect(
      said(facts({ now, waiting, due: [at('06:00')], open, timing: { catchUp: 'all' } })).map((line) =>
        line.slice(6, 10),
      ),
    ).toEqual(['wait', 'wait'])
  })
})

describe('after', () => {
  const after = { after: [upstream] }
  const owes = (): string => 'not done'
  test('waits up to late, then is skipped with the reason', () => {
    expect(said(facts({ now: at('06:00'), due: [at('06:00')], owes, timing: after }))).toEqual([
      '06:00 wait: waits for schools (not done)',
    ])
    const waiting = [{ dueAt: at('06:00'), since: at('06:00') }]
    expect(said(facts({ now: at('06:29'), waiting, owes, timing: after }))[0]).toContain('wait')
    expect(said(facts({ now: at('06:30'), waiting, owes, timing: after }))).toEqual([
      '06:00 skip: waited 30 min for schools (not done)',
    ])
    expect(said(facts({ now: at('06:29'), waiting, timing: after }))).toEqual(['06:00 run'])
  })
  test('what was missed waits from when it is looked at first', () => {
    expect(said(facts({ now: at('06:50'), due: [at('06:00')], owes, timing: after }))[0]).toContain('wait')
    const waiting = [{ dueAt: at('06:00'), since: at('06:50') }]
    expect(said(facts({ now: at('07:19'), waiting, owes, timing: after }))[0]).toContain('wait')
    expect(said(facts({ now: at('07:20'), waiting, owes, timing: after }))[0]).toContain('skip')
  })
  test('the upstream is asked for the due time in question', () => {
    const asked: string[] = []
    decideOccurrences(
      facts({
        due: six,
        timing: { ...after, catchUp: 'all' },
        owes: (flow, due) => (asked.push(`${flow} ${due.toISOString().slice(11, 16)}`), null),
      }),
    )
    expect(asked.slice(0, 2)).toEqual(['schools 01:00', 'schools 02:00'])
  })
})

test('never neither: each has one verdict, at most one becomes a run, every skip and wait says why', () => {
  const times = fc
    .uniqueArray(fc.integer({ min: 0, max: 47 }), { maxLength: 12 })
    .map((hours) => hours.toSorted((a, b) => a - b))
  fc.assert(
    fc.property(
      times,
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 120 }),
      fc.constantFrom('skip', 'latest', 'all'),
      fc.constantFrom('wait', 'skip', 'cancel'),
      fc.option(fc.integer({ min: 1, max: 40 })),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (hours, split, minutes, catchUp, overlap, maxAge, paused, busy, owing) => {
        const start = at('00:00').getTime()
        const dates = hours.map((count) => new Date(start + count * hour))
        const waiting = dates.slice(0, split).map((dueAt) => ({ dueAt, since: dueAt }))
        const due = dates.slice(split)
        const newest = due.at(-1) ?? null
        const now = new Date((dates.at(-1)?.getTime() ?? start) + minutes * minute)
        const given: OccurrenceFacts = {
          now,
          timing: {
            catchUp,
            overlap,
            maxAge: maxAge === null ? null : maxAge * hour,
            after: [upstream],
            late: 30 * minute,
          },
          paused: paused ? { by: 'ann', reason: null } : null,
          due,
          newest,
          waiting,
          open: busy ? [{ id: 'r1', scheduled: true, cancelling: false }] : [],
          owes: () => (owing ? 'not done' : null),
        }
        const { occurrences, cancel } = decideOccurrences(given)
        expect(occurrences.map(({ dueAt }) => dueAt)).toEqual(dates)
        expect(occurrences.filter(({ verdict }) => verdict.tag === 'run').length).toBeLessThanOrEqual(
          busy || owing || paused ? 0 : 1,
        )
        for (const { verdict } of occurrences) if (verdict.tag !== 'run') expect(verdict.reason).not.toBe('')
        if (paused) expect(occurrences.every(({ verdict }) => verdict.tag === 'skip')).toBe(true)
        expect(cancel.length).toBeLessThanOrEqual(overlap === 'cancel' && busy ? 1 : 0)
        // Nothing is in the way: something runs, unless it was all missed and not wanted, or too old.
        if (!paused && !busy && !owing && catchUp !== 'skip' && maxAge === null && dates.length > 0)
          expect(occurrences.filter(({ verdict }) => verdict.tag === 'run')).toHaveLength(1)
      },
    ),
    { numRuns: 500 },
  )
})
