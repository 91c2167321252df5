import type { KindForm } from '../form.ts'

export const rollupForm: KindForm = {
  kind: 'rollup',
  says: 'Counts the events of a table of the application database by hour, day, week, month or year, and keeps the counts right.',
  start: { kind: 'rollup', from: '', at: '', to: '', grains: ['hour', 'day', 'month'], measures: { events: 'count' } },
  sections: [
    {
      title: 'Events',
      about: 'The table that has a row for each event, and when each was.',
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
      keys: ['track', 'keep'],
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
    at: 'Time column',
    by: 'Dimensions',
    weekStart: 'Week begins',
    maxAge: 'Oldest',
    'from#': 'Table',
    'from#table': 'With joined tables',
    'to#': 'Table',
    'to#table': 'With schema',
    'by#list': 'Columns',
    'by#json': 'Named columns',
    'track#word': 'By triggers',
    'track#lookback': 'By looking back',
    'keep.raw': 'Events',
  },
  long: [],
}
