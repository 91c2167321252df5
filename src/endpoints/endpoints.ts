/**
 * Rows out to an application: filters, paging, scope, age. What a caller may ask is fixed by the config and by the column types
 * of the table; what is asked beyond that is refused by name, never ignored and never cut off silently.
 */
import type { Json } from '../lib/json.ts'
import type { EndpointDefinition, Operator } from './config.ts'

/** Who asks: only what its token or session carries counts, nothing that the request says. */
export interface EndpointCaller {
  readonly claims: Readonly<Record<string, Json>>
}

export interface EndpointParameter {
  /** As in the query string: `school`, `week_start.gte`, `limit`. */
  readonly name: string
  readonly role: 'filter' | 'param' | 'search' | 'sort' | 'select' | 'limit' | 'cursor'
  readonly column: string | null
  readonly operator: Operator | null
  /** PostgreSQL's name of the type; null while the table was not looked at. */
  readonly type: string | null
  readonly required: boolean
  readonly description: string
  /** A JSON schema of the value as it stands in the query string. */
  readonly schema: Readonly<Record<string, unknown>>
}

export interface EndpointColumn {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  /** A JSON schema of the value in an answer. */
  readonly schema: Readonly<Record<string, unknown>>
}

export interface EndpointDescription {
  readonly name: string
  /** Where it answers besides `/api/data/<name>`. */
  readonly path: string | null
  readonly summary: string | null
  readonly store: string
  /** `schema.table`; null for a query. */
  readonly table: string | null
  readonly shape: 'page' | 'list' | 'one' | 'distinct'
  readonly parameters: readonly EndpointParameter[]
  /** Of the rows of the answer (of `distinct`: of the values of each list); null while the table was not looked at. */
  readonly columns: readonly EndpointColumn[] | null
  /** The claims that its rows are bound to, sorted; empty: not bound. */
  readonly claims: readonly string[]
  readonly scope: EndpointDefinition['scope'] | null
  readonly page: { readonly size: number; readonly max: number } | null
  /** The flows whose publications tell its age. */
  readonly flows: readonly string[]
  /** A JSON schema of the whole answer. */
  readonly answer: Readonly<Record<string, unknown>>
  /** Why it cannot answer just now; null when it can, or while nobody has looked. */
  readonly problem: string | null
}

/**
 * `body` is JSON text: whole (text, or UTF-8), or in chunks of UTF-8 where it is long. A reader that leaves the chunks early gives the connection back;
 * a failure while they are under way rejects, and what was sent is then no whole JSON.
 */
export type EndpointAnswer =
  | {
      readonly status: 200
      readonly body: string | Uint8Array | AsyncIterable<Uint8Array>
      /** When the oldest of what it shows was true; null: unknown. */
      readonly asOf: Date | null
      /** Strong, with its quotes; null: what may change the rows is unknown. */
      readonly etag: string | null
      readonly total: number | null
      readonly next: string | null
    }
  | { readonly status: 304; readonly asOf: Date | null; readonly etag: string }

export interface ReadOptions {
  /** The header as it came. */
  readonly ifNoneMatch?: string
}

export interface Endpoints {
  /** Without looking at any table: columns and types are what was seen last. */
  list(): readonly EndpointDescription[]
  /** The same after looking at every table; what is missing is told in `problem`, it does not reject. */
  describe(): Promise<readonly EndpointDescription[]>
  /**
   * @throws SluiceError `ENDPOINT_UNKNOWN`, `PARAMETER_UNKNOWN`, `FILTER_INVALID`, `CURSOR_INVALID`, `CURSOR_EXPIRED`,
   * `ROWS_EXCEEDED`, `ROW_UNKNOWN`, `TARGET_MISSING`, `ENDPOINT_INVALID`, `READ_TIMEOUT`, `STORE_*`.
   */
  read(
    name: string,
    query: Readonly<Record<string, string | readonly string[]>>,
    caller: EndpointCaller,
    how?: ReadOptions,
  ): Promise<EndpointAnswer>
}
