/** The same done to many runs: which of them it applies to, and a few at a time. */
import type { Run } from '../client/model/run.ts'

export type BulkAction = 'retry' | 'cancel'

/** The states that an action applies to; the rest is left as it is. */
export const bulkStates = { retry: ['failed', 'cancelled'], cancel: ['waiting', 'running'] } as const

export function applicable<Row extends Pick<Run, 'state'>>(runs: readonly Row[], action: BulkAction): readonly Row[] {
  const states: readonly string[] = bulkStates[action]
  return runs.filter((run) => states.includes(run.state))
}

/** The states of a filter that an action applies to, for the question how many there are; null: none. */
export function bulkFilter(state: string | undefined, action: BulkAction): string | null {
  const wanted: readonly string[] = bulkStates[action].filter(
    (one) => state === undefined || state.split(',').includes(one),
  )
  return wanted.length === 0 ? null : wanted.join(',')
}

export interface BulkResult {
  readonly done: number
  readonly failed: readonly { readonly id: string; readonly error: unknown }[]
}

/** Does it to each, four at a time, and says how far it is; what is refused does not stop the others. Ends early when aborted. */
export async function doEach(
  ids: readonly string[],
  each: (id: string) => Promise<unknown>,
  progress: (result: BulkResult) => void,
  signal: AbortSignal,
): Promise<BulkResult> {
  const left = [...ids]
  const failed: { readonly id: string; readonly error: unknown }[] = []
  let done = 0
  const work = async (): Promise<void> => {
    for (let id = left.shift(); id !== undefined && !signal.aborted; id = left.shift()) {
      try {
        await each(id)
        done += 1
      } catch (error) {
        failed.push({ id, error })
      }
      progress({ done, failed: [...failed] })
    }
  }
  await Promise.all(Array.from({ length: 4 }, work))
  return { done, failed }
}
