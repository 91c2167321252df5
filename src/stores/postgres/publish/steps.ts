import { formatPgType } from '../../../transfer/pgtype.ts'
import { nameOf, type Target } from './target.ts'

/** What a publication will do, a line each, in order: for `--dry-run`. Pure. */
export function describeSteps(target: Target): readonly string[] {
  const { facts, request, changes, publisher } = target
  const table = nameOf(target)
  const before = request.before === undefined ? [] : ['in the publishing transaction: run beforePublish']
  const after = request.after === undefined ? [] : ['run afterPublish, then commit']
  const key = request.key.join(', ')
  const latest = request.latestBy === undefined ? [] : [`keep the row with the largest ${request.latestBy} of each key`]
  const added = (changes?.added ?? []).map(({ name, type }) => `add column ${name} ${formatPgType(type)}`)
  const retyped = (changes?.retyped ?? []).map(({ column, to }) => `widen column ${column} to ${formatPgType(to)}`)
  const load = `load ${target.columns.length} columns into a staging table`
  if (publisher === 'in-place') {
    const compare = key === '' ? 'as a multiset' : `by (${key})`
    const what = {
      replace:
        request.softDelete === undefined
          ? 'delete, update and insert'
          : `mark in ${request.softDelete}, update and insert`,
      upsert: 'update and insert',
      append: 'insert',
    }[request.mode]
    return [
      load,
      ...latest,
      ...(key === '' ? [] : [`check that (${key}) is unique and never null`]),
      ...before,
      ...added,
      ...retyped,
      `compare with ${table} ${compare}, and ${what} only what differs`,
      ...after,
    ]
  }
  if (facts === null) {
    return [
      load,
      ...latest,
      ...(key === '' ? [] : [`build primary key (${key})`]),
      'analyze',
      ...before,
      `name it ${table}`,
      ...after,
    ]
  }
  const views = facts.views
    .filter(({ direct }) => direct)
    .map(({ schema, name }) => `bind view ${schema}.${name} to it`)
  return [
    load,
    ...latest,
    ...added,
    ...retyped,
    ...facts.indexes.map(({ name }) => `build index ${name}`),
    ...facts.constraints
      .filter(({ type }) => type === 'check' || type === 'foreign key')
      .map(({ name, type }) => `check ${type === 'check' ? 'constraint' : 'foreign key'} ${name}`),
    'analyze',
    ...before,
    `lock ${table} against readers, for 100 ms at most until it is to be had`,
    `let it take the place of ${table}, with all that hangs on the table`,
    ...views,
    'drop the old table',
    ...after,
  ]
}
