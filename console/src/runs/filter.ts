/** The filter of the runs, as it stands in the URL and as the API is asked. Pure. */
import type { ListRunsParams } from '../client/model/listRunsParams.ts'
import { oneIn, someIn, textIn, wordsIn } from '../frame/search.ts'
import { type OperationWord, operations, runStates, type Span, spans, triggers } from './words.ts'

export interface RunsSearch {
  readonly flow?: string | undefined
  /** Some of `runStates`, by commas. */
  readonly state?: string | undefined
  readonly trigger?: string | undefined
  readonly operation?: OperationWord | undefined
  readonly since?: Span | undefined
  /** The id of a backfill. */
  readonly backfill?: string | undefined
}

export function runsSearch(search: Record<string, unknown>): RunsSearch {
  return {
    flow: textIn(search['flow']),
    state: someIn(search['state'], runStates),
    trigger: someIn(search['trigger'], triggers),
    operation: oneIn(search['operation'], operations),
    // All keys of an object are its own.
    since: oneIn(search['since'], Object.keys(spans) as Span[]),
    backfill: textIn(search['backfill']),
  }
}

export const isFiltered = (search: RunsSearch): boolean => Object.values(search).some((value) => value !== undefined)

/** What to ask for; `now` to the minute, so that the same question is asked once. */
export function runsParams(search: RunsSearch, now: number): ListRunsParams {
  const { since, flow, operation, backfill } = search
  const state = wordsIn(search.state, runStates)
  const trigger = wordsIn(search.trigger, triggers)
  return {
    ...(flow === undefined ? {} : { flow }),
    ...(state === undefined ? {} : { state }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(operation === undefined ? {} : { operation }),
    ...(backfill === undefined ? {} : { backfill }),
    ...(since === undefined
      ? {}
      : { since: new Date(Math.floor((now - spans[since]) / 60_000) * 60_000).toISOString() }),
  }
}
