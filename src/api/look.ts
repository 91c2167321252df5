import { SluiceError } from '../lib/error.ts'
import { statusOf, Told } from './problem.ts'

/**
 * Looks at a flow's own stores. What they say against it is the answer, not a defect of ours: it is told with `status` (422: of a
 * definition that was sent, 502: of one that stands) where it would be a 500 without a word elsewhere. A defect stays one.
 */
export async function looking<T>(status: 422 | 502, look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code === 'INTERNAL' || statusOf(thrown.code) !== 500) throw thrown
    throw new Told(thrown, status)
  }
}
