/**
 * Triggers that mark what changes: whenever a statement has written events (or what they are joined with), the quarters of an hour that it
 * touched, as they were and as they are, go into `dirty`. A statement that changes nothing that is counted marks nothing. Their functions
 * run with the rights of whoever made them and a pinned search path, so that a role that may write events needs no rights here.
 */
import { createHash } from 'node:crypto'
import { ident, join, literal, raw, sql, type Query, type Sql } from '../../../lib/sql.ts'
import type { ColumnRef, Join, RollupOptions, TableRef } from '../config.ts'
import { fromJoined, instant, type AtType } from './events.ts'

/** A trigger function, and the triggers on one table that call it. */
export interface Tracking {
  readonly table: TableRef
  /** In the schema of the state; the triggers' names begin with it. */
  readonly name: string
  readonly operations: readonly Operation[]
  readonly statements: readonly Query[]
}

export type Operation = 'insert' | 'update' | 'delete' | 'truncate'

export interface Tracked {
  readonly schema: string
  readonly project: string
  readonly flow: string
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

/** `guarded`: aliases of joined tables that a foreign key of the events points at: a new row of theirs is of no event yet. */
export function trackingOf(
  options: RollupOptions,
  type: AtType,
  by: Tracked,
  guarded: readonly string[],
): readonly Tracking[] {
  const own = tracking(options.from, by, 'events', ['insert', 'update', 'delete', 'truncate'], (rows) => {
    const names = [...new Set([options.at, ...eventColumns(options)])]
    return sql`select distinct ${quarter(instant(options, type, 'e'))} from (${rows(names)}) as e where isfinite(${ident('e', options.at)})`
  })
  const joined = options.joins.map((one) => {
    const operations: Operation[] = guarded.includes(one.alias)
      ? ['update', 'delete', 'truncate']
      : ['insert', 'update', 'delete', 'truncate']
    return tracking(one, by, one.alias, operations, (rows) => {
      const names = [...new Set([...one.on.map(({ theirs }) => theirs), ...joinedColumns(options, one)])]
      return sql`select distinct ${quarter(instant(options, type, 't'))} ${fromJoined(options, one.alias, rows(names))} where isfinite(${ident('t', options.at)})`
    })
  })
  return [own, ...joined]
}

function quarter(at: Query): Query {
  return sql`date_bin('15 minutes', ${at}, '2000-01-01 00:00+00')`
}

/** Columns of the events that decide what is counted, besides their time. */
function eventColumns({ joins, dimensions, measures }: RollupOptions): readonly string[] {
  const refs = [
    ...dimensions.map(({ from }) => from),
    ...measures.flatMap(({ of }) => (of === null ? [] : [of])),
    ...joins.flatMap(({ on }) => on.map(({ ours }) => ours)),
  ]
  return refs.flatMap(({ of, column }) => (of === null ? [column] : []))
}

function joinedColumns({ dimensions, measures, joins }: RollupOptions, { alias }: Join): readonly string[] {
  const refs: readonly (ColumnRef | null)[] = [
    ...dimensions.map(({ from }) => from),
    ...measures.map(({ of }) => of),
    ...joins.flatMap(({ on }) => on.map(({ ours }) => ours)),
  ]
  return refs.flatMap((ref) => (ref !== null && ref.of === alias ? [ref.column] : []))
}

type Rows = (names: readonly string[]) => Query

function tracking(
  table: TableRef,
  by: Tracked,
  what: string,
  operations: readonly Operation[],
  marks: (rows: Rows) => Query,
): Tracking {
  const { schema, project, flow } = by
  const name = `mark_${shortHash(JSON.stringify([project, flow, what]))}`
  const called = ident(schema, name)
  const dirty = ident(schema, 'dirty')
  const into = (from: Query): string =>
    sql`insert into ${dirty} (project, flow, at) select ${literal(project)}, ${literal(flow)}, m.at from (${from}) as m (at)`
      .sql
  const rowsOf =
    (relation: 'old_rows' | 'new_rows'): Rows =>
    (names) =>
      sql`select ${join(
        names.map((one) => ident(one)),
        ', ',
      )} from ${raw(relation)}`
  // As text: some types cannot be compared. Rows that differ in nothing that counts fall away.
  const changed: Rows = (names) => {
    const list = (relation: string): Query =>
      sql`select to_jsonb(r) as row from (select ${join(
        names.map((one) => ident(one)),
        ', ',
      )} from ${raw(relation)}) as r`
    const [before, after] = [list('old_rows'), list('new_rows')]
    return sql`select r.* from ((${before} except all ${after}) union all (${after} except all ${before})) as c,
      jsonb_populate_record(null::${ident(table.schema, table.table)}, c.row) as r`
  }
  const branches: Readonly<Record<Operation, string>> = {
    insert: into(marks(rowsOf('new_rows'))),
    delete: into(marks(rowsOf('old_rows'))),
    update: into(marks(changed)),
    truncate: `insert into ${dirty.sql} (project, flow, at) values (${literal(project).sql}, ${literal(flow).sql}, null)`,
  }
  const body = operations
    .map(
      (operation, index) =>
        `${index === 0 ? 'if' : 'elsif'} tg_op = '${operation.toUpperCase()}' then\n    ${branches[operation]};`,
    )
    .join('\n  ')
  const relations: Readonly<Record<Operation, string>> = {
    insert: 'referencing new table as new_rows',
    delete: 'referencing old table as old_rows',
    update: 'referencing old table as old_rows new table as new_rows',
    truncate: '',
  }
  const on = ident(table.schema, table.table)
  return {
    table,
    name,
    operations,
    statements: [
      sql`create or replace function ${called}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as ${dollars(
        `begin\n  ${body}\n  end if;\n  return null;\nend`,
      )}`,
      sql`comment on function ${called}() is ${literal(`Sluice: marks what the rollup ${flow} of ${project} has to count anew`)}`,
      ...operations.flatMap((operation) => {
        const trigger = ident(`sluice_${name}_${operation}`)
        return [
          sql`drop trigger if exists ${trigger} on ${on}`,
          sql`create trigger ${trigger} after ${raw(operation)} on ${on} ${raw(relations[operation])} for each statement execute function ${called}()`,
        ]
      }),
    ],
  }
}

/** A literal that needs no escapes, whatever the names in it are. */
function dollars(text: string): Query {
  let tag = 'sluice'
  while (text.includes(`$${tag}$`)) tag += '_'
  return raw(`$${tag}$${text}$${tag}$`)
}

/** What changes when the functions or triggers do. */
export function fingerprint(all: readonly Tracking[]): string {
  return shortHash(JSON.stringify(all.map(({ name, statements }) => [name, statements.map((one) => one.sql)])))
}

/** How many of the triggers are there and would fire. */
export async function countTriggers(db: Sql, all: readonly Tracking[]): Promise<number> {
  const names = all.flatMap(({ name, operations }) => operations.map((operation) => `sluice_${name}_${operation}`))
  const tables = all.flatMap(({ table, operations }) => operations.map(() => `${ident(table.schema, table.table).sql}`))
  const { count } = await db.one<{ count: number }>(sql`
    select count(*)::int as count
    from unnest(${names}::text[], ${tables}::text[]) as w (name, relation)
      join pg_trigger t on t.tgname = w.name and t.tgrelid = to_regclass(w.relation) and t.tgenabled in ('O', 'A')`)
  return count
}

/** How many there should be. */
export const expectedTriggers = (all: readonly Tracking[]): number =>
  all.reduce((sum, { operations }) => sum + operations.length, 0)
