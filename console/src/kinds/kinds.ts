/** What a kind of flow shows beyond what every flow shows: a line each. */
import type { ComponentType } from 'react'
import type { Slice } from '../client/model/slice.ts'

export interface KindPages {
  /** Below the facts of a slice that was chosen in the calendar. */
  readonly Slice?: ComponentType<{ readonly slice: Slice }>
}

/** A kind that is not here has the pages that every flow has. */
export const kinds: Readonly<Partial<Record<string, KindPages>>> = {}
