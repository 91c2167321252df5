/** What is asked of an endpoint, as it stands in the URL of the page: the endpoint's own parameters by their names. Pure. */
import type { EndpointParameter } from '../client/model/endpointParameter.ts'

/** Of the page itself, apart from any parameter: names of columns do not begin with a dollar sign unless they are quoted. */
export const endpointKey = '$endpoint'
export const tableKey = '$table'
export const viewKey = '$as'

const pageKeys: ReadonlySet<string> = new Set([endpointKey, tableKey, viewKey])

export type Query = Readonly<Record<string, string>>

/** The parameters in a search of the page. */
export function queryOf(search: Readonly<Record<string, string | undefined>>): Query {
  return Object.fromEntries(
    Object.entries(search).flatMap(([name, value]) =>
      value === undefined || pageKeys.has(name) ? [] : [[name, value]],
    ),
  )
}

/** The address that is asked. */
export function addressOf(path: string, query: Query): string {
  const text = new URLSearchParams(query).toString().replaceAll('%2C', ',').replaceAll('%3A', ':')
  return text === '' ? path : `${path}?${text}`
}

/** Filters that may be set, by column: each operator is a parameter of its own. */
export function filtersByColumn(
  parameters: readonly EndpointParameter[],
): ReadonlyMap<string, readonly EndpointParameter[]> {
  const found = new Map<string, EndpointParameter[]>()
  for (const parameter of parameters) {
    if (parameter.role !== 'filter' || parameter.column === null) continue
    const known = found.get(parameter.column)
    if (known === undefined) found.set(parameter.column, [parameter])
    else known.push(parameter)
  }
  return found
}

const operatorWords: Readonly<Record<NonNullable<EndpointParameter['operator']>, string>> = {
  eq: 'is',
  ne: 'is not',
  lt: 'less than',
  lte: 'at most',
  gt: 'more than',
  gte: 'at least',
  in: 'is one of',
  contains: 'contains',
  between: 'is between',
}

export const operatorInWords = ({ operator }: Pick<EndpointParameter, 'operator'>): string =>
  operator === null ? 'is' : operatorWords[operator]

/** What a value of it looks like. */
export function hintOf({ operator, type }: Pick<EndpointParameter, 'operator' | 'type'>): string {
  if (operator === 'in') return 'a,b,c'
  if (operator === 'between') return 'from,to'
  return type ?? ''
}

/** Another filter than before begins at the first page. */
export function withParameter(query: Query, name: string, value: string | undefined): Query {
  const { [name]: _old, cursor: _cursor, ...others } = query
  return value === undefined ? others : { ...others, [name]: value }
}

/** The values that a schema lists; none: any. */
export function valuesOf({ schema }: Pick<EndpointParameter, 'schema'>): readonly string[] {
  if (typeof schema !== 'object' || schema === null || !('enum' in schema) || !Array.isArray(schema.enum)) return []
  return schema.enum.map(String)
}

/** The columns that one may sort by: its description lists them behind its last colon. */
export function sortable({ description }: Pick<EndpointParameter, 'description'>): string[] {
  const list = description.slice(description.lastIndexOf(': ') + 2)
  return description.includes(': ') ? list.split(', ') : []
}
