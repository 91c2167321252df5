import { describe, expect, test } from 'vitest'
import { timingDefinition, timingOf } from '../../config/timing.ts'
import type { SourceMark } from '../../transfer/source.ts'
import { whateverIsDue, type Flow, type FlowName, type SliceKey, type SliceRecord, type WorkRequest } from '../flow.ts'
import {
  defaultSchedule,
  faultsOf,
  resolveRollup,
  rollupDefinition,
  type RollupDefinition,
  type RollupOptions,
} from './config.ts'
import type { Events } from './events/events.ts'
import type { RollupFacts } from './facts.ts'
import { changedBuckets, dueStretches, planRollup, refuseRollup } from './plan.ts'
import { stretchesBetween, stretchOfKey } from './slices.ts'
import { bucketsOfTouched, sortBuckets, touchedBy } from './work.ts'

const at = (text: string): number => Date.parse(text)
const written: RollupDefinition = {
  from: 'view',
  at: 'viewed_at',
  to: 'rolled',
  zone: 'America/New_York',
  grains: ['year', 'hour', 'day', 'month'],
  by: ['blog'],
  measures: { views: 'count' },
}
const flowOf = (more: Partial<RollupDefinition> = {}): Flow<RollupOptions> => {
  const options = resolveRollup(rollupDefinition.parse({ ...written, ...more }), noFiles)
  return {
    name: 'views' as FlowName, // as the config's parser makes it
    kind: 'rollup',
    options,
    definitionHash: 'hash',
    stores: ['database'],
    timing: { ...timingOf(timingDefinition.parse({})), schedule: defaultSchedule(options) },
  }
}
const never = (): never => {
  throw new Error('a plan reads nothing')
}
const noFiles = { text: never, render: never, path: (path: string) => path }
const events: Events = {
  name: 'public.view',
  identity: '1',
  indexed: true,
  mark: null,
  refuseUncountable: never,
  extent: never,
  times: never,
  quartersFrom: never,
  shape: never,
  count: never,
  countAll: never,
}
const facts: RollupFacts = {
  events,
  untracked: null,
  tracking: 't',
  switched: false,
  triggers: {},
  tracked: [],
  leftovers: [],
  parts: { all: [], come: [], gone: [], dropped: false },
  standing: true,
  position: { through: '2025-11-03T05:00:00.000Z', hash: 'hash', source: '1', tracking: 't' },
  marks: [],
  extent: { from: at('2025-01-10T00:00Z'), to: at('2025-11-03T05:00Z') },
}
const planned = (
  request: Partial<WorkRequest>,
  now: string,
  more: Partial<RollupFacts> = {},
  slices = new Map<SliceKey, SliceRecord>(),
) => planRollup(flowOf(), { ...whateverIsDue, ...request }, { ...facts, ...more }, { now: new Date(now), slices })
const keys = (plan: ReturnType<typeof planned>): readonly string[] =>
  plan.slices.map(({ action, slice }) => `${action} ${slice.key}`)

describe('what is due', () => {
  test('is what was over when the flow was due last, the finest last', () => {
    const due = (now: string): readonly string[] => dueStretches(flowOf(), new Date(now)).map(({ slice }) => slice.key)
    // An hour after midnight in New York; the run of that hour is due five minutes later.
    expect(due('2025-11-04T06:02Z')).toEqual([
      '2025[America/New_York]/year',
      '2025[America/New_York]/month',
      '2025-11[America/New_York]/day',
      '2025-11-03[America/New_York]/hour',
    ])
    expect(due('2025-11-04T06:06Z').at(-1)).toBe('2025-11-04[America/New_York]/hour')
  })

  test.each([
    [['quarter-hour'], { tag: 'every', every: 900_000, offset: 120_000 }],
    [['hour', 'year'], { tag: 'every', every: 3_600_000, offset: 300_000 }],
    [['day', 'week'], { tag: 'cron', cron: '15 0 * * *', zone: 'America/New_York' }],
    [['week'], { tag: 'cron', cron: '30 0 * * 0', zone: 'America/New_York' }],
    [['month'], { tag: 'cron', cron: '45 0 1 * *', zone: 'America/New_York' }],
    [['year'], { tag: 'cron', cron: '0 1 1 1 *', zone: 'America/New_York' }],
  ] as const)('of %j is after the end of a period', (grains, schedule) => {
    expect(defaultSchedule(flowOf({ grains: [...grains], weekStart: 'sunday' }).options)).toEqual(schedule)
  })
})

describe('a plan', () => {
  test('of what is marked names its slices, at every grain', () => {
    const marks = [{ grain: null, at: new Date('2025-03-09T06:50Z') }]
    expect(keys(planned({}, '2025-11-03T06:10Z', { marks })).toSorted()).toEqual([
      'run 2025-03-09[America/New_York]/hour',
      'run 2025-03[America/New_York]/day',
      'run 2025-11-03[America/New_York]/hour',
      'run 2025-11[America/New_York]/day',
      'run 2025[America/New_York]/month',
      'run 2025[America/New_York]/year',
    ])
  })

  test('of a backfill has the exact slices, a written day as its end in it', () => {
    const plan = planned(
      { backfill: true, from: '2025-03-08', to: '2025-03-09', grain: 'hour', force: true },
      '2025-11-03T06:10Z',
    )
    expect(keys(plan)).toEqual(['run 2025-03-08[America/New_York]/hour', 'run 2025-03-09[America/New_York]/hour'])
    const months = planned(
      { backfill: true, from: '2025-02-15', to: '2025-03-09', grain: 'month', force: true },
      '2025-11-03T06:10Z',
    )
    expect(keys(months)).toEqual(['run 2025[America/New_York]/month'])
    expect(months.steps.join('\n')).toMatch(
      /month: 2025-02-01T05:00:00.000Z to 2025-04-01T04:00:00.000Z, widened to whole buckets/,
    )
  })

  test.each([
    ['never counted', { position: null }],
    ['the table is gone', { standing: false }],
    ['the definition changed', { position: { ...facts.position!, hash: 'other' } }],
    ['the table of events is another one', { position: { ...facts.position!, source: '2' } }],
    ['changes were not marked: the triggers were not there', { untracked: [] }],
    [
      'the events were cleared away, or more of a joined table has changed than is looked up',
      { marks: [{ grain: null, at: null }] },
    ],
  ] as const)('counts everything when %s', (why, more) => {
    const plan = planned({}, '2025-11-03T06:10Z', more)
    expect(plan.detail.work).toEqual({ tag: 'whole', why })
  })
})

describe('what is refused', () => {
  test.each([
    [{ slices: ['all' as SliceKey] }, /none of its slices/],
    [{ grain: 'week' }, /does not count by week/],
    [{ from: 'yesterday' }, /neither a day nor an instant/],
    [{ from: '2025-02-02', to: '2025-01-01' }, /ends before/],
    [{ step: 'load' as const }, /other kinds/],
  ])('%j', (request, why) => {
    expect(refuseRollup(flowOf(), { ...whateverIsDue, ...request })?.why).toMatch(why)
  })

  test.each([
    [{ zone: 'Europe/Nowhere' }, 'zone'],
    [{ by: ['blog.country'] }, 'by.country'],
    [{ levels: [['author']] }, 'levels.0'],
    [{ measures: {} }, 'measures'],
    [{ measures: { blog: 'count' as const } }, 'measures'],
    [{ keep: { week: '1d' } }, 'keep.week'],
    [{ keep: { raw: '90d' }, measures: { users: { distinct: 'usr' } } }, 'keep.raw'],
    [{ from: { table: 'view', join: { b: { table: 'blog', on: { id: 'c.blog' } } } } }, 'from.join.b.on'],
  ] as const)('%j in a config', (more, path) => {
    const faults = faultsOf(rollupDefinition.parse({ ...written, ...(more as Partial<RollupDefinition>) }))
    expect(faults.map((fault) => fault.path)).toContain(path)
  })
})

describe('what a store has is planned by what it says of itself', () => {
  const from = { parquet: 'views.parquet' }
  const store = (mark: SourceMark, track?: RollupDefinition['track']): readonly string[] => {
    const flow = flowOf({ from, grains: ['day'], zone: 'UTC', ...(track === undefined ? {} : { track }) })
    const position = {
      through: '2025-11-01T00:00:00.000Z',
      hash: 'hash',
      source: 'warehouse',
      tracking: null,
      mark: { size: 1 },
    }
    const seen: RollupFacts = { ...facts, events: { ...events, identity: 'warehouse', mark }, tracking: null, position }
    const { detail } = planRollup(flow, whateverIsDue, seen, { now: new Date('2025-11-03T05:00Z'), slices: new Map() })
    if (detail.work.tag === 'whole') return [detail.work.why]
    const list = changedBuckets(flow.options, seen, new Date('2025-11-03T05:00Z'), detail.through).get('day') ?? []
    return list.map((one) => new Date(one.from).toISOString().slice(0, 10))
  }
  const same = { known: true, mark: { size: 1 }, asOf: null } as const
  const other = { ...same, mark: { size: 2 } }

  test('the same events: what has ended since, with a lookback or without', () => {
    expect(store(same)).toEqual(['2025-11-01', '2025-11-02'])
    expect(store(same, { lookback: '3d' })).toEqual(['2025-11-01', '2025-11-02'])
  })

  test('others, or nobody knows: all of them, or what lies within the lookback', () => {
    expect(store(other)).toEqual(['the source changed'])
    expect(store({ known: false, why: 'it is random' })).toEqual([
      'whether the source changed is unknown: it is random',
    ])
    expect(store(other, { lookback: '2d' })).toEqual(['2025-10-30', '2025-10-31', '2025-11-01', '2025-11-02'])
    expect(store({ known: false, why: '' }, { lookback: '1d' })).toEqual(['2025-10-31', '2025-11-01', '2025-11-02'])
  })
})

test('a key names its slice, and no other text does', () => {
  const { options } = flowOf()
  for (const grain of options.grains)
    for (const { slice } of stretchesBetween(at('2025-01-30'), at('2025-03-10'), grain, options.calendar)) {
      expect(stretchOfKey(slice.key, options.calendar, options.grains)?.slice).toEqual(slice)
      expect(stretchOfKey(`${slice.key} `, options.calendar, options.grains)).toBeNull()
    }
  for (const odd of [
    '2025-01-01[UTC]/hour',
    '2025-01[America/New_York]/hour',
    '2025-02-30[America/New_York]/hour',
    'all',
  ])
    expect(stretchOfKey(odd, options.calendar, options.grains)).toBeNull()
})

test('events of what is not over yet put nothing out of date, neither their hour nor the day and the year that have begun', () => {
  const { options } = flowOf()
  const through = at('2025-11-03T05:00Z')
  const touched = (time: string) =>
    [...bucketsOfTouched(options, touchedBy(options, [{ grain: null, at: new Date(time) }]), through)].map(
      ([grain, buckets]) => [grain, buckets.length],
    )
  const each = (length: number) => options.grains.map((grain) => [grain, length])
  expect(touched('2025-11-03T05:00Z')).toEqual(each(0))
  expect(touched('2025-11-03T04:45Z')).toEqual(each(1))
})

test('what is no longer kept is dropped, what its events are gone of is frozen, unless it is cleared', () => {
  const { options } = flowOf({ keep: { hour: '100d', raw: '30d' } })
  const now = at('2025-11-03T05:00Z')
  const touched = touchedBy(options, [
    { grain: null, at: new Date('2025-11-01T12:00Z') },
    { grain: null, at: new Date('2025-09-01T12:00Z') },
    { grain: null, at: new Date('2025-02-01T12:00Z') },
  ])
  const buckets = bucketsOfTouched(options, touched, now)
  const sorted = (grain: 'hour' | 'day', clear: boolean) =>
    sortBuckets(options, grain, buckets.get(grain) ?? [], {
      now,
      clear: clear ? { from: -Infinity, to: Infinity } : null,
      since: {},
    })
  expect(sorted('hour', false)).toMatchObject({
    events: [{ from: at('2025-11-01T12:00Z') }],
    frozen: [{ from: at('2025-09-01T12:00Z') }],
  })
  expect(sorted('hour', true).events).toHaveLength(2)
  // Days are made of hours while there are hours.
  expect([...sorted('day', false).finer.keys()]).toEqual(['hour'])
  expect(sorted('day', false).frozen).toHaveLength(1)
})
