import type { EnvReference, FileReference, SecretReference } from '../lib/reference.ts'
import type { EndpointOptions } from '../endpoints/config.ts'
import type { RollupDefinition } from '../flows/rollup/config.ts'
import type { SyncDefinition } from '../flows/sync/config.ts'
import type { ConfigDefinition } from './schema.ts'
import type { TimingDefinition } from './timing.ts'

/**
 * Types a config. What it returns is what it was given: plain JSON, which can be stored, compared and exported.
 */
export function defineConfig(config: ConfigDefinition): ConfigDefinition {
  return config
}

/**
 * An environment variable (or a line of `.env` beside the config; the environment wins), read when it is first needed.
 * Unset without `or` is `VARIABLE_UNSET`; set but empty is so with `or`, too.
 */
export function env(name: string, options: { readonly or?: string } = {}): EnvReference {
  return options.or === undefined ? { $env: name } : { $env: name, or: options.or }
}

/**
 * A secret, read when it is first needed and never printed: the variable `name` or `NAME` (in capitals), else the file that
 * the variable `NAME_FILE` names, else the file `/run/secrets/name`.
 */
export function secret(name: string): SecretReference {
  return { $secret: name }
}

/** A file below the folder of the config, read when the config is loaded; its content counts, not its path. */
export function file(path: string): FileReference {
  return { $file: path }
}

/** A flow that keeps a table of a PostgreSQL database the same as rows of the warehouse. */
export function sync(
  options: SyncDefinition & TimingDefinition,
): { readonly kind: 'sync' } & SyncDefinition & TimingDefinition {
  return { kind: 'sync', ...options }
}

/** A flow that counts the events of a table of the application database by hour, day, week, month, year. */
export function rollup(
  options: RollupDefinition & Omit<TimingDefinition, 'zone'>,
): { readonly kind: 'rollup' } & RollupDefinition & Omit<TimingDefinition, 'zone'> {
  return { kind: 'rollup', ...options }
}

/** An address that serves the rows of a table, or of a query, to an application: filtered, paged, bound to the caller's claims. */
export function endpoint(options: EndpointOptions): EndpointOptions {
  return options
}
