import { sql, type Session } from '../../../lib/sql.ts'
import { parsePgType, type PgType } from '../../../transfer/pgtype.ts'
import type { ColumnFacts } from '../table.ts'
import { grantList } from './relation.ts'

type Row = Omit<ColumnFacts, 'type' | 'generated' | 'identity'> & {
  /** Of a domain, the type below it; of any other, the type itself. */
  readonly baseName: string
  /** The server reads the type's text in a binary COPY. */
  readonly textual: boolean
  readonly generated: string
  readonly identity: string
}

/**
 * The server's own functions that take a value's text from a binary COPY: types made of them, as `citext` is, share them. Not
 * `xml_recv`: it decodes by the encoding that the document declares, whatever the bytes are in.
 */
const readText = ['enum_recv', 'textrecv', 'varcharrecv', 'bpcharrecv', 'namerecv']

/** The columns, in order; dropped ones left out. */
export async function readColumns(session: Session, oid: string): Promise<ColumnFacts[]> {
  const rows = await session.all<Row & Record<string, unknown>>(sql`
    select a.attname::text as "name", format_type(a.atttypid, a.atttypmod) as "typeName",
      format_type(base.type, base.modifier) as "baseName", base.textual as "textual", not a.attnotnull as "nullable",
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
      cross join lateral (
        with recursive below as (
          select t.oid as type, a.atttypmod as modifier, t.typtype as kind, t.typbasetype as base, t.typtypmod as base_modifier,
            t.typreceive as receive
          union all
          select b.oid, below.base_modifier, b.typtype, b.typbasetype, b.typtypmod, b.typreceive
          from below join pg_type b on b.oid = below.base
          where below.kind = 'd'
        )
        select below.type, below.modifier, coalesce((
          select l.lanname = 'internal' and p.prosrc = any (${readText}::text[])
          from pg_proc p join pg_language l on l.oid = p.prolang where p.oid = below.receive), false) as textual
        from below where below.kind <> 'd') base
      left join pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
      left join pg_collation co on co.oid = a.attcollation
      left join pg_namespace cn on cn.oid = co.collnamespace
    where a.attrelid = ${oid}::oid and a.attnum > 0 and not a.attisdropped
    order by a.attnum`)
  return rows.map(({ baseName, textual, ...row }) => ({
    ...row,
    type: typeOf(baseName, textual),
    generated: row.generated === 's' ? 'stored' : row.generated === 'v' ? 'virtual' : 'no',
    identity: row.identity === 'a' ? 'always' : row.identity === 'd' ? 'by default' : 'no',
  }))
}

function typeOf(name: string, textual: boolean): PgType {
  const type = parsePgType(name)
  return type.tag === 'other' ? { ...type, textual } : type
}
