/** The events of a rollup, wherever they are: what plans go by, and how they are counted. */
import type { Bucket } from '../../../lib/calendar.ts'
import type { Grain } from '../../../lib/grain.ts'
import type { Query, Session, Sql } from '../../../lib/sql.ts'
import type { Mark, Marks } from '../../../state/dirty.ts'
import type { SourceMark } from '../../../transfer/source.ts'
import type { Flow, LookContext } from '../../flow.ts'
import type { RollupOptions } from '../config.ts'
import type { Bulk } from './bulk.ts'
import { eventsInStore, overStore } from './store.ts'
import { eventsInTable, findTable, overTable, type FoundTable } from './table.ts'

export interface Events {
  /** `public.view`, `warehouse: lake/views.parquet`. Never a secret. */
  readonly name: string
  /** Another table of the same name has other events. */
  readonly identity: string
  /** An index finds those of a time. */
  readonly indexed: boolean
  /** What changes when they do; null: triggers or a lookback tell. */
  readonly mark: SourceMark | null
  /** Reads no event. `SOURCE_UNSUITABLE`: something of it cannot be counted. */
  refuseUncountable(db: Sql): Promise<void>
  /** When the first event was, and just after the last one; null: there is none. */
  extent(db: Sql): Promise<Bucket | null>
  /** Marks as times, as of the session's snapshot; of joined rows only what lies in the range is of interest. */
  times(db: Sql, marks: Marks, range?: Bucket | null): Promise<readonly Mark[]>
  /** The quarters of an hour in which events are, from then on, where triggers mark them. */
  quartersFrom(db: Sql, from: number): Promise<readonly Date[]>
  /** A statement whose rows have the columns of the rollup's table, for their names and types. */
  shape(): Query
  /** A statement of this transaction that selects rows of the rollup's table: every level of these buckets, of what is before `through`. */
  count(tx: Session, what: CountedBuckets): Promise<Query>
  /** All of them, into the rollup's table. Says where the rows of a stretch of the finest grain are tallied; null: nowhere. */
  countAll(bulk: Bulk): Promise<{ readonly tallied: Query | null }>
}

export interface CountedBuckets {
  readonly grain: Grain
  readonly buckets: readonly Bucket[]
  readonly through: number
}

export interface FoundEvents {
  readonly events: Events
  /** What was found of the table that they are in; null: a store has them. */
  readonly table: FoundTable | null
}

/** Throws what keeps them from being read. */
export async function findEvents(
  flow: Flow<RollupOptions>,
  context: Pick<LookContext, 'stores' | 'signal'>,
  db: Sql,
): Promise<FoundEvents> {
  const over = overTable(flow)
  if (over === null) return { events: await eventsInStore(overStore(flow), context), table: null }
  const table = await findTable(db, over)
  return { events: eventsInTable(over, table), table }
}
