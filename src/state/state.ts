import { ident, raw, sql, type Database, type Query } from '../lib/sql.ts'

/** Sluice's own tables, by name. */
export type StateTable =
  | 'attempt'
  | 'audit'
  | 'backfill'
  | 'backfill_slice'
  | 'dirty'
  | 'flow'
  | 'flow_version'
  | 'idempotency'
  | 'link'
  | 'log'
  | 'notification'
  | 'notification_delivery'
  | 'occurrence'
  | 'position'
  | 'principal'
  | 'run'
  | 'schedule'
  | 'seal'
  | 'session'
  | 'slice'
  | 'token'
  | 'verification'
  | 'worker'

/** Where Sluice's own tables are, and whose rows in them are meant. Every query of this folder takes one. */
export interface State {
  readonly db: Database
  readonly schema: string
  readonly project: string
  /** The table's qualified name: `state.t('run')` is `"sluice"."run"`. */
  t(table: StateTable): Query
  /** The one clock, as an expression: `"sluice".now()`. Never `now()`, never JavaScript's. */
  readonly now: Query
}

export function openState(db: Database, schema: string, project: string): State {
  return {
    db,
    schema,
    project,
    t: (table) => ident(schema, table),
    now: sql`${ident(schema)}${raw('.now()')}`,
  }
}
