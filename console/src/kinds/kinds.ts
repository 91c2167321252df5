/** What a kind of flow shows beyond what every flow shows: a line each. */
import type { ComponentType } from 'react'
import type { FlowDetail } from '../client/model/flowDetail.ts'
import type { Slice } from '../client/model/slice.ts'
import { part } from '../frame/part.tsx'
import type { RangeProps } from './range.ts'

export interface KindPages {
  /** Below the facts of a slice that was chosen in the calendar. */
  readonly Slice?: ComponentType<{ readonly slice: Slice }>
  /** In place of the calendar of all slices. */
  readonly Slices?: ComponentType<{ readonly flow: FlowDetail }>
  /** In place of the two texts that a new backfill's range is made of. */
  readonly Range?: ComponentType<RangeProps>
}

/** A kind that is not here has the pages that every flow has. */
export const kinds: Readonly<Partial<Record<string, KindPages>>> = {
  rollup: {
    Slices: part(() => import('./rollup/RollupSlices.tsx').then(({ RollupSlices }) => RollupSlices)),
    Range: part(() => import('./rollup/RollupRange.tsx').then(({ RollupRange }) => RollupRange)),
  },
}
