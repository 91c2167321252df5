/**
 * What a query reads, from DuckDB's own parse of it (`json_serialize_sql`). Pure: a tree in, names out. What it does not
 * know for certain makes the query opaque, with the reason.
 */
export interface References {
  /** Files and globs. */
  readonly files: readonly string[]
  readonly tables: readonly TableName[]
  /** Names that the query itself defines. */
  readonly ctes: ReadonlySet<string>
  readonly functions: ReadonlySet<string>
  /** Why the query cannot be judged; null: it can. */
  readonly opaque: string | null
}

export interface TableName {
  readonly catalog: string
  readonly schema: string
  readonly name: string
}

type Node = Readonly<Record<string, unknown>>

const fileReaders = new Set([
  'read_parquet',
  'parquet_scan',
  'read_csv',
  'read_csv_auto',
  'read_json',
  'read_json_auto',
  'read_json_objects',
  'read_json_objects_auto',
  'read_ndjson',
  'read_ndjson_auto',
  'read_ndjson_objects',
  'read_text',
  'read_blob',
])
/**
 * What DuckDB calls CONSISTENT although the answer depends on the clock, the session or the process, and such functions by names
 * that only some builds of DuckDB have.
 */
const unsteady = new Set([
  'current_localtime',
  'current_localtimestamp',
  'current_setting',
  'current_user',
  'current_role',
  'session_user',
  'user',
  'getenv',
  'getvariable',
  'nextval',
  'currval',
  'lastval',
  'setseed',
  'sleep_ms',
  'write_log',
  'current_query',
  'current_query_id',
  'current_connection_id',
  'current_transaction_id',
  'txid_current',
  'version',
])
const pureTables = new Set(['range', 'generate_series', 'unnest'])
/** Written without parentheses, these parse as columns. */
const clocks = new Set([
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
  'today',
  'current_user',
  'user',
  'session_user',
  'current_role',
  'current_schema',
  'current_catalog',
])

export function referencesOf(tree: unknown): References {
  const files: string[] = []
  const tables: TableName[] = []
  const ctes = new Set<string>()
  const functions = new Set<string>()
  let opaque: string | null = null

  function walk(value: unknown): void {
    if (Array.isArray(value)) return value.forEach(walk)
    if (typeof value !== 'object' || value === null) return
    // Any object of parsed JSON.
    const node = value as Node
    if (node['type'] === 'BASE_TABLE') {
      tables.push({
        catalog: text(node['catalog_name']),
        schema: text(node['schema_name']),
        name: text(node['table_name']),
      })
    }
    if (node['type'] === 'TABLE_FUNCTION') readFunction(node)
    else if (node['class'] === 'FUNCTION' || node['class'] === 'WINDOW') readCall(node)
    // How many rows, and which, is drawn anew each time.
    if (typeof node['sample'] === 'object' && node['sample'] !== null && 'sample_size' in node['sample'])
      opaque ??= 'it takes a sample'
    if (node['class'] === 'COLUMN_REF') {
      const names = node['column_names']
      const last = Array.isArray(names) ? text(names.at(-1)).toLowerCase() : ''
      if (clocks.has(last)) opaque ??= `it uses ${last}`
    }
    const defined = node['cte_map']
    if (typeof defined === 'object' && defined !== null && 'map' in defined && Array.isArray(defined.map)) {
      for (const entry of defined.map as readonly unknown[])
        // an array, of what is looked at below
        if (typeof entry === 'object' && entry !== null && 'key' in entry) ctes.add(text(entry.key))
    }
    for (const child of Object.values(node)) walk(child)
  }

  function readCall(node: Node): void {
    const name = text(node['function_name']).toLowerCase()
    const given = Array.isArray(node['children']) ? node['children'].length : 0
    // The age of one moment is counted from today.
    if (unsteady.has(name) || (name === 'age' && given < 2)) opaque ??= `it calls ${name}()`
    functions.add(name)
  }

  function readFunction(node: Node): void {
    // The parser puts a function node there.
    const call = node['function'] as Node
    const name = text(call['function_name']).toLowerCase()
    if (pureTables.has(name)) return
    if (!fileReaders.has(name)) {
      opaque ??= `it calls ${name}()`
      return
    }
    const [first] = Array.isArray(call['children']) ? (call['children'] as readonly Node[]) : []
    const paths = first === undefined ? null : constants(first)
    if (paths === null) opaque ??= `the path given to ${name}() is computed`
    else files.push(...paths)
  }

  walk(tree)
  return { files, tables, ctes, functions, opaque }
}

/** A text constant, or a list of them. */
function constants(node: Node): readonly string[] | null {
  if (node['class'] === 'CONSTANT') {
    const value = node['value'] as Node | undefined
    return typeof value?.['value'] === 'string' ? [value['value']] : null
  }
  const children = node['children']
  if (node['function_name'] !== 'list_value' && node['type'] !== 'ARRAY_CONSTRUCTOR') return null
  if (!Array.isArray(children)) return null
  const found = children.map((child: Node) => constants(child))
  return found.includes(null) ? null : found.flatMap((paths) => paths ?? [])
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
