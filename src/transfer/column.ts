import type { PgType } from './pgtype.ts'

/** What becomes of a value that the target type cannot hold. Every use is counted and shown. */
export type Policy = 'error' | 'null' | 'clamp' | 'string'

/** A column as a source offers it, in the source's order. */
export interface SourceColumn {
  readonly name: string
  /** The source's own name of the type, for messages and `ddl`. */
  readonly sourceType: string
  /** The PostgreSQL type that holds every value of it, or as near as PostgreSQL has one. */
  readonly type: PgType
  readonly nullable: boolean
  /** Carried only when a flow names it (its key, its columns): a Parquet file's `file_row_number`. */
  readonly implicit?: boolean
}

/** A column on its way: from which source column, into which target type, and what if a value does not fit. */
export interface CopyColumn {
  readonly source: string
  readonly target: string
  readonly type: PgType
  readonly policy: Policy
}
