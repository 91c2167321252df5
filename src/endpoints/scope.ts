/**
 * Which rows a caller may see, by its claims alone. Denied by default: a claim that is missing, empty, of another type, or names a role
 * that the config does not know, gives no row.
 */
import type { Json } from '../lib/json.ts'
import { sql, type Query } from '../lib/sql.ts'
import { arrayOf } from './age.ts'
import type { EndpointDefinition } from './config.ts'
import type { ColumnKind } from './kinds.ts'

type Scope = NonNullable<EndpointDefinition['scope']>

/** `bound`: a row is seen if each of these columns has one of its values, as text that its type takes. */
export type Sight =
  | { readonly tag: 'all' }
  | { readonly tag: 'none' }
  | { readonly tag: 'bound'; readonly to: readonly { readonly column: string; readonly values: readonly string[] }[] }

const nothing: Sight = { tag: 'none' }

/** Pure. */
export function sightOf(
  scope: Scope | undefined,
  claims: Readonly<Record<string, Json>>,
  kindOf: (column: string) => ColumnKind | undefined,
): Sight {
  if (scope === undefined) return { tag: 'all' }
  const chosen = isByClaim(scope) ? chosenBy(scope, claims) : scope
  if (chosen === undefined) return nothing
  if (chosen === 'all') return { tag: 'all' }
  const columns = Object.entries(chosen)
  const to = columns.flatMap(([column, claim]) => {
    const kind = kindOf(column)
    const values = kind === undefined || !Object.hasOwn(claims, claim) ? [] : valuesOf(claims[claim] ?? null, kind)
    return values.length === 0 ? [] : [{ column, values }]
  })
  // A scope without columns binds to nothing, hence shows nothing.
  return to.length < columns.length || columns.length === 0 ? nothing : { tag: 'bound', to }
}

type ByClaim = Extract<Scope, { readonly when: unknown }>

function isByClaim(scope: Scope): scope is ByClaim {
  return typeof scope['when'] === 'object'
}

function chosenBy({ by, when }: ByClaim, claims: Readonly<Record<string, Json>>): ByClaim['when'][string] | undefined {
  const value = Object.hasOwn(claims, by) ? claims[by] : undefined
  return typeof value === 'string' && Object.hasOwn(when, value) ? when[value] : undefined
}

/** One element that does not fit makes the whole claim void: half a claim is no claim. */
function valuesOf(claim: Json, kind: ColumnKind): readonly string[] {
  const list = Array.isArray(claim) ? (claim as readonly Json[]) : [claim] // narrowing a readonly array of a union needs telling
  const values = list.map((one) => textOf(one, kind))
  return values.every((one) => one !== null) ? values : []
}

function textOf(value: Json, kind: ColumnKind): string | null {
  const fits =
    kind.group === 'number'
      ? typeof value === 'number' || typeof value === 'string'
      : kind.group === 'boolean'
        ? typeof value === 'boolean'
        : kind.operators.includes('eq') && typeof value === 'string'
  if (!fits || value === '') return null
  const parsed = kind.parse(typeof value === 'string' ? value : JSON.stringify(value))
  return 'value' in parsed ? parsed.value : null
}

/** The claims that a scope goes by, sorted. */
export function claimsOf(scope: Scope | undefined): readonly string[] {
  if (scope === undefined) return []
  const named = isByClaim(scope)
    ? [scope.by, ...Object.values(scope.when).flatMap((one) => (one === 'all' ? [] : Object.values(one)))]
    : Object.values(scope)
  return [...new Set(named)].sort()
}

/** The columns that a scope binds. */
export function columnsOf(scope: Scope | undefined): readonly string[] {
  if (scope === undefined) return []
  const named = isByClaim(scope)
    ? Object.values(scope.when).flatMap((one) => (one === 'all' ? [] : Object.keys(one)))
    : Object.keys(scope)
  return [...new Set(named)]
}

/** As conditions on the rows. */
export function conditionsOf(
  sight: Sight,
  column: (name: string) => Query,
  kindOf: (name: string) => ColumnKind,
): Query[] {
  switch (sight.tag) {
    case 'all':
      return []
    case 'none':
      return [sql`false`]
    case 'bound':
      return sight.to.map(({ column: name, values }) => {
        const kind = kindOf(name)
        return isAmong(kind.operand(column(name)), values, kind.cast)
      })
  }
}

/** `operand` is one of the values. */
export function isAmong(operand: Query, values: readonly string[], cast: Query): Query {
  const [first = ''] = values
  if (values.length === 1) return sql`${operand} = ${first}::${cast}`
  return sql`${operand} = any(${arrayOf(values)}::${cast}[])`
}
