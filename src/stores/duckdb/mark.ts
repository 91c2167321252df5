/** What changes when a source changes. Unknown means run: nothing is guessed. */
import { stat } from 'node:fs/promises'
import { isAbsolute, relative, resolve } from 'node:path'
import { SluiceError } from '../../lib/error.ts'
import type { Json } from '../../lib/json.ts'
import type { SourceMark } from '../../transfer/source.ts'
import type { Instance } from './instance.ts'
import type { From } from './protocol.ts'
import { referencesOf, type TableName } from './references.ts'
import { literal, relation } from './statement.ts'

/** Whatever takes a file's place shows: another file has another inode, and nothing but the clock sets `changed`. Nanoseconds. */
interface FileMark {
  readonly path: string
  readonly size: string
  readonly inode: string
  readonly modified: string
  readonly changed: string
}

/** What the parser calls as functions and the catalog does not list: expressions that depend on nothing but what they are given. */
const expressions = ['unnest', 'grouping', 'grouping_id', 'columns', 'unlist']

interface Found {
  readonly files: Set<string>
  /** Rows of the DuckDB file itself are read. */
  database: boolean
  /** What is not known: a mark ends there, a search for files goes on. */
  opaque(why: string): void
}

class Opaque extends Error {}

/** `changed`: a query of the user's whose rows are the mark. */
export async function mark(
  instance: Instance,
  from: From,
  changed: string | null,
  signal: AbortSignal,
): Promise<SourceMark> {
  await refuseElsewhere(instance, changed === null ? from : { tag: 'query', query: changed }, signal)
  if (changed !== null) return { known: true, mark: { changed: await instance.all(changed, signal) }, asOf: null }
  const opaque = (why: string): never => {
    throw new Opaque(why)
  }
  const found: Found = { files: new Set(), database: false, opaque }
  try {
    await addFrom(instance, found, from, signal)
    return await settle(instance, found)
  } catch (thrown) {
    if (thrown instanceof Opaque) return { known: false, why: thrown.message }
    throw thrown
  }
}

/**
 * DuckDB looks for `name.csv` in the working directory first, and only then where relative paths count from: what a query reads
 * would depend on where the process was started.
 */
export async function refuseElsewhere(instance: Instance, from: From, signal: AbortSignal): Promise<void> {
  if (instance.directory === process.cwd() || (from.tag !== 'query' && from.tag !== 'table')) return
  const found: Found = { files: new Set(), database: false, opaque: () => undefined }
  await addFrom(instance, found, from, signal)
  // What is found by way of the directory is absolute.
  const here = [...found.files].find((file) => !isAbsolute(file))
  if (here === undefined) return
  throw new SluiceError('STORE_QUERY', `the query would read ${here} of the working directory`, {
    why: `relative paths count from ${instance.directory}, but DuckDB prefers the file in ${process.cwd()}`,
    fix: `write the path in full: ${resolve(instance.directory, here)}`,
    where: { store: instance.store },
  })
}

async function addFrom(instance: Instance, found: Found, from: From, signal: AbortSignal): Promise<void> {
  if (from.tag === 'parquet' || from.tag === 'csv' || from.tag === 'json')
    await addFiles(instance, found, from.path, signal)
  else await addQuery(instance, found, from.tag === 'query' ? from.query : `from ${relation(from, false)}`, 0, signal)
}

async function settle(instance: Instance, found: Found): Promise<SourceMark> {
  const paths = new Set([...found.files].map((file) => resolve(instance.directory, file)))
  const { directory } = instance
  const files = await Promise.all([...paths].sort().map((path) => fileMark(path, directory)))
  const database = found.database ? await databaseMark(instance.path, directory) : []
  const all = [...files, ...database]
  if (all.length === 0) return { known: true, mark: { files: [] }, asOf: null }
  const newest = Math.max(...all.map(({ modified }) => Number(BigInt(modified) / 1_000_000n)))
  return {
    known: true,
    mark: { files: files.map(jsonOf), database: database.map(jsonOf) },
    asOf: new Date(newest),
  }
}

/** Counted from the folder: a project that was moved has the same files. */
async function fileMark(path: string, directory: string): Promise<FileMark> {
  const { size, ino, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
  return {
    path: relative(directory, path),
    size: `${size}`,
    inode: `${ino}`,
    modified: `${mtimeNs}`,
    changed: `${ctimeNs}`,
  }
}

const jsonOf = (file: FileMark): Json => ({ ...file })

/** The file and its log. This process alone has it open, so whatever changes a row changes one of the two. */
async function databaseMark(path: string, directory: string): Promise<readonly FileMark[]> {
  if (path === ':memory:') throw new Opaque('a database in memory has no mark')
  const log = await fileMark(`${path}.wal`, directory).catch(() => null)
  const database = await fileMark(path, directory)
  return log === null ? [database] : [database, log]
}

async function addFiles(instance: Instance, found: Found, path: string, signal: AbortSignal): Promise<void> {
  if (/^[a-z][a-z0-9+.-]+:\/\//iu.test(path)) return found.opaque(`${path} is not a file of this machine`)
  const rows = await instance.all(`select file from glob(${literal(path)})`, signal)
  if (rows.length === 0) found.opaque(`no file matches ${path}`)
  for (const row of rows) found.files.add(textOf(row['file']))
}

async function addQuery(
  instance: Instance,
  found: Found,
  query: string,
  depth: number,
  signal: AbortSignal,
): Promise<void> {
  if (depth > 16) return found.opaque('its views are nested too deeply')
  const [row] = await instance.all(`select json_serialize_sql(${literal(query)}) as tree`, signal)
  const tree: unknown = JSON.parse(textOf(row?.['tree'] ?? 'null'))
  if (typeof tree !== 'object' || tree === null || !('error' in tree) || tree.error !== false) {
    return found.opaque('DuckDB does not say what the query reads')
  }
  const { files, tables, ctes, functions, opaque } = referencesOf(tree)
  if (opaque !== null) found.opaque(opaque)
  await refuseVolatile(instance, found, functions, signal)
  for (const file of files) await addFiles(instance, found, file, signal)
  for (const table of tables) await addTable(instance, found, table, ctes, depth, signal)
}

/** A function whose answer may differ tomorrow, or of which DuckDB does not know, makes the query opaque. */
async function refuseVolatile(
  instance: Instance,
  found: Found,
  functions: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const names = [...functions].map((name) => name.toLowerCase()).filter((name) => !expressions.includes(name))
  if (names.length === 0) return
  const rows = await instance.all(
    `select lower(function_name) as name,
       bool_or((stability is null or stability <> 'CONSISTENT') and function_type <> 'aggregate' and function_type <> 'table') as unsteady
     from duckdb_functions() where lower(function_name) in (${names.map(literal).join(', ')}) group by all`,
    signal,
  )
  const steady = new Set(rows.filter((row) => row['unsteady'] === false).map((row) => textOf(row['name'])))
  const first = names.find((name) => !steady.has(name))
  if (first !== undefined) found.opaque(`it calls ${first}()`)
}

async function addTable(
  instance: Instance,
  found: Found,
  table: TableName,
  ctes: ReadonlySet<string>,
  depth: number,
  signal: AbortSignal,
): Promise<void> {
  const rows = await instance.all(
    `select 'table' as kind, null as sql from duckdb_tables() where ${named(table, 'table_name')}
     union all
     select 'view', sql from duckdb_views() where ${named(table, 'view_name')} and not internal`,
    signal,
  )
  if (rows.some((row) => row['kind'] === 'table')) found.database = true
  for (const row of rows) {
    if (row['kind'] !== 'view') continue
    // A view is a row of the catalog, which lies in the file: a new definition changes the mark.
    found.database = true
    const query = /\bAS\s+((?:SELECT|WITH|FROM|VALUES|\()[\s\S]*?);?\s*$/iu.exec(textOf(row['sql']))?.[1]
    if (query === undefined) found.opaque(`the view ${table.name} cannot be read`)
    else await addQuery(instance, found, query, depth + 1, signal)
  }
  if (rows.length > 0 || (ctes.has(table.name) && table.schema === '')) return
  if (table.schema !== '' || table.catalog !== '') return found.opaque(`${table.name} is not a table of this file`)
  await addFiles(instance, found, table.name, signal)
}

function named(table: TableName, column: string): string {
  const parts = [`lower(${column}) = lower(${literal(table.name)})`, 'database_name = current_database()']
  if (table.schema !== '') parts.push(`lower(schema_name) = lower(${literal(table.schema)})`)
  return parts.join(' and ')
}

/** A text column of DuckDB's own catalog; anything else there is no text that we know. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
