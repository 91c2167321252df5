import { describe, expect, it } from 'vitest'
import type { Flow } from '../client/model/flow.ts'
import { countStates, filterFlows, kindsOf, verdict } from './filter.ts'

const flow = (name: string, more: Partial<Flow> = {}): Flow => ({
  name,
  kind: 'sync',
  origin: 'file',
  version: 1,
  state: 'fresh',
  why: null,
  running: false,
  rows: null,
  asOf: null,
  sourceAsOf: null,
  dueAt: null,
  paused: null,
  schedule: 'by hand',
  stores: ['warehouse'],
  after: [],
  lastRun: null,
  note: null,
  advice: null,
  ...more,
})

const flows = [
  flow('teachers', { state: 'late', why: 'waiting on schools', dueAt: '2026-01-02T00:00:00Z' }),
  flow('schools', { state: 'failed', dueAt: '2026-01-03T00:00:00Z' }),
  flow('views_hourly', { kind: 'rollup' }),
  flow('archive', { kind: 'offload', state: 'paused' }),
  flow('sectors', { state: 'late', dueAt: '2026-01-01T00:00:00Z' }),
]

describe('the filter', () => {
  it.each([
    [{}, 5],
    [{ state: 'late,failed' }, 3],
    [{ kind: 'sync', state: 'late' }, 2],
    [{ q: 'waiting SCHOOLS' }, 1],
    [{ q: 'warehouse' }, 5],
    [{ q: 'nothing of it' }, 0],
  ])('%j leaves %d', (filter, left) => {
    expect(filterFlows(flows, filter)).toHaveLength(left)
  })

  it('names each kind once', () => {
    expect(kindsOf(flows)).toEqual(['offload', 'rollup', 'sync'])
  })
})

describe('the verdict', () => {
  const of = (...states: Flow['state'][]) => verdict(countStates(states.map((state, at) => flow(`f${at}`, { state }))))

  it('is fresh only when nothing calls', () => {
    expect(of('fresh', 'fresh')).toEqual({ title: 'All 2 flows are fresh', tone: 'fresh' })
    expect(of('fresh', 'paused')).toEqual({ title: '1 of 2 flows is fresh, 1 paused', tone: 'fresh' })
    expect(of('fresh')).toEqual({ title: 'The flow is fresh', tone: 'fresh' })
  })

  it('takes the tone of the worst and counts the rest', () => {
    expect(of('fresh', 'late', 'failed', 'never', 'paused')).toEqual({
      title: '1 of 5 flows is fresh: 1 failed, 1 late, 1 not done yet, 1 paused',
      tone: 'failed',
    })
  })

  it('is never fresh where there is nothing', () => {
    expect(of()).toEqual({ title: 'There is no flow yet', tone: 'never' })
    expect(of('paused', 'paused')).toEqual({ title: 'All 2 flows are paused', tone: 'paused' })
  })
})
