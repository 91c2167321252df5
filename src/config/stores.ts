import type { EnvReference, SecretReference } from '../lib/reference.ts'
import { duckdbStore, type DuckdbStore } from '../stores/duckdb/config.ts'
import { postgresStore, type PostgresStore } from '../stores/postgres/config.ts'
import type { Config } from './schema.ts'

type Address = string | EnvReference | SecretReference
type Plain = string | EnvReference

/** A store as the config has it, unresolved; `why` says what in the config (or what is missing there) makes it so. */
export type StoreSpec =
  /** `embedded` as address: Sluice's own server. */
  | {
      readonly kind: 'postgres'
      readonly name: string
      readonly address: Address
      readonly options: Omit<PostgresStore, 'postgres'>
      readonly why: string
    }
  | {
      readonly kind: 'duckdb'
      readonly name: string
      readonly path: Plain
      readonly options: Omit<DuckdbStore, 'duckdb'>
      readonly why: string
    }
  | { readonly kind: 'files'; readonly name: string; readonly path: Plain; readonly why: string }

/** The names that every config has. */
export const builtIn = ['database', 'warehouse', 'objects'] as const

/** Every store of a config by its name, the three shorthands first. Pure. */
export function storesOf(config: Config): readonly StoreSpec[] {
  const { database, warehouse, objects } = config
  return [
    database === undefined
      ? { ...spec('database', postgresStore.parse({ postgres: 'embedded' })), why: 'no `database` in the config' }
      : spec('database', isStore(database) ? database : postgresStore.parse({ postgres: database })),
    warehouse === undefined
      ? {
          ...spec('warehouse', duckdbStore.parse({ duckdb: '.sluice/warehouse.duckdb' })),
          why: 'no `warehouse` in the config',
        }
      : spec('warehouse', warehouse),
    objects === undefined
      ? { kind: 'files', name: 'objects', path: '.sluice/objects', why: 'no `objects` in the config' }
      : { kind: 'files', name: 'objects', path: objects, why: whyOf(objects) },
    ...Object.entries(config.stores).map(([name, store]) => spec(name, store)),
  ]
}

function isStore(database: NonNullable<Config['database']>): database is PostgresStore {
  return typeof database === 'object' && 'postgres' in database
}

function spec(name: string, store: PostgresStore | DuckdbStore): StoreSpec {
  if ('postgres' in store) {
    const { postgres: address, ...options } = store
    return { kind: 'postgres', name, address, options, why: whyOf(address) }
  }
  const { duckdb: path, ...options } = store
  return { kind: 'duckdb', name, path, options, why: whyOf(path) }
}

function whyOf(address: Address): string {
  if (typeof address === 'string') return 'the config says so'
  return '$env' in address ? `env('${address.$env}')` : `secret('${address.$secret}')`
}
