/** What depends on a table from outside: views that can follow it, and all the rest, which keeps it where it is. */
import { sql, type Session } from '../../../lib/sql.ts'
import type { BoundFacts, ViewFacts } from '../table.ts'

/**
 * Plain views over the table, through any number of others. What is read comes before what reads it: sorted by the longest
 * way to the table. Views cannot read each other in a circle.
 */
export function readViews(session: Session, oid: string): Promise<ViewFacts[]> {
  return session.all<ViewFacts & Record<string, unknown>>(sql`
    with recursive above as (
      select ${oid}::oid as relation, 0 as depth
      union
      select r.ev_class, above.depth + 1
      from above
        join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = above.relation
          and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid and r.ev_class <> above.relation and r.rulename = '_RETURN'
    )
    select n.nspname::text as "schema", c.relname::text as "name", pg_get_userbyid(c.relowner) as "owner",
      pg_has_role(c.relowner, 'usage') as "alterable", min(above.depth) = 1 as "direct",
      rtrim(pg_get_viewdef(c.oid), ';') as "definition", coalesce(c.reloptions, '{}') as "options"
    from above join pg_class c on c.oid = above.relation join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'v'
    group by c.oid, n.nspname, c.relname, c.relowner, c.reloptions
    order by max(above.depth), n.nspname, c.relname`)
}

/** Everything that is tied to this very table by its identity and cannot be re-made for another: from the catalog of dependencies. */
export async function readBound(session: Session, oid: string): Promise<BoundFacts[]> {
  return session.all<BoundFacts & Record<string, unknown>>(sql`
    with recursive above as (
      select ${oid}::oid as relation
      union
      select r.ev_class
      from above
        join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = above.relation
          and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid and r.ev_class <> above.relation
    ),
    row_type as (
      select t.oid from pg_type t
      where t.typrelid = ${oid}::oid or t.typelem = (select r.oid from pg_type r where r.typrelid = ${oid}::oid) and t.typcategory = 'A'
    ),
    found as (
      select 'materialized view' as tag, pg_describe_object('pg_class'::regclass, c.oid, 0) as why
      from above join pg_class c on c.oid = above.relation where c.relkind = 'm'
      union all
      select 'foreign key in', pg_describe_object('pg_constraint'::regclass, o.oid, 0)
      from pg_constraint o where o.confrelid = ${oid}::oid and o.contype = 'f'
      union all
      select 'inheritance', 'inheritance with ' || pg_describe_object('pg_class'::regclass, case when i.inhrelid = ${oid}::oid then i.inhparent else i.inhrelid end, 0)
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where (i.inhrelid = ${oid}::oid or i.inhparent = ${oid}::oid) and not c.relispartition
      union all
      select 'partition', 'its being ' || case c.relkind when 'p' then 'partitioned' else 'a partition' end
      from pg_class c where c.oid = ${oid}::oid and (c.relkind = 'p' or c.relispartition)
      union all
      select 'extension', pg_describe_object(d.refclassid, d.refobjid, 0)
      from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = ${oid}::oid and d.deptype in ('e', 'x')
      union all
      select 'security label', 'a security label of ' || l.provider
      from pg_seclabel l where l.classoid = 'pg_class'::regclass and l.objoid = ${oid}::oid
      union all
      select 'other', 'a subscription that fills it' from pg_subscription_rel s where s.srrelid = ${oid}::oid
      union all
      select 'other', 'its being a table of ' || pg_describe_object('pg_type'::regclass, c.reloftype, 0)
      from pg_class c where c.oid = ${oid}::oid and c.reloftype <> 0
      union all
      select 'row type', pg_describe_object(d.classid, d.objid, d.objsubid)
      from pg_depend d
      where d.refclassid = 'pg_type'::regclass and d.refobjid in (select row_type.oid from row_type)
        and not (d.classid = 'pg_type'::regclass and d.objid in (select row_type.oid from row_type))
      union all
      select case d.classid when 'pg_proc'::regclass then 'function' else 'other' end, pg_describe_object(d.classid, d.objid, d.objsubid)
      from pg_depend d
      where d.refclassid = 'pg_class'::regclass and d.refobjid = ${oid}::oid and case d.classid
          when 'pg_class'::regclass then not exists (
            select from pg_class c where c.oid = d.objid and (c.relkind in ('i', 'I', 't') or c.relkind = 'S' and d.deptype in ('a', 'i') or d.objid = ${oid}::oid))
            and not exists (select from pg_inherits i where i.inhrelid = d.objid and i.inhparent = ${oid}::oid)
          when 'pg_constraint'::regclass then not exists (
            select from pg_constraint o where o.oid = d.objid and (o.conrelid = ${oid}::oid or o.confrelid = ${oid}::oid))
          when 'pg_attrdef'::regclass then not exists (select from pg_attrdef e where e.oid = d.objid and e.adrelid = ${oid}::oid)
          when 'pg_trigger'::regclass then not exists (select from pg_trigger t where t.oid = d.objid and (t.tgrelid = ${oid}::oid or t.tgisinternal))
          when 'pg_policy'::regclass then not exists (select from pg_policy p where p.oid = d.objid and p.polrelid = ${oid}::oid)
          when 'pg_rewrite'::regclass then not exists (
            select from pg_rewrite r where r.oid = d.objid and (r.ev_class = ${oid}::oid or r.rulename = '_RETURN'))
          when 'pg_publication_rel'::regclass then false
          when 'pg_statistic_ext'::regclass then false
          when 'pg_type'::regclass then d.objid not in (select row_type.oid from row_type)
          else true end
    )
    select distinct tag, why from found order by tag, why`)
}
