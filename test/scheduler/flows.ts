import { flowOf } from '../support/clockwork.ts'

/** Due every half second, every one wanted. */
export const flows = [1, 2, 3, 4].map((n) =>
  flowOf(`flow_${n}`, { schedule: { tag: 'every', every: 500, offset: 0 }, catchUp: 'all' }),
)
