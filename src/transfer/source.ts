import canonicalize from 'canonicalize'
import type { Json } from '../lib/json.ts'
import type { CopyColumn, SourceColumn } from './column.ts'

/**
 * What a flow reads rows from: a query, a table or files of some store. A store implements it; a kind uses it.
 *
 * A source may be read several times. Each `copy` is one statement's snapshot.
 */
export interface Source {
  /** For logs and errors: `warehouse: sql/teachers.sql`. Never a secret. */
  readonly description: string
  /** The columns, in order; rejects with the store's own error when the query does not run. */
  columns(signal?: AbortSignal): Promise<readonly SourceColumn[]>
  /** What changes when the source changes, or unknown. Never guesses: unknown means run. */
  mark(signal?: AbortSignal): Promise<SourceMark>
  /** The rows as PostgreSQL's binary COPY. */
  copy(plan: CopyPlan, signal?: AbortSignal): CopyStream
  /** Groups of the rows, as a source of their own: counted by the store, whose columns are `countedColumns`. */
  counted(question: CountQuestion): Source
  /** When the first and the last row were of those in [from, to); milliseconds since 1970. Null: there is none. */
  extent(
    time: TimeColumn,
    within: { readonly from: number; readonly to: number },
    signal?: AbortSignal,
  ): Promise<Extent | null>
}

export interface Extent {
  readonly first: number
  readonly last: number
}

/** A column that says when a row was: a timestamp or a date. */
export interface TimeColumn {
  readonly column: string
  /** Whose clocks it goes by, an IANA name; null: its type has a zone of its own. */
  readonly zone: string | null
}

/** How rows are to be counted: into stretches of time, and in each by some columns together. */
export interface CountQuestion {
  readonly at: TimeColumn
  /** Half-open, in order, none over another; milliseconds since 1970. Rows of no bucket are not counted. */
  readonly buckets: readonly { readonly from: number; readonly to: number }[]
  readonly dimensions: readonly string[]
  /** Places of dimensions, each together with the bucket a grouping of its own; `[]` is all rows of a bucket. */
  readonly levels: readonly (readonly number[])[]
  /** `of` null: of the rows themselves. */
  readonly measures: readonly {
    readonly fn: 'count' | 'sum' | 'min' | 'max' | 'distinct'
    readonly of: string | null
  }[]
}

/**
 * The columns of what was counted: `level` and `bucket` are places in the question (from 0, int4); the dimensions are null where the level
 * has them not.
 */
export const countedColumns = {
  level: 'level',
  bucket: 'bucket',
  dimension: (at: number): string => `d${at}`,
  measure: (at: number): string => `m${at}`,
} as const

export type SourceMark =
  | { readonly known: false; readonly why: string }
  /** `mark` is compared as canonical JSON. `asOf`: when the source was last rebuilt. */
  | { readonly known: true; readonly mark: Json; readonly asOf: Date | null }

/** Whether a source is what it was when it had the other mark; what is not known is not. */
export function isUnchanged(now: SourceMark, before: Json | null): boolean {
  return now.known && before !== null && canonicalize(now.mark) === canonicalize(before)
}

/** Why it is read again. */
export function changedBecause(now: SourceMark): string {
  return now.known ? 'the source changed' : `whether the source changed is unknown: ${now.why}`
}

export interface CopyPlan {
  readonly columns: readonly CopyColumn[]
  /** Target names of the key columns; an error or a coercion names the row by them. */
  readonly key: readonly string[]
  /** The table named in errors. */
  readonly table: string
  /** Only rows with `column >= from` (upsert and append with a cursor); the value is a text literal of that column. */
  readonly since?: { readonly column: string; readonly from: string }
}

/**
 * A binary COPY stream: header, rows, trailer, in chunks of about 256 KiB to 1 MiB that never split a row (the header
 * travels with the first chunk, the trailer with the last). To stop early, leave the loop or abort the signal:
 * the query is interrupted and everything it held is given back. Each iteration asks the source anew.
 */
export interface CopyStream extends AsyncIterable<CopyChunk> {
  /** What was carried; settled when the first iteration has ended. */
  readonly summary: Promise<CopySummary>
}

export interface CopyChunk {
  /** The reader's until it asks for the next chunk: then the memory may be filled again. */
  readonly data: Uint8Array
  /** Rows in this chunk. */
  readonly rows: number
}

export interface CopySummary {
  readonly rows: number
  readonly bytes: number
  /** What the policies changed: target column → policy → count, and the first keys concerned (at most ten). */
  readonly coerced: Readonly<Record<string, Coercion>>
}

export interface Coercion {
  readonly policy: 'null' | 'clamp' | 'string'
  readonly count: number
  readonly keys: readonly string[]
}
