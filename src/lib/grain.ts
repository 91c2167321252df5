/** The periods that a rollup counts by, fine to coarse, and what is redone as a whole of each. */
export const grains = ['quarter-hour', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const
export type Grain = (typeof grains)[number]

export const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
export type Weekday = (typeof weekdays)[number]

/** Finer first. */
export const byLength = (a: Grain, b: Grain): number => grains.indexOf(a) - grains.indexOf(b)

/** A slice is a local day of what is shorter than a day, a local month of days, a local year of the rest. */
export function stretchOf(grain: Grain): 'day' | 'month' | 'year' {
  switch (grain) {
    case 'quarter-hour':
    case 'hour':
      return 'day'
    case 'day':
      return 'month'
    case 'week':
    case 'month':
    case 'quarter':
    case 'year':
      return 'year'
  }
}

/**
 * The grain whose buckets a coarser one is made of, of those that there are: nothing is made of weeks, which lie across months; null:
 * the events themselves.
 */
export function madeOf(grain: Grain, all: readonly Grain[]): Grain | null {
  const nested: Readonly<Record<Grain, readonly Grain[]>> = {
    'quarter-hour': [],
    hour: ['quarter-hour'],
    day: ['hour', 'quarter-hour'],
    week: ['day', 'hour', 'quarter-hour'],
    month: ['day', 'hour', 'quarter-hour'],
    quarter: ['month', 'day', 'hour', 'quarter-hour'],
    year: ['quarter', 'month', 'day', 'hour', 'quarter-hour'],
  }
  return nested[grain].find((finer) => all.includes(finer)) ?? null
}
