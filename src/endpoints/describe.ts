/** What an endpoint says of itself: for OpenAPI, and for the console. Pure. */
import type { Compiled, EndpointSpec, Parameter } from './compile.ts'
import type { operators } from './config.ts'
import type { EndpointColumn, EndpointDescription, EndpointParameter } from './endpoints.ts'
import { kindOf, type JsonSchema } from './kinds.ts'
import { claimsOf } from './scope.ts'

export function descriptionOf(
  spec: EndpointSpec,
  compiled: Compiled | undefined,
  flows: readonly string[],
  problem: string | null,
): EndpointDescription {
  const { name, definition, source, shape } = spec
  const columns = compiled === undefined ? null : columnsOf(compiled)
  return {
    name,
    path: definition.path ?? null,
    summary: definition.summary ?? null,
    store: definition.store,
    table: source.tag === 'table' ? `${source.table.schema}.${source.table.table}` : null,
    shape,
    parameters:
      compiled === undefined
        ? unseen(spec)
        : [...compiled.parameters].flatMap(([parameter, what]) => parameterOf(spec, compiled, parameter, what)),
    columns,
    claims: claimsOf(definition.scope),
    scope: definition.scope ?? null,
    page: shape === 'page' ? { ...definition.page, size: Math.min(definition.page.size, definition.page.max) } : null,
    flows,
    answer: answerOf(shape, columns),
    problem,
  }
}

function columnsOf({ output }: Compiled): readonly EndpointColumn[] {
  return output.map(({ name, kind, nullable }) => ({
    name,
    type: kind.type,
    nullable,
    schema: nullable ? orNull(kind.answered) : kind.answered,
  }))
}

function orNull(schema: JsonSchema): JsonSchema {
  const { type } = schema
  if (typeof type === 'string') return { ...schema, type: [type, 'null'] }
  return Array.isArray(schema['anyOf'])
    ? { anyOf: [...(schema['anyOf'] as readonly unknown[]), { type: 'null' }] }
    : schema // a list, just seen
}

function answerOf(shape: EndpointSpec['shape'], columns: readonly EndpointColumn[] | null): JsonSchema {
  const named = (one: (column: EndpointColumn) => JsonSchema): JsonSchema =>
    columns === null
      ? { type: 'object' }
      : { type: 'object', properties: Object.fromEntries(columns.map((column) => [column.name, one(column)])) }
  const row = named(({ schema }) => schema)
  switch (shape) {
    case 'one':
      return row
    case 'list':
      return { type: 'array', items: row }
    case 'distinct':
      return named(({ schema }) => ({ type: 'array', items: schema }))
    case 'page':
      return {
        type: 'object',
        required: ['items', 'next', 'total', 'asOf'],
        properties: {
          items: { type: 'array', items: row },
          next: { type: ['string', 'null'], description: '`cursor` of the next page; null: this is the last' },
          total: { type: 'integer', description: 'rows of all pages' },
          asOf: {
            type: ['string', 'null'],
            format: 'date-time',
            description: 'when the rows were true; null: unknown',
          },
        },
      }
  }
}

const meant: Readonly<Record<(typeof operators)[number], string>> = {
  eq: 'is',
  ne: 'is not (null is not, either)',
  lt: 'is less than',
  lte: 'is at most',
  gt: 'is more than',
  gte: 'is at least',
  in: 'is one of, with commas between; one with a comma stands in double quotes',
  contains: 'contains',
  between: 'is from … to, with a comma between, both included',
}

/** `column.eq` is `column`: one of the two is enough to tell. */
function parameterOf(
  spec: EndpointSpec,
  compiled: Compiled,
  name: string,
  what: Parameter,
): readonly EndpointParameter[] {
  if (what.role === 'filter') {
    const { column, operator } = what
    if (operator === 'eq' && name !== column.name && compiled.parameters.get(column.name)?.role === 'filter') return []
    const several = operator === 'in' || operator === 'between'
    const described = {
      column: column.name,
      operator,
      type: column.kind.type,
      required: false,
      description: `${column.name} ${meant[operator]}`,
      schema: several ? { type: 'string' } : column.kind.asked,
    }
    return [{ name, role: 'filter', ...described }]
  }
  return [plain(spec, name, what, compiled)]
}

function plain(
  { definition }: EndpointSpec,
  name: string,
  what: Exclude<Parameter, { readonly role: 'filter' }>,
  compiled: Compiled | undefined,
): EndpointParameter {
  const base = { name, column: null, operator: null, type: null, required: false }
  const choices = (names: readonly string[] | undefined): string =>
    names === undefined || names.length === 0 ? '' : `: ${names.join(', ')}`
  switch (what.role) {
    case 'param': {
      const { type, required, values } = definition.params[name] ?? { type: 'text', required: false, values: undefined }
      const fallback = definition.params[name]?.default
      const schema = {
        ...what.kind.asked,
        ...(values === undefined ? {} : { enum: values }),
        ...(fallback === undefined ? {} : { default: fallback }),
      }
      return { ...base, role: 'param', type, required, description: `parameter of the query`, schema }
    }
    case 'search':
      return {
        ...base,
        role: 'search',
        description: `text anywhere in ${definition.search.join(', ')}, upper and lower case alike`,
        schema: { type: 'string', minLength: 1 },
      }
    case 'sort':
      return {
        ...base,
        role: 'sort',
        description: `columns with commas between, a minus before one descends${choices(definition.sort.map((one) => one.replace(/^-/, '')))}`,
        schema: { type: 'string', ...(definition.sort.length === 0 ? {} : { default: definition.sort.join(',') }) },
      }
    case 'select':
      return {
        ...base,
        role: 'select',
        description: `columns of the answer with commas between${choices(compiled?.output.map((one) => one.name))}`,
        schema: { type: 'string' },
      }
    case 'limit': {
      const { size, max } = definition.page
      return {
        ...base,
        role: 'limit',
        description: 'rows of a page',
        schema: { type: 'integer', minimum: 1, maximum: max, default: Math.min(size, max) },
      }
    }
    case 'cursor':
      return { ...base, role: 'cursor', description: '`next` of the page before', schema: { type: 'string' } }
  }
}

/** Before anybody has looked at the table: the columns by name, without what their types allow. */
function unseen(spec: EndpointSpec): readonly EndpointParameter[] {
  const { definition } = spec
  const columns = Array.isArray(definition.filter) ? definition.filter : Object.keys(definition.filter)
  return [
    ...Object.entries(definition.params).map(([name, { type }]) =>
      plain(spec, name, { role: 'param', kind: kindOf(type, false), values: null }, undefined),
    ),
    ...columns.map((column): EndpointParameter => ({
      name: column,
      role: 'filter',
      column,
      operator: 'eq',
      type: null,
      required: false,
      description: `${column} is`,
      schema: { type: 'string' },
    })),
  ]
}
