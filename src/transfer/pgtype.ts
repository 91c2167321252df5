/**
 * The PostgreSQL types that Sluice carries, as data. `parsePgType` reads what `format_type()` prints and what a user
 * writes in `columns.*.type`; `formatPgType` prints it back in PostgreSQL's own spelling.
 */
export type PgType =
  | { readonly tag: 'boolean' }
  | { readonly tag: 'int2' }
  | { readonly tag: 'int4' }
  | { readonly tag: 'int8' }
  | { readonly tag: 'float4' }
  | { readonly tag: 'float8' }
  /** Both null: unconstrained, any digits. */
  | { readonly tag: 'numeric'; readonly precision: number | null; readonly scale: number | null }
  | { readonly tag: 'text' }
  | { readonly tag: 'varchar'; readonly length: number | null }
  | { readonly tag: 'char'; readonly length: number }
  | { readonly tag: 'bytea' }
  | { readonly tag: 'date' }
  | { readonly tag: 'time' }
  | { readonly tag: 'timetz' }
  | { readonly tag: 'timestamp' }
  | { readonly tag: 'timestamptz' }
  | { readonly tag: 'interval' }
  | { readonly tag: 'uuid' }
  | { readonly tag: 'json' }
  | { readonly tag: 'jsonb' }
  | { readonly tag: 'bit'; readonly length: number | null; readonly varying: boolean }
  | { readonly tag: 'array'; readonly of: PgType }
  /** An enum, domain or extension type of the database, carried as text where its input allows. */
  | { readonly tag: 'other'; readonly name: string }
