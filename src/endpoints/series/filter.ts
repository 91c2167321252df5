/**
 * Filter trees: `{"and": […]}`, `{"or": […]}`, `{"not": …}`, and `eq`, `lt`, `lte`, `gt`, `gte`, `contains`, `in` of a field. They mean
 * what SQL means: a comparison with an unknown value is unknown, `not` of it is unknown, too, and what is unknown is left out.
 */
import { SluiceError } from '../../lib/error.ts'
import { join, sql, type Query } from '../../lib/sql.ts'
import { nearest } from '../../lib/nearest.ts'
import type { ColumnKind } from '../kinds.ts'

const comparisons = ['eq', 'lt', 'lte', 'gt', 'gte', 'contains'] as const
type Comparison = (typeof comparisons)[number]

export type Filter =
  | { readonly tag: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly tag: 'not'; readonly of: Filter }
  | { readonly tag: 'compare'; readonly operator: Comparison; readonly field: string; readonly value: string }
  | { readonly tag: 'in'; readonly field: string; readonly values: readonly string[] }

const deepest = 50

interface Known {
  readonly dimension: string
  readonly kind: ColumnKind
}

/**
 * Checks a tree against the fields that there are. `names`: what it calls them, and nothing else, where that is not their own name.
 * `FILTER_INVALID` names the place.
 */
export function parseFilter(
  written: unknown,
  fields: ReadonlyMap<string, ColumnKind>,
  names: Readonly<Record<string, string>> = Object.fromEntries([...fields.keys()].map((name) => [name, name])),
): Filter {
  const known = new Map<string, Known>()
  for (const [name, dimension] of Object.entries(names)) {
    const kind = fields.get(dimension)
    if (kind !== undefined) known.set(name, { dimension, kind })
  }
  return parseNode(written, '', known, 0)
}

function parseNode(written: unknown, path: string, fields: ReadonlyMap<string, Known>, depth: number): Filter {
  if (depth > deepest) throw invalid(path, `is nested more than ${deepest} deep`)
  if (!isObject(written)) throw invalid(path, 'has to be an object with one operator')
  const entries = Object.entries(written)
  const [entry] = entries
  if (entry === undefined || entries.length > 1)
    throw invalid(path, `has ${entries.length} operators; a node has exactly one`)
  const [operator, operand] = entry
  const here = `${path}/${operator}`
  if (operator === 'and' || operator === 'or') {
    if (!Array.isArray(operand) || operand.length === 0) throw invalid(here, 'has to be a list that is not empty')
    return { tag: operator, of: operand.map((one, at) => parseNode(one, `${here}/${at}`, fields, depth + 1)) }
  }
  if (operator === 'not') return { tag: 'not', of: parseNode(operand, here, fields, depth + 1) }
  const comparison = comparisons.find((one) => one === operator)
  if (comparison === undefined && operator !== 'in') {
    const all = ['and', 'or', 'not', 'in', ...comparisons]
    const near = nearest(operator, all)
    throw invalid(
      here,
      `there is no operator "${operator}"; ${near === null ? `there are ${all.join(', ')}` : `did you mean "${near}"?`}`,
    )
  }
  if (
    !isObject(operand) ||
    Object.keys(operand).some((key) => key !== 'field' && key !== 'value') ||
    !('value' in operand)
  )
    throw invalid(here, 'has to be {"field": …, "value": …}')
  const { field, value } = operand
  const known = typeof field === 'string' ? fields.get(field) : undefined
  if (typeof field !== 'string' || known === undefined)
    throw invalid(here, `there is no field ${JSON.stringify(field)}; there are ${[...fields.keys()].join(', ')}`)
  const { dimension, kind } = known
  // Of an array or of JSON it would ask for an element, which is not what it means here.
  const fits = kind.operators.some((one) => one === operator) && (operator !== 'contains' || kind.group === 'text')
  if (!fits) throw invalid(here, `${operator} does not go with ${field}, which is ${kind.type}`)
  if (comparison !== undefined)
    return { tag: 'compare', operator: comparison, field: dimension, value: parseValue(value, here, field, kind) }
  if (!Array.isArray(value) || value.length === 0) throw invalid(here, 'takes a list that is not empty')
  return { tag: 'in', field: dimension, values: value.map((one) => parseValue(one, here, field, kind)) }
}

function parseValue(value: unknown, path: string, field: string, kind: ColumnKind): string {
  const isOf =
    kind.group === 'number'
      ? typeof value === 'number' || typeof value === 'string'
      : kind.group === 'boolean'
        ? typeof value === 'boolean'
        : typeof value === 'string'
  if (!isOf || (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean'))
    throw invalid(
      path,
      `the value of ${field} has to be ${kind.group === 'number' ? 'a number' : kind.group === 'boolean' ? 'true or false' : 'a text'}`,
    )
  // A reader of JSON has rounded it: nobody knows any more what was written.
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw invalid(path, `the value of ${field} is too large for a number of JSON; write it as a text`)
  const parsed = kind.parse(String(value))
  if ('fault' in parsed) throw invalid(path, `the value of ${field} ${parsed.fault}`)
  return parsed.value
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The condition; `column` is a field as it stands in what is read. */
export function conditionOf(
  filter: Filter,
  fields: ReadonlyMap<string, ColumnKind>,
  column: (field: string) => Query,
): Query {
  switch (filter.tag) {
    case 'and':
    case 'or':
      return sql`(${join(
        filter.of.map((one) => conditionOf(one, fields, column)),
        filter.tag === 'and' ? ' and ' : ' or ',
      )})`
    case 'not':
      return sql`(not ${conditionOf(filter.of, fields, column)})`
    case 'compare': {
      const kind = kindOfField(fields, filter.field)
      const operand = kind.operand(column(filter.field))
      const value = sql`${filter.value}::${kind.cast}`
      switch (filter.operator) {
        case 'eq':
          return sql`(${operand} = ${value})`
        case 'lt':
          return sql`(${operand} < ${value})`
        case 'lte':
          return sql`(${operand} <= ${value})`
        case 'gt':
          return sql`(${operand} > ${value})`
        case 'gte':
          return sql`(${operand} >= ${value})`
        case 'contains':
          return sql`(strpos(${operand}::text collate "C", ${filter.value}::text collate "C") > 0)`
      }
    }
    case 'in': {
      const kind = kindOfField(fields, filter.field)
      return sql`(${kind.operand(column(filter.field))} = any(${[...filter.values]}::${kind.cast}[]))`
    }
  }
}

function kindOfField(fields: ReadonlyMap<string, ColumnKind>, field: string): ColumnKind {
  const kind = fields.get(field)
  if (kind === undefined) throw new Error(`the field ${field} was parsed`)
  return kind
}

export function fieldsOf(filter: Filter | null): ReadonlySet<string> {
  if (filter === null) return new Set()
  switch (filter.tag) {
    case 'and':
    case 'or':
      return new Set(filter.of.flatMap((one) => [...fieldsOf(one)]))
    case 'not':
      return fieldsOf(filter.of)
    case 'compare':
    case 'in':
      return new Set([filter.field])
  }
}

/** Whether it leaves one value of every field that is not in `by`: then what cannot be added up need not be. Pure. */
export function pins(filter: Filter | null, by: readonly string[]): boolean {
  const parts = filter === null ? [] : filter.tag === 'and' ? filter.of : [filter]
  return parts.every(
    (part) =>
      [...fieldsOf(part)].every((field) => by.includes(field)) || (part.tag === 'compare' && part.operator === 'eq'),
  )
}

function invalid(path: string, fault: string): SluiceError {
  return new SluiceError('FILTER_INVALID', `the filter is wrong${path === '' ? '' : ` at ${path}`}`, {
    why: fault,
    fix: 'a filter is a tree as {"and": [{"eq": {"field": "country", "value": "US"}}, {"not": …}]}',
    problems: [{ path: 'filter', fault: path === '' ? fault : `${path}: ${fault}` }],
  })
}
