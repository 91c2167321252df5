/** Which rows differ, as places: `relation` and `t` in the target, `s` in the stage. Pure: statements only. */
import { ident, join, raw, sql, type Query } from '../../../lib/sql.ts'
import type { TableFacts } from '../table.ts'
import { fingerprint, image } from './image.ts'
import type { Mark } from './soft-delete.ts'
import { stageOf } from './stage.ts'
import type { Target } from './target.ts'

/** Makes a table of the differences, gone with the transaction: (relation oid, t tid, s tid); t null: new; s null: left; both: changed. */
export function createDifferences(target: Target, facts: TableFacts, differences: Query, mark: Mark | null): Query {
  return sql`create temporary table ${differences} on commit drop as ${selectDifferences(target, facts, mark)}`
}

export function selectDifferences(target: Target, facts: TableFacts, mark: Mark | null): Query {
  return target.request.key.length > 0 ? byKey(target, facts, mark) : asMultiset(target, facts, mark)
}

function byKey(target: Target, facts: TableFacts, mark: Mark | null): Query {
  const { key, mode, latestBy, partial } = target.request
  const missing = new Set((target.changes?.added ?? []).map(({ name }) => name))
  const alone = isUnique(facts, key)
  const nth = unusedName([...facts.columns, ...target.columns])
  const on = join(
    [
      ...key.map((name) => sql`${ident('t', name)} = ${ident('s', name)}`),
      // Without a unique index the target may hold a key twice: only the first is compared, the others have left.
      ...(alone ? [] : [sql`${ident('t', nth)} = ${ident('s', nth)}`]),
    ],
    ' and ',
  )
  const rows = alone ? ident(facts.schema, facts.table) : numbered(facts, key, nth)
  const staged = alone
    ? stageOf(target)
    : sql`(select s.ctid, s.*, 1::bigint as ${ident(nth)} from ${stageOf(target)} s)`
  // What a key column of type "always identity" says cannot be updated, and is equal anyway.
  const differs = sql`${image('t', target.columns, missing)} operator(pg_catalog.*<>) ${image('s', target.columns)}`
  const unlike = mark === null ? differs : sql`(${differs} or ${mark.isOn('t')})`
  // What was read before is not there to be weighed again, but for the row that won.
  const wins =
    partial !== true || latestBy === undefined || missing.has(latestBy)
      ? raw('true')
      : sql`(${ident('t', latestBy)} is null or ${ident('s', latestBy)} >= ${ident('t', latestBy)})`
  switch (mode) {
    case 'append':
      return sql`select null::oid as relation, null::tid as t, s.ctid as s from ${staged} s left join ${rows} t on ${on} where t.ctid is null`
    case 'upsert':
      return sql`select t.tableoid as relation, t.ctid as t, s.ctid as s from ${staged} s left join ${rows} t on ${on} where t.ctid is null or ${unlike} and ${wins}`
    case 'replace':
      return sql`select t.tableoid as relation, t.ctid as t, s.ctid as s from ${rows} t full join ${staged} s on ${on}
        where t.ctid is null or case when s.ctid is null then ${staying(mark)} else ${unlike} end`
  }
}

/** A row that has left: only worth a change if it is not marked yet. */
const staying = (mark: Mark | null): Query => (mark === null ? raw('true') : sql`not (${mark.isOn('t')})`)

/**
 * The n-th row of its kind in the one is compared with the n-th in the other: rows that repeat do so exactly as often.
 *
 * Appended rows stay: what the target lacks as yet cannot tell them from the source's, and is filled in where they are found.
 */
function asMultiset(target: Target, facts: TableFacts, mark: Mark | null): Query {
  const missing = new Set((target.changes?.added ?? []).map(({ name }) => name))
  const rows = ident(facts.schema, facts.table)
  const unmarked = mark === null ? raw('') : sql`where not (${mark.isOn('r')})`
  const appends = target.request.mode !== 'replace'
  const told = appends ? target.columns.filter(({ name }) => !missing.has(name)) : target.columns
  const left = !appends
    ? sql`t.ctid is null or s.ctid is null`
    : missing.size === 0
      ? sql`t.ctid is null`
      : sql`s.ctid is not null`
  const counted = (from: Query, hash: Query, where: Query): Query => sql`(
    select h.tableoid, h.ctid, h.hash, row_number() over (partition by h.hash order by h.tableoid, h.ctid) as n
    from (select r.tableoid, r.ctid, ${hash} as hash from ${from} r ${where}) h)`
  return sql`
    select t.tableoid as relation, t.ctid as t, s.ctid as s
    from ${counted(rows, fingerprint('r', told, missing), unmarked)} t
      full join ${counted(stageOf(target), fingerprint('r', told, new Set()), raw(''))} s
      on t.hash = s.hash and t.n = s.n
    where ${left}`
}

/** A name beside those of the columns, which may be any. */
function unusedName(columns: readonly { readonly name: string }[]): string {
  let name = 'nth'
  while (columns.some((column) => column.name === name)) name += '_'
  return name
}

function numbered(facts: TableFacts, key: readonly string[], nth: string): Query {
  const columns = join(
    key.map((name) => ident('r', name)),
    ', ',
  )
  return sql`(select r.tableoid, r.ctid, r.*, row_number() over (partition by ${columns} order by r.tableoid, r.ctid) as ${ident(nth)}
    from ${ident(facts.schema, facts.table)} r)`
}

/** Whether an index makes sure that no key occurs twice. */
export function isUnique(facts: TableFacts, key: readonly string[]): boolean {
  return facts.indexes.some(
    ({ unique, valid, partial, columns }) =>
      unique && valid && !partial && columns !== null && columns.every((name) => key.includes(name)),
  )
}
