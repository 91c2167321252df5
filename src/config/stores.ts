import type { EnvReference, SecretReference } from '../lib/reference.ts'
import type { Config } from './schema.ts'

type Address = string | EnvReference | SecretReference
type Plain = string | EnvReference

/** A store as the config has it, unresolved; `why` says what in the config (or what is missing there) makes it so. */
export type StoreSpec =
  /** `embedded` as address: Sluice's own server. */
  | { readonly kind: 'postgres'; readonly name: string; readonly address: Address; readonly why: string }
  | { readonly kind: 'duckdb'; readonly name: string; readonly path: Plain; readonly why: string }
  | { readonly kind: 'files'; readonly name: string; readonly path: Plain; readonly why: string }

/** The names that every config has. */
export const builtIn = ['database', 'warehouse', 'objects'] as const

/** Every store of a config by its name, the three shorthands first. Pure. */
export function storesOf(config: Config): readonly StoreSpec[] {
  const { database, warehouse, objects } = config
  return [
    database === undefined
      ? { kind: 'postgres', name: 'database', address: 'embedded', why: 'no `database` in the config' }
      : spec('database', typeof database === 'object' && 'postgres' in database ? database : { postgres: database }),
    warehouse === undefined
      ? { kind: 'duckdb', name: 'warehouse', path: '.sluice/warehouse.duckdb', why: 'no `warehouse` in the config' }
      : spec('warehouse', warehouse),
    objects === undefined
      ? { kind: 'files', name: 'objects', path: '.sluice/objects', why: 'no `objects` in the config' }
      : { kind: 'files', name: 'objects', path: objects, why: whyOf(objects) },
    ...Object.entries(config.stores).map(([name, store]) => spec(name, store)),
  ]
}

function spec(
  name: string,
  store: { readonly postgres: Address } | { readonly duckdb: Plain } | { readonly files: Plain },
): StoreSpec {
  if ('postgres' in store) return { kind: 'postgres', name, address: store.postgres, why: whyOf(store.postgres) }
  if ('duckdb' in store) return { kind: 'duckdb', name, path: store.duckdb, why: whyOf(store.duckdb) }
  return { kind: 'files', name, path: store.files, why: whyOf(store.files) }
}

function whyOf(address: Address): string {
  if (typeof address === 'string') return 'the config says so'
  return '$env' in address ? `env('${address.$env}')` : `secret('${address.$secret}')`
}
