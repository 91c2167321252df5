/** Backfills, as the rest of Sluice sees them: a recorded request over slices of a flow, each of which becomes a run. */
import type { FlowName, SliceKey } from '../flows/flow.ts'
import type { RunId, RunOutcome } from './engine.ts'

export type BackfillId = string

/** Which slices of a flow are to be redone: what the kind plans for it. */
export interface BackfillRange {
  readonly flow: FlowName
  readonly from: string | null
  readonly to: string | null
  readonly slices: readonly SliceKey[] | null
  /** Redo what is up to date, too; ignores the guard. */
  readonly force: boolean
  /** Only what is counted by this period, of kinds that count by several; null, left out: all. */
  readonly grain?: string | null
  /** What lies in the range and cannot be made again goes, too. */
  readonly clear?: boolean
}

export interface BackfillRequest extends BackfillRange {
  /** How many of its slices are worked on at once, 1 to 16; 2 if left out. */
  readonly atOnce?: number
}

/** The exact slices of a backfill, in the order in which they are done: newest first. */
export interface BackfillPreview {
  readonly slices: readonly { readonly key: SliceKey; readonly ordinal: number; readonly why: string }[]
  /** Slices of the range that are left as they are. */
  readonly skipped: readonly { readonly key: SliceKey; readonly why: string }[]
}

/**
 *     running ──pause──> paused ──resume──> running
 *        ├──(all slices ended)──> done | failed (at least one slice failed) | cancelled (one was cancelled, none failed)
 *        └──cancel──> cancelled               failed | cancelled ──retry──> running
 */
export type BackfillState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled'
export type BackfillSliceState = RunOutcome | 'waiting' | 'running'

export interface BackfillRecord {
  readonly id: BackfillId
  readonly flow: FlowName
  readonly state: BackfillState
  readonly from: string | null
  readonly to: string | null
  readonly force: boolean
  readonly grain: string | null
  readonly clear: boolean
  readonly atOnce: number
  readonly requestedAt: Date
  readonly requestedBy: string
  readonly finishedAt: Date | null
  /** Who paused or cancelled it, and why; null: nobody. */
  readonly stopped: { readonly by: string; readonly reason: string | null } | null
  /** Slices by what became of them; they add up to `total`. */
  readonly slices: Readonly<Record<BackfillSliceState, number>> & { readonly total: number }
  /** Milliseconds until it is done if it goes on as in its last slices; null: unknown, or it does not go on. */
  readonly etaMs: number | null
}

export interface BackfillSlice {
  readonly key: SliceKey
  readonly ordinal: number
  readonly state: BackfillSliceState
  readonly run: RunId | null
}

/** What someone who follows a backfill sees; it ends with `finished`. */
export type BackfillEvent =
  /** This run does, or will do, this slice. */
  | { readonly tag: 'begun'; readonly slice: SliceKey; readonly run: RunId }
  | { readonly tag: 'progress'; readonly backfill: BackfillRecord }
  /** Nothing of it goes on: it has ended, or it is paused. */
  | { readonly tag: 'finished'; readonly backfill: BackfillRecord }

/** Backfills: each slice of one is a run with less priority than live work. */
export interface Backfills {
  /** What `create` would do. */
  preview(range: BackfillRange, by: string, signal?: AbortSignal): Promise<BackfillPreview>
  /** `BACKFILL_EMPTY` when there is nothing to do, `FLOW_PAUSED`, `USAGE` what the kind refuses. */
  create(request: BackfillRequest, by: string, signal?: AbortSignal): Promise<BackfillRecord>
  /** Newest first, after `before`. */
  list(page: {
    readonly flow?: FlowName
    readonly states?: readonly BackfillState[]
    readonly limit: number
    readonly before?: BackfillId
  }): Promise<readonly BackfillRecord[]>
  count(filter: { readonly flow?: FlowName; readonly states?: readonly BackfillState[] }): Promise<number>
  /** By its id, or by an abbreviation of it that fits only one; `BACKFILL_UNKNOWN`. */
  get(id: BackfillId): Promise<BackfillRecord>
  /** In the order in which they are done; after the slice `after`. */
  slices(
    id: BackfillId,
    page: {
      readonly states?: readonly BackfillSliceState[]
      readonly limit: number
      readonly after?: SliceKey
    },
  ): Promise<readonly BackfillSlice[]>
  /** Nothing of it begins any more; what runs goes on. `BACKFILL_STATE` when it is not running. */
  pause(id: BackfillId, by: string, reason: string | null): Promise<BackfillRecord>
  resume(id: BackfillId, by: string): Promise<BackfillRecord>
  /** What runs is cancelled, what waits is not done. */
  cancel(id: BackfillId, by: string, reason: string | null): Promise<BackfillRecord>
  /** Does again what failed or was cancelled, and only that. */
  retry(id: BackfillId, by: string): Promise<BackfillRecord>
  /**
   * Sees to it that it is done: by living workers, or here where there is none. Resolves when it has ended or is paused and nothing
   * of it is at work, or when the signal told it to stop.
   */
  ensure(id: BackfillId, signal?: AbortSignal): Promise<void>
  /** How it goes, from where it stands now. */
  follow(id: BackfillId, signal?: AbortSignal): AsyncIterable<BackfillEvent>
}
