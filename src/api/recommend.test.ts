import { expect, test } from 'vitest'
import type { FlowStatus } from '../runs/engine.ts'
import type { FlowName } from '../flows/flow.ts'
import { recommendationsOf, type Surroundings } from './recommend.ts'

const flow = (change: Partial<FlowStatus>): FlowStatus => ({
  name: 'a' as FlowName, // what the config's parser makes of it
  kind: 'sync',
  state: 'late',
  why: null,
  running: false,
  rows: null,
  asOf: null,
  sourceAsOf: null,
  dueAt: new Date('2026-01-01T00:00Z'),
  paused: null,
  lastRun: null,
  note: null,
  ...change,
})
const around = (scheduler: boolean, worker: boolean, outdated: Surroundings['outdated'] = []): Surroundings => ({
  alive: { scheduler, worker },
  outdated,
})
const advice = (change: Partial<FlowStatus>, surroundings: Surroundings): string[] =>
  recommendationsOf([flow(change)], surroundings).map(({ text, command }) => `${text}: ${command}`)

test('nobody is told to wait for a schedule that nobody keeps', () => {
  for (const [surroundings, why] of [
    [around(false, false), 'nothing keeps its schedule'],
    [around(false, true), 'nothing keeps its schedule'],
    [around(true, false), 'no worker does what is due'],
  ] as const) {
    expect(advice({}, surroundings)).toEqual([
      `a is late, and ${why}; \`sluice run a\` does it once, for good: sluice up`,
    ])
    expect(advice({ state: 'never' }, surroundings)).toEqual([
      `a was never run, and ${why} until \`sluice up\`; bring it up to date: sluice run a`,
    ])
  }
  expect(advice({}, around(true, true))).toEqual([
    'a is late although its schedule is kept; bring it up to date: sluice run a',
  ])
  expect(advice({ state: 'never' }, around(true, true))).toEqual(['a was never run; bring it up to date: sluice run a'])
})

test('a flow by hand has no schedule that could be kept; what runs or is fresh needs nothing', () => {
  expect(advice({ state: 'never', dueAt: null }, around(false, false))).toEqual([
    'a was never run; bring it up to date: sluice run a',
  ])
  expect(advice({ running: true }, around(false, false))).toEqual([])
  expect(advice({ state: 'fresh' }, around(false, false))).toEqual([])
})

test('an outdated worker has to be started again before anything else helps; a paused flow needs nobody', () => {
  const holder = [{ flow: 'a', host: 'h', pid: 7 }]
  expect(advice({ state: 'failed' }, around(true, true, holder))).toEqual([
    'a was defined anew, and process 7 on h does none of its runs; stop it and start: sluice up',
  ])
  expect(advice({ state: 'paused' }, around(true, true, holder))).toEqual(['a is paused; go on with: sluice resume a'])
})
