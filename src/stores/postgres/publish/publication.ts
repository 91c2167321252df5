/**
 * The one interface by which a flow publishes rows into a PostgreSQL table (CONTRACTS §3).
 *
 *     prepare ──► load ──► finish ──► apply (in the publishing transaction) ──► cleanUp
 *        │          │         │          └─ PUBLISH_LOCKED: rolled back, apply again
 *        └──────────┴─────────┴──────────── any failure ──────────────────────► cleanUp
 *
 * Until `apply` commits, the target is untouched. `cleanUp` is idempotent, and what a killed process leaves behind is
 * swept by the next `load` of the same flow.
 */
import type { Session } from '../../../lib/sql.ts'
import type { PgType } from '../../../transfer/pgtype.ts'
import type { TableFacts, TableName } from '../table.ts'

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
  /** Rows that left the source are marked in this column (boolean: true; timestamp: now) instead of deleted. */
  readonly softDelete?: string
  /** SQL inside the publishing transaction, before and after; may hold several statements. */
  readonly before?: string
  readonly after?: string
}

export interface Changes {
  readonly inserted: number
  readonly changed: number
  readonly deleted: number
  readonly unchanged: number
}

export interface Publication {
  /** null: the table does not exist yet and is created by the swap. */
  readonly facts: TableFacts | null
  readonly publisher: Publisher
  readonly why: string
  /** What will be done, a line each: for `--dry-run`. */
  readonly steps: readonly string[]
  /** The columns of the COPY stream, in its order, with the exact types the target has (or will have). */
  readonly columns: readonly { readonly name: string; readonly type: PgType }[]
  /** Columns that the target does not have yet and will get. */
  readonly added: readonly string[]
  /** Sweeps leftovers, makes the staging table and fills it; the number of rows. Once per publication. */
  load(chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number>
  /** Checks keys (`KEY_NULL`, `KEY_DUPLICATE`), applies `latestBy`, builds what the swap needs; how many rows are staged now. */
  finish(): Promise<{ readonly rows: number }>
  /** To be called in the publishing transaction. `PUBLISH_LOCKED`: roll back and call again. */
  apply(tx: Session): Promise<{ readonly rows: number; readonly changes: Changes | null }>
  /** After commit or failure; idempotent, and safe to call more than once. */
  cleanUp(): Promise<void>
}
