import { codes } from '../lib/codes.ts'
import type { SluiceError } from '../lib/error.ts'

export type Decision = { readonly tag: 'retry'; readonly afterMs: number } | { readonly tag: 'end' }

/** How often a run may lose its worker before it is given up: something about it may be what ends them. */
export const interruptionsAllowed = 20

const firstMs = 1000
const longestMs = 5 * 60_000

/**
 * Whether another attempt follows one that failed. Pure: `random` in [0, 1) is the jitter.
 *
 * `failed`: the attempts of this run that have failed, this one included; `attempts`: how many may.
 */
export function afterFailure(error: SluiceError, failed: number, attempts: number, random: number): Decision {
  if (!codes[error.code].retry || failed >= attempts) return { tag: 'end' }
  const full = Math.min(longestMs, firstMs * 4 ** (failed - 1))
  return { tag: 'retry', afterMs: Math.round(full * (0.5 + random / 2)) }
}

/** Whether another attempt follows one whose worker was lost. At once: it is nobody's fault, and the work is late already. */
export function afterInterruption(interrupted: number): Decision {
  return interrupted > interruptionsAllowed ? { tag: 'end' } : { tag: 'retry', afterMs: 0 }
}
