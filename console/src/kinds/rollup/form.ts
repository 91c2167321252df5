import { sourceNames, type KindForm } from '../form.ts'

export const rollupForm: KindForm = {
  kind: 'rollup',
  says: 'Counts events of the application database or of the warehouse by hour, day, week, month or year, and keeps the counts right.',
  start: { kind: 'rollup', from: '', at: '', to: '', grains: ['hour', 'day', 'month'], measures: { events: 'count' } },
  sections: [
    {
      title: 'Events',
      about: 'What has a row for each event, and when each was.',
      keys: ['from', 'at', 'zone'],
    },
    {
      title: 'Counts',
      about: 'What is counted, by which periods, and by what else.',
      keys: ['measures', 'grains', 'weekStart', 'by', 'levels'],
    },
    { title: 'Target', about: 'Where readers find the counts.', keys: ['to'] },
    {
      title: 'Changes and age',
      about: 'How changed events are noticed, and how long counts and events are kept.',
      keys: ['track', 'changed', 'keep'],
      folded: true,
    },
    {
      title: 'Schedule',
      about:
        'When it is due, and when that counts as late. Without `every` or `cron` it is when a period of its finest grain is over.',
      keys: ['every', 'offset', 'cron', 'late', 'after', 'catchUp', 'maxAge', 'overlap'],
    },
    {
      title: 'Attempts',
      about: 'How often and how long it is tried.',
      keys: ['attempts', 'timeout', 'publishTimeout', 'sourceEvery'],
      folded: true,
    },
  ],
  names: {
    ...sourceNames,
    at: 'Time column',
    by: 'Dimensions',
    weekStart: 'Week begins',
    maxAge: 'Oldest',
    'from#': 'Table',
    'from#table': 'With joined tables',
    'from#table+store': 'Table of a store',
    'to#': 'Table',
    'to#table': 'With schema',
    'by#list': 'Columns',
    'by#json': 'Named columns',
    'track#word': 'By triggers',
    'track#lookback': 'By looking back',
    'keep.raw': 'Events',
  },
  long: ['from.query', 'changed.query'],
}
