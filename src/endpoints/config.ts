import { z } from 'zod'
import { namesIn } from './placeholders.ts'
import { fileReference } from '../lib/reference.ts'

const name = z.string().min(1)

/** Every operator of a filter; a column has those that its type has. */
export const operators = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'contains', 'between'] as const
export type Operator = (typeof operators)[number]

const value = z.union([z.string(), z.number(), z.boolean()])

const param = z.strictObject({
  type: name.default('text').describe('a PostgreSQL type that values are checked by and bound as'),
  values: z.array(value).min(1).optional().describe('the only values that are taken'),
  default: value.optional().describe('what it is when it is not given; without one it is null'),
  required: z.boolean().default(false).describe('refuse a request without it'),
})

const aggregate = z.union([
  z.strictObject({ count: name.describe("'*' counts rows, a column its values") }),
  z.strictObject({ distinct: name.describe('how many different values the column has') }),
  z.strictObject({ sum: name }),
  z.strictObject({ avg: name }),
  z.strictObject({ min: name }),
  z.strictObject({ max: name }),
])

const claims = z.record(name, name)

const scope = z.union([
  z.strictObject({
    by: name.describe('the claim that chooses'),
    when: z
      .record(name, z.union([z.literal('all'), claims]))
      .describe("by the claim's value: `all` rows, or the rows whose columns have the values of claims"),
  }),
  claims.describe('by column: the claim that its value has to be, or be among'),
])

/** What a user writes in `endpoint({…})`. */
export const endpointDefinition = z.strictObject({
  table: name.optional().describe('a table or view, `schema.table` or just `table` (schema `public`)'),
  query: z
    .union([z.string().min(1), fileReference])
    .optional()
    .describe('a statement instead of a table; `:name` is a parameter, bound as a value'),
  key: z
    .array(name)
    .min(1)
    .optional()
    .describe('columns that tell the rows of `query` apart, for pages and a steady order; default: all of its columns'),
  store: name.default('database').describe('a PostgreSQL store of the config by name'),
  path: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._~-]+)+$/, 'has to be a path such as /api/teacher-data, without a slash at its end')
    .optional()
    .describe('where it answers besides `/api/data/<name>`'),
  summary: z.string().optional().describe('one line for the documentation of the API'),
  params: z.record(name, param).default({}).describe('the parameters of `query`, by name'),
  filter: z
    .union([z.array(name), z.record(name, z.array(z.enum(operators)).min(1))])
    .default([])
    .describe('columns that a caller may filter by, with every operator of their type or with those listed'),
  search: z.array(name).default([]).describe('text columns that `search=` looks into, upper and lower case alike'),
  sort: z
    .array(name)
    .default([])
    .describe('columns that a caller may sort by; without `sort=` the answer has this order (`-column` descends)'),
  page: z
    .strictObject({
      size: z.int().min(1).max(10_000).default(100).describe('rows of a page unless `limit=` says otherwise'),
      max: z.int().min(1).max(10_000).default(1000).describe('the largest `limit=`; more is refused'),
    })
    .prefault({}),
  select: z
    .array(name)
    .min(1)
    .optional()
    .describe('columns of the answer, in this order; a caller may ask for fewer; default: all'),
  aggregate: z.record(name, aggregate).optional().describe('figures over the rows, by name'),
  by: z
    .array(name)
    .min(1)
    .optional()
    .describe('one row of figures for each value of these columns; default: one for all'),
  distinct: z.record(name, name).optional().describe('lists of the different values of columns, by name'),
  scope: scope.optional().describe("binds the rows to the caller's claims; without the claim there is no row"),
  shape: z
    .enum(['page', 'list', 'one'])
    .optional()
    .describe(
      'page: `{ items, next, total, asOf }`; list: all rows as a plain array; one: an object. Default: page, and one for figures without `by`',
    ),
  maxRows: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100_000)
    .describe('the largest `list`, or list of `distinct`; more is refused'),
  timeout: z.int().min(1).max(600).default(30).describe('seconds after which its statement is given up'),
  flows: z
    .array(name)
    .optional()
    .describe('the flows whose publications tell its age; default: those that publish `table`'),
})

export type EndpointOptions = z.input<typeof endpointDefinition>
/** An endpoint that fits its schema, defaults in place. */
export type EndpointDefinition = z.output<typeof endpointDefinition>

export const endpointName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_-]*$/, 'a name has letters, digits, _ and - only, and does not begin with -')
  .max(63, 'a name has at most 63 characters')

/** Parameters that mean the same at every endpoint. */
const reserved = ['search', 'sort', 'select', 'limit', 'cursor']

/** Faults that the shape alone does not show. Pure. */
export function endpointFaults(
  definition: EndpointDefinition,
): readonly { readonly path: string; readonly fault: string }[] {
  const { table, query, params, aggregate, by, distinct, shape, page, sort, select } = definition
  const faults: { path: string; fault: string }[] = []
  const refuse = (path: string, fault: string): void => void faults.push({ path, fault })
  if ((table === undefined) === (query === undefined)) refuse('', 'has either `table` or `query`')
  if (query === undefined && definition.key !== undefined) refuse('key', 'belongs to `query`: a table has its own')
  if (query === undefined && Object.keys(params).length > 0) refuse('params', 'belong to `query`, which is not given')
  if (typeof query === 'string') {
    const named = namesIn(query)
    for (const name of named)
      if (!Object.hasOwn(params, name)) refuse('query', `has :${name}, which \`params\` does not declare`)
    for (const name of Object.keys(params)) if (!named.includes(name)) refuse(`params.${name}`, 'is not in `query`')
  }
  for (const [name, { required, default: fallback, values }] of Object.entries(params)) {
    if (reserved.includes(name)) refuse(`params.${name}`, 'is a parameter of every endpoint')
    if (required && fallback !== undefined) refuse(`params.${name}`, 'cannot be required and have a default')
    if (values !== undefined && fallback !== undefined && !values.includes(fallback))
      refuse(`params.${name}.default`, 'is none of its `values`')
  }
  if (by !== undefined && aggregate === undefined) refuse('by', 'groups figures; name them in `aggregate`')
  if (distinct !== undefined) {
    for (const [option, given] of Object.entries({ aggregate, by, shape, select }))
      if (given !== undefined) refuse(option, 'makes no sense with `distinct`')
    if (Object.keys(distinct).length === 0) refuse('distinct', 'names no column')
  }
  if (aggregate !== undefined && Object.keys(aggregate).length === 0) refuse('aggregate', 'names no figure')
  for (const column of by ?? [])
    if (Object.hasOwn(aggregate ?? {}, column)) refuse(`aggregate.${column}`, 'has the name of a column of `by`')
  if (aggregate !== undefined && by === undefined && (shape === 'page' || shape === 'list'))
    refuse('shape', 'figures without `by` are one object')
  if (page.size > page.max) refuse('page.size', 'is larger than `page.max`')
  for (const [option, names] of [
    ['sort', sort.map((one) => one.replace(/^-/, ''))],
    ['select', select ?? []],
    ['by', by ?? []],
  ] as const)
    for (const name of new Set(names.filter((one, at) => names.indexOf(one) < at)))
      refuse(option, `names "${name}" twice`)
  return faults
}
