import { raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import type { GrantFacts, SequenceFacts, TableFacts, TableName } from '../table.ts'

/** An `aclitem[]` expression as a list of GrantFacts, in its own order; null where nothing was ever granted or revoked. */
export function grantList(acl: string): Query {
  return raw(`case when ${acl} is null then null else coalesce((
    select json_agg(json_build_object(
      'grantor', pg_get_userbyid(x.grantor),
      'grantee', case when x.grantee = 0 then null else pg_get_userbyid(x.grantee) end,
      'privilege', lower(x.privilege),
      'grantable', x.grantable) order by x.n)
    from aclexplode(${acl}) with ordinality as x(grantor, grantee, privilege, grantable, n)), '[]') end`)
}

type Relation = Pick<
  TableFacts,
  | 'oid'
  | 'owner'
  | 'alterable'
  | 'rowSecurityActive'
  | 'rowEstimate'
  | 'grants'
  | 'comment'
  | 'tablespace'
  | 'accessMethod'
> & {
  readonly kind: string
  readonly persistence: string
  readonly enabled: boolean
  readonly forced: boolean
  readonly replica: string
  readonly options: string[]
  readonly partition: boolean
}

/** What `pg_class` says of a relation that can be read from like a table; undefined if there is none of that name. */
export function readRelation(session: Session, { schema, table }: TableName): Promise<Relation | undefined> {
  return session.maybe<Relation>(sql`
    select c.oid::text as "oid", c.relkind::text as "kind", c.relpersistence::text as "persistence",
      pg_get_userbyid(c.relowner) as "owner", pg_has_role(c.relowner, 'usage') as "alterable",
      row_security_active(c.oid) as "rowSecurityActive",
      case when c.reltuples < 0 then null else c.reltuples::float8 end as "rowEstimate",
      c.relrowsecurity as "enabled", c.relforcerowsecurity as "forced", c.relreplident::text as "replica",
      obj_description(c.oid, 'pg_class') as "comment", s.spcname::text as "tablespace", a.amname::text as "accessMethod",
      coalesce(c.reloptions, '{}') || coalesce(
        (select array_agg('toast.' || o order by n) from unnest(t.reloptions) with ordinality as u(o, n)), '{}') as "options",
      c.relispartition as "partition", ${grantList('c.relacl')} as "grants"
    from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      left join pg_tablespace s on s.oid = c.reltablespace
      left join pg_am a on a.oid = c.relam
      left join pg_class t on t.oid = c.reltoastrelid
    where n.nspname = ${schema} and c.relname = ${table} and c.relkind in ('r', 'p', 'v', 'm', 'f')`)
}

/** Sequences that belong to a column: identity and `serial`. */
export function readSequences(session: Session, oid: string): Promise<SequenceFacts[]> {
  return session.all<SequenceFacts & Record<string, unknown>>(sql`
    select n.nspname::text as "schema", c.relname::text as "name", a.attname::text as "column", d.deptype = 'i' as "identity",
      (select format_type(s.seqtypid, null) from pg_sequence s where s.seqrelid = c.oid) as "type",
      obj_description(c.oid, 'pg_class') as "comment", ${grantList('c.relacl')} as "grants"
    from pg_depend d
      join pg_class c on c.oid = d.objid and c.relkind = 'S'
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = ${oid}::oid
      and d.deptype in ('a', 'i')
    order by a.attnum, c.relname`)
}

/** Of these roles, the ones that the connected role cannot act as. */
export async function readForeignRoles(
  session: Session,
  grants: readonly GrantFacts[],
  owner: string,
): Promise<string[]> {
  const grantors = [...new Set(grants.map((grant) => grant.grantor))].filter((role) => role !== owner)
  if (grantors.length === 0) return []
  const rows = await session.all<{ role: string }>(sql`
    select r as "role" from unnest(${grantors}::text[]) r
    where not pg_has_role(r::name, 'member') order by r`)
  return rows.map(({ role }) => role)
}
