import type { Run } from '../client/model/run.ts'

/** In the order in which they stand in a filter. */
export const runStates = ['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'skipped'] as const

export const operations = ['apply', 'verify', 'plan', 'ddl', 'check'] as const
export type OperationWord = (typeof operations)[number]

export const triggers = ['schedule', 'manual', 'backfill', 'api'] as const

/** How far back, as it stands in the URL. */
export const spans = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000, '30d': 30 * 86_400_000 } as const
export type Span = keyof typeof spans
export const spanWords: Readonly<Record<Span, string>> = {
  '1h': 'the last hour',
  '24h': 'the last 24 hours',
  '7d': 'the last 7 days',
  '30d': 'the last 30 days',
}

/** Enough of an id to tell runs apart; the API takes it for the whole. */
export const shortId = (id: string): string => id.slice(-8)

export const askedBy = ({ trigger, requestedBy }: Pick<Run, 'trigger' | 'requestedBy'>): string =>
  trigger === 'schedule' ? 'schedule' : `${requestedBy} (${trigger})`
