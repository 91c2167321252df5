/**
 * The other half of the composition: the stores of a config, opened on first use and closed together. The one place that
 * knows every kind of store; a store itself never imports another.
 */
import { join, resolve } from 'node:path'
import type { LoadedConfig } from './config/load.ts'
import { storesOf, type StoreSpec } from './config/stores.ts'
import type { Finding, SourceSpec, Stores } from './flows/flow.ts'
import { asSluiceError, SluiceError } from './lib/error.ts'
import type { Database } from './lib/sql.ts'
import { openDuckdb, type Duckdb } from './stores/duckdb/client.ts'
import { openDatabase } from './stores/postgres/client.ts'
import { describeUrl } from './stores/postgres/connection.ts'
import { openReader, type Reader } from './stores/postgres/reader.ts'
import { startEmbedded, type EmbeddedServer } from './stores/postgres/embedded/embedded.ts'
import type { Source } from './transfer/source.ts'

/** Which server a store is, and why: printed by `up`, `status` and `doctor`. Never a secret. */
export interface StoreDescription {
  readonly name: string
  readonly kind: StoreSpec['kind']
  /** `PostgreSQL 18.4 on 127.0.0.1:54321/app`, the path of a DuckDB file. */
  readonly what: string
  /** ``no `database` in the config``, `DATABASE_URL`. */
  readonly why: string
}

/** A DuckDB without a file: for reading Parquet, CSV and JSON; any number of processes may have one. */
const inMemory = ':memory:'

export class OpenStores implements Stores, AsyncDisposable {
  /** Stores that only one process can hold at a time; runs that need them belong to whoever holds them. */
  readonly exclusive: readonly string[]
  /** How many runs may use a store at once, unless the config says otherwise. */
  readonly limits: Readonly<Record<string, number>>
  readonly #loaded: LoadedConfig
  readonly #specs: ReadonlyMap<string, StoreSpec>
  readonly #databases = new Map<string, Promise<Database>>()
  readonly #warehouses = new Map<string, Promise<Duckdb>>()
  readonly #readers = new Map<string, Promise<Reader>>()
  readonly #versions = new Map<string, number>()
  #embedded: Promise<EmbeddedServer> | undefined

  constructor(loaded: LoadedConfig) {
    this.#loaded = loaded
    this.#specs = new Map(storesOf(loaded.config).map((spec) => [spec.name, spec]))
    this.exclusive = [...this.#specs.values()]
      .filter((spec) => spec.kind === 'duckdb' && spec.path !== inMemory && !spec.options.readOnly)
      .map(({ name }) => name)
    this.limits = Object.fromEntries(
      [...this.#specs.values()].map(({ name, kind }) => [name, kind === 'duckdb' ? 1 : 4]),
    )
  }

  database(name: string): Promise<Database> {
    return once(this.#databases, name, async () => {
      const spec = this.#spec(name, 'postgres')
      const database = await openDatabase({ store: name, url: await this.#url(spec), max: spec.options.connections })
      this.#versions.set(name, await database.version())
      return database
    })
  }

  /** Where a PostgreSQL store is, with user and password: for programs of the application's own. */
  async url(name: string): Promise<string> {
    return await this.#url(this.#spec(name, 'postgres'))
  }

  /** Connections of a PostgreSQL store that only read: for endpoints. */
  reader(name: string): Promise<Reader> {
    return once(this.#readers, name, async () => {
      const spec = this.#spec(name, 'postgres')
      return openReader({ store: name, url: await this.#url(spec), max: Math.ceil(spec.options.connections / 2) })
    })
  }

  async source(name: string, from: SourceSpec): Promise<Source> {
    const duckdb = await once(this.#warehouses, name, async () => {
      const spec = this.#spec(name, 'duckdb')
      return openDuckdb({ store: name, path: this.#path(spec), directory: this.#loaded.directory, ...spec.options })
    })
    return duckdb.source(from)
  }

  describe(): readonly StoreDescription[] {
    return [...this.#specs.values()].map((spec) => ({
      name: spec.name,
      kind: spec.kind,
      what: this.#what(spec),
      why: spec.why,
    }))
  }

  /** Whether each store answers. Opens what is not open yet. */
  async inspect(): Promise<readonly Finding[]> {
    const findings: Finding[] = []
    for (const spec of this.#specs.values()) {
      if (spec.kind !== 'postgres') continue
      try {
        await this.database(spec.name)
        findings.push({ severity: 'fine', about: spec.name, says: `${this.#what(spec)} (${spec.why})`, fix: null })
      } catch (thrown) {
        const error = asSluiceError(thrown)
        findings.push({ severity: 'problem', about: spec.name, says: `${error.summary}: ${error.why}`, fix: error.fix })
      }
    }
    return findings
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const settled = await Promise.allSettled([
      ...this.#warehouses.values(),
      ...this.#readers.values(),
      ...this.#databases.values(),
    ])
    for (const result of settled) if (result.status === 'fulfilled') await result.value[Symbol.asyncDispose]()
    const embedded = await this.#embedded?.catch(() => undefined)
    await embedded?.[Symbol.asyncDispose]()
  }

  #spec<K extends StoreSpec['kind']>(name: string, kind: K): StoreSpec & { readonly kind: K } {
    const spec = this.#specs.get(name)
    if (spec?.kind === kind) return spec as StoreSpec & { readonly kind: K } // the comparison has shown it
    const able = [...this.#specs.values()]
      .filter((candidate) => candidate.kind === kind)
      .map((candidate) => candidate.name)
    throw new SluiceError(
      'STORE_UNKNOWN',
      spec === undefined
        ? `there is no store "${name}"`
        : `store "${name}" is ${spec.kind}, which cannot play this part`,
      {
        why: kind === 'postgres' ? 'a sync publishes into PostgreSQL' : 'a sync reads from a DuckDB warehouse',
        fix: `name one of ${able.join(', ')}, or add a ${kind} store to the config`,
        where: { store: name },
      },
    )
  }

  async #url(spec: StoreSpec & { readonly kind: 'postgres' }): Promise<string> {
    const { value } = this.#loaded.environment.resolve(spec.address, { store: spec.name })
    if (value !== 'embedded') return value
    this.#embedded ??= startEmbedded({ directory: join(this.#loaded.directory, '.sluice') })
    return (await this.#embedded).url
  }

  #path(spec: StoreSpec & { readonly kind: 'duckdb' | 'files' }): string {
    const { value } = this.#loaded.environment.resolve(spec.path, { store: spec.name })
    return value === inMemory ? value : resolve(this.#loaded.directory, value)
  }

  #what(spec: StoreSpec): string {
    try {
      if (spec.kind !== 'postgres') return this.#path(spec)
      const { value } = this.#loaded.environment.resolve(spec.address, { store: spec.name })
      const version = this.#versions.get(spec.name)
      const server =
        version === undefined ? 'PostgreSQL' : `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`
      return value === 'embedded' ? `${server}, embedded in .sluice` : `${server} on ${describeUrl(value)}`
    } catch (thrown) {
      return asSluiceError(thrown).summary
    }
  }
}

/** The entry of a map, made by whoever asks first; a failure is forgotten, so that the next one tries again. */
function once<T>(opened: Map<string, Promise<T>>, name: string, open: () => Promise<T>): Promise<T> {
  const known = opened.get(name)
  if (known !== undefined) return known
  const opening = open()
  opened.set(name, opening)
  opening.catch(() => opened.delete(name))
  return opening
}
