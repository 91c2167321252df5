import { sql, type Session } from '../../../lib/sql.ts'
import { parsePgType } from '../../../transfer/pgtype.ts'
import type { ColumnFacts } from '../table.ts'
import { grantList } from './relation.ts'

type Row = Omit<ColumnFacts, 'type' | 'generated' | 'identity'> & {
  readonly generated: string
  readonly identity: string
}

/** The columns, in order; dropped ones left out. */
export async function readColumns(session: Session, oid: string): Promise<ColumnFacts[]> {
  const rows = await session.all<Row & Record<string, unknown>>(sql`
    select a.attname::text as "name", format_type(a.atttypid, a.atttypmod) as "typeName", not a.attnotnull as "nullable",
      pg_get_expr(e.adbin, e.adrelid) as "default", a.attgenerated::text as "generated", a.attidentity::text as "identity",
      case when a.attcollation not in (0, t.typcollation) then format('%I.%I', cn.nspname, co.collname) end as "collation",
      col_description(a.attrelid, a.attnum) as "comment", ${grantList('a.attacl')} as "grants",
      nullif(a.attstattarget, -1)::int as "statisticsTarget", coalesce(a.attoptions, '{}') as "options",
      coalesce((
        select array_agg(distinct case d.classid
            when 'pg_rewrite'::regclass then (select pg_describe_object('pg_class'::regclass, r.ev_class, 0) from pg_rewrite r where r.oid = d.objid)
            else pg_describe_object(d.classid, d.objid, d.objsubid) end)
        from pg_depend d
        where d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum
          and d.classid in ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_proc'::regclass,
            'pg_publication_rel'::regclass)
          and not (d.classid = 'pg_trigger'::regclass and exists (
            select from pg_trigger g where g.oid = d.objid and g.tgisinternal))), '{}') as "usedBy"
    from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
      left join pg_collation co on co.oid = a.attcollation
      left join pg_namespace cn on cn.oid = co.collnamespace
    where a.attrelid = ${oid}::oid and a.attnum > 0 and not a.attisdropped
    order by a.attnum`)
  return rows.map((row) => ({
    ...row,
    type: parsePgType(row.typeName),
    generated: row.generated === 's' ? 'stored' : row.generated === 'v' ? 'virtual' : 'no',
    identity: row.identity === 'a' ? 'always' : row.identity === 'd' ? 'by default' : 'no',
  }))
}
