/** An endpoint of the config against what its table is: what may be asked, and of which type. Pure, but for `readCompiled`. */
import { hash } from 'node:crypto'
import { SluiceError } from '../lib/error.ts'
import { nearest } from '../lib/nearest.ts'
import type { Reader } from '../stores/postgres/reader.ts'
import type { Records } from './age.ts'
import { readStatement, readTable, type SourceColumn, type TableName, type Tie } from './catalog.ts'
import type { EndpointDefinition, Operator } from './config.ts'
import { figuresOf } from './figures.ts'
import { kindOf, type ColumnKind } from './kinds.ts'
import { describing } from './statement.ts'
import { columnsOf } from './scope.ts'

/** An endpoint as it is served: files read, the table's name in parts. */
export interface EndpointSpec {
  readonly name: string
  readonly definition: EndpointDefinition
  readonly source:
    | { readonly tag: 'table'; readonly table: TableName }
    | { readonly tag: 'query'; readonly text: string }
  readonly shape: 'page' | 'list' | 'one' | 'distinct'
}

export interface SortKey {
  readonly column: SourceColumn
  readonly descending: boolean
}

export type Parameter =
  | { readonly role: 'filter'; readonly column: SourceColumn; readonly operator: Operator }
  | { readonly role: 'param'; readonly kind: ColumnKind; readonly values: readonly string[] | null }
  | { readonly role: 'search' | 'sort' | 'select' | 'limit' | 'cursor' }

export interface Compiled {
  readonly spec: EndpointSpec
  /** Of the rows before any figures: what is filtered by, searched and bound to claims. */
  readonly columns: ReadonlyMap<string, SourceColumn>
  /** What an answer shows, in its order; of `distinct`, one a list. */
  readonly output: readonly SourceColumn[]
  /** What rows of the answer may be sorted by. */
  readonly sortable: ReadonlyMap<string, SourceColumn>
  readonly order: readonly SortKey[]
  readonly tie: Tie
  readonly parameters: ReadonlyMap<string, Parameter>
  /** By parameter of `query`: its kind and what it is when it is not given. */
  readonly params: ReadonlyMap<
    string,
    { readonly kind: ColumnKind; readonly fallback: string | null; readonly required: boolean }
  >
  /** null: nothing tells how old it is. */
  readonly records: Records | null
  /** Another one when columns, types or the config change. */
  readonly version: string
}

export async function readCompiled(reader: Reader, spec: EndpointSpec, records: Records | null): Promise<Compiled> {
  const { definition, source } = spec
  const params = paramsOf(spec)
  const read =
    source.tag === 'table'
      ? await readTable(reader, source.table)
      : { columns: await readStatement(reader, describing.source(source.text, params)), tie: queryTie(definition.key) }
  const columns = byName(spec, read.columns)
  check(spec, columns)
  const grouped = definition.aggregate !== undefined
  const output = grouped
    ? await readStatement(reader, describing.figures(spec, columns, params))
    : spec.shape === 'distinct'
      ? Object.entries(definition.distinct ?? {}).map(([name, column]) => ({ ...need(spec, columns, column), name }))
      : (definition.select ?? [...columns.keys()]).map((name) => need(spec, columns, name))
  const shown = grouped && definition.select !== undefined ? selected(spec, output, definition.select) : output
  const sortable = byName(spec, grouped ? output : read.columns)
  const order = definition.sort.map((written) => sortKeyOf(spec, sortable, written))
  const tie: Tie = grouped ? { tag: 'key', columns: definition.by ?? [] } : read.tie
  const described = [...columns.values()].map(({ name, kind, nullable }) => [name, kind.type, nullable])
  return {
    spec,
    columns,
    output: shown,
    sortable,
    order,
    tie,
    parameters: parametersOf(spec, columns, params),
    params,
    records,
    version: hash('sha256', JSON.stringify([spec, described, tie, records]), 'base64url').slice(0, 16),
  }
}

type Params = Compiled['params']

const queryTie = (key: readonly string[] | undefined): Tie =>
  key === undefined ? { tag: 'all' } : { tag: 'key', columns: key }

function paramsOf({ name, definition }: EndpointSpec): Params {
  return new Map(
    Object.entries(definition.params).map(([param, { type, default: fallback, required }]) => {
      const kind = kindOf(type, false)
      if (!kind.operators.includes('eq')) throw invalid(name, `params.${param}.type: a parameter cannot be ${type}`)
      return [param, { kind, fallback: fallback === undefined ? null : checked(name, param, kind, fallback), required }]
    }),
  )
}

function checked(endpoint: string, param: string, kind: ColumnKind, value: string | number | boolean): string {
  const parsed = kind.parse(String(value))
  if ('value' in parsed) return parsed.value
  throw invalid(endpoint, `params.${param}: ${String(value)} ${parsed.fault}`)
}

function byName(spec: EndpointSpec, columns: readonly SourceColumn[]): ReadonlyMap<string, SourceColumn> {
  const map = new Map(columns.map((column) => [column.name, column]))
  if (map.size === columns.length) return map
  throw invalid(spec.name, 'two columns of its query have one name')
}

function need(spec: EndpointSpec, columns: ReadonlyMap<string, SourceColumn>, name: string): SourceColumn {
  const column = columns.get(name)
  if (column !== undefined) return column
  const near = nearest(name, columns.keys())
  throw invalid(spec.name, `there is no column "${name}"${near === null ? '' : `; did you mean "${near}"?`}`)
}

function selected(
  spec: EndpointSpec,
  output: readonly SourceColumn[],
  names: readonly string[],
): readonly SourceColumn[] {
  const columns = byName(spec, output)
  return names.map((name) => need(spec, columns, name))
}

function sortKeyOf(spec: EndpointSpec, columns: ReadonlyMap<string, SourceColumn>, written: string): SortKey {
  const descending = written.startsWith('-')
  const column = need(spec, columns, descending ? written.slice(1) : written)
  if (!column.kind.sortable)
    throw invalid(spec.name, `sort: "${column.name}" is ${column.kind.type}, which has no order`)
  return { column, descending }
}

/** What only the database's types can tell. */
function check(spec: EndpointSpec, columns: ReadonlyMap<string, SourceColumn>): void {
  const { definition, name } = spec
  const refuse = (option: string, column: SourceColumn, fault: string): SluiceError =>
    invalid(name, `${option}: "${column.name}" is ${column.kind.type}, ${fault}`)
  for (const column of definition.search.map((one) => need(spec, columns, one)))
    if (column.kind.group !== 'text') throw refuse('search', column, 'which is not searched')
  for (const column of columnsOf(definition.scope).map((one) => need(spec, columns, one)))
    if (!column.kind.operators.includes('eq')) throw refuse('scope', column, 'which cannot be compared with a claim')
  for (const column of [...(definition.by ?? []), ...Object.values(definition.distinct ?? {})].map((one) =>
    need(spec, columns, one),
  ))
    if (!column.kind.sortable) throw refuse('by', column, 'whose values cannot be told apart')
  for (const column of (definition.key ?? []).map((one) => need(spec, columns, one)))
    if (!column.kind.sortable) throw refuse('key', column, 'which has no order')
  for (const [figure, { of, column: written }] of figuresOf(definition)) {
    if (written === '*') continue
    const column = need(spec, columns, written)
    const able =
      of === 'count' ||
      ((of === 'sum' || of === 'avg' ? column.kind.group === 'number' : column.kind.sortable) &&
        !(['min', 'max'].includes(of) && !['number', 'text', 'time'].includes(column.kind.group)))
    if (!able) throw refuse(`aggregate.${figure}`, column, `which has no ${of}`)
  }
}

function parametersOf(
  spec: EndpointSpec,
  columns: ReadonlyMap<string, SourceColumn>,
  params: Params,
): ReadonlyMap<string, Parameter> {
  const { definition, shape } = spec
  const parameters = new Map<string, Parameter>()
  for (const [name, { kind }] of params) {
    const allowed = definition.params[name]?.values ?? null
    const values = allowed?.map((value) => checked(spec.name, name, kind, value)) ?? null
    parameters.set(name, { role: 'param', kind, values })
  }
  if (definition.search.length > 0) parameters.set('search', { role: 'search' })
  if (shape !== 'distinct') {
    parameters.set('select', { role: 'select' })
    if (shape !== 'one' && definition.sort.length > 0) parameters.set('sort', { role: 'sort' })
  }
  if (shape === 'page') {
    parameters.set('limit', { role: 'limit' })
    parameters.set('cursor', { role: 'cursor' })
  }
  const filters = Array.isArray(definition.filter)
    ? definition.filter.map((name) => [name, null] as const)
    : Object.entries(definition.filter)
  for (const [name, allowed] of filters) {
    const column = need(spec, columns, name)
    const able = column.kind.operators
    const unable = (allowed ?? []).filter((operator) => !able.includes(operator))
    if (able.length === 0 || unable.length > 0) {
      const what =
        able.length === 0 ? 'which cannot be filtered by' : `which cannot be filtered by ${unable.join(', ')}`
      throw invalid(spec.name, `filter: "${name}" is ${column.kind.type}, ${what}`)
    }
    for (const operator of allowed ?? able) {
      if (operator === 'eq' && !parameters.has(name)) parameters.set(name, { role: 'filter', column, operator })
      parameters.set(`${name}.${operator}`, { role: 'filter', column, operator })
    }
  }
  return parameters
}

export function invalid(endpoint: string, why: string): SluiceError {
  return new SluiceError('ENDPOINT_INVALID', `the endpoint "${endpoint}" cannot be served`, {
    why,
    fix: 'correct the endpoint in the config, or the table',
  })
}
