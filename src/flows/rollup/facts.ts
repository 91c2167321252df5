/** What is there before anything is counted: the events, the marks, how far the table has come. Changes nothing. */
import { SluiceError } from '../../lib/error.ts'
import type { Sql } from '../../lib/sql.ts'
import type { Json } from '../../lib/json.ts'
import { bucketAt, type Bucket } from '../../lib/calendar.ts'
import { writtenBound } from '../../lib/written.ts'
import { readMarks, type Mark, type Marks } from '../../state/dirty.ts'
import { readPosition } from '../../state/position.ts'
import { openState, type State } from '../../state/state.ts'
import type { Flow, LookContext, WorkRequest } from '../flow.ts'
import { changedBecause, isUnchanged } from '../../transfer/source.ts'
import type { RollupOptions } from './config.ts'
import { findEvents, type Events, type FoundEvents } from './events/events.ts'
import { overTable, readGuarded, type FoundTable } from './events/table.ts'
import { timesAlone } from './marks.ts'
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
import { fingerprint, trackingOf, type Tracked, type Tracking } from './sql/trigger.ts'

/** What is kept of a rollup; `series` reads `through` and `hash`, too. */
export interface Position {
  /** All that happened before is counted, but for what is marked. ISO. */
  readonly through: string
  readonly hash: string
  /** The `identity` of the events that were counted. */
  readonly source: string
  /** What the store said of them, where it tells when they change. */
  readonly mark?: Json
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

/** What was counted: how far, and what is out of date since. */
export interface Counted {
  readonly standing: boolean
  readonly position: Position | null
  readonly marks: readonly Mark[]
}

export interface RollupFacts extends Counted {
  readonly events: Events
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
  /** When the first and the last event were; null: there are none, or nobody needs to know. */
  readonly extent: Bucket | null
}

export function stateOf(context: LookedAt): State {
  return openState(context.state, context.stateSchema, context.project)
}

export async function lookRollup(
  flow: Flow<RollupOptions>,
  request: WorkRequest,
  context: Pick<LookContext, 'state' | 'stateSchema' | 'project' | 'stores' | 'signal'>,
): Promise<RollupFacts> {
  return await lookAround(flow, request, await findEvents(flow, context, context.state), context)
}

/** Where the state is. */
export type LookedAt = Pick<LookContext, 'state' | 'stateSchema' | 'project'>

/** `database`: another session of it, to look as of its snapshot. `range`: of what is joined, changes of other times are of no interest. */
export async function lookAround(
  flow: Flow<RollupOptions>,
  request: WorkRequest,
  { events, table }: FoundEvents,
  context: LookedAt,
  database: Sql = context.state,
  range: Bucket | null = null,
): Promise<RollupFacts> {
  const { options } = flow
  const { found, ...counted } = await lookCounted(flow, context, database)
  const tracked = { schema: context.stateSchema, project: context.project, flow: flow.name }
  const all = table === null ? [] : await trackingsOf(flow, table, tracked, database)
  const tracking = all.length === 0 ? null : fingerprint(all)
  const { position } = counted
  const parts = await readAllParts(database, all, position?.parts ?? {})
  const known = parts.all.filter((one) => !parts.come.includes(one))
  const on = [
    ...all.map((one) => ({ tracking: one, table: one.table })),
    ...known.map(({ tracking: one, part }) => ({ tracking: one, table: part })),
  ]
  const triggers = tracking !== null && position?.tracking === tracking ? await readTriggers(database, on) : null
  const untracked = tracking === null || triggers !== null ? null : all
  const trusted = untracked === null && position?.hash === flow.definitionHash
  const facts: RollupFacts = {
    ...counted,
    events,
    untracked,
    tracking,
    switched: triggers !== null && !areSame(triggers, position?.triggers ?? {}),
    triggers,
    tracked: on,
    leftovers: await readLeftovers(database, tracked, all),
    parts,
    marks: trusted ? await timesIn(events, found, database, range, database === context.state) : counted.marks,
    extent: null,
  }
  // Slices that were asked for say themselves which time they are of.
  const ranged = request.backfill || request.from !== null || request.to !== null
  // In a store it takes as long as it takes, which no transaction waits for.
  const stored = options.from.tag === 'store' && wholeBecause(flow, request, facts) !== null
  if (!stored && (request.slices !== null || !ranged)) return facts
  return { ...facts, extent: await events.extent(database) }
}

/** Keys that cannot be read any more, as of a value that an enum has no longer, name everything. */
async function timesIn(
  events: Events,
  marks: Marks,
  database: Sql,
  range: Bucket | null,
  mayFail: boolean,
): Promise<readonly Mark[]> {
  try {
    return await events.times(database, marks, range)
  } catch (error) {
    // In a transaction nothing could be asked after it.
    if (!mayFail || !(error instanceof SluiceError) || error.code !== 'STORE_QUERY') throw error
    return [{ grain: null, at: null }]
  }
}

/** What was counted, whatever has become of the events since. */
export async function lookCounted(
  { name, options }: Flow<RollupOptions>,
  context: LookedAt,
  database: Sql = context.state,
): Promise<Counted & { readonly found: Marks }> {
  const state = stateOf(context)
  const standing = await readStanding(database, options.to)
  refuseForeign(options, standing)
  const position = (await readPosition(database, state, name)) as Position | undefined // only `run.ts` writes it
  const found = await readMarks(database, state, name)
  return { standing: standing !== null, position: position ?? null, found, marks: timesAlone(found) }
}

async function trackingsOf(
  flow: Flow<RollupOptions>,
  { type }: FoundTable,
  by: Tracked,
  database: Sql,
): Promise<readonly Tracking[]> {
  const over = overTable(flow)
  if (over === null || over.options.track.tag !== 'triggers') return []
  return trackingOf(over.options, type, by, {
    guarded: await readGuarded(database, over.options),
    keyTypes: await readKeyTypes(database, over.options.from.joins),
  })
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
  const { position, events } = facts
  const ranged = request.slices !== null || request.from !== null || request.to !== null
  // Where the triggers were not there, that is why: what they marked before says nothing.
  const marks = facts.untracked === null ? facts.marks : []
  const because = distrusted(flow, { ...facts, marks }, ranged)
  if (because !== null || ranged) return because
  if (position?.source !== events.identity) return 'the table of events is another one'
  if (facts.untracked !== null) return 'changes were not marked: the triggers were not there'
  if (facts.switched) return 'changes were not marked: triggers were switched off for a while'
  // Where events are not kept, that is how they go: their buckets stay.
  if (facts.parts.dropped && flow.options.keepRaw === null) return 'a partition of the events was dropped'
  if (flow.options.track.tag === 'source' && events.mark !== null && !isCounted(facts))
    return changedBecause(events.mark)
  return request.force ? 'forced' : null
}

/** The same, by what was counted alone. `ranged`: a part of it is asked for. */
export function distrusted(
  { definitionHash }: Pick<Flow, 'definitionHash'>,
  { position, standing, marks }: Counted,
  ranged = false,
): string | null {
  // A part that is counted by one definition does not go with others that were counted by another.
  if (position !== null && position.hash !== definitionHash && standing) return 'the definition changed'
  if (ranged) return null
  if (position === null) return 'never counted'
  if (!standing) return 'the table is gone'
  return marks.some(({ at }) => at === null)
    ? 'the events were cleared away, or more of a joined table has changed than is looked up'
    : null
}

/** Partitions were attached or detached since: what they hold is marked when they get, or lose, their triggers. Pure. */
export function haveMoved({ parts }: Pick<RollupFacts, 'parts'>): boolean {
  return parts.come.length + parts.gone.length > 0
}

/** Whether the store says that the events are those that were counted. */
export function isCounted({ position, events: { mark } }: Pick<RollupFacts, 'position' | 'events'>): boolean {
  return mark !== null && isUnchanged(mark, position?.mark ?? null)
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
