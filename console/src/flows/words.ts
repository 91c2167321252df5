/** By urgency. */
export const flowStates = ['failed', 'late', 'stale', 'never', 'paused', 'fresh'] as const
export type FlowState = (typeof flowStates)[number]

export const flowTabs = ['overview', 'slices', 'runs', 'rows', 'schema', 'config'] as const
export type FlowTab = (typeof flowTabs)[number]

/** What is asked first of a flow's slices: whether they stand for a time, and for which. */
export const newestSlice = { limit: 1 } as const
