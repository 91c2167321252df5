import { sourceNames, type KindForm } from '../form.ts'

export const syncForm: KindForm = {
  kind: 'sync',
  says: 'Keeps a table of the application database in step with a table, a query or files of the warehouse.',
  start: { kind: 'sync', from: { query: '' }, to: '' },
  sections: [
    { title: 'Source', about: 'Where the rows come from.', keys: ['from', 'changed', 'sourceEvery'] },
    {
      title: 'Target',
      about: 'Where readers find them.',
      keys: ['to', 'key', 'mode', 'cursor', 'lookback', 'latestBy', 'softDelete'],
    },
    {
      title: 'Schedule',
      about: 'When it is due, and when that counts as late. Without `every` or `cron` it is run by hand.',
      keys: ['every', 'offset', 'cron', 'zone', 'late', 'after', 'catchUp', 'maxAge', 'overlap'],
    },
    {
      title: 'Columns',
      about: 'Types, names and what becomes of values that a type cannot hold. Left out, they follow the source.',
      keys: ['columns', 'contract'],
      folded: true,
    },
    {
      title: 'Guard and publishing',
      about: 'What is too suspicious to be published, and how it is published.',
      keys: ['guard', 'publish', 'beforePublish', 'afterPublish', 'publishTimeout'],
      folded: true,
    },
    { title: 'Attempts', about: 'How often and how long it is tried.', keys: ['attempts', 'timeout'], folded: true },
  ],
  names: {
    ...sourceNames,
    latestBy: 'Latest by',
    maxAge: 'Oldest',
    'from#table': 'Table',
    'to#': 'Table',
    'to#table': 'With schema and store',
    'beforePublish#': 'SQL',
    'beforePublish#$file': 'File',
    'afterPublish#': 'SQL',
    'afterPublish#$file': 'File',
  },
  long: ['from.query', 'changed.query', 'beforePublish', 'afterPublish'],
}
