/** What hung on the old table, given to the new one that has its name by now. Pure: facts in, statements out. */
import { ident, idents, join, literal, raw, sql, type Query } from '../../../lib/sql.ts'
import type { TableFacts } from '../table.ts'
import { temporaryIndex, temporaryStatistics } from './build.ts'
import { regrant } from './grants.ts'
import { stagingSchema } from './staging.ts'
import type { Identities, Target } from './target.ts'

export function restore(target: Target, facts: TableFacts, identities: Identities): readonly Query[] {
  return [
    ...names(target, facts, identities),
    ...sequences(facts),
    ...rights(facts),
    ...comments(facts),
    ...behaviour(facts),
  ]
}

const tableOf = ({ schema, table }: TableFacts): Query => ident(schema, table)
const alter = (facts: TableFacts, change: Query): Query => sql`alter table ${tableOf(facts)} ${change}`

/** Real names for what was built under temporary ones; they are free since the old table has gone. */
function names(target: Target, facts: TableFacts, identities: Identities): Query[] {
  return [
    ...facts.indexes.map(({ name, constraint }, n) =>
      constraint === null
        ? sql`alter index ${ident(facts.schema, temporaryIndex(target, n))} rename to ${ident(name)}`
        : alter(facts, sql`rename constraint ${ident(temporaryIndex(target, n))} to ${ident(constraint)}`),
    ),
    ...facts.statistics.flatMap(({ schema, name, owner }, n) => {
      const fresh = ident(stagingSchema, temporaryStatistics(target, n))
      return [
        sql`alter statistics ${fresh} set schema ${ident(schema)}`,
        sql`alter statistics ${ident(schema, temporaryStatistics(target, n))} rename to ${ident(name)}`,
        sql`alter statistics ${ident(schema, name)} owner to ${ident(owner)}`,
      ]
    }),
    ...facts.sequences.flatMap(({ identity, schema, name, column, type }) => {
      const fresh = identities.get(column)
      if (!identity || fresh === undefined) return []
      return [
        // `like … including identity` copies all but this.
        sql`alter sequence ${ident(schema, fresh)} as ${raw(type)}`,
        ...(fresh === name ? [] : [sql`alter sequence ${ident(schema, fresh)} rename to ${ident(name)}`]),
      ]
    }),
  ]
}

function sequences(facts: TableFacts): Query[] {
  return [
    // The owner first: a sequence and the table that owns it have the same.
    alter(facts, sql`owner to ${ident(facts.owner)}`),
    ...facts.sequences
      .filter(({ identity }) => !identity)
      .map(
        ({ schema, name, column }) =>
          sql`alter sequence ${ident(schema, name)} owned by ${ident(facts.schema, facts.table, column)}`,
      ),
  ]
}

function rights(facts: TableFacts): Query[] {
  const on = { object: sql`table ${tableOf(facts)}`, owner: facts.owner }
  return [
    ...regrant(on, facts.grants, null),
    ...facts.columns.flatMap(({ name, grants }) => regrant({ ...on, columns: [name] }, grants, null)),
    ...facts.sequences
      .filter(({ identity }) => identity)
      .flatMap(({ schema, name, grants }) =>
        regrant({ object: sql`sequence ${ident(schema, name)}`, owner: facts.owner }, grants, null),
      ),
  ]
}

function comments(facts: TableFacts): Query[] {
  const table = tableOf(facts)
  const comment = (what: Query, text: string | null): Query[] =>
    text === null ? [] : [sql`comment on ${what} is ${literal(text)}`]
  return [
    // The staging table's own is replaced in any case.
    sql`comment on table ${table} is ${facts.comment === null ? raw('null') : literal(facts.comment)}`,
    ...facts.columns.flatMap(({ name, comment: text }) =>
      comment(sql`column ${ident(facts.schema, facts.table, name)}`, text),
    ),
    ...facts.indexes.flatMap(({ name, comment: text }) => comment(sql`index ${ident(facts.schema, name)}`, text)),
    ...facts.constraints
      .filter(({ type }) => type !== 'trigger')
      .flatMap(({ name, comment: text }) => comment(sql`constraint ${ident(name)} on ${table}`, text)),
    ...facts.statistics.flatMap(({ schema, name, comment: text }) =>
      comment(sql`statistics ${ident(schema, name)}`, text),
    ),
    ...facts.sequences
      .filter(({ identity }) => identity)
      .flatMap(({ schema, name, comment: text }) => comment(sql`sequence ${ident(schema, name)}`, text)),
  ]
}

/** What acts when rows are read or written. After the rows are in: triggers must not fire for them. */
function behaviour(facts: TableFacts): Query[] {
  const table = tableOf(facts)
  const comment = (kind: string, name: string, text: string | null): Query[] =>
    text === null ? [] : [sql`comment on ${raw(kind)} ${ident(name)} on ${table} is ${literal(text)}`]
  const { enabled, forced, policies } = facts.rowSecurity
  return [
    ...facts.triggers.flatMap(({ name, definition, enabled: state, comment: text }) => [
      raw(definition),
      ...enable(facts, 'trigger', name, state),
      ...comment('trigger', name, text),
    ]),
    ...facts.rules.flatMap(({ name, definition, enabled: state, comment: text }) => [
      raw(definition),
      ...enable(facts, 'rule', name, state),
      ...comment('rule', name, text),
    ]),
    ...policies.flatMap((policy) => [
      sql`create policy ${ident(policy.name)} on ${table} as ${raw(policy.permissive ? 'permissive' : 'restrictive')}
        for ${raw(policy.command)} to ${policy.roles === null ? raw('public') : idents(policy.roles)}${
          policy.using === null ? raw('') : sql` using (${raw(policy.using)})`
        }${policy.check === null ? raw('') : sql` with check (${raw(policy.check)})`}`,
      ...comment('policy', policy.name, policy.comment),
    ]),
    ...(enabled ? [alter(facts, sql`enable row level security`)] : []),
    ...(forced ? [alter(facts, sql`force row level security`)] : []),
    ...facts.publications.map(({ name, columns, filter }) => {
      const list = columns === null ? raw('') : sql` (${idents(columns)})`
      const where = filter === null ? raw('') : sql` where (${raw(filter)})`
      return sql`alter publication ${ident(name)} add table ${table}${list}${where}`
    }),
    ...replicaIdentity(facts),
    ...facts.indexes
      .filter(({ clustered }) => clustered)
      .map(({ name }) => alter(facts, sql`cluster on ${ident(name)}`)),
  ]
}

function enable(facts: TableFacts, kind: string, name: string, state: string): Query[] {
  const words = { origin: null, disabled: 'disable', replica: 'enable replica', always: 'enable always' }
  const word = Object.entries(words).find(([key]) => key === state)?.[1] ?? null
  return word === null ? [] : [alter(facts, join([raw(word), raw(kind), ident(name)], ' '))]
}

function replicaIdentity(facts: TableFacts): Query[] {
  if (facts.replicaIdentity === 'default') return []
  const index = facts.indexes.find((one) => one.replicaIdentity)
  if (facts.replicaIdentity === 'index')
    return index === undefined ? [] : [alter(facts, sql`replica identity using index ${ident(index.name)}`)]
  return [alter(facts, sql`replica identity ${raw(facts.replicaIdentity)}`)]
}
