/** The public API: a config is written with the builders, a running system is opened with `openSluice`. */
import type { OpenOptions, Sluice } from './sluice.ts'

export { defineConfig, endpoint, env, file, rollup, secret, sync } from './config/define.ts'
export type { ConfigDefinition } from './config/schema.ts'
export { SluiceError } from './lib/error.ts'
export type { ErrorRecord, Where } from './lib/error.ts'
export type { FlowVerification, OpenOptions, RunOptions, Sluice } from './sluice.ts'

/** Opens what a config describes; see `Sluice`. Close it when done: `await using sluice = await openSluice()`. */
export async function openSluice(options: OpenOptions = {}): Promise<Sluice> {
  // Loaded when it is called: a config imports this module for its builders alone.
  const composition = await import('./sluice.ts')
  return composition.openSluice(options)
}
