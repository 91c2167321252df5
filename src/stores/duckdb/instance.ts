/** The one instance of a DuckDB file in this process, inside the thread that owns it. */
import duckdb from '@duckdb/node-bindings'
import { DuckDBLogicalType, DuckDBResult, DuckDBTypeId, type DuckDBType } from '@duckdb/node-api'
import { dirname } from 'node:path'
import { mkdir } from 'node:fs/promises'
import { SluiceError } from '../../lib/error.ts'
import type { Json } from '../../lib/json.ts'
import type { SourceColumn } from '../../transfer/column.ts'
import type { Extent, TimeColumn } from '../../transfer/source.ts'
import { extentStatement } from './counted.ts'
import { duckdbError } from './errors.ts'
import type { From, ThreadOptions } from './protocol.ts'
import { relation, rowNumber } from './statement.ts'
import { pgTypeOf } from './types.ts'

export interface Described {
  readonly name: string
  readonly type: DuckDBType
}

export class Instance {
  readonly store: string
  readonly path: string
  readonly directory: string
  readonly #database: duckdb.Database
  #closed = false

  private constructor(options: ThreadOptions, database: duckdb.Database) {
    this.store = options.store
    this.path = options.path
    this.directory = options.directory
    this.#database = database
  }

  static async open(options: ThreadOptions): Promise<Instance> {
    const config = duckdb.create_config()
    const settings: Record<string, string> = {
      threads: String(options.threads),
      memory_limit: options.memory,
      // Nothing is fetched from anywhere: parquet, json and icu are linked in.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // A list with commas between: a folder with a comma cannot be in it, and `refuseElsewhere` then refuses relative paths.
      ...(options.directory.includes(',') ? {} : { file_search_path: options.directory }),
      ...(options.readOnly ? { access_mode: 'READ_ONLY' } : {}),
      ...(options.path === ':memory:' ? {} : { temp_directory: `${options.path}.tmp` }),
    }
    for (const [name, value] of Object.entries(settings)) duckdb.set_config(config, name, value)
    try {
      if (!options.readOnly && options.path !== ':memory:') await mkdir(dirname(options.path), { recursive: true })
      return new Instance(options, await duckdb.open(options.path, config))
    } catch (thrown) {
      throw duckdbError(thrown, { store: options.store, file: options.path })
    }
  }

  /** Runs `work` on a connection of its own, which an abort interrupts. */
  async connected<T>(signal: AbortSignal, work: (connection: duckdb.Connection) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const connection = await duckdb.connect(this.#database)
    const interrupt = (): void => duckdb.interrupt(connection)
    signal.addEventListener('abort', interrupt)
    try {
      await duckdb.query(connection, `set TimeZone = 'UTC'`)
      return await work(connection)
    } catch (thrown) {
      signal.throwIfAborted()
      throw duckdbError(thrown, { store: this.store })
    } finally {
      signal.removeEventListener('abort', interrupt)
      duckdb.disconnect_sync(connection)
    }
  }

  /** All rows; int64 and larger as text, dates and times as DuckDB prints them. Small results only. */
  all(query: string, signal: AbortSignal): Promise<readonly Readonly<Record<string, Json>>[]> {
    return this.connected(signal, async (connection) => {
      const result = new DuckDBResult(await duckdb.query(connection, query))
      // What DuckDB calls Json is JSON as we know it.
      return await result.getRowObjectsJson()
    })
  }

  run(statement: string, signal: AbortSignal): Promise<null> {
    return this.connected(signal, async (connection) => {
      await duckdb.query(connection, statement)
      return null
    })
  }

  async columns(from: From, signal: AbortSignal): Promise<readonly SourceColumn[]> {
    const described = await this.connected(signal, (connection) => describe(connection, from))
    if (from.tag === 'csv') refuseUnsplit(from.path, described)
    return described.map(({ name, type }) => {
      const column: SourceColumn = {
        name,
        sourceType: String(type),
        type: isWritten(from, type) ? { tag: 'numeric', precision: null, scale: null } : pgTypeOf(type),
        nullable: true,
      }
      return from.tag === 'parquet' && name === rowNumber ? { ...column, nullable: false, implicit: true } : column
    })
  }

  async extent(
    from: From,
    time: TimeColumn,
    within: { readonly from: number; readonly to: number },
    signal: AbortSignal,
  ): Promise<Extent | null> {
    const [row] = await this.all(extentStatement(from, time, within), signal)
    const [first, last] = [row?.['first'], row?.['last']]
    if (typeof first !== 'string' || typeof last !== 'string') return null
    const milliseconds = (text: string): number => Math.floor(Number(text) / 1000)
    return { first: milliseconds(first), last: milliseconds(last) }
  }

  /** Idempotent. Every connection must have ended. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    duckdb.close_sync(this.#database)
  }
}

/** A number of a CSV file that DuckDB would take for a float, and which has all the digits that are written. */
export function isWritten(from: From, type: DuckDBType): boolean {
  return from.tag === 'csv' && type.typeId === DuckDBTypeId.DOUBLE
}

/** The columns that `from` has, without reading rows. */
export async function describe(connection: duckdb.Connection, from: From): Promise<readonly Described[]> {
  if (from.tag === 'query') await checkQuery(connection, from.query)
  let prepared: duckdb.PreparedStatement
  try {
    prepared = await duckdb.prepare(connection, `from ${relation(from, true)} as source`)
  } catch (thrown) {
    // A file with a column of that name has no further one.
    if (from.tag !== 'parquet' || !String(thrown).includes(rowNumber)) throw thrown
    prepared = await duckdb.prepare(connection, `from ${relation(from, false)} as source`)
  }
  try {
    const count = duckdb.prepared_statement_column_count(prepared)
    return Array.from({ length: count }, (_, index) => ({
      name: duckdb.prepared_statement_column_name(prepared, index),
      type: DuckDBLogicalType.create(duckdb.prepared_statement_column_logical_type(prepared, index)).asType(),
    }))
  } finally {
    duckdb.destroy_prepare_sync(prepared)
  }
}

/** Where a row has more fields than the header, or fewer, DuckDB takes whole lines for the values of one column. */
function refuseUnsplit(path: string, described: readonly Described[]): void {
  const [only] = described
  if (only === undefined || described.length > 1 || !/[,;|\t]/u.test(only.name)) return
  throw new SluiceError('STORE_QUERY', `the lines of ${path} do not all have the same number of fields`, {
    why: `read as they are, they would be one column named «${only.name}»`,
    fix: `correct the file, or say how to read it: from: { query: "from read_csv('…', delim = ',', header = true, null_padding = true)" }`,
    where: { file: path },
  })
}

/** One statement that gives rows; a fault is shown in the query as it was written, before anything is put around it. */
async function checkQuery(connection: duckdb.Connection, query: string): Promise<void> {
  const { extracted_statements, statement_count } = await duckdb.extract_statements(connection, query)
  if (statement_count === 0)
    throw new Error(duckdb.extract_statements_error(extracted_statements) || 'the query is empty')
  if (statement_count > 1) throw new Error(`the query has ${statement_count} statements; a source is one`)
  const prepared = await duckdb.prepare_extracted_statement(connection, extracted_statements, 0)
  const type = duckdb.prepared_statement_type(prepared)
  duckdb.destroy_prepare_sync(prepared)
  if (type !== duckdb.StatementType.SELECT) throw new Error('the query is not a select')
}
