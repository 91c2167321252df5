/**
 * The statements that carry differences into the target. Pure. In each, `d` is a difference (places `t` and `s`), `t` a row of the
 * target, `s` a staged row.
 */
import { ident, idents, join, raw, sql, type Query } from '../../../lib/sql.ts'
import type { TableFacts } from '../table.ts'
import type { Mark } from './soft-delete.ts'
import { stageOf } from './stage.ts'
import type { Target } from './target.ts'

export interface Carrying {
  readonly target: Target
  readonly facts: TableFacts
  readonly differences: Query
  readonly mark: Mark | null
}

const tableOf = ({ facts }: Carrying): Query => ident(facts.schema, facts.table)
const namesOf = ({ target }: Carrying): string[] => target.columns.map(({ name }) => name)
const here = sql`t.ctid = d.t and t.tableoid = d.relation`

/** Forces what it is put into to wait for another part of the statement: parts of one statement run in any order otherwise. */
const after = (part: string): Query => sql`(select n from ${raw(part)}) >= 0`
const always = raw('true')

/** Rows that left the source: deleted, or marked. */
export function leave({ differences, mark, ...rest }: Carrying): Query {
  const table = tableOf({ differences, mark, ...rest })
  return mark === null
    ? sql`delete from ${table} t using ${differences} d where ${here} and d.s is null`
    : sql`update ${table} t set ${ident(mark.column)} = ${mark.on} from ${differences} d where ${here} and d.s is null`
}

/** Rows that changed; null where every column is one that cannot be written (`generated always as identity`). */
export function change(carrying: Carrying, condition: Query = always): Query | null {
  const { facts, mark, differences, target } = carrying
  const fixed = new Set(facts.columns.filter(({ identity }) => identity === 'always').map(({ name }) => name))
  const sets = [
    ...namesOf(carrying)
      .filter((name) => !fixed.has(name))
      .map((name) => sql`${ident(name)} = ${ident('s', name)}`),
    ...(mark === null ? [] : [sql`${ident(mark.column)} = ${mark.off}`]),
  ]
  if (sets.length === 0) return null
  return sql`update ${tableOf(carrying)} t set ${join(sets, ', ')}
    from ${differences} d join ${stageOf(target)} s on s.ctid = d.s where ${here} and ${condition}`
}

/** Rows that are new. */
export function arrive(carrying: Carrying, condition: Query = always): Query {
  const { mark, differences, target } = carrying
  const names = namesOf(carrying)
  const values = [...names.map((name) => ident('s', name)), ...(mark === null ? [] : [mark.off])]
  return sql`insert into ${tableOf(carrying)} (${idents([...names, ...(mark === null ? [] : [mark.column])])}) overriding system value
    select ${join(values, ', ')} from ${differences} d join ${stageOf(target)} s on s.ctid = d.s
    where d.t is null and ${condition}`
}

/** All in one statement, so that foreign keys are judged by its end: rows of the table may refer to each other in any way. */
export function all(carrying: Carrying): Query {
  const changing = change(carrying, after('left_count'))
  return sql`
    with leaving as (${leave(carrying)} returning 1),
    left_count as (select count(*) as n from leaving),
    changing as (${changing === null ? raw('select 1 where (select n from left_count) < 0') : sql`${changing} returning 1`}),
    changed_count as (select count(*) as n from changing),
    arriving as (${arrive(carrying, after('changed_count'))} returning 1)
    select (select n from left_count) as "deleted", (select n from changed_count) as "changed",
      (select count(*) from arriving) as "inserted"`
}

/** As `all`, but what changed is deleted and inserted again, the table's own columns as they were. */
export function allReplaced(carrying: Carrying): Query {
  const { facts, differences, target } = carrying
  const table = tableOf(carrying)
  const names = namesOf(carrying)
  const own = facts.columns
    .filter(({ name, generated }) => generated === 'no' && !names.includes(name))
    .map(({ name }) => name)
  const values = [...names.map((name) => ident('s', name)), ...own.map((name) => ident('t', name))]
  return sql`
    with leaving as (delete from ${table} t using ${differences} d where ${here} returning 1),
    left_count as (select count(*) as n from leaving),
    coming_back as (
      insert into ${table} (${idents([...names, ...own])}) overriding system value
      select ${join(values, ', ')}
      from ${differences} d join ${stageOf(target)} s on s.ctid = d.s join ${table} t on ${here}
      where ${after('left_count')} returning 1),
    changed_count as (select count(*) as n from coming_back),
    arriving as (${arrive(carrying, after('changed_count'))} returning 1)
    select (select n from left_count) - (select n from changed_count) as "deleted", (select n from changed_count) as "changed",
      (select count(*) from arriving) as "inserted"`
}
