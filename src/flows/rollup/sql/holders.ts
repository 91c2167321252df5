/** Who keeps a table from being locked: who holds it, not what they do with it. */
import { ident, sql, type Row, type Sql } from '../../../lib/sql.ts'
import type { TableRef } from '../config.ts'

export interface Holder extends Row {
  readonly table: string
  /** Null: a transaction that was prepared, by `gid`. */
  readonly pid: number | null
  readonly gid: string | null
  readonly application: string | null
  /** When its transaction began; null: this role may not see it. */
  readonly since: Date | null
  /** What it holds keeps triggers from being made, too, not only from being dropped. */
  readonly writes: boolean
}

export async function readHolders(db: Sql, tables: readonly TableRef[]): Promise<readonly Holder[]> {
  return await db.all<Holder>(sql`
    select w.name as "table", l.pid, p.gid, nullif(a.application_name, '') as "application", coalesce(a.xact_start, p.prepared) as "since",
      bool_or(l.mode not in ('AccessShareLock', 'RowShareLock')) as "writes"
    from unnest(${tables.map(({ schema, table }) => ident(schema, table).sql)}::text[],
        ${tables.map(({ schema, table }) => `${schema}.${table}`)}::text[]) as w (relation, name)
      join pg_locks l on l.locktype = 'relation' and l.relation = to_regclass(w.relation) and l.granted
        and l.database = (select oid from pg_database where datname = current_database()) and l.pid is distinct from pg_backend_pid()
      left join pg_stat_activity a on a.pid = l.pid
      left join pg_prepared_xacts p on l.pid is null and l.virtualtransaction = '-1/' || p.transaction
    group by 1, 2, 3, 4, 5 order by 5 nulls last, 2`)
}
