/** By urgency. */
export const flowStates = ['failed', 'late', 'stale', 'never', 'paused', 'fresh'] as const
export type FlowState = (typeof flowStates)[number]

/** `grains` and `chart`: of a rollup alone. */
export const flowTabs = ['overview', 'grains', 'chart', 'slices', 'runs', 'rows', 'schema', 'config'] as const
export type FlowTab = (typeof flowTabs)[number]
