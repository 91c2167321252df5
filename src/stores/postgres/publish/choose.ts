import { SluiceError } from '../../../lib/error.ts'
import type { TableFacts } from '../table.ts'
import { refuseHidden } from './check.ts'
import type { Alterations } from './alterations.ts'
import type { PublicationRequest, Publisher } from './request.ts'

export interface Choice {
  readonly publisher: Publisher
  /** Why, in one line: shown by `--dry-run` and logged. */
  readonly why: string
}

type Asked = Pick<PublicationRequest, 'key' | 'mode' | 'publish' | 'softDelete' | 'columns'>

/**
 * Which of the two publishers, and why (CONTRACTS §3). Pure.
 *
 * @throws SluiceError `TARGET_DEPENDENTS` when neither can do it without breaking something, `TARGET_UNSUITABLE` when the target is no table, or hides rows.
 */
export function choose(facts: TableFacts | null, asked: Asked, changes: Alterations | null): Choice {
  if (facts === null) return { publisher: 'swap', why: 'the table does not exist yet and is made whole' }
  if (facts.kind !== 'table' && facts.kind !== 'partitioned') throw notATable(facts)
  refuseHidden(facts)
  const against = { swap: againstSwap(facts, asked), 'in-place': againstInPlace(facts, changes) }
  const preferred = prefer(facts, asked, changes)
  const other: Publisher = preferred.publisher === 'swap' ? 'in-place' : 'swap'
  const [obstacle] = against[preferred.publisher]
  if (obstacle === undefined) return preferred
  if (against[other].length === 0) {
    const asks = asked.publish === undefined ? '' : `${asked.publish} was asked for, but `
    return { publisher: other, why: `${asks}${describe(against[preferred.publisher])}` }
  }
  throw new SluiceError('TARGET_DEPENDENTS', `nothing can be published into ${facts.schema}.${facts.table}`, {
    why: `a swap: ${describe(against.swap)}; in place: ${describe(against['in-place'])}`,
    fix: 'remove one of these obstacles, or publish into a table of its own',
    where: { table: `${facts.schema}.${facts.table}` },
  })
}

function prefer(facts: TableFacts, asked: Asked, changes: Alterations | null): Choice {
  if (asked.publish !== undefined) return { publisher: asked.publish, why: 'the config asks for it' }
  const [rewrite] = changes?.retyped.filter(({ cheap }) => !cheap) ?? []
  if (rewrite !== undefined) return { publisher: 'swap', why: `the type of column "${rewrite.column}" changes` }
  if (asked.key.length > 0)
    return { publisher: 'in-place', why: `rows are compared by their key (${asked.key.join(', ')})` }
  const dependents = describeDependents(facts)
  if (dependents.length > 0) return { publisher: 'in-place', why: `the table stays because of ${list(dependents)}` }
  return { publisher: 'swap', why: 'there is no key, and nothing but indexes and grants depends on the table' }
}

function againstSwap(facts: TableFacts, asked: Asked): readonly string[] {
  const filled = new Set(asked.columns.map(({ name }) => name))
  const own = facts.columns.filter(
    ({ name, generated }) => generated === 'no' && !filled.has(name) && name !== asked.softDelete,
  )
  const table = (names: readonly string[], one: string, many: string): string[] =>
    names.length === 0 ? [] : [`${names.length === 1 ? one : many} ${list(names)}`]
  return [
    ...(asked.mode === 'replace' ? [] : [`mode ${asked.mode} keeps rows that the source no longer gives`]),
    ...(asked.softDelete === undefined ? [] : ['softDelete keeps rows that left the source']),
    ...(facts.alterable ? [] : [`the table belongs to ${facts.owner}, whose rights this role lacks`]),
    ...(facts.bound.length === 0 ? [] : [`the table stays because of ${list(facts.bound.map(({ why }) => why))}`]),
    ...table(
      own.map(({ name }) => `"${name}"`),
      'the source does not fill the column',
      'the source does not fill the columns',
    ),
    ...table(
      facts.views
        .filter(({ direct, alterable }) => direct && !alterable)
        .map(({ schema, name }) => `${schema}.${name}`),
      'another role owns the view',
      'other roles own the views',
    ),
    ...table(
      facts.publications.filter(({ alterable }) => !alterable).map(({ name }) => name),
      'another role owns the publication',
      'other roles own the publications',
    ),
    ...table(facts.foreignGrantors, 'rights were granted by', 'rights were granted by'),
    ...table(
      facts.indexes.filter(({ valid }) => !valid).map(({ name }) => name),
      'there is an invalid index:',
      'there are invalid indexes:',
    ),
  ]
}

function againstInPlace(facts: TableFacts, changes: Alterations | null): readonly string[] {
  const rewrites = changes?.retyped.filter(({ cheap }) => !cheap) ?? []
  const identified =
    facts.replicaIdentity === 'full' ||
    facts.replicaIdentity === 'index' ||
    (facts.replicaIdentity === 'default' && facts.primaryKey !== null)
  const unidentified = facts.publications.filter(
    ({ publishes }) => !identified && publishes.some((event) => event === 'update' || event === 'delete'),
  )
  return [
    ...(rewrites.length === 0
      ? []
      : [`the type of ${list(rewrites.map(({ column }) => `"${column}"`))} changes, which would rewrite the table`]),
    ...unidentified.map(
      ({ name }) => `publication ${name} needs a replica identity, such as a primary key, to pass on what changes`,
    ),
  ]
}

/** All but indexes and grants that hangs on the table. */
function describeDependents(facts: TableFacts): readonly string[] {
  return [
    ...facts.bound.map(({ why }) => why),
    ...facts.views.map(({ schema, name }) => `view ${schema}.${name}`),
    ...facts.triggers.map(({ name }) => `trigger ${name}`),
    ...facts.rules.map(({ name }) => `rule ${name}`),
    ...facts.rowSecurity.policies.map(({ name }) => `policy ${name}`),
    ...(facts.rowSecurity.enabled && facts.rowSecurity.policies.length === 0 ? ['row security'] : []),
    ...facts.publications.map(({ name }) => `publication ${name}`),
  ]
}

function describe(obstacles: readonly string[]): string {
  return obstacles.join('; ')
}

function list(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`
}

function notATable(facts: TableFacts): SluiceError {
  return new SluiceError('TARGET_UNSUITABLE', `${facts.schema}.${facts.table} is a ${facts.kind}`, {
    why: 'rows are published into tables only',
    fix: 'name a table in `to`, or drop it so that a table can be made in its place',
    where: { table: `${facts.schema}.${facts.table}` },
  })
}
