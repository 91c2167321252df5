/** The statements of an endpoint. Names are quoted, values are parameters; only a query's own text and names of types are taken as they are. */
import { ident, join, Query as Template, raw, sql, type Query } from '../lib/sql.ts'
import type { ReadStatement } from '../stores/postgres/reader.ts'
import type { Asked, Filter } from './ask.ts'
import { ageQuery } from './age.ts'
import { castTo, type SourceColumn } from './catalog.ts'
import type { Compiled, EndpointSpec } from './compile.ts'
import { figuresOf } from './figures.ts'
import { after, orderBy, type Key } from './keyset.ts'
import { piecesOf } from './placeholders.ts'
import { conditionsOf, isAmong, type Sight } from './scope.ts'
import type { ColumnKind } from './kinds.ts'

const inner = (name: string): Query => sql`t.${ident(name)}`
const outer = (name: string): Query => sql`g.${ident(name)}`

type Params = Compiled['params']

/** The rows before anything is asked of them, as `t`. */
function sourceOf(spec: EndpointSpec, params: Params, values: ReadonlyMap<string, string | null>): Query {
  const { source } = spec
  if (source.tag === 'table') return sql`${ident(source.table.schema, source.table.table)} as t`
  return sql`(${bound(source.text, params, values)}
) as t`
}

function bound(text: string, params: Params, values: ReadonlyMap<string, string | null>): Query {
  const pieces = piecesOf(text.replace(/[\s;]+$/, ''))
  const named = pieces.flatMap(({ name }) => (name === null ? [] : [name]))
  const cast = (name: string): Query => params.get(name)?.kind.cast ?? raw('text')
  // The text between two parameters, with the cast of the one before it.
  const texts = pieces.map(({ text: part }, at) => {
    const before = named[at - 1]
    return before === undefined ? part : `::${cast(before).sql}${part}`
  })
  return new Template(
    texts,
    named.map((name) => values.get(name) ?? null),
  )
}

/** Statements that are only described, for their columns. */
export const describing = {
  source: (text: string, params: Params): Query => bound(text, params, new Map()),
  figures: (spec: EndpointSpec, columns: Compiled['columns'], params: Params): Query =>
    figures(spec, columns, sourceOf(spec, params, new Map()), []),
}

function figures(spec: EndpointSpec, columns: Compiled['columns'], source: Query, conditions: readonly Query[]): Query {
  const { by = [] } = spec.definition
  const figure = figuresOf(spec.definition).map(([name, { of, column }]) => {
    const operand = column === '*' ? raw('*') : inner(column)
    const reckoned =
      of === 'distinct'
        ? sql`count(distinct ${operand})`
        : of === 'avg'
          ? sql`avg(${operand})::float8`
          : sql`${raw(of)}(${operand})`
    return sql`${reckoned} as ${ident(name)}`
  })
  const grouped = by.map((name) => (columns.has(name) ? inner(name) : raw('null')))
  const groups = grouped.length === 0 ? sql`` : sql` group by ${join(grouped, ', ')}`
  return sql`select ${join([...grouped, ...figure], ', ')} from ${source}${where(conditions)}${groups}`
}

function where(conditions: readonly Query[]): Query {
  return conditions.length === 0 ? sql`` : sql` where ${join([...conditions], ' and ')}`
}

/** What an answer is read from: `fields` says where in a row of it things are. */
export interface Statement {
  readonly query: ReadStatement
  /** Fields before the columns of the answer: the age, and of a page the total. */
  readonly before: number
  /** The first row is the age alone, and those that follow are without it: where they are many, it is not said with each. */
  readonly headed: boolean
  /** The field of the first row that has the age. */
  readonly ageAt: number
  /** By key of the order: the field that has its value. */
  readonly keys: readonly number[]
}

export interface Request {
  readonly compiled: Compiled
  readonly asked: Asked
  readonly sight: Sight
}

const kept = ({ text, values }: Query): ReadStatement => ({ text, values })

/** The age alone, for who has an answer already. */
export function ageStatement(compiled: Pick<Compiled, 'records' | 'tie' | 'spec'>): Query {
  return sql`select ${head(compiled)}`
}

/** The age, and how many rows a table has: at most one more than asked for. */
export function sizeStatement(compiled: Pick<Compiled, 'records' | 'tie' | 'spec'>, most: number): Query {
  const { source } = compiled.spec
  if (source.tag === 'query') return sql`select ${head(compiled)}, ${raw(String(most + 1))}`
  const table = ident(source.table.schema, source.table.table)
  return sql`select ${head(compiled)}, (select count(*) from (select from ${table} limit ${raw(String(most + 1))}) as counted)`
}

/** What is the same in every statement of an endpoint, put together once. */
const constants = new WeakMap<object, Map<string, Query>>()

function constant(of: object, name: string, make: () => Query): Query {
  const known = constants.get(of) ?? new Map<string, Query>()
  constants.set(of, known)
  const made = known.get(name) ?? flat(make())
  known.set(name, made)
  return made
}

/** In as few pieces as can be. */
function flat(query: Query): Query {
  return query.values.length === 0 ? raw(query.sql) : query
}

/** The first column of every statement: what is known of the age, and of a table the file that its rows' places are in. */
function head({ records, tie, spec }: Pick<Compiled, 'records' | 'tie' | 'spec'>): Query {
  const age = records === null ? sql`''` : sql`coalesce(${ageQuery(records)}, '')`
  if (tie.tag !== 'row' || spec.source.tag !== 'table') return age
  const { schema, table } = spec.source.table
  return sql`${age} || '|' || coalesce(pg_relation_filenode(to_regclass(${ident(schema, table).sql}))::text, '')`
}

/** By what was asked, which is kept while it is asked again: its statement. */
const made = new WeakMap<Asked, { readonly extent: Extent['tag'] | 'distinct'; readonly statement: Statement }>()

/** The statement for a request. */
export function statementOf(request: Request, extent: Extent | { readonly tag: 'distinct' }): Statement {
  const { asked } = request
  const before = asked.cursor === null ? made.get(asked) : undefined
  if (before !== undefined && before.extent === extent.tag) return before.statement
  const statement = extent.tag === 'distinct' ? distinctStatement(request) : rowsStatement(request, extent)
  if (asked.cursor === null) made.set(asked, { extent: extent.tag, statement })
  return statement
}

/** Rows, or rows of figures: a page of them, all of them, or the one. */
function rowsStatement(request: Request, extent: Extent): Statement {
  const { compiled, asked } = request
  const { spec } = compiled
  const grouped = spec.definition.aggregate !== undefined
  const column = grouped ? outer : inner
  const keys = extent.tag === 'one' ? [] : keysOf(compiled, asked, column)
  const from = fromOf(request, extent)
  const shown = asked.select.map(({ name }) => column(name))
  const paged = extent.tag === 'page'
  const place = paged ? extent.after : null
  const isShown = (name: string | null): boolean => asked.select.some((one) => one.name === name)
  const counts = countOf(request, extent)
  const headed = extent.tag === 'all'
  const host = headed ? hostOf(asked.select) : -1
  const before = host < 0 ? 1 + counts.length : 0
  let extra = before + shown.length
  const places = keys.map(({ name }) =>
    isShown(name) ? before + asked.select.findIndex((one) => one.name === name) : extra++,
  )
  const more = paged ? keys.flatMap(({ name, operand }) => (isShown(name) ? [] : [operand])) : []
  const conditions = [
    ...(grouped || extent.tag === 'most' ? [] : conditionsFor(request)),
    ...(place === null ? [] : [after(keys, place.values, compiled.tie.tag !== 'all')]),
  ]
  const order =
    keys.length === 0 ? sql`` : constant(asked.sort, compiled.version, () => sql` order by ${orderBy(keys)}`)
  // Written out: a plan for any number of rows would be one for a tenth of them.
  const limit = paged ? sql` limit ${raw(String(extent.limit + 1))}` : extent.tag === 'one' ? sql` limit 2` : sql``
  const skip = place === null || place.skip === 0 ? sql`` : sql` offset ${raw(String(place.skip))}`
  const first = constant(compiled, 'head', () => sql`/* ${raw(compiled.version)} */ select `)
  const age = constant(compiled, 'age', () => head(compiled))
  const columns = join(
    [...counts, constant(asked.select, grouped ? 'figures' : 'rows', () => join(shown, ', ')), ...more],
    ', ',
  )
  const rest = sql`${columns} from ${from}${where(conditions)}${order}${limit}${skip}`
  // The parts of `union all` come one after the other.
  const heading =
    host < 0
      ? sql`${age}${raw(', null'.repeat(shown.length))} union all (select null, `
      : sql`${raw('null, '.repeat(host))}(${age})${raw(`::${textual.exec(asked.select[host]?.kind.type ?? '')?.[1] ?? 'text'}${', null'.repeat(shown.length - host - 1)}`)} union all (select `
  const query = headed ? sql`${first}${heading}${rest})` : sql`${first}${age}, ${rest}`
  return { query: kept(query), before, headed, ageAt: Math.max(host, 0), keys: places }
}

/**
 * The column that has room for the age in the row before all others; -1: none. One more column, for that row alone, costs the others a
 * fifth of their time: none of them is then as the table has it.
 */
function hostOf(select: readonly SourceColumn[]): number {
  return select.findIndex(({ kind }) => textual.test(kind.type))
}

const textual = /^(text|character varying)(?:\(\d+\))?$/

function fromOf({ compiled, asked, sight }: Request, extent: Extent): Query {
  const { spec } = compiled
  const source = sourceOf(spec, compiled.params, asked.params)
  const limit = extent.tag === 'most' ? sql` limit ${raw(String(extent.rows + 1))}` : sql``
  const conditions = (): readonly Query[] => conditionsFor({ compiled, asked, sight })
  if (spec.definition.aggregate !== undefined)
    return sql`(${figures(spec, compiled.columns, source, conditions())}${limit}) as g`
  if (extent.tag !== 'most') return source
  const place = compiled.tie.tag === 'row' ? [sql`t.ctid`] : []
  return sql`(select ${join([...[...compiled.columns.keys()].map(inner), ...place], ', ')} from ${source}${where(conditions())}${limit}) as t`
}

/** The second field: of a page how many rows there are in all, unless its cursor knows; of `most` whether there are too many. */
function countOf(request: Request, extent: Extent): readonly Query[] {
  if (extent.tag === 'most') return [sql`count(*) over ()`]
  if (extent.tag !== 'page' || (extent.after !== null && extent.after.total !== null)) return []
  const conditions = request.compiled.spec.definition.aggregate === undefined ? conditionsFor(request) : []
  return [sql`(select count(*) from ${fromOf(request, extent)}${where(conditions)})`]
}

/** How much of the rows: all of them; all unless they are more than so many; one; or a page. */
export type Extent =
  | { readonly tag: 'all' }
  | { readonly tag: 'most'; readonly rows: number }
  | { readonly tag: 'one' }
  | { readonly tag: 'page'; readonly limit: number; readonly after: PageStart | null }

/** Where a page begins. */
export interface PageStart {
  readonly values: readonly (string | null)[]
  /** Rows equal to the values that were given already. */
  readonly skip: number
  /** null: it has to be counted. */
  readonly total: number | null
}

/** What the rows are ordered by: what was asked, and then what tells the rest apart. */
function keysOf(
  { tie, columns, sortable }: Compiled,
  { sort }: Asked,
  column: (name: string) => Query,
): readonly Key[] {
  const keys: Key[] = sort.map(({ column: by, descending }) => keyOf(by, descending, column))
  const has = (name: string): boolean => sort.some((one) => one.column.name === name)
  switch (tie.tag) {
    case 'key':
      return [
        ...keys,
        ...tie.columns.flatMap((name) => {
          const by = sortable.get(name)
          return by === undefined || has(name) ? [] : [keyOf(by, false, column)]
        }),
      ]
    case 'row':
      return [...keys, { name: null, operand: sql`t.ctid`, cast: raw('tid'), descending: false, nullable: false }]
    case 'all':
      return [
        ...keys,
        ...[...columns.values()].map(({ name, nullable }) => ({
          name: null,
          operand: sql`t.${ident(name)}::text collate "C"`,
          cast: raw('text collate "C"'),
          descending: false,
          nullable,
        })),
      ]
  }
}

function keyOf(by: SourceColumn, descending: boolean, column: (name: string) => Query): Key {
  return { name: by.name, operand: column(by.name), cast: castTo(by.kind), descending, nullable: by.nullable }
}

/** Of each list the different values, sorted; one more than may be given shows that there are too many. */
function distinctStatement(request: Request): Statement {
  const { compiled, asked } = request
  const { definition } = compiled.spec
  const lists = Object.values(definition.distinct ?? {})
  const names = [...new Set(lists)]
  const source = sourceOf(compiled.spec, compiled.params, asked.params)
  const list = (name: string): Query => sql`array(select d.v::text from (
      select distinct rows.${ident(name)} as v from rows where rows.${ident(name)} is not null
    ) as d order by d.v limit ${raw(String(definition.maxRows + 1))})`
  return {
    query:
      kept(sql`/* ${raw(compiled.version)} */ with rows as (select ${join(names.map(inner), ', ')} from ${source}${where(conditionsFor(request))})
      select ${join([head(compiled), ...lists.map(list)], ', ')}`),
    before: 1,
    headed: false,
    ageAt: 0,
    keys: [],
  }
}

function conditionsFor({ compiled, asked, sight }: Request): readonly Query[] {
  const kind = (name: string): ColumnKind => {
    const column = compiled.columns.get(name)
    if (column === undefined) throw new Error('a column was checked when the endpoint was compiled')
    return column.kind
  }
  const search = asked.search
  return [
    ...conditionsOf(sight, inner, kind),
    ...asked.filters.map(filtered),
    ...(search === null
      ? []
      : [
          sql`(${join(
            compiled.spec.definition.search.map(
              (name) => sql`${inner(name)}::text collate "default" ilike ${likeOf(search)}`,
            ),
            ' or ',
          )})`,
        ]),
  ]
}

/** A pattern that finds the text itself anywhere. */
function likeOf(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
}

function filtered({ column, operator, values }: Filter): Query {
  const { kind, name } = column
  const operand = kind.operand(inner(name))
  const [first = '', second = ''] = values
  const value = sql`${first}::${kind.cast}`
  switch (operator) {
    case 'eq':
      return sql`${operand} = ${value}`
    case 'ne':
      return sql`${operand} is distinct from ${value}`
    case 'lt':
      return sql`${operand} < ${value}`
    case 'lte':
      return sql`${operand} <= ${value}`
    case 'gt':
      return sql`${operand} > ${value}`
    case 'gte':
      return sql`${operand} >= ${value}`
    case 'between':
      return sql`${operand} between ${value} and ${second}::${kind.cast}`
    case 'in':
      return isAmong(operand, values, kind.cast)
    case 'contains':
      return kind.group === 'array'
        ? sql`${value} = any(${operand})`
        : kind.group === 'json'
          ? sql`${operand} @> ${value}`
          : sql`strpos(${operand}::text collate "C", ${first}::text collate "C") > 0`
  }
}
