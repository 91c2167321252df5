/** The public API: a config is written with the builders, a running system is opened with `openSluice`. */
export { defineConfig, env, file, secret, sync } from './config/define.ts'
export type { ConfigDefinition } from './config/schema.ts'
export { SluiceError } from './lib/error.ts'
export type { ErrorRecord, Where } from './lib/error.ts'
