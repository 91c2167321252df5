import type { PgType } from '../../../transfer/pgtype.ts'
import type { TableName } from '../table.ts'

export type Publisher = 'in-place' | 'swap'
export type PublishMode = 'replace' | 'upsert' | 'append'

/** Who publishes: names the staging table, so that leftovers are found again. */
export interface Attempt {
  readonly project: string
  readonly flow: string
  readonly run: string
  readonly attempt: number
}

/** A column that the source delivers, under its name in the target. */
export interface PublishedColumn {
  readonly name: string
  /** What the column is created as. If the target has it, the target's type stands, unless `declared`. */
  readonly type: PgType
  readonly nullable: boolean
  /** The type is the user's own word (`columns.*.type`): a target column of another type is widened to it, or the publication is refused. */
  readonly declared?: boolean
}

export interface PublicationRequest extends Attempt {
  readonly target: TableName
  readonly columns: readonly PublishedColumn[]
  /** Empty: rows are compared as a multiset. Required by `upsert`. */
  readonly key: readonly string[]
  readonly mode: PublishMode
  /** What the user asked for; left out: the plan chooses. */
  readonly publish?: Publisher
  /** Among rows of one key, the one with the largest value here wins (nulls last; ties: the row whose bytes sort last). */
  readonly latestBy?: string
  /** The source's rows are only those since a cursor: with `latestBy`, a published row may still be the one that wins. */
  readonly partial?: boolean
  /**
   * Rows that left the source are marked in this column (boolean: true; timestamp: now) instead of deleted, and unmarked when they
   * come back. If the target lacks it, it is made: `timestamptz` if its name ends in `_at`, else `boolean not null default false`.
   */
  readonly softDelete?: string
  /** SQL inside the publishing transaction, before and after; may hold several statements. */
  readonly before?: string
  readonly after?: string
}

export interface Changes {
  readonly inserted: number
  readonly changed: number
  /** Rows that left; with `softDelete`, rows that were marked. */
  readonly deleted: number
  readonly unchanged: number
}
