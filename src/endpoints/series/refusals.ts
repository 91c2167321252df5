/** What is refused of what was asked: `FILTER_INVALID`, with the parameter's name. */
import { SluiceError } from '../../lib/error.ts'
import type { Grain } from '../../lib/grain.ts'
import type { SeriesRollup } from './rollup.ts'

/** Of all series together. */
export const pointsAtMost = 20_000

export function wrong(name: string, why: string, fix: string): SluiceError {
  return new SluiceError('FILTER_INVALID', `the parameter ${name} is wrong`, {
    why,
    fix,
    problems: [{ path: name, fault: why }],
  })
}

export function tooManyPoints(count: string): SluiceError {
  return wrong(
    'by',
    `the answer would have ${count} points; it may have ${pointsAtMost.toLocaleString('en-US')}`,
    'ask for a shorter range or a coarser grain, or filter',
  )
}

export function noLevel(needed: readonly string[], levels: readonly string[]): SluiceError {
  return wrong(
    'by',
    `nothing is counted by ${needed.join(' and ')} together, and the events are in a store`,
    `filter and group by dimensions of one level (${levels.join(', ')}), or add a level with all of them to the rollup`,
  )
}

export function noGrain({ grains, calendar }: Pick<SeriesRollup, 'grains' | 'calendar'>): SluiceError {
  return wrong(
    'grain',
    'the rollup has no rows that such buckets are made of, and the events are in a store',
    `ask for one of ${grains.join(', ')} in ${calendar.zone}, or add the grain to the rollup`,
  )
}

export function tooManyParts(grain: Grain, most: number): SluiceError {
  return wrong(
    'from',
    `what is asked would be added up of more than ${most.toLocaleString('en-US')} buckets by ${grain}`,
    'ask for a shorter range, or for a grain and zone that the rollup has',
  )
}
