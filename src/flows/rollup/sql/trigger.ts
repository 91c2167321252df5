/**
 * Triggers that mark what changes: whenever a statement has written events, the quarters of an hour that it touched, as they were and as
 * they are, go into `dirty`; of what events are joined with, the keys do. No trigger reads a table: its snapshot would not have what others
 * have not committed yet, or what is younger than a transaction of `repeatable read`. A statement that changes nothing that is counted marks
 * nothing. Their functions run with the rights of whoever made them and a pinned search path, so that a role that may write events needs no
 * rights here.
 */
import { createHash } from 'node:crypto'
import { ident, join, literal, raw, sql, type Query } from '../../../lib/sql.ts'
import { keysAtMost } from '../../../state/dirty.ts'
import type { ColumnRef, Join, TableRollup, TableRef } from '../config.ts'
import { instant, isTime, quarter, type AtType } from './events.ts'
import { keyOf, type KeyTypes } from './keys.ts'

/** Trigger functions, and the triggers on one table, and on each of its partitions, that call them. */
export interface Tracking {
  readonly table: TableRef
  /** The names of functions and triggers are made of it. */
  readonly name: string
  /** Those of the table that count. */
  readonly columns: readonly string[]
  /** Of the key that rows are marked by; of events there are none. */
  readonly keyTypes: readonly string[]
  readonly functions: readonly TriggerFunction[]
  /** Makes the functions anew. */
  readonly statements: readonly Query[]
  /** Makes the triggers on the table, or on one of its partitions: who writes by its name fires none of the table's. */
  triggersOn(table: TableRef): readonly Query[]
  dropFrom(table: TableRef): readonly Query[]
  /** Marks every row of one that came or went with what is in it. */
  markAll(table: TableRef): Query
}

const allOperations = ['insert', 'update', 'delete', 'truncate'] as const
type Operation = (typeof allOperations)[number]

/** One for each operation: who writes a single row pays for nothing that another one needs. */
export interface TriggerFunction {
  readonly operation: Operation
  /** In the schema of the state. */
  readonly name: string
  readonly trigger: string
  readonly body: string
}

export interface Tracked {
  readonly schema: string
  readonly project: string
  readonly flow: string
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

/** `guarded`: aliases of joined tables that a foreign key of the events points at: a new row of theirs is of no event yet. */
export function trackingOf(
  options: TableRollup,
  type: AtType,
  by: Tracked,
  { guarded, keyTypes }: { readonly guarded: readonly string[]; readonly keyTypes: KeyTypes },
): readonly Tracking[] {
  const names = [...new Set([options.at, ...eventColumns(options)])]
  const own = tracking({ table: options.from, what: 'events', columns: names, carried: [options.at] }, by, {
    operations: ['insert', 'update', 'delete', 'truncate'],
    marking: ofTimes(options, type),
    keyTypes: [],
  })
  const joined = options.from.joins.map((one) => {
    const carried = keyOf(one)
    const columns = [...new Set([...carried, ...joinedColumns(options, one)])]
    return tracking({ table: one, what: one.alias, columns, carried }, by, {
      operations: guarded.includes(one.alias)
        ? ['update', 'delete', 'truncate']
        : ['insert', 'update', 'delete', 'truncate'],
      marking: ofKeys(one),
      keyTypes: keyTypes.get(one.alias) ?? [],
    })
  })
  return [own, ...joined]
}

/** Text that tells close numbers apart, and the hours of a night when clocks go back, whatever the writer's session prints. */
const exactText = ["datestyle = 'ISO'", 'extra_float_digits = 1']

/** How what has happened to rows is told, and how it stands in `dirty`. */
interface Marking {
  /** Of what is told of a row. */
  readonly type: Query
  /** An array of it; null in it: everything. */
  told(rows: Query): Query
  /** The same of each of them, in a row: most statements write a single one, which need not be told apart from others. Left out: it saves nothing. */
  toldOfEach?(rows: Query): Query
  /** Settings that it is told under. */
  readonly settings: readonly string[]
  readonly columns: Query
  /** The values of these columns, of what is told. */
  values(told: Query): Query
}

function ofTimes(options: TableRollup, type: AtType): Marking {
  const found = (rows: Query): Query =>
    sql`${quarter(instant(options, type, 'e'))} from (${rows}) as e where ${isTime(ident('e', options.at))}`
  return {
    type: raw('timestamptz'),
    told: (rows) => sql`array(select distinct ${found(rows)})`,
    toldOfEach: found,
    settings: [],
    columns: raw('at'),
    values: (told) => told,
  }
}

/** A key with a null in it is of no event. */
function ofKeys(joined: Join): Marking {
  const key = keyOf(joined).map((name) => ident('r', name))
  const texts = key.map((one) => sql`${one}::text`)
  const known = key.map((one) => sql`${one} is not null`)
  return {
    type: raw('jsonb'),
    told: (
      rows,
    ) => sql`(select case when cardinality(k.told) > ${raw(String(keysAtMost))} then array[null]::jsonb[] else k.told end
      from (select array(select distinct jsonb_build_array(${join(texts, ', ')}) from (${rows}) as r where ${join(known, ' and ')}
        limit ${raw(String(keysAtMost + 1))}) as told) as k)`,
    settings: exactText,
    columns: raw('joined, key'),
    values: (told) => sql`case when ${told} is not null then ${literal(joined.alias)} end, ${told}`,
  }
}

/** Columns of the events that decide what is counted, besides their time. */
function eventColumns({ from: { joins }, dimensions, measures }: TableRollup): readonly string[] {
  const refs = [
    ...dimensions.map(({ from }) => from),
    ...measures.flatMap(({ of }) => (of === null ? [] : [of])),
    ...joins.flatMap(({ on }) => on.map(({ ours }) => ours)),
  ]
  return refs.flatMap(({ of, column }) => (of === null ? [column] : []))
}

function joinedColumns({ dimensions, measures, from: { joins } }: TableRollup, { alias }: Join): readonly string[] {
  const refs: readonly (ColumnRef | null)[] = [
    ...dimensions.map(({ from }) => from),
    ...measures.map(({ of }) => of),
    ...joins.flatMap(({ on }) => on.map(({ ours }) => ours)),
  ]
  return refs.flatMap((ref) => (ref !== null && ref.of === alias ? [ref.column] : []))
}

/** Rows of a table that something has happened to: `columns` decide whether it counts, `carried` are what marks are told from. */
interface Watched {
  readonly table: TableRef
  readonly what: string
  readonly columns: readonly string[]
  readonly carried: readonly string[]
}

/** Who made the function, as its comment says: between these two stands the flow. */
export const madeBy = 'Sluice: marks what the rollup '
export const madeIn = ({ project }: Pick<Tracked, 'project'>): string => ` of ${project} has to count anew`
export const madeFor = (by: Tracked): string => `${madeBy}${by.flow}${madeIn(by)}`

function tracking(
  { table, what, columns, carried }: Watched,
  by: Tracked,
  {
    operations,
    marking,
    keyTypes,
  }: {
    readonly operations: readonly Operation[]
    readonly marking: Marking
    readonly keyTypes: readonly string[]
  },
): Tracking {
  const { schema, project, flow } = by
  const name = `mark_${shortHash(JSON.stringify([project, flow, what]))}`
  const into = sql`insert into ${ident(schema, 'dirty')} (project, flow, ${marking.columns})`
  const mark = (told: Query): Query => sql`${literal(project)}, ${literal(flow)}, ${marking.values(told)}`
  const markEach = (told: Query): string =>
    sql`${into} select ${mark(raw('m.told'))} from unnest(${told}) as m (told)`.sql
  const markOne = (told: Query): string => sql`${into} values (${mark(told)})`.sql
  // Every column by the name of its relation: some are called as variables of the function are.
  const of = (alias: string, names: readonly string[]): Query =>
    join(
      names.map((one) => ident(alias, one)),
      ', ',
    )
  const rowsOf = (relation: Query): Query => sql`select ${of('s', carried)} from ${relation} as s`
  // As text: some types cannot be compared. Rows that differ in nothing that counts fall away.
  const list = (relation: string): Query =>
    sql`select ${of('s', carried)}, row(${of('s', columns)})::text as sluice_row from ${raw(relation)} as s`
  const [before, after] = [list('old_rows'), list('new_rows')]
  const changed = sql`select ${of('c', carried)} from ((${before} except all ${after}) union all (${after} except all ${before})) as c`
  const rows: Readonly<Record<Exclude<Operation, 'truncate'>, Query>> = {
    insert: rowsOf(raw('new_rows')),
    delete: rowsOf(raw('old_rows')),
    update: changed,
  }
  const type = marking.type.sql
  // The tables are not what they were. Who writes goes on; who counts says so, and counts everything anew.
  const unreadable = `undefined_column or undefined_table or undefined_function or undefined_object or datatype_mismatch
    or cannot_coerce or insufficient_privilege or data_exception or internal_error`
  // Told first and written then: what is caught has written nothing, hence costs its transaction no number.
  const telling = (operation: Exclude<Operation, 'truncate'>): string => `declare
  sluice_marks ${type}[];
begin
  begin
    sluice_marks := ${marking.told(rows[operation]).sql};
  exception when ${unreadable} then
    sluice_marks := array[null]::${type}[];
  end;
  ${markEach(raw('sluice_marks'))};
  return null;
end`
  // Every part of a function costs whoever writes a single row a good deal more than it seems to in a loop: all is set up anew.
  const tellingOne = (each: Query): string => `declare
  sluice_mark ${type};
begin
  begin
    select ${each.sql} into strict sluice_mark;
  exception when no_data_found then
    return null;
  when too_many_rows then
    ${telling('insert')};
  when ${unreadable} then
    -- It is null: everything.
  end;
  ${markOne(raw('sluice_mark'))};
  return null;
end`
  const bodyOf = (operation: Operation): string => {
    if (operation === 'truncate') return `begin\n  ${markOne(raw(`null::${type}`))};\n  return null;\nend`
    if (operation === 'insert' && marking.toldOfEach !== undefined) return tellingOne(marking.toldOfEach(rows.insert))
    return telling(operation)
  }
  const functions = operations.map((operation): TriggerFunction => ({
    operation,
    name: `${name}_${operation}`,
    trigger: triggerOf(name, operation),
    body: `#variable_conflict use_column\n${bodyOf(operation)}`,
  }))
  const settingsOf = (operation: Operation): Query => {
    // Of an update rows are compared as text.
    const compared = operation === 'update' ? exactText : []
    const settings = new Set(['search_path = pg_catalog, pg_temp', ...marking.settings, ...compared])
    return raw([...settings].map((one) => `set ${one}`).join(' '))
  }
  const relations: Readonly<Record<Operation, string>> = {
    insert: 'referencing new table as new_rows',
    delete: 'referencing old table as old_rows',
    update: 'referencing old table as old_rows new table as new_rows',
    truncate: '',
  }
  const drop = (which: readonly Operation[], one: TableRef): readonly Query[] =>
    which.map(
      (operation) =>
        sql`drop trigger if exists ${ident(triggerOf(name, operation))} on ${ident(one.schema, one.table)}`,
    )
  return {
    table,
    name,
    columns,
    keyTypes,
    functions,
    statements: functions.flatMap((one) => {
      const called = ident(schema, one.name)
      return [
        sql`create or replace function ${called}() returns trigger language plpgsql security definer ${settingsOf(one.operation)} as ${dollars(one.body)}`,
        sql`comment on function ${called}() is ${literal(madeFor(by))}`,
      ]
    }),
    // Replaced rather than dropped: that waits for who writes to the table, not for who reads it.
    triggersOn: (one) => [
      ...drop(
        allOperations.filter((operation) => !operations.includes(operation)),
        one,
      ),
      ...functions.map(
        ({ operation, trigger, name: called }) =>
          sql`create or replace trigger ${ident(trigger)} after ${raw(operation)} on ${ident(one.schema, one.table)} ${raw(relations[operation])} for each statement execute function ${ident(schema, called)}()`,
      ),
    ],
    dropFrom: (one) => drop(allOperations, one),
    markAll: (one) => raw(markEach(marking.told(rowsOf(sql`only ${ident(one.schema, one.table)}`)))),
  }
}

const triggerOf = (name: string, operation: Operation): string => `sluice_${name}_${operation}`

/** A literal that needs no escapes, whatever the names in it are. */
function dollars(text: string): Query {
  let tag = 'sluice'
  while (text.includes(`$${tag}$`)) tag += '_'
  return raw(`$${tag}$${text}$${tag}$`)
}

/** What changes when the functions or triggers do, or what they write can be read no more; whatever partitions there are. */
export function fingerprint(all: readonly Tracking[]): string {
  return shortHash(
    JSON.stringify(
      all.map((one) => [
        one.name,
        one.keyTypes,
        [...one.statements, ...one.triggersOn(one.table)].map((statement) => statement.sql),
      ]),
    ),
  )
}
