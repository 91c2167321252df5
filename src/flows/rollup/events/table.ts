/** Events in a table of the application database: what it is, and how it is counted there. */
import { SluiceError } from '../../../lib/error.ts'
import type { Bucket } from '../../../lib/calendar.ts'
import { ident, sql, type Sql } from '../../../lib/sql.ts'
import type { Flow } from '../../flow.ts'
import type { ColumnRef, RollupOptions, TableRef, TableRollup } from '../config.ts'
import { readQuarters, timesOf } from '../marks.ts'
import { countEvents } from '../sql/count.ts'
import { eventsOf, type AtType } from '../sql/events.ts'
import { shapeOf } from '../sql/whole.ts'
import { countAll } from './bulk.ts'
import { refuseUncountable } from './countable.ts'
import type { Events } from './events.ts'

/** A table of events as it was found. */
export interface FoundTable {
  readonly oid: string
  readonly type: AtType
  /** An index finds events by their time. */
  readonly indexed: boolean
}

/** The flow, if its events are in such a table. */
export function overTable(flow: Flow<RollupOptions>): Flow<TableRollup> | null {
  // The tag says which they are.
  return flow.options.from.tag === 'table' ? (flow as Flow<TableRollup>) : null
}

export function eventsInTable(flow: Flow<TableRollup>, { oid, type, indexed }: FoundTable): Events {
  const { options } = flow
  return {
    name: `${options.from.schema}.${options.from.table}`,
    identity: oid,
    indexed,
    mark: null,
    refuseUncountable: async (db) => refuseUncountable(db, flow, type),
    extent: async (db) => readExtent(db, options, type),
    times: async (db, marks, range) => timesOf(db, options, type, marks, range),
    quartersFrom: async (db, from) => readQuarters(db, options, type, from),
    shape: () => shapeOf(options, type),
    count: async (_tx, what) => countEvents(options, type, { ...what, indexed }),
    countAll: async (bulk) => countAll(bulk, options, { type, indexed }),
  }
}

const types: Readonly<Record<string, AtType>> = {
  'timestamp with time zone': 'instant',
  'timestamp without time zone': 'local',
  date: 'local',
}

/** Which table it is, what its time is. Throws what keeps it from being read. */
export async function findTable(db: Sql, { name, options }: Flow<TableRollup>): Promise<FoundTable> {
  const { from, at } = options
  const { joins } = from
  const columns = await readColumns(db, from)
  if (columns === null) throw noTable(name, from)
  for (const one of joins) {
    const theirs = await readColumns(db, one)
    if (theirs === null) throw noTable(name, one)
    for (const { theirs: column } of one.on)
      if (!theirs.types.has(column)) throw noColumn(name, one, column, theirs.types)
    for (const column of used(options, one.alias))
      if (!theirs.types.has(column)) throw noColumn(name, one, column, theirs.types)
    refuseUntrackable({ name, options }, one, theirs, [...one.on.map((on) => on.theirs), ...used(options, one.alias)])
  }
  for (const column of [at, ...used(options, null)])
    if (!columns.types.has(column)) throw noColumn(name, from, column, columns.types)
  const written = (columns.types.get(at) ?? '').replace(/\(\d\)/, '')
  const type = types[written]
  if (type === undefined) {
    throw new SluiceError('SOURCE_COLUMN_MISSING', `${at} of ${from.schema}.${from.table} is no time`, {
      why: `it is ${written}; a rollup needs a timestamp or a date`,
      fix: 'name another column in `at`',
      where: { flow: name, table: `${from.schema}.${from.table}`, column: at },
    })
  }
  refuseUntrackable({ name, options }, from, columns, [at, ...used(options, null)])
  const { indexed } = await db.one<{ indexed: boolean }>(sql`
    select exists (
      select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = ${columns.oid}::oid and i.indisvalid and i.indpred is null and a.attname = ${at}) as "indexed"`)
  return { oid: columns.oid, type, indexed }
}

/** What triggers cannot be on, or are not told of. */
function refuseUntrackable(
  { name, options }: Pick<Flow<TableRollup>, 'name' | 'options'>,
  { schema, table }: TableRef,
  { kind, virtual }: FoundColumns,
  columns: readonly string[],
): void {
  if (options.track.tag !== 'triggers') return
  if (kind !== 'r' && kind !== 'p')
    throw new SluiceError('SOURCE_UNSUITABLE', `${schema}.${table} is no table`, {
      why: 'triggers that mark changed events can only be on a table',
      fix: "name the table below it, or set track: { lookback: '3d' }",
      where: { flow: name, table: `${schema}.${table}` },
    })
  const column = columns.find((one) => virtual.has(one))
  if (column === undefined) return
  throw new SluiceError('SOURCE_UNSUITABLE', `${column} of ${schema}.${table} is a virtual generated column`, {
    why: 'PostgreSQL does not show such columns to the triggers that mark changed events',
    fix: "make it `stored`, name the columns that it is made of, or set track: { lookback: '3d' }",
    where: { flow: name, table: `${schema}.${table}`, column },
  })
}

function used({ dimensions, measures, from: { joins } }: TableRollup, alias: string | null): readonly string[] {
  const refs: readonly (ColumnRef | null)[] = [
    ...dimensions.map(({ from }) => from),
    ...measures.map(({ of }) => of),
    ...joins.flatMap(({ on }) => on.map(({ ours }) => ours)),
  ]
  return refs.flatMap((ref) => (ref !== null && ref.of === alias ? [ref.column] : []))
}

interface FoundColumns {
  readonly oid: string
  readonly kind: string
  readonly types: ReadonlyMap<string, string>
  /** Those that are computed when they are read. */
  readonly virtual: ReadonlySet<string>
}

async function readColumns(db: Sql, { schema, table }: TableRef): Promise<FoundColumns | null> {
  const rows = await db.all<{ oid: string; kind: string; name: string; type: string; virtual: boolean }>(sql`
    select c.oid::text as "oid", c.relkind::text as "kind", a.attname::text as "name", format_type(a.atttypid, a.atttypmod) as "type",
      a.attgenerated = 'v' as "virtual"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = ${schema} and c.relname = ${table} and c.relkind in ('r', 'p', 'v', 'm', 'f')`)
  const [first] = rows
  if (first === undefined) return null
  return {
    oid: first.oid,
    kind: first.kind,
    types: new Map(rows.map(({ name, type }) => [name, type])),
    virtual: new Set(rows.flatMap(({ name, virtual }) => (virtual ? [name] : []))),
  }
}

/** Aliases of tables that the events' foreign keys point at, by just the columns that they are joined on. */
export async function readGuarded(db: Sql, { from }: TableRollup): Promise<readonly string[]> {
  const { joins } = from
  const guarded: string[] = []
  for (const { alias, schema, table, on } of joins) {
    const pairs = on.map(({ ours: one, theirs }) => JSON.stringify({ ours: one.column, theirs }))
    const owner = joins.find((one) => one.alias === on[0]?.ours.of) ?? from
    const { found } = await db.one<{ found: boolean }>(sql`
      select exists (
        select from pg_constraint k
        where k.contype = 'f' and k.convalidated and k.conrelid = to_regclass(${ident(owner.schema, owner.table).sql})
          and k.confrelid = to_regclass(${ident(schema, table).sql})
          and (select jsonb_agg(jsonb_build_object('ours', a.attname, 'theirs', b.attname)) from unnest(k.conkey, k.confkey) c (n, m)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.n
              join pg_attribute b on b.attrelid = k.confrelid and b.attnum = c.m) @> ${`[${pairs.join(',')}]`}::jsonb
          and cardinality(k.conkey) = ${pairs.length}) as "found"`)
    if (found) guarded.push(alias)
  }
  return guarded
}

/** When the first event was, and just after the last one; null: there is none. */
async function readExtent(db: Sql, options: TableRollup, type: AtType): Promise<Bucket | null> {
  const bare = { ...options, from: { ...options.from, joins: [] }, dimensions: [], measures: [] }
  const { first, last } = await db.one<{ first: Date | null; last: Date | null }>(sql`
    select min(e."at") as "first", max(e."at") as "last" from ${eventsOf(bare, type)} as e`)
  return first === null || last === null ? null : { from: first.getTime(), to: last.getTime() + 1 }
}

function noTable(flow: string, { schema, table }: TableRef): SluiceError {
  return new SluiceError('SOURCE_TABLE_MISSING', `there is no table ${schema}.${table}`, {
    why: 'the application database does not have it, or this role may not see its schema',
    fix: 'correct `from`, or create the table',
    where: { flow, table: `${schema}.${table}` },
  })
}

function noColumn(
  flow: string,
  { schema, table }: TableRef,
  column: string,
  there: ReadonlyMap<string, string>,
): SluiceError {
  return new SluiceError('SOURCE_COLUMN_MISSING', `${schema}.${table} has no column «${column}»`, {
    why: `its columns are ${[...there.keys()].join(', ')}`,
    fix: 'correct `at`, `by`, `measures` or `from.join`',
    where: { flow, table: `${schema}.${table}`, column },
  })
}
