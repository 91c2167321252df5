/**
 * Pages by position: the next page is what comes after the last row of this one in the order, however mixed its directions are. Null comes
 * last in either direction.
 */
import { join, sql, type Query } from '../lib/sql.ts'

export interface Key {
  /** The column that it is; null: none that an answer could show. */
  readonly name: string | null
  readonly operand: Query
  readonly cast: Query
  readonly descending: boolean
  readonly nullable: boolean
}

export function orderBy(keys: readonly Key[]): Query {
  return join(
    keys.map(({ operand, descending, nullable }) =>
      // `desc` puts nulls first unless told; an index without them needs no telling.
      descending ? (nullable ? sql`${operand} desc nulls last` : sql`${operand} desc`) : operand,
    ),
    ', ',
  )
}

/** The rows that come after these values; not `strict`: those that are equal to them as well. */
export function after(keys: readonly Key[], values: readonly (string | null)[], strict: boolean): Query {
  const plain = keys.every(({ nullable, descending }) => !nullable && !descending)
  if (plain && strict) {
    // In this form one index of all the keys serves.
    const operands = keys.map(({ operand }) => operand)
    const bounds = keys.map(({ cast }, at) => sql`${values[at] ?? null}::${cast}`)
    return sql`(${join(operands, ', ')}) > (${join(bounds, ', ')})`
  }
  return (
    keys.reduceRight<Query | null>((rest, key, at) => step(key, values[at] ?? null, rest), strict ? null : sql`true`) ??
    sql`false`
  )
}

/** After the value, or equal to it and after the rest. */
function step({ operand, cast, descending, nullable }: Key, value: string | null, rest: Query | null): Query {
  if (value === null) return rest === null ? sql`false` : sql`(${operand} is null and ${rest})`
  const bound = sql`${value}::${cast}`
  const beyond = descending ? sql`${operand} < ${bound}` : sql`${operand} > ${bound}`
  const tied = rest === null ? sql`` : sql` or (${operand} = ${bound} and ${rest})`
  const last = nullable ? sql` or ${operand} is null` : sql``
  return sql`(${beyond}${tied}${last})`
}
