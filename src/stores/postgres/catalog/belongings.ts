/** What belongs to a table and would go with it: indexes, constraints, triggers, rules, policies, statistics, publications. */
import { raw, sql, type Session } from '../../../lib/sql.ts'
import type {
  ConstraintFacts,
  IndexFacts,
  PolicyFacts,
  PublicationFacts,
  RuleFacts,
  StatisticsFacts,
  TriggerFacts,
} from '../table.ts'

type Selected<T> = T & Record<string, unknown>

export function readIndexes(session: Session, oid: string): Promise<IndexFacts[]> {
  return session.all<Selected<IndexFacts>>(sql`
    select c.relname::text as "name", i.indisunique as "unique", i.indisprimary as "primary",
      case when i.indexprs is null then (
        select array_agg(a.attname::text order by k.n)
        from unnest(i.indkey::int2[]) with ordinality as k(attnum, n)
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
        where k.n <= i.indnkeyatts) end as "columns",
      i.indpred is not null as "partial", i.indisvalid as "valid", i.indimmediate as "immediate",
      regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX ("([^"]|"")+"|\\S+) ON (ONLY )?(("([^"]|"")+"|[^".\\s]+)\\.)?("([^"]|"")+"|[^".\\s]+) ', '') as "definition",
      o.conname::text as "constraint", obj_description(c.oid, 'pg_class') as "comment",
      coalesce(c.reloptions, '{}') as "options", s.spcname::text as "tablespace", i.indisclustered as "clustered",
      i.indisreplident as "replicaIdentity"
    from pg_index i
      join pg_class c on c.oid = i.indexrelid
      left join pg_tablespace s on s.oid = c.reltablespace
      left join pg_constraint o on o.conindid = i.indexrelid and o.conrelid = i.indrelid and o.contype in ('p', 'u', 'x')
    where i.indrelid = ${oid}::oid
    order by c.relname`)
}

export function readConstraints(session: Session, oid: string): Promise<ConstraintFacts[]> {
  return session.all<Selected<ConstraintFacts>>(sql`
    select o.conname::text as "name",
      case o.contype when 'c' then 'check' when 'f' then 'foreign key' when 'p' then 'primary key' when 'u' then 'unique'
        when 'x' then 'exclusion' when 'n' then 'not null' else 'trigger' end as "type",
      pg_get_constraintdef(o.oid) as "definition", obj_description(o.oid, 'pg_constraint') as "comment",
      coalesce((
        select array_agg(a.attname::text order by k.n)
        from unnest(o.conkey) with ordinality as k(attnum, n)
          join pg_attribute a on a.attrelid = o.conrelid and a.attnum = k.attnum), '{}') as "columns"
    from pg_constraint o
    where o.conrelid = ${oid}::oid
    order by o.conname`)
}

export function readTriggers(session: Session, oid: string): Promise<TriggerFacts[]> {
  return session.all<Selected<TriggerFacts>>(sql`
    select t.tgname::text as "name", pg_get_triggerdef(t.oid) as "definition", obj_description(t.oid, 'pg_trigger') as "comment",
      case t.tgenabled when 'O' then 'origin' when 'D' then 'disabled' when 'R' then 'replica' else 'always' end as "enabled"
    from pg_trigger t
    where t.tgrelid = ${oid}::oid and not t.tgisinternal
    order by t.tgname`)
}

export function readRules(session: Session, oid: string): Promise<RuleFacts[]> {
  return session.all<Selected<RuleFacts>>(sql`
    select r.rulename::text as "name", pg_get_ruledef(r.oid) as "definition", obj_description(r.oid, 'pg_rewrite') as "comment",
      case r.ev_enabled when 'O' then 'origin' when 'D' then 'disabled' when 'R' then 'replica' else 'always' end as "enabled"
    from pg_rewrite r
    where r.ev_class = ${oid}::oid and r.rulename <> '_RETURN'
    order by r.rulename`)
}

export function readPolicies(session: Session, oid: string): Promise<PolicyFacts[]> {
  return session.all<Selected<PolicyFacts>>(sql`
    select p.polname::text as "name", p.polpermissive as "permissive",
      case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as "command",
      case when p.polroles = '{0}' then null else array(select pg_get_userbyid(r)::text from unnest(p.polroles) r order by 1) end as "roles",
      pg_get_expr(p.polqual, p.polrelid) as "using", pg_get_expr(p.polwithcheck, p.polrelid) as "check",
      obj_description(p.oid, 'pg_policy') as "comment"
    from pg_policy p
    where p.polrelid = ${oid}::oid
    order by p.polname`)
}

export function readStatistics(session: Session, oid: string): Promise<StatisticsFacts[]> {
  return session.all<Selected<StatisticsFacts>>(sql`
    select n.nspname::text as "schema", s.stxname::text as "name", pg_get_userbyid(s.stxowner) as "owner",
      array(select case k when 'd' then 'ndistinct' when 'f' then 'dependencies' else 'mcv' end
        from unnest(s.stxkind) k where k <> 'e') as "kinds",
      pg_get_statisticsobjdef_columns(s.oid) as "on", nullif(s.stxstattarget, -1)::int as "target",
      obj_description(s.oid, 'pg_statistic_ext') as "comment"
    from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
    where s.stxrelid = ${oid}::oid
    order by n.nspname, s.stxname`)
}

export async function readPublications(session: Session, oid: string, version: number): Promise<PublicationFacts[]> {
  // Row filters and column lists came with 15.
  const filters = version >= 150_000
  return session.all<Selected<PublicationFacts>>(sql`
    select p.pubname::text as "name", pg_has_role(p.pubowner, 'usage') as "alterable",
      ${
        filters
          ? raw(`case when r.prattrs is null then null else (
        select array_agg(a.attname::text order by a.attnum) from pg_attribute a
        where a.attrelid = r.prrelid and a.attnum = any (r.prattrs::int2[])) end as "columns",
      pg_get_expr(r.prqual, r.prrelid) as "filter"`)
          : raw('null::text[] as "columns", null::text as "filter"')
      },
      array_remove(array[case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
        case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end], null) as "publishes"
    from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
    where r.prrelid = ${oid}::oid
    order by p.pubname`)
}
