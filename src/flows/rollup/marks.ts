/**
 * Marks as times. A mark of a joined row names no time: its events are looked up by whoever reads it, as of its own snapshot. That is never
 * too early: an event that is not seen there is not counted there either, and leaves a mark of its own.
 */
import { supported, type Bucket } from '../../lib/calendar.ts'
import { raw, sql, type Sql } from '../../lib/sql.ts'
import type { Mark, Marks } from '../../state/dirty.ts'
import type { TableRollup } from './config.ts'
import { instant } from './sql/buckets.ts'
import { eventsOf, quarter, type AtType } from './sql/events.ts'
import { quartersOfKeys, readKeyTypes } from './sql/keys.ts'

/** `range`: of keys nothing else is of interest. */
export async function timesOf(
  db: Sql,
  options: TableRollup,
  type: AtType,
  { times, keys }: Marks,
  range: Bucket | null = null,
): Promise<readonly Mark[]> {
  if (keys.length === 0) return times
  const types = await readKeyTypes(db, options.from.joins)
  let found = times
  for (const { alias } of options.from.joins) {
    const own = keys.filter(({ joined }) => joined === alias)
    if (own.length === 0) continue
    const quarters = await db.all<{ at: Date }>(
      quartersOfKeys(options, type, {
        alias,
        types: types.get(alias) ?? [],
        keys: own,
        range: range === null ? null : { from: instant(range.from), to: instant(range.to) },
      }),
    )
    found = [...found, ...quarters.map(({ at }) => ({ grain: null, at }))]
  }
  return found
}

/** What is known of times where keys are not to be looked up, because whoever wrote them is not trusted. */
export function timesAlone({ times, keys }: Marks): readonly Mark[] {
  return keys.length === 0 ? times : [...times, { grain: null, at: null }]
}

/** The quarters of an hour in which events are, from then on. */
export async function readQuarters(
  db: Sql,
  options: TableRollup,
  type: AtType,
  from: number,
): Promise<readonly Date[]> {
  const bare = { ...options, from: { ...options.from, joins: [] }, dimensions: [], measures: [] }
  const range = { from: instant(from), to: instant(supported.to) }
  const rows = await db.all<{ at: Date }>(sql`
    select distinct ${quarter(raw('e."at"'))} as "at" from ${eventsOf(bare, type, range)} as e where e."at" >= ${range.from} and e."at" < ${range.to}`)
  return rows.map(({ at }) => at)
}
