/** What is there before anything is counted: the events, the marks, how far the table has come. Changes nothing. */
import { SluiceError } from '../../lib/error.ts'
import { ident, sql, type Sql } from '../../lib/sql.ts'
import { bucketAt, type Bucket } from '../../lib/calendar.ts'
import { writtenBound } from '../../lib/written.ts'
import { readMarks, type Mark } from '../../state/dirty.ts'
import { readPosition } from '../../state/position.ts'
import { openState, type State } from '../../state/state.ts'
import type { Flow, LookContext, WorkRequest } from '../flow.ts'
import type { ColumnRef, RollupOptions, TableRef } from './config.ts'
import { timesAlone, timesOf } from './marks.ts'
import { eventsOf, type AtType } from './sql/events.ts'
import { readKeyTypes } from './sql/keys.ts'
import type { Since } from './work.ts'
import { readStanding, refuseForeign } from './sql/table.ts'
import {
  areSame,
  readLeftovers,
  readParts,
  readTables,
  readTriggers,
  type Leftover,
  type Part,
  type TrackedTable,
  type Triggers,
} from './sql/tracked.ts'
import { fingerprint, trackingOf, type Tracking } from './sql/trigger.ts'

/** What is kept of a rollup; `series` reads `through` and `hash`, too. */
export interface Position {
  /** All that happened before is counted, but for what is marked. ISO. */
  readonly through: string
  readonly hash: string
  /** The table of events that was counted: another one of the same name has other events. */
  readonly source: string
  /** Of the triggers; null: there are none. */
  readonly tracking: string | null
  /** Which those were; null, or left out: it is not known, and what is there is not trusted. */
  readonly triggers?: Triggers | null
  /** Partitions of the tables, by oid: the name of the triggers that are on them. Of others nobody has marked changes. */
  readonly parts?: Readonly<Record<string, string>>
  /** Where events are not kept: since when there are rows of each grain. */
  readonly since?: Since
}

/** A partition, and the triggers that are, or were, on it. */
export interface TrackedPart {
  readonly part: Part
  readonly tracking: Tracking
}

export interface RollupFacts {
  readonly source: {
    readonly oid: string
    readonly type: AtType
    /** An index finds events by their time. */
    readonly indexed: boolean
  }
  /** Triggers to be made; null: they are there, or none are wanted. */
  readonly untracked: readonly Tracking[] | null
  readonly tracking: string | null
  /** Some that are there are others than at the last run, or were switched off in between. */
  readonly switched: boolean
  /** Which they are; null: they are to be made. */
  readonly triggers: Triggers | null
  /** The tables that have them, but for partitions that have come. */
  readonly tracked: readonly TrackedTable[]
  /** Drops what earlier definitions have left on tables. */
  readonly leftovers: readonly Leftover[]
  readonly parts: {
    /** Partitions of the tables that have triggers. */
    readonly all: readonly TrackedPart[]
    /** Those that nobody has looked at yet: all that they hold is marked when they get theirs. */
    readonly come: readonly TrackedPart[]
    /** Those that were detached: all that they hold is marked when they lose theirs. */
    readonly gone: readonly TrackedPart[]
    /** Of some that are gone it cannot be told any more what they held. */
    readonly dropped: boolean
  }
  readonly standing: boolean
  readonly position: Position | null
  readonly marks: readonly Mark[]
  /** When the first and the last event were; null: there are none, or nobody needs to know. */
  readonly extent: Bucket | null
}

export function stateOf(context: Pick<LookContext, 'state' | 'stateSchema' | 'project'>): State {
  return openState(context.state, context.stateSchema, context.project)
}

/** `database`: another session of it, to look as of its snapshot. `range`: of what is joined, changes of other times are of no interest. */
export async function lookRollup(
  flow: Flow<RollupOptions>,
  request: WorkRequest,
  context: Pick<LookContext, 'state' | 'stateSchema' | 'project'>,
  database: Sql = context.state,
  range: Bucket | null = null,
): Promise<RollupFacts> {
  const { options } = flow
  const state = stateOf(context)
  const source = await readSource(database, flow)
  const standing = await readStanding(database, options.to)
  refuseForeign(options, standing)
  const guarded = await readGuarded(database, options)
  const keyTypes = await readKeyTypes(database, options.joins)
  const tracked = { schema: context.stateSchema, project: context.project, flow: flow.name }
  const all = options.track.tag === 'triggers' ? trackingOf(options, source.type, tracked, { guarded, keyTypes }) : []
  const tracking = all.length === 0 ? null : fingerprint(all)
  const position = (await readPosition(database, state, flow.name)) as Position | undefined // only `run.ts` writes it
  const parts = await readAllParts(database, all, position?.parts ?? {})
  const known = parts.all.filter((one) => !parts.come.includes(one))
  const on = [
    ...all.map((one) => ({ tracking: one, table: one.table })),
    ...known.map(({ tracking: one, part }) => ({ tracking: one, table: part })),
  ]
  const triggers = tracking !== null && position?.tracking === tracking ? await readTriggers(database, on) : null
  const untracked = tracking === null || triggers !== null ? null : all
  const marks = await readMarks(database, state, flow.name)
  const facts: RollupFacts = {
    source,
    untracked,
    tracking,
    switched: triggers !== null && !areSame(triggers, position?.triggers ?? {}),
    triggers,
    tracked: on,
    leftovers: await readLeftovers(database, tracked, all),
    parts,
    standing: standing !== null,
    position: position ?? null,
    marks:
      untracked === null && position?.hash === flow.definitionHash
        ? await timesOf(database, options, source.type, marks, range)
        : timesAlone(marks),
    extent: null,
  }
  // Slices that were asked for say themselves which time they are of.
  const ranged = request.backfill || request.from !== null || request.to !== null
  if (request.slices !== null || !ranged) return facts
  return { ...facts, extent: await readExtent(database, options, source.type) }
}

async function readAllParts(
  db: Sql,
  trackings: readonly Tracking[],
  before: Readonly<Record<string, string>>,
): Promise<RollupFacts['parts']> {
  const all: TrackedPart[] = []
  for (const tracking of trackings) for (const part of await readParts(db, tracking.table)) all.push({ part, tracking })
  const missing = Object.keys(before).filter((oid) => !all.some(({ part }) => part.oid === oid))
  const left = missing.length === 0 ? [] : await readTables(db, missing)
  const gone = left.flatMap((part) => {
    const tracking = trackings.find(({ name }) => name === before[part.oid])
    return tracking?.columns.every((column) => part.columns.includes(column)) === true ? [{ part, tracking }] : []
  })
  return { all, come: all.filter(({ part }) => !(part.oid in before)), gone, dropped: gone.length < missing.length }
}

/** Why everything has to be counted anew; null: it has not. Pure. */
export function wholeBecause(flow: Flow<RollupOptions>, request: WorkRequest, facts: RollupFacts): string | null {
  const { position, source, marks } = facts
  const changed = position !== null && position.hash !== flow.definitionHash
  // A part that is counted by one definition does not go with others that were counted by another.
  if (changed && facts.standing) return 'the definition changed'
  if (request.slices !== null || request.from !== null || request.to !== null) return null
  if (position === null) return 'never counted'
  if (!facts.standing) return 'the table is gone'
  if (position.source !== source.oid) return 'the table of events is another one'
  if (facts.untracked !== null) return 'changes were not marked: the triggers were not there'
  if (facts.switched) return 'changes were not marked: triggers were switched off for a while'
  // Where events are not kept, that is how they go: their buckets stay.
  if (facts.parts.dropped && flow.options.keepRaw === null) return 'a partition of the events was dropped'
  if (marks.some(({ at }) => at === null)) return 'the events were cleared away'
  return request.force ? 'forced' : null
}

const types: Readonly<Record<string, AtType>> = {
  'timestamp with time zone': 'instant',
  'timestamp without time zone': 'local',
  date: 'local',
}

/** The table of events: which it is, what its time is. Throws what keeps it from being read. */
export async function readSource(db: Sql, { name, options }: Flow<RollupOptions>): Promise<RollupFacts['source']> {
  const { from, joins, at } = options
  const columns = await readColumns(db, from)
  if (columns === null) throw noTable(name, from)
  for (const one of joins) {
    const theirs = await readColumns(db, one)
    if (theirs === null) throw noTable(name, one)
    for (const { theirs: column } of one.on)
      if (!theirs.types.has(column)) throw noColumn(name, one, column, theirs.types)
    for (const column of used(options, one.alias))
      if (!theirs.types.has(column)) throw noColumn(name, one, column, theirs.types)
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
  if (columns.kind !== 'r' && columns.kind !== 'p' && options.track.tag === 'triggers') {
    throw new SluiceError('SOURCE_UNSUITABLE', `${from.schema}.${from.table} is no table`, {
      why: 'triggers that mark changed events can only be on a table',
      fix: "name the table below it, or set track: { lookback: '3d' }",
      where: { flow: name, table: `${from.schema}.${from.table}` },
    })
  }
  const { indexed } = await db.one<{ indexed: boolean }>(sql`
    select exists (
      select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = ${columns.oid}::oid and i.indisvalid and i.indpred is null and a.attname = ${at}) as "indexed"`)
  return { oid: columns.oid, type, indexed }
}

function used({ dimensions, measures, joins }: RollupOptions, alias: string | null): readonly string[] {
  const refs: readonly (ColumnRef | null)[] = [
    ...dimensions.map(({ from }) => from),
    ...measures.map(({ of }) => of),
    ...joins.flatMap(({ on }) => on.map(({ ours }) => ours)),
  ]
  return refs.flatMap((ref) => (ref !== null && ref.of === alias ? [ref.column] : []))
}

async function readColumns(
  db: Sql,
  { schema, table }: TableRef,
): Promise<{ readonly oid: string; readonly kind: string; readonly types: ReadonlyMap<string, string> } | null> {
  const rows = await db.all<{ oid: string; kind: string; name: string; type: string }>(sql`
    select c.oid::text as "oid", c.relkind::text as "kind", a.attname::text as "name", format_type(a.atttypid, a.atttypmod) as "type"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = ${schema} and c.relname = ${table} and c.relkind in ('r', 'p', 'v', 'm', 'f')`)
  const [first] = rows
  if (first === undefined) return null
  return { oid: first.oid, kind: first.kind, types: new Map(rows.map(({ name, type }) => [name, type])) }
}

/** Aliases of tables that the events' foreign keys point at, by just the columns that they are joined on. */
async function readGuarded(db: Sql, { from, joins }: RollupOptions): Promise<readonly string[]> {
  const guarded: string[] = []
  for (const { alias, schema, table, on } of joins) {
    const ours = on.map(({ ours: one }) => one.column).toSorted()
    const owner = joins.find((one) => one.alias === on[0]?.ours.of) ?? from
    const { found } = await db.one<{ found: boolean }>(sql`
      select exists (
        select from pg_constraint k
        where k.contype = 'f' and k.convalidated and k.conrelid = to_regclass(${ident(owner.schema, owner.table).sql})
          and k.confrelid = to_regclass(${ident(schema, table).sql})
          and (select array_agg(a.attname::text order by a.attname::text) from unnest(k.conkey) c (n)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.n) = ${ours}::text[]) as "found"`)
    if (found) guarded.push(alias)
  }
  return guarded
}

/** When the first event was, and just after the last one; null: there is none. */
export async function readExtent(db: Sql, options: RollupOptions, type: AtType): Promise<Bucket | null> {
  const bare = { ...options, joins: [], dimensions: [], measures: [] }
  const { first, last } = await db.one<{ first: Date | null; last: Date | null }>(sql`
    select min(e."at") as "first", max(e."at") as "last" from ${eventsOf(bare, type)} as e`)
  return first === null || last === null ? null : { from: first.getTime(), to: last.getTime() + 1 }
}

/** The range that was asked for, as instants: a written `to` is in it. Null: no bound. */
export function rangeOf(
  { options }: Pick<Flow<RollupOptions>, 'options'>,
  { from, to }: Pick<WorkRequest, 'from' | 'to'>,
): { readonly from: number | null; readonly to: number | null } {
  const { zone } = options.calendar
  return {
    from: from === null ? null : writtenBound(from, zone, false),
    to: to === null ? null : writtenBound(to, zone, true),
  }
}

/** What was counted ends with the last finest bucket that is over. */
export function throughOf({ grains, calendar }: RollupOptions, now: Date): number {
  return bucketAt(now.getTime(), grains[0] ?? 'day', calendar).from
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
