/** A rollup as a series knows it: what is counted, where the counts are, and the events that they are of. */
import type { Bucket, Calendar } from '../../lib/calendar.ts'
import type { Grain } from '../../lib/grain.ts'
import type { Piece } from '../../lib/sketch.ts'
import type { Query, Session } from '../../lib/sql.ts'

export interface SeriesMeasure {
  readonly name: string
  readonly fn: 'count' | 'sum' | 'min' | 'max' | 'avg' | 'distinct' | 'approximate'
  /** The columns of the table that hold it. */
  readonly columns: readonly string[]
  /** Each of them of events (`m0`, `m1`, …), and of rows of the table (by their names); null: not to be told from those. */
  readonly ofEvents: readonly Query[]
  readonly ofCounted: readonly Query[] | null
  /** What it is told from if it is approximate, of events and of rows of the table; then both of the above are aggregates of `ranked`. */
  readonly sketch: { readonly ofEvents: Piece; readonly ofCounted: Piece } | null
  /** Its relative standard error; null: it is exact. */
  readonly approximate: { readonly error: number } | null
}

/** What has to be made anew, as of one snapshot. */
export interface SeriesMark {
  readonly grain: string | null
  readonly at: Date | null
}

export interface SeriesRollup {
  readonly name: string
  readonly hash: string
  readonly table: Query
  readonly calendar: Calendar
  /** Fine to coarse. */
  readonly grains: readonly Grain[]
  readonly dimensions: readonly string[]
  /** By name. */
  readonly levels: ReadonlyMap<string, readonly string[]>
  readonly measures: readonly SeriesMeasure[]
  /** Milliseconds. */
  readonly keep: Partial<Readonly<Record<Grain, number>>>
  readonly keepRaw: number | null
  /**
   * `(select … as "at", … as "d0", …, … as "m0", …)`; reads the type of the events' time, hence a session. Null: they cannot be counted
   * here, and what the table does not have is not known.
   */
  readonly events: ((session: Session) => Promise<Query>) | null
  /** How far it is counted; null: not at all, or by another definition. */
  position(session: Session): Promise<{
    readonly through: Date
    readonly hash: string
    /** By grain since when there are rows, where events have gone; what is not in it, or null: all are there. */
    readonly since: Partial<Readonly<Record<Grain, string | null>>>
  } | null>
  /** What is out of date; of other times than these it may be left out. */
  marks(session: Session, range: Bucket): Promise<readonly SeriesMark[]>
}
