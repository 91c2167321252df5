/**
 * How many different values there are, told from the smallest 1,024 hashes of them, in plain SQL: of fewer values exactly, of more by how
 * densely those lie. The smallest of the union of sets are among the smallest of each, so that sketches of parts make the very sketch that
 * the whole would have: no matter how often, in what order, or of what overlaps.
 *
 * A sketch is bytes: hashes of 8 bytes each, in order, none twice. On the way to one every row has one hash (a column, `Piece`); `ranked`
 * tells which of a group's are the smallest, and `sketchOf` gathers these. Only sorts are large, and those the server does on disk.
 */
import { ident, join, raw, sql, type Query } from './sql.ts'

const size = 1_024
const bytes = 8

/** The relative standard error of a number that is not exact. */
export const sketchError = Math.round(10_000 / Math.sqrt(size - 2)) / 10_000

/** A column of hashes, one in a row; `at` tells it from others of the same relation. */
export interface Piece {
  readonly column: string
  readonly at: number
}

const rank = ({ at }: Piece): Query => ident(`sluice_rank_${at}`)
const before = ({ at }: Piece): Query => ident(`sluice_before_${at}`)
/** So that hashes are in the same order as bytes and as numbers. */
const flipped = raw(`'-9223372036854775808'::bigint`)

/** Null of null. Values are what their texts are; 1.0 and 1.00 are one number. */
export function hashOf(value: Query): Query {
  const text = sql`case when pg_typeof(${value}) = 'numeric'::regtype then trim_scale(${value}::text::numeric)::text else ${value}::text end`
  return sql`int8send(hashtextextended((${text}) collate "C", 0) # ${flipped})`
}

/** `rows` (a relation) with what `sketchOf` needs to make a sketch of each group, as a relation of its own. */
export function ranked(rows: Query, pieces: readonly Piece[], by: readonly Query[]): Query {
  if (pieces.length === 0) return rows
  const added = pieces.flatMap((piece) => {
    const partition = by.length === 0 ? raw('') : sql`partition by ${join(by, ', ')} `
    const hashes = ident(piece.column)
    const over = sql`over (${partition}order by ${hashes})`
    return [sql`dense_rank() ${over} as ${rank(piece)}`, sql`lag(${hashes}) ${over} as ${before(piece)}`]
  })
  return sql`(select sluice_ranked.*, ${join(added, ', ')} from ${rows} as sluice_ranked)`
}

/** An aggregate over groups of `ranked`. */
export function sketchOf(piece: Piece): Query {
  const hash = ident(piece.column)
  return sql`coalesce(string_agg(${hash}, ''::bytea order by ${hash}) filter (where ${rank(piece)} <= ${raw(String(size))} and ${before(piece)} is distinct from ${hash}), ''::bytea)`
}

/** An aggregate that puts sketches in a row, for `unionOf`: of few, since a group's are all held at once. In order, so that other groups' are not. */
export function gathered(column: Query, order: Query): Query {
  return sql`string_agg(${column}, ''::bytea order by ${order})`
}

/** Sketches in a row as one sketch. */
export function unionOf(sketches: Query): Query {
  return sql`coalesce((select string_agg(s.hash, ''::bytea order by s.hash) from (
    select distinct substr(${sketches}, n.sluice_from, ${raw(String(bytes))}) as hash
    from generate_series(1, length(${sketches}), ${raw(String(bytes))}) as n (sluice_from) order by hash limit ${raw(String(size))}) as s), ''::bytea)`
}

/** The number that a sketch tells. */
export function estimateOf(sketch: Query): Query {
  const largest = sql`substr(${sketch}, ${raw(String((size - 1) * bytes + 1))}, ${raw(String(bytes))})`
  const number = sql`((('x' || encode(${largest}, 'hex'))::bit(64)::bigint # ${flipped})::numeric + 9223372036854775808)`
  return sql`(case when length(${sketch}) < ${raw(String(size * bytes))} then length(${sketch}) / ${raw(String(bytes))}
    else round(${raw(String(size - 1))} * 18446744073709551616 / (${number} + 1)) end)::bigint`
}

/**
 * Rows that hold sketches, as rows that hold one hash each, as a relation: `keys` are in every one of them, `adding` in the first that
 * comes of a row and null in the others, which sums, minima and maxima pass over.
 */
export function unfolded(
  rows: Query,
  columns: {
    readonly keys: readonly Query[]
    readonly adding: readonly string[]
    readonly sketches: readonly string[]
  },
): Query {
  const { keys, adding, sketches } = columns
  if (sketches.length === 0) return sql`(${rows})`
  const column = (name: string): Query => sql`u.${ident(name)}`
  // Read from where the server keeps what is long once, not once for each hash.
  const held = sketches.map((name) => sql`(${ident(name)} || ''::bytea) as ${ident(name)}`)
  const shown = [
    ...keys,
    ...adding.map((name) => sql`case when coalesce(n.sluice_from, 1) = 1 then ${column(name)} end as ${ident(name)}`),
    ...sketches.map(
      (name) => sql`nullif(substr(${column(name)}, n.sluice_from, ${raw(String(bytes))}), ''::bytea) as ${ident(name)}`,
    ),
  ]
  const lengths = sketches.map((name) => sql`length(${column(name)})`)
  // Without `offset 0` whole sketches would be sorted along with each of their hashes.
  return sql`(
    select ${join(shown, ', ')}
    from (select ${join([...keys, ...adding.map((name) => ident(name)), ...held], ', ')} from (${rows}) as sluice_held offset 0) as u
      left join lateral generate_series(1, greatest(${join(lengths, ', ')}), ${raw(String(bytes))}) as n (sluice_from) on true
    offset 0)`
}
