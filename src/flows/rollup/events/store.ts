/** Events that a store has: it groups them, and what it has counted lands in a table of the session's own. */
import { supported } from '../../../lib/calendar.ts'
import { madeOf } from '../../../lib/grain.ts'
import { ident, sql, type Query, type Session } from '../../../lib/sql.ts'
import type { Flow, LookContext } from '../../flow.ts'
import type { RollupOptions, StoreRollup } from '../config.ts'
import { timesAlone } from '../marks.ts'
import { countFiner, tableOf } from '../sql/count.ts'
import { insertInto } from '../sql/table.ts'
import { countedTypes, refuseUnknown, zoneOf } from './askable.ts'
import type { Bulk } from './bulk.ts'
import type { CountedBuckets, Events } from './events.ts'
import { askedOf, land, landedNothing, landingColumns, selectLanded, type Asked } from './landing.ts'

/** The flow, which was found to be over no table. */
export function overStore(flow: Flow<RollupOptions>): Flow<StoreRollup> {
  if (flow.options.from.tag !== 'store') throw new Error(`${flow.name} is over a table`)
  // The tag says so.
  return flow as Flow<StoreRollup>
}

export async function eventsInStore(
  flow: Flow<StoreRollup>,
  { stores, signal }: Pick<LookContext, 'stores' | 'signal'>,
): Promise<Events> {
  const { options } = flow
  const source = await stores.source(options.from.store, options.from.source)
  // The mark comes first: what changes while it is counted is counted again next time, never taken as counted.
  const mark = await source.mark(signal)
  const there = await source.columns(signal)
  const time = { column: options.at, zone: zoneOf(flow, source, there) }
  refuseUnknown(flow, source, there)
  const asked: Asked = {
    at: time,
    dimensions: options.dimensions.map(({ from }) => from.column),
    levels: options.levels.map((level) =>
      level.map((name) => options.dimensions.findIndex((one) => one.name === name)),
    ),
    measures: options.measures.flatMap(askedOf),
  }
  const columns = landingColumns(await countedTypes(flow, source, asked, signal))
  let landed = 0
  const count = async (tx: Session, { grain, buckets: all, through }: CountedBuckets): Promise<Query> => {
    const buckets = all
      .filter(({ from }) => from < through)
      .map(({ from, to }) => ({ from, to: Math.min(to, through) }))
    const table = ident('pg_temp', `sluice_counted_${(landed += 1)}`)
    const counted = source.counted({ ...asked, buckets }).copy({ columns, key: [], table: source.description }, signal)
    await land(tx, table, columns, counted, signal)
    return selectLanded(options, grain, buckets, table)
  }
  const events: Events = {
    name: source.description,
    identity: options.from.store,
    indexed: false,
    mark,
    // It was asked for its types, which it has only of what it can count.
    refuseUncountable: async () => {},
    extent: async () => {
      const found = await source.extent(time, supported, signal)
      return found === null ? null : { from: found.first, to: found.last + 1 }
    },
    times: async (_db, marks) => timesAlone(marks),
    quartersFrom: async () => [],
    shape: () => selectLanded(options, options.grains[0] ?? 'day', [], landedNothing(columns)),
    count,
    countAll: async (bulk) => countGrains(bulk, options, events),
  }
  return events
}

/** Fine to coarse: each from the store, or made of what is there already. */
async function countGrains(
  { buckets, through, fresh, tx, context }: Bulk,
  options: StoreRollup,
  events: Pick<Events, 'shape' | 'count'>,
): Promise<{ readonly tallied: null }> {
  if (fresh) await tx.run(sql`create table ${tableOf(options)} as ${events.shape()} with no data`)
  const adds = options.measures.every(({ fn }) => fn !== 'distinct')
  for (const grain of options.grains) {
    context.phase(grain)
    const finer = adds ? madeOf(grain, options.grains) : null
    const made =
      finer === null ? null : countFiner(options, { grain, finer, buckets: buckets(grain), from: tableOf(options) })
    const rows = made ?? (await events.count(tx, { grain, buckets: buckets(grain), through }))
    context.progress({ rows: await tx.run(insertInto(options, rows)) })
    // What is made of it is planned by what is there.
    if (grain === options.grains[0]) await tx.run(sql`analyze ${tableOf(options)}`)
  }
  return { tallied: null }
}
