/** Counts all events at once, in the transaction that publishes: as few passes over them as can be. */
import { bucketsInOrder, type Bucket } from '../../../lib/calendar.ts'
import { madeOf, stretchOf, type Grain } from '../../../lib/grain.ts'
import { ident, idents, raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import type { WorkContext } from '../../flow.ts'
import { levelName, type RollupOptions, type TableRollup } from '../config.ts'
import { instants } from '../sql/buckets.ts'
import { columnNames, countEvents, countFiner, countLevel, tableOf } from '../sql/count.ts'
import type { AtType } from '../sql/events.ts'
import { insertInto } from '../sql/table.ts'
import { countFinest, countNew, shapeOf, sumNew, type Extent, type Finest } from '../sql/whole.ts'

/** What is to be counted, and where to. */
export interface Bulk {
  readonly extent: Extent
  /** Those to be made. */
  readonly buckets: (grain: Grain) => readonly Bucket[]
  readonly through: number
  /** There is no table yet. */
  readonly fresh: boolean
  readonly tx: Session
  readonly context: Pick<WorkContext, 'phase' | 'progress'>
}

/** The column of `tallied` that says of how many finest rows a row was made. */
export const tally = 'sluice_tally'

/** How they are read. */
interface Reading {
  readonly type: AtType
  readonly indexed: boolean
}

/** Says where the rows of a stretch of the finest grain are tallied, by what was made of them; null: nowhere. */
export async function countAll(
  bulk: Bulk,
  options: TableRollup,
  reading: Reading,
): Promise<{ readonly tallied: Query | null }> {
  if (!options.measures.some(({ fn }) => fn === 'distinct'))
    return { tallied: await countAdded(bulk, options, reading) }
  await countDifferent(bulk, options, reading)
  return { tallied: null }
}

/** The finest grain from events, everything else from that. */
async function countAdded(
  { extent, buckets, through, fresh, tx, context }: Bulk,
  options: TableRollup,
  { type }: Reading,
): Promise<Query | null> {
  const [finest = 'day', ...coarser] = options.grains
  const how = finestOf(finest, extent, buckets(finest))
  const root = rootOf(options)
  context.phase(finest)
  const levels = root === null ? options.levels : [root]
  for (const [index, level] of levels.entries()) {
    const query = countFinest(options, type, { grain: finest, level, finest: how, extent })
    const rows =
      fresh && index === 0
        ? await tx.run(sql`create table ${tableOf(options)} as ${query}`)
        : await tx.run(insertInto(options, query))
    context.progress({ rows })
  }
  if (root !== null)
    for (const level of options.levels)
      if (levelName(level) !== levelName(root)) {
        const query = countLevel(options, {
          grain: finest,
          level,
          root,
          since: options.keepRaw === null ? null : extent.from,
        })
        if (query !== null) await tx.run(insertInto(options, query))
      }
  // What is made of it is planned by what is there.
  await tx.run(sql`analyze ${tableOf(options)}`)
  // The server takes every tenth row for a group of its own, and workers for too dear.
  await tx.run(sql`select set_config('parallel_tuple_cost', '0.001', true)`)
  const made = new Map<Grain, Query>()
  let tallied: Query | null = null
  for (const grain of coarser) {
    const finer = madeOf(grain, options.grains)
    const told = finer !== null && options.measures.every(({ fn }) => fn !== 'approximate')
    context.phase(grain)
    const query =
      finer === null
        ? countEvents(options, type, {
            grain,
            buckets: buckets(grain),
            through: through,
            indexed: false,
          })
        : countFiner(options, {
            grain,
            finer,
            buckets: buckets(grain),
            from: made.get(finer) ?? tableOf(options),
            tally: told,
          })
    if (query === null) throw new Error('a measure that does not add up is counted from events')
    // Workers help to select what goes into a table of its own, never what is inserted.
    const own = ident('pg_temp', `sluice_by_${grain}`)
    await tx.run(
      sql`create temporary table ${own} (${idents([...columnNames(options), ...(told ? [tally] : [])])}) on commit drop as ${query}`,
    )
    const rows = sql`select ${idents(columnNames(options))} from ${own}`
    context.progress({ rows: await tx.run(insertInto(options, rows)) })
    made.set(grain, own)
    if (told && finer === finest && grain === stretchOf(finest)) tallied = own
  }
  return tallied
}

/** Different values: level by level, all grains from one pass over the events. */
async function countDifferent(
  { extent, buckets, through, fresh, tx, context }: Bulk,
  all: TableRollup,
  { type, indexed }: Reading,
): Promise<void> {
  const [finest = 'day'] = all.grains
  const lieWithin = (grain: Grain): boolean => grain === finest || madeOf(grain, [finest]) !== null
  const options = { ...all, grains: all.grains.filter(lieWithin) }
  if (fresh) await tx.run(sql`create table ${tableOf(options)} as ${shapeOf(options, type)} with no data`)
  const how = finestOf(finest, extent, buckets(finest))
  await makeCalendar({ buckets, tx }, options)
  for (const level of options.levels) {
    context.phase(`read ${levelName(level)}`)
    const stage = ident('pg_temp', 'sluice_new')
    const query = countNew(options, type, {
      level,
      finest: how,
      extent,
      calendar: ident('pg_temp', 'sluice_calendar'),
    })
    await tx.run(sql`create temporary table sluice_new on commit drop as ${query}`)
    for (const grain of options.grains) {
      context.phase(`${grain} ${levelName(level)}`)
      const summed = sumNew(options, { grain, level, stage, buckets: buckets(grain) })
      context.progress({ rows: await tx.run(insertInto(options, summed)) })
    }
    await tx.run(sql`drop table ${stage}`)
  }
  await tx.run(sql`drop table ${ident('pg_temp', 'sluice_calendar')}`)
  // Weeks lie across months.
  for (const grain of all.grains) {
    if (lieWithin(grain)) continue
    context.phase(grain)
    const what = { grain, buckets: buckets(grain), through: through, indexed }
    context.progress({ rows: await tx.run(insertInto(all, countEvents(all, type, what))) })
  }
}

/** A row for each finest bucket: the beginnings of all that it lies in. */
async function makeCalendar({ buckets, tx }: Pick<Bulk, 'buckets' | 'tx'>, options: RollupOptions): Promise<void> {
  const [finest = 'day'] = options.grains
  const list = buckets(finest)
  const columns = options.grains.map((grain) => {
    const bucketOf = bucketsInOrder(grain, options.calendar)
    return { grain, starts: list.map(({ from }) => bucketOf(from).from) }
  })
  await tx.run(sql`create temporary table sluice_calendar on commit drop as
    select * from unnest(${instants(list.map(({ from }) => from))}${columns.reduce<Query>(
      (all, { starts }) => sql`${all}, ${instants(starts)}`,
      raw(''),
    )}) as k (bucket, ${raw(columns.map(({ grain }) => ident(grain).sql).join(', '))})`)
  await tx.run(sql`analyze pg_temp.sluice_calendar`)
}

/** The level that has every dimension of all others; null: there is none. */
function rootOf({ levels }: RollupOptions): readonly string[] | null {
  return levels.find((level) => levels.every((other) => other.every((name) => level.includes(name)))) ?? null
}

/** Bins of equal length, where clocks are never moved by less than one; else bucket by bucket. */
function finestOf(grain: Grain, extent: Extent, buckets: readonly Bucket[]): Finest {
  const starts = buckets.map(({ from }) => from)
  if (grain !== 'hour' && grain !== 'quarter-hour') return { tag: 'starts', starts }
  const origin = starts[0] ?? extent.from
  const even = starts.every((start) => (start - origin) % lengths[grain] === 0)
  return even ? { tag: 'bins', length: grain, origin } : { tag: 'starts', starts }
}

const hour = 3_600_000
const lengths = { 'quarter-hour': hour / 4, hour } as const
