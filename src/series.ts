/** A part of the composition: rollups as series, which know the kind only by what is handed to them here. */
import type { SeriesRequest } from './endpoints/series/ask.ts'
import { answerRanked, answerSeries, type RankedAnswer, type SeriesAnswer } from './endpoints/series/series.ts'
import type { Ranking } from './endpoints/series/read.ts'
import type { SeriesRollup } from './endpoints/series/rollup.ts'
import { whateverIsDue, type Flow } from './flows/flow.ts'
import { approximateOf, columnsOf, levelName, type RollupOptions } from './flows/rollup/config.ts'
import { eventsInTable, findTable, overTable } from './flows/rollup/events/table.ts'
import {
  distrusted,
  haveMoved,
  lookAround,
  lookCounted,
  wholeBecause,
  type Counted,
  type LookedAt,
  type Position,
} from './flows/rollup/facts.ts'
import { tableOf } from './flows/rollup/sql/count.ts'
import { eventsOf } from './flows/rollup/sql/events.ts'
import { ofCounted, ofEvents, piecesOf } from './flows/rollup/sql/measure.ts'
import { neverCounted } from './flows/rollup/verify.ts'
import type { Bucket } from './lib/calendar.ts'
import { SluiceError } from './lib/error.ts'
import type { Database, Query, Session } from './lib/sql.ts'
import { readPosition } from './state/position.ts'
import type { State } from './state/state.ts'

export interface Series {
  /** `FLOW_UNKNOWN`: there is no rollup of that name; `FILTER_INVALID`: what is asked does not fit it. */
  read(rollup: string, request: SeriesRequest): Promise<SeriesAnswer>
  /** The same, of the whole range as one bucket. */
  total(rollup: string, request: SeriesRequest): Promise<SeriesAnswer>
  /** The keys of one dimension with most of a measure, so many of them, in the whole range. */
  ranked(
    rollup: string,
    request: SeriesRequest & { readonly by: string; readonly measures: string },
    ranking: Ranking,
  ): Promise<RankedAnswer>
}

export function openSeries(database: Database, state: State, flows: () => readonly Flow[]): Series {
  const rollup = (name: string): SeriesRollup => {
    const flow = flows().find((one) => one.name === name && one.kind === 'rollup')
    if (flow === undefined) throw noRollup(name)
    // Its kind says whose options they are.
    return seriesRollup(flow as Flow<RollupOptions>, state)
  }
  return {
    read: async (name, request) => await answerSeries(database, rollup(name), request),
    total: async (name, request) => await answerSeries(database, rollup(name), request, 'whole'),
    ranked: async (name, request, ranking) => await answerRanked(database, rollup(name), request, ranking),
  }
}

function seriesRollup(flow: Flow<RollupOptions>, state: State): SeriesRollup {
  const { options, name, definitionHash } = flow
  const context = { state: state.db, stateSchema: state.schema, project: state.project }
  const live = liveEvents(flow, context)
  const read = async (session: Session): Promise<Position | undefined> =>
    (await readPosition(session, state, name)) as Position | undefined // only the kind writes it
  return {
    name,
    hash: definitionHash,
    table: tableOf(options),
    calendar: options.calendar,
    grains: options.grains,
    dimensions: options.dimensions.map((one) => one.name),
    levels: new Map(options.levels.map((level) => [levelName(level), level])),
    measures: options.measures.map((measure, index) => ({
      name: measure.name,
      fn: measure.fn,
      columns: columnsOf(measure),
      ofEvents: ofEvents(measure, index),
      ofCounted: ofCounted(measure, index),
      sketch: piecesOf(measure, index),
      approximate: approximateOf(measure),
    })),
    keep: options.keep,
    keepRaw: options.keepRaw,
    events: live === null ? null : live.events,
    position: async (session) => {
      const position = await read(session)
      return position === undefined
        ? null
        : { through: new Date(position.through), hash: position.hash, since: position.since ?? {} }
    },
    marks: async (session, range) => {
      const { standing, marks, distrusts } = await (live ?? counted(flow, context)).looked(session, range)
      if (!standing) throw neverCounted(flow)
      // What the next run would not go by is not believed here either: nobody has marked what changed, or not yet.
      return distrusts ? [{ grain: null, at: null }] : marks
    },
  }
}

interface Looked extends Pick<Counted, 'standing' | 'marks'> {
  readonly distrusts: boolean
}

/** Events that a series counts itself where nobody has yet; null: they are in a store, which is not asked for an answer's sake. */
function liveEvents(
  flow: Flow<RollupOptions>,
  context: LookedAt,
): {
  readonly events: (session: Session) => Promise<Query>
  readonly looked: (session: Session, range: Bucket) => Promise<Looked>
} | null {
  const over = overTable(flow)
  if (over === null) return null
  // Made for one question, which is answered in one transaction.
  let found: ReturnType<typeof findTable> | null = null
  const find = (session: Session): ReturnType<typeof findTable> => (found ??= findTable(session, over))
  return {
    events: async (session) => eventsOf(over.options, (await find(session)).type),
    looked: async (session, range) => {
      const table = await find(session)
      const events = eventsInTable(over, table)
      const facts = await lookAround(flow, whateverIsDue, { events, table }, context, session, range)
      return { ...facts, distrusts: wholeBecause(flow, whateverIsDue, facts) !== null || haveMoved(facts) }
    },
  }
}

function counted(
  flow: Flow<RollupOptions>,
  context: LookedAt,
): { looked(session: Session, range: Bucket): Promise<Looked> } {
  return {
    looked: async (session) => {
      const found = await lookCounted(flow, context, session)
      return { ...found, distrusts: distrusted(flow, found) !== null }
    },
  }
}

function noRollup(name: string): SluiceError {
  return new SluiceError('FLOW_UNKNOWN', `There is no rollup ${name}`, {
    why: 'no flow of the project has that name and counts events',
    fix: 'GET /api/flows lists the flows',
    where: { flow: name },
  })
}
