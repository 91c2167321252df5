/**
 * What the catalogs say of everything in some schemas, as sorted lines without an oid: two of these compare equal if and only if
 * nothing but identities changed. Written apart from what Sluice reads the catalogs with, so that one judges the other.
 */
import type { TestDatabase } from './database.ts'

const roles = (column: string): string =>
  `(select string_agg(coalesce(nullif(pg_get_userbyid(x.grantee), 'unknown (OID=0)'), 'public') || '=' || x.privilege_type || case when x.is_grantable then '*' else '' end || '/' || pg_get_userbyid(x.grantor), ',' order by x.grantee, x.privilege_type, x.grantor) from aclexplode(${column}) x)`

const inSchemas = `array(select oid from pg_namespace where nspname = any ($1))`

const queries: readonly (readonly [list: string, from: string])[] = [
  [
    `'relation', c.oid::regclass::text, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner),
     ${roles(`coalesce(c.relacl, acldefault(case when c.relkind = 'S' then 's' else 'r' end::"char", c.relowner))`)},
     c.reloptions::text, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispopulated, obj_description(c.oid, 'pg_class'), t.reloptions::text`,
    `pg_class c left join pg_class t on t.oid = c.reltoastrelid where c.relnamespace = any (${inSchemas})`,
  ],
  [
    `'column', a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
     pg_get_expr(d.adbin, d.adrelid), ${roles('a.attacl')}, a.attoptions::text, a.attstattarget, a.attstorage, a.attcompression,
     a.attcollation::regcollation::text, col_description(a.attrelid, a.attnum),
     row_number() over (partition by a.attrelid order by a.attnum)`,
    `pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where c.relnamespace = any (${inSchemas}) and a.attnum > 0 and not a.attisdropped`,
  ],
  [
    `'index', pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary, i.indisclustered, i.indisreplident, i.indisvalid, i.indimmediate`,
    `pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = any (${inSchemas})`,
  ],
  [
    `'constraint', o.conrelid::regclass::text, o.conname, pg_get_constraintdef(o.oid), o.convalidated, o.condeferrable, o.condeferred,
     obj_description(o.oid, 'pg_constraint')`,
    `pg_constraint o where o.connamespace = any (${inSchemas})`,
  ],
  [
    `'trigger', pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger')`,
    `pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = any (${inSchemas}) and not t.tgisinternal`,
  ],
  [
    `'rule', pg_get_ruledef(r.oid), r.ev_enabled, obj_description(r.oid, 'pg_rewrite')`,
    `pg_rewrite r join pg_class c on c.oid = r.ev_class where c.relnamespace = any (${inSchemas})`,
  ],
  [
    `'policy', p.polrelid::regclass::text, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
     pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy')`,
    `pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = any (${inSchemas})`,
  ],
  [`'published', to_jsonb(p)::text`, `pg_publication_tables p where p.schemaname = any ($1)`],
  [
    `'statistics', pg_get_statisticsobjdef(s.oid), pg_get_userbyid(s.stxowner), s.stxstattarget, obj_description(s.oid, 'pg_statistic_ext')`,
    `pg_statistic_ext s where s.stxnamespace = any (${inSchemas})`,
  ],
  [`'sequence', (to_jsonb(s) - 'last_value')::text`, `pg_sequences s where s.schemaname = any ($1)`],
  [
    `'dependency', pg_describe_object(d.classid, d.objid, d.objsubid), d.deptype, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)`,
    `pg_depend d where d.objid >= 16384
     and pg_describe_object(d.classid, d.objid, d.objsubid) !~ 'pg_toast_\\d' and pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) !~ 'pg_toast_\\d'`,
  ],
  [`'schema', n.nspname`, `pg_namespace n where n.nspname !~ '^pg_(temp|toast_temp)' and $1::text[] is not null`],
]

export async function describeCatalog(db: TestDatabase, schemas: readonly string[] = ['public']): Promise<string[]> {
  const lines: string[] = []
  for (const [list, from] of queries) {
    const text = `select distinct row(${list})::text as line from ${from}`
    const rows = await db.query<{ line: string }>(text, text.includes('$1') ? [schemas] : [])
    // The server's own triggers carry numbers.
    lines.push(...rows.map(({ line }) => line.replaceAll(/(ConstraintTrigger_(?:[ac]_)?)\d+/g, '$1')))
  }
  return lines.sort()
}
