/** Rollups as they stand, for whoever looks at them: a part of the composition. */
import type { Finding, Flow } from './flows/flow.ts'
import type { RollupOptions } from './flows/rollup/config.ts'
import { inspectStrays } from './flows/rollup/inspect.ts'
import {
  bucketsIn,
  compareBucket,
  lookAt,
  type ComparedBucket,
  type LookedAt,
  type LookedBucket,
  type RollupLook,
} from './flows/rollup/look.ts'
import type { Grain } from './lib/grain.ts'
import { SluiceError } from './lib/error.ts'

export type { ComparedBucket, LookedBucket, RollupLook }

/** Of a flow that is no rollup, or is not there, each of them is `FLOW_UNKNOWN`. */
export interface Rollups {
  get(flow: string): Promise<RollupLook>
  /** The buckets of a slice, in order. `SLICE_UNKNOWN` */
  buckets(flow: string, slice: string): Promise<{ readonly grain: Grain; readonly buckets: readonly LookedBucket[] }>
  /** The bucket in which a moment lies, its rows beside what its events say. `USAGE`, `TARGET_MISSING` when nothing was counted yet. */
  compare(
    flow: string,
    asked: { readonly grain: string; readonly at: Date; readonly level: string | null; readonly limit: number },
  ): Promise<ComparedBucket>
  /** What rollups that are no more have left in the database. */
  inspect(): Promise<readonly Finding[]>
}

export function openRollups(given: Omit<LookedAt, 'signal'> & { readonly flows: () => readonly Flow[] }): Rollups {
  // Whoever asks ends it himself.
  const options = { ...given, signal: new AbortController().signal }
  const rollupOf = (name: string): Flow<RollupOptions> => {
    const found = options.flows().find((flow) => flow.name === name && flow.kind === 'rollup')
    // The options of this kind are these.
    if (found !== undefined) return found as Flow<RollupOptions>
    throw new SluiceError('FLOW_UNKNOWN', 'There is no rollup of that name', {
      why: `no flow ${name} of this project counts events`,
      fix: 'GET /api/flows lists the flows, each with its kind',
      where: { flow: name },
    })
  }
  return {
    get: async (flow) => lookAt(rollupOf(flow), options),
    buckets: async (flow, slice) => bucketsIn(rollupOf(flow), slice, options),
    compare: async (flow, asked) => compareBucket(rollupOf(flow), asked, options),
    inspect: async () =>
      inspectStrays(
        options,
        options.flows().flatMap(({ kind, name }) => (kind === 'rollup' ? [name] : [])),
      ),
  }
}
