import sql, { join, raw, Sql as Query } from 'sql-template-tag'

export { sql, join, raw, Query }

/** A row as the driver gives it. Each query names the shape it selects. */
export type Row = Record<string, unknown>

/**
 * What can be asked of PostgreSQL, and what `stores/postgres` implements. Statements are `sql` templates: every
 * interpolated value is a parameter, names go through `ident`.
 *
 * Values arrive as: int2/int4/float → number, int8/numeric → string, boolean, text, date → 'YYYY-MM-DD' string,
 * timestamp(tz) → Date, json(b) → parsed, bytea → Buffer.
 *
 * Every method rejects with a SluiceError (`STORE_*`) that names the store and carries the server's own message.
 */
export interface Sql {
  /** All rows. Small results only: what can be large is read with COPY or a cursor. */
  all<R extends Row>(query: Query): Promise<R[]>
  /** The only row; more or fewer is a defect. */
  one<R extends Row>(query: Query): Promise<R>
  /** The first row, or undefined. */
  maybe<R extends Row>(query: Query): Promise<R | undefined>
  /** Runs a statement; the number of rows it touched. */
  run(query: Query): Promise<number>
}

/** One open transaction, or one session: statements run in order on one connection. */
export interface Session extends Sql {
  /** Loads binary COPY data into `table (columns)`; the number of rows. Respects back-pressure; aborts with the signal. */
  copyIn(statement: Query, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number>
  /** Streams what a `copy … to stdout` prints, chunk by chunk as the server sends it. */
  copyOut(statement: Query): AsyncIterable<Uint8Array>
}

export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  readonly readOnly?: boolean
}

/** A database: sessions are taken from a pool and given back. */
export interface Database extends Sql, AsyncDisposable {
  /** The store's name in the config: `database`, or a key of `stores`. */
  readonly store: string
  /** `180004`: the server's version number. */
  version(): Promise<number>
  /** Runs `work` in a transaction: commits what it resolves with, rolls back when it rejects. */
  transaction<T>(work: (tx: Session) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Runs `work` on one connection of its own, outside a transaction; session settings are reset when it is given back. */
  session<T>(work: (session: Session) => Promise<T>): Promise<T>
  /** Calls `notified` for each NOTIFY on the channel until disposed; reconnects by itself, and calls `again` when it has: what was
   * notified in between is lost. */
  listen(channel: string, notified: (payload: string) => void, again?: () => void): Promise<AsyncDisposable>
}

/** A quoted identifier: `ident('api', 'teacher data')` is `"api"."teacher data"`. */
export function ident(...parts: readonly string[]): Query {
  return raw(parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.'))
}

/** A comma-separated list of quoted identifiers. */
export function idents(names: readonly string[]): Query {
  return join(
    names.map((name) => ident(name)),
    ', ',
  )
}

/** A quoted literal, for the few statements that take no parameters (`comment on`, `set`, DDL defaults). */
export function literal(text: string): Query {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return raw(text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted)
}
