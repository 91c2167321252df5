/** What the thread that owns a DuckDB file and everybody else say to each other. All of it can be cloned or transferred. */
import type { ErrorRecord } from '../../lib/error.ts'
import type { Json } from '../../lib/json.ts'
import type { CopySummary, SourceMark, CopyPlan, Extent, TimeColumn } from '../../transfer/source.ts'
import type { SourceColumn } from '../../transfer/column.ts'

export interface ThreadOptions {
  readonly store: string
  /** Absolute, or `:memory:`. */
  readonly path: string
  /** Where relative paths in queries count from; absolute. */
  readonly directory: string
  readonly threads: number
  readonly memory: string
  readonly readOnly: boolean
}

/** What a source reads, with paths absolute. */
export type From =
  | { readonly tag: 'query'; readonly query: string }
  | { readonly tag: 'table'; readonly table: string }
  | { readonly tag: 'parquet' | 'csv' | 'json'; readonly path: string }

export type Ask =
  | { readonly tag: 'all'; readonly query: string }
  | { readonly tag: 'run'; readonly statement: string }
  | { readonly tag: 'columns'; readonly from: From }
  | { readonly tag: 'mark'; readonly from: From; readonly changed: string | null }
  | {
      readonly tag: 'extent'
      readonly from: From
      readonly time: TimeColumn
      readonly within: { readonly from: number; readonly to: number }
    }
  | { readonly tag: 'copy'; readonly from: From; readonly plan: CopyPlan; readonly ahead: number }
  | { readonly tag: 'close' }

export type ToThread =
  | { readonly id: number; readonly ask: Ask }
  /** The reader has done with a chunk: another one may be sent, in its memory if that is shared. */
  | { readonly id: number; readonly read: { readonly slot: number | null } }
  | { readonly id: number; readonly cancel: true }

export type Answer = {
  readonly all: readonly Readonly<Record<string, Json>>[]
  readonly run: null
  readonly columns: readonly SourceColumn[]
  readonly mark: SourceMark
  readonly extent: Extent | null
  readonly copy: CopySummary
  readonly close: null
}

/** Where the bytes of a chunk are: at the front of a slot of the shared memory, or here. */
export type Chunk =
  | { readonly tag: 'slot'; readonly slot: number; readonly length: number }
  | { readonly tag: 'own'; readonly data: Uint8Array<ArrayBuffer> }

export type FromThread =
  /** The file is open. */
  | { readonly opened: true }
  | { readonly id: number; readonly done: Answer[keyof Answer] }
  | { readonly id: number; readonly failed: ErrorRecord }
  /** The memory of a copy's chunks, before the first of them. */
  | { readonly id: number; readonly memory: readonly SharedArrayBuffer[] }
  | { readonly id: number; readonly chunk: Chunk; readonly rows: number }
  | { readonly notOpened: ErrorRecord }
  /** A defect: nothing more is answered, and the thread ends as soon as the file can be closed. */
  | { readonly broken: string }
