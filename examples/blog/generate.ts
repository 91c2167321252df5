/**
 * A blog platform's tables and ten million views of the year that ends now, made by the database itself: `node generate.ts [VIEWS]`.
 * Everything is a function of a row's number, so that it is the same every time, but for where the year ends.
 */
import { openSluice } from 'sluice'
import pg from 'pg'

const countries: readonly (readonly [code: string, name: string, continent: string])[] = [
  ['US', 'United States', 'North America'],
  ['DE', 'Germany', 'Europe'],
  ['NP', 'Nepal', 'Asia'],
  ['IN', 'India', 'Asia'],
  ['BR', 'Brazil', 'South America'],
  ['KE', 'Kenya', 'Africa'],
  ['AU', 'Australia', 'Oceania'],
  ['FR', 'France', 'Europe'],
  ['JP', 'Japan', 'Asia'],
  ['CI', "Côte d'Ivoire", 'Africa'],
]

export interface Size {
  readonly blogs: number
  readonly authors: number
  readonly views: number
}

export const full: Size = { blogs: 300, authors: 120, views: 10_000_000 }

const mark = 'made by generate.ts of examples/blog'
/** Connections that fill at once. */
const lanes = 2

/** Creates and fills the tables. What it made before goes; tables of these names that it did not make are refused. */
export async function fill(url: string, { blogs, authors, views }: Size): Promise<void> {
  const clients = Array.from({ length: lanes }, () => new pg.Client(url))
  try {
    for (const client of clients) {
      await client.connect()
      await client.query(`set timezone = 'UTC'; set maintenance_work_mem = '512MB'`)
    }
    const [client] = clients
    if (client === undefined) return
    await refuseOthers(client)
    await client.query(`
      drop table if exists blog_view, blog, country, author cascade;
      create table author (id int primary key, name text not null unique);
      create table country (id int primary key, code varchar(8) not null unique, name text not null, continent text not null);
      create table blog (id int primary key, title text not null, author int not null references author, country int references country,
        created_at timestamptz not null);
      create table blog_view (id bigint not null, blog int not null, reader int, viewed_at timestamptz not null,
        created_at timestamptz not null, updated_at timestamptz not null);
      ${tables.map((table) => `comment on table ${table} is '${mark}'`).join('; ')};
      insert into author select i, 'author ' || i from generate_series(1, ${authors}) i;`)
    for (const [at, [code, name, continent]] of countries.entries())
      await client.query('insert into country values ($1, $2, $3, $4)', [at + 1, code, name, continent])
    const { rows } = await client.query<{ now: number }>('select floor(extract(epoch from now()))::int as now')
    const now = rows[0]?.now ?? 0
    await client.query(blogsOf(now, blogs, authors))
    const bound = (lane: number): number => Math.round((views * lane) / lanes)
    await Promise.all(
      clients.map((one, lane) => one.query(viewsOf(now, blogs, views, bound(lane) + 1, bound(lane + 1)))),
    )
    await client.query(`
      alter table blog_view add primary key (id);
      alter table blog_view add foreign key (blog) references blog;
      create index on blog_view (viewed_at);
      create index on blog_view (blog);
      create index on blog (created_at);
      create index on blog (country);`)
    await client.query('vacuum analyze blog_view, blog')
  } finally {
    for (const client of clients) await client.end()
  }
}

const tables = ['author', 'country', 'blog', 'blog_view'] as const

async function refuseOthers(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select relname::text as name from pg_class where oid = any (select to_regclass(name) from unnest($1::text[]) as name)
       and obj_description(oid, 'pg_class') is distinct from $2`,
    [tables, mark],
  )
  if (rows.length > 0)
    throw new Error(
      `there are tables that this did not make: ${rows.map(({ name }) => name).join(', ')}; use a database of its own`,
    )
}

/** Six numbers from 0 to 1 of the row's number `i`: three of each hash, `h1` and `h2`. */
const dice = (place: number): string =>
  `(((${place < 3 ? 'h1' : 'h2'} >> ${21 * (place % 3)}) & 2097151) / 2097152.0::float8)`
const hashes = 'lateral (select hashint8extended(i, 1) as h1, hashint8extended(i, 2) as h2 offset 0) h'

/** One after the other in two years, so that half of them are new in the year of the views. Some have no country. */
const blogsOf = (now: number, blogs: number, authors: number): string => `
  insert into blog
  select i, 'Blog ' || i, 1 + floor(${authors} * ${dice(0)})::int,
    case when i % 9 = 0 then null else 1 + floor(${countries.length} * ${dice(1)})::int end,
    to_timestamp(floor(${now} - 730 * 86400 * ((${blogs} - i + 1 + ${dice(2)}) / ${blogs})))
  from generate_series(1, ${blogs}) i, ${hashes}`

/**
 * A fifth of the blogs have most of the views; none is viewed before it is written. Most views are in the afternoon, nights have few, weekends
 * fewer; a third of the readers are not known, and a few of them come often. Times are reckoned as seconds: that is several times faster.
 */
const viewsOf = (now: number, blogs: number, views: number, first: number, last: number): string => `
  insert into blog_view
  select i, 1 + floor(${blogs} * (1 - (${now} - at) / (730 * 86400)) * power(${dice(0)}, 3))::int,
    case when ${dice(1)} < 0.33 then null else floor(${Math.max(100, Math.round(views / 50))} * power(${dice(2)}, 2))::int end,
    to_timestamp(at), to_timestamp(at), to_timestamp(at)
  from generate_series(${first}, ${last}) i, ${hashes},
    -- 1970 began with a Thursday: 5 and 6 are Saturday and Sunday.
    lateral (select ${Math.floor(now / 86_400)} - floor(365 * ${dice(3)})::int as day offset 0) d,
    lateral (select 86400.0::float8 * case when (day + 3) % 7 > 4 and i % 10 < 3 then day - (day + 3) % 7 + 4 - i / 10 % 5 else day end
      + floor(86400 * case when i % 7 = 0 then ${dice(4)} else 0.25 + 0.7 * (${dice(4)} + ${dice(5)}) / 2 end) as tried offset 0) t,
    lateral (select case when tried >= ${now} then tried - 365 * 86400 else tried end as at offset 0) v`

if (import.meta.main) {
  const views = Number(process.argv[2] ?? full.views)
  if (!Number.isSafeInteger(views) || views < 1) throw new Error('the number of views is a whole number from 1')
  // The config says which database it is; the embedded one runs for as long as this is open.
  await using sluice = await openSluice({ directory: import.meta.dirname })
  const started = performance.now()
  await fill(await sluice.databaseUrl(), { ...full, views })
  process.stdout.write(
    `${views.toLocaleString('en-US')} views of ${full.blogs} blogs in ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
  )
}
