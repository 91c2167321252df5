/**
 * How old rows are: read in the statement that reads them, hence of the same snapshot. What was published here stands in the state's
 * `slice`, what was published elsewhere beside the tables in `sluice_publication`; either row is written in the transaction that
 * publishes, so that no snapshot has the one without the other.
 */
import { ident, sql, type Query } from '../lib/sql.ts'

/** Where the records of publications are, and whose of them count. */
export interface Records {
  readonly project: string
  readonly flows: readonly string[]
  readonly table:
    | { readonly tag: 'slice'; readonly schema: string }
    | { readonly tag: 'publication'; readonly schema: string }
}

export interface Age {
  /** When the oldest of it was true; null: unknown, as a flow was never published. */
  readonly asOf: Date | null
  /** Names the publications that the rows are of; null: unknown. */
  readonly publication: string | null
}

export const unknownAge: Age = { asOf: null, publication: null }

/**
 * A scalar subquery: `<microseconds>|<hash>|<number of flows>`, for `ageOf`. The hash is a sum over the slices, so that nothing has to be
 * sorted: it is read with every request.
 */
export function ageQuery({ project, flows, table }: Records): Query {
  const [first = ''] = flows
  const ours = flows.length === 1 ? sql`p.flow = ${first}` : sql`p.flow = any(${arrayOf(flows)}::text[])`
  const asOf = table.tag === 'slice' ? sql`p.as_of` : sql`(p.result ->> 'asOf')::timestamptz`
  const id = table.tag === 'slice' ? sql`p.run` : sql`p.publication`
  const key = table.tag === 'slice' ? sql`p.key` : sql`p.slice`
  const name = table.tag === 'slice' ? 'slice' : 'sluice_publication'
  // Of one flow, whether there is one.
  const known = flows.length === 1 ? sql`least(count(*), 1)` : sql`count(distinct p.flow)`
  return sql`(select (extract(epoch from min(${asOf})) * 1000000)::bigint || '|'
      || sum(hashtextextended(concat_ws(' ', p.flow, ${key}, ${id}, p.published_at), 0)) || '|' || ${known}
    from ${ident(table.schema, name)} as p where p.project = ${project} and ${ours} and p.published_at is not null)`
}

/** What the first field of a statement says. `file`: where the rows' places are in a table without a key. Pure. */
export function ageOf(text: string | null, records: Records | null): Age {
  if (records === null) return unknownAge
  const [micros = '', publication = '', known = '', file = ''] = (text ?? '').split('|')
  if (Number(known) < records.flows.length || publication === '') return unknownAge
  return {
    asOf: micros === '' ? null : new Date(Math.floor(Number(micros) / 1000)),
    publication: file === '' ? publication : `${publication}.${file}`,
  }
}

/** A list of texts as PostgreSQL reads an array. */
export function arrayOf(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
}
