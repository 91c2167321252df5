export const backfillStates = ['running', 'paused', 'failed', 'cancelled', 'done'] as const

/** What becomes of a slice of a backfill, in the order in which it stands in a bar. */
export const backfillSliceStates = ['succeeded', 'skipped', 'running', 'failed', 'cancelled', 'waiting'] as const
export type BackfillSliceWord = (typeof backfillSliceStates)[number]
