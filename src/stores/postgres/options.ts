export interface ConnectionOptions {
  /** The store's name in the config. */
  readonly store: string
  /** `postgres://user:password@host:port/database?sslmode=…`, with the meanings that libpq gives. */
  readonly url: string
  /** What `pg_stat_activity` shows; `sluice` if left out. */
  readonly applicationName?: string
  /** Puts this schema first in `search_path`. */
  readonly schema?: string
  /** How long a transaction may sit idle before the server ends it; a stopped process must not hold its locks for ever. */
  readonly idleInTransactionMs?: number
  /** Transactions of this connection can only read, and no statement of it lasts longer than ten minutes. */
  readonly readOnly?: boolean
}
