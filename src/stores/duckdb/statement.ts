/** The statements that read a source. Pure: text in, text out; names are quoted, values are literals of DuckDB. */
import { SluiceError } from '../../lib/error.ts'
import type { From } from './protocol.ts'

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** DuckDB's column for the row's number in its Parquet file, from 0. */
export const rowNumber = 'file_row_number'

const readers = { parquet: 'read_parquet', csv: 'read_csv', json: 'read_json' } as const

/**
 * How files are read besides the path. Types of CSV and JSON come from all rows, not from the first: a `007` or a 1.5 further
 * down would silently become 7 or 2. Dates are ISO dates: what 01/02/2024 means, only a query can say. A quoted empty text is
 * empty, not null. No line is passed over, as one that begins with `#`, or all before the first that has more fields than the
 * header: what is no row, only a query can say.
 */
const options = {
  parquet: '',
  csv: ", sample_size = -1, dateformat = '%Y-%m-%d', allow_quoted_nulls = false, skip = 0, comment = ''",
  json: ', sample_size = -1',
} as const

/** What is one piece to DuckDB: blanks, comments, semicolons; quoted texts and names; all else, a character at a time. */
const piece =
  /(?<nothing>[\s;]+|--[^\n\r]*)|(?<comment>\/\*)|(?<![\p{L}\p{N}_$])[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\p{L}\p{N}_$])(?<dollar>\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$)|[\s\S]/uy

/** A query without the semicolons and comments that follow it: within quotes neither is one. */
export function withoutEnd(query: string): string {
  let end = 0
  let at = 0
  while (at < query.length) {
    piece.lastIndex = at
    const found = piece.exec(query)
    const { nothing, comment, dollar } = found?.groups ?? {}
    const next = at + (found?.[0].length ?? 1)
    if (comment !== undefined) at = commentEnd(query, next)
    else if (dollar !== undefined) {
      const close = query.indexOf(dollar, next)
      at = close === -1 ? query.length : close + dollar.length
    } else at = next
    if (nothing === undefined && comment === undefined) end = at
  }
  return query.slice(0, end)
}

/** Comments of this kind hold others. */
function commentEnd(query: string, from: number): number {
  let depth = 1
  for (let at = from; at < query.length; at++) {
    const two = query.slice(at, at + 2)
    if (two !== '/*' && two !== '*/') continue
    depth += two === '/*' ? 1 : -1
    at++
    if (depth === 0) return at + 1
  }
  return query.length
}

/**
 * What stands behind `from`. `numbered`: with the row's number, of Parquet only. `asText`: columns that are read as they are written, of CSV
 * only.
 */
export function relation(from: From, numbered: boolean, asText: readonly string[] = []): string {
  switch (from.tag) {
    case 'query':
      // On lines of its own, because a query may end in a comment.
      return `(\n${withoutEnd(from.query)}\n)`
    case 'table':
      return tableName(from.table)
    case 'parquet':
    case 'csv':
    case 'json':
      return `${readers[from.tag]}(${literal(from.path)}${options[from.tag]}${textTypes(from.tag, asText)}${numbered && from.tag === 'parquet' ? `, ${rowNumber} = true` : ''})`
  }
}

function textTypes(tag: 'parquet' | 'csv' | 'json', asText: readonly string[]): string {
  if (tag !== 'csv' || asText.length === 0) return ''
  return `, types = {${asText.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')}}`
}

/** `main.schools`, `"odd name"` → quoted parts. */
export function tableName(written: string): string {
  const parts = written.trim().match(/^(?:"(?:[^"]|"")+"|[^".\s]+)(?:\.(?:"(?:[^"]|"")+"|[^".\s]+)){0,2}$/u)
  if (parts === null) {
    throw new SluiceError('CONFIG_INVALID', `«${written}» is not the name of a table`, {
      why: 'a table is written as name or schema.name; a name with blanks or dots stands in double quotes',
      fix: 'correct `from: { table }`, or use `from: { query }`',
    })
  }
  return [...written.trim().matchAll(/"((?:[^"]|"")+)"|([^".\s]+)/gu)]
    .map((match) => quoted(match[1]?.replaceAll('""', '"') ?? match[2] ?? ''))
    .join('.')
}

export interface Selected {
  readonly expression: string
  readonly name: string
}

export function selectStatement(
  from: From,
  columns: readonly Selected[],
  numbered: boolean,
  since: { readonly expression: string; readonly type: string; readonly from: string } | null,
  asText: readonly string[] = [],
): string {
  const list = columns.map((column) => `${column.expression} as ${quoted(column.name)}`).join(', ')
  // A row without a cursor value may be new at any time.
  const where =
    since === null
      ? ''
      : ` where (${since.expression} >= cast(${literal(since.from)} as ${since.type}) or ${since.expression} is null)`
  return `select ${list} from ${relation(from, numbered, asText)} as source${where}`
}
