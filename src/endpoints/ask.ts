/** What a request asks of an endpoint: every parameter known, every value fitting, or an error that names it. Pure. */
import { SluiceError } from '../lib/error.ts'
import { nearest } from '../lib/nearest.ts'
import type { SourceColumn } from './catalog.ts'
import type { Compiled, Parameter, SortKey } from './compile.ts'
import type { Operator } from './config.ts'
import { fieldsOf } from './fields.ts'
import type { ColumnKind } from './kinds.ts'
import type { Sight } from './scope.ts'
import { parseText } from './values.ts'

export interface Filter {
  readonly column: SourceColumn
  readonly operator: Operator
  /** As they are bound: two for `between`, any number for `in`, else one. */
  readonly values: readonly string[]
}

export interface Asked {
  readonly filters: readonly Filter[]
  readonly search: string | null
  /** By parameter of the query: what is bound. */
  readonly params: ReadonlyMap<string, string | null>
  readonly sort: readonly SortKey[]
  readonly select: readonly SourceColumn[]
  readonly limit: number
  readonly cursor: string | null
  /** Of the endpoint, the caller's sight and all that was asked but how many rows at once, and from where. */
  readonly identity: string
}

/** How a query string arrives: a parameter that stands there twice has a list. */
export type Given = Readonly<Record<string, string | readonly string[]>>

/** The most values of `in`. */
const mostValues = 1000

export function askedOf(compiled: Compiled, given: Given, sight: Sight): Asked {
  const { parameters, spec, output } = compiled
  const filters: Filter[] = []
  const params = new Map([...compiled.params].map(([name, { fallback }]) => [name, fallback]))
  const asked: { -readonly [K in 'search' | 'sort' | 'select' | 'limit' | 'cursor']: Asked[K] } = {
    search: null,
    sort: compiled.order,
    select: output,
    limit: Math.min(spec.definition.page.size, spec.definition.page.max),
    cursor: null,
  }
  const same: (readonly [string, string])[] = []
  for (const [name, value] of Object.entries(given)) {
    const parameter = parameters.get(name)
    if (parameter === undefined) throw unknownParameter(compiled, name)
    if (typeof value !== 'string') throw refused(name, 'is given more than once', doubled(parameter, name))
    const fits = parseText(value)
    if ('fault' in fits) throw refused(name, fits.fault)
    if (parameter.role !== 'limit' && parameter.role !== 'cursor') same.push([name, value])
    switch (parameter.role) {
      case 'filter':
        filters.push({ ...parameter, values: filterValues(name, parameter, value) })
        break
      case 'param':
        params.set(name, paramValue(name, parameter, value))
        break
      case 'search':
        if (value === '') throw refused(name, 'is empty')
        asked.search = value
        break
      case 'sort':
        asked.sort = sortOf(compiled, value)
        break
      case 'select':
        asked.select = selectOf(output, value)
        break
      case 'limit':
        asked.limit = limitOf(spec.definition.page.max, value)
        break
      case 'cursor':
        asked.cursor = value
        break
    }
  }
  for (const [name, { required }] of compiled.params)
    if (required && !Object.hasOwn(given, name)) throw refused(name, 'is missing')
  same.sort(([a], [b]) => (a < b ? -1 : 1))
  return { ...asked, filters, params, identity: JSON.stringify([spec.name, same, sight]) }
}

function filterValues(
  name: string,
  { column, operator }: Parameter & { role: 'filter' },
  value: string,
): readonly string[] {
  if (operator !== 'in' && operator !== 'between') return [valueOf(name, column.kind, value)]
  const fields = fieldsOf(value)
  if (fields === null)
    throw refused(
      name,
      'has a quote that is not closed',
      'a value with a comma or a quote stands in double quotes, its own quotes doubled: "a,b"',
    )
  if (operator === 'between' && fields.length !== 2) throw refused(name, 'has to be two values with a comma between')
  if (fields.length > mostValues) throw refused(name, `has ${fields.length} values, and ${mostValues} are the most`)
  return fields.map((field) => valueOf(name, column.kind, field))
}

function valueOf(name: string, kind: ColumnKind, value: string): string {
  const parsed = kind.parse(value)
  if ('value' in parsed) return parsed.value
  throw refused(name, parsed.fault)
}

function paramValue(name: string, { kind, values }: Parameter & { role: 'param' }, value: string): string {
  const parsed = valueOf(name, kind, value)
  if (values === null || values.includes(parsed)) return parsed
  throw refused(name, `has to be one of ${values.join(', ')}`, suggestion(value, values))
}

function sortOf({ sortable, order }: Compiled, value: string): readonly SortKey[] {
  const names = order.map(({ column }) => column.name)
  const keys = value.split(',').map((written) => {
    const descending = written.startsWith('-')
    const name = descending ? written.slice(1) : written
    const column = names.includes(name) ? sortable.get(name) : undefined
    if (column === undefined)
      throw refused('sort', `cannot be by "${shown(name)}"; there is ${names.join(', ')}`, suggestion(name, names))
    return { column, descending }
  })
  const twice = keys.find(({ column }, at) => keys.findIndex((one) => one.column.name === column.name) < at)
  if (twice !== undefined) throw refused('sort', `names "${twice.column.name}" twice`)
  return keys
}

/** In the order of the endpoint, whatever order they are asked in. */
function selectOf(output: readonly SourceColumn[], value: string): readonly SourceColumn[] {
  const names = output.map(({ name }) => name)
  const wanted = value.split(',')
  for (const [at, name] of wanted.entries()) {
    if (!names.includes(name))
      throw refused('select', `has no "${shown(name)}"; there is ${names.join(', ')}`, suggestion(name, names))
    if (wanted.indexOf(name) < at) throw refused('select', `names "${shown(name)}" twice`)
  }
  return output.filter(({ name }) => wanted.includes(name))
}

function limitOf(max: number, value: string): number {
  const limit = /^\d{1,6}$/.test(value) ? Number(value) : 0
  if (limit < 1 || limit > max) throw refused('limit', `has to be a whole number from 1 to ${max}`)
  return limit
}

/** Names come from outside: only so much of them is said back. */
const shown = (text: string): string => (text.length <= 60 ? text : `${text.slice(0, 60)}…`)

function suggestion(given: string, among: readonly string[]): string {
  const near = given.length > 200 ? null : nearest(given, among)
  return near === null ? `correct it` : `did you mean "${near}"?`
}

function doubled(parameter: Parameter, name: string): string {
  return parameter.role === 'filter' && parameter.column.kind.operators.includes('in')
    ? `several values of one column are ${parameter.column.name}.in=a,b`
    : `give ${shown(name)} once`
}

export function refused(parameter: string, fault: string, fix = `correct ${shown(parameter)}`): SluiceError {
  return new SluiceError('FILTER_INVALID', `${shown(parameter)} ${fault}`, {
    why: 'a value that does not fit is refused, not ignored',
    fix,
    problems: [{ path: shown(parameter), fault }],
  })
}

function unknownParameter({ spec, parameters }: Compiled, name: string): SluiceError {
  const names = [...parameters.keys()]
  const near = suggestion(name, names)
  const there = names.filter((one) => !one.includes('.'))
  return new SluiceError('PARAMETER_UNKNOWN', `${spec.name} has no parameter "${shown(name)}"`, {
    why:
      there.length === 0
        ? 'it has no parameters'
        : `it has ${there.join(', ')}, and of columns operators as in column.gte`,
    fix: near,
    problems: [{ path: shown(name), fault: 'is no parameter of this endpoint' }],
  })
}
