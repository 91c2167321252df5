/** What a flow reads of a store: as it is written, and as it runs. */
import { z } from 'zod'
import { fileReference, type Files } from '../lib/reference.ts'
import type { FlowEnd, SourceSpec } from './flow.ts'

const name = z.string().min(1)
const store = name.optional().describe('a store of the config by name; default: `warehouse`')

/** By what is named; each may stand in a union with others. */
export const writtenSources = {
  query: z.strictObject({ query: name.describe("a statement in the store's own SQL"), store }),
  table: z.strictObject({
    table: name.describe('a table or view of the store, `schema.table` where it has schemas'),
    store,
  }),
  file: z.strictObject({
    file: fileReference.describe('a Jinja2 file with one statement'),
    params: z.record(z.string(), z.json()).optional().describe('what the template may name'),
    store,
  }),
  parquet: z.strictObject({ parquet: name.describe('a path or a glob'), store }),
  csv: z.strictObject({
    csv: name.describe(
      'a path or a glob; types come from all rows: `007` keeps its column text, and only ISO dates are dates',
    ),
    store,
  }),
  json: z.strictObject({ json: name.describe('a path or a glob'), store }),
} as const

export const writtenSource = z.union([
  writtenSources.query,
  writtenSources.table,
  writtenSources.file,
  writtenSources.parquet,
  writtenSources.csv,
  writtenSources.json,
])

export const writtenChanged = z
  .strictObject({ query: name })
  .optional()
  .describe('a statement whose result changes when the source does, where the store cannot tell')

export type WrittenSource = z.output<typeof writtenSource>

export const storeOf = ({ store: written }: Pick<WrittenSource, 'store'>): string => written ?? 'warehouse'

/** Reads the files that it names. */
export function sourceOf(from: WrittenSource, changed: z.output<typeof writtenChanged>, files: Files): SourceSpec {
  const mark = { changed: changed?.query ?? null }
  if ('query' in from) return { tag: 'query', query: from.query, ...mark }
  if ('table' in from) return { tag: 'table', table: from.table, ...mark }
  if ('file' in from) return { tag: 'query', query: files.render(from.file, from.params ?? {}), ...mark }
  if ('parquet' in from) return { tag: 'parquet', path: files.path(from.parquet), ...mark }
  if ('csv' in from) return { tag: 'csv', path: files.path(from.csv), ...mark }
  return { tag: 'json', path: files.path(from.json), ...mark }
}

/** The files that it names itself, besides those in a statement: the last part of their path below `from`, and what is written there. */
export function filesOf(from: WrittenSource): readonly { readonly field: string; readonly file: string }[] {
  if ('file' in from) return [{ field: 'file', file: from.file.$file }]
  if ('parquet' in from) return [{ field: 'parquet', file: from.parquet }]
  if ('csv' in from) return [{ field: 'csv', file: from.csv }]
  if ('json' in from) return [{ field: 'json', file: from.json }]
  return []
}

export function endOf(of: string, from: SourceSpec): FlowEnd {
  switch (from.tag) {
    case 'query':
      return { store: of, tag: 'query', name: (from.query.trim().split('\n', 1)[0] ?? '').slice(0, 120) }
    case 'table':
      return { store: of, tag: 'table', name: from.table }
    case 'parquet':
    case 'csv':
    case 'json':
      return { store: of, tag: 'files', name: from.path }
  }
}
