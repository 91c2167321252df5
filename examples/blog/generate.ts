/**
 * A blog platform's tables and ten million views over a year, made by the database itself: `node generate.ts [VIEWS]`. Everything is a
 * function of a row's number, so that it is the same every time.
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

/** Creates and fills the tables; what was there goes. The year ends now, so that the newest views are of today. */
export async function fill(client: pg.Client, { blogs, authors, views }: Size): Promise<void> {
  await client.query(`
    drop table if exists blog_view, blog, country, author cascade;
    create table author (id int primary key, name text not null unique);
    create table country (id int primary key, code varchar(8) not null unique, name text not null, continent text not null);
    create table blog (id int primary key, title text not null, author int not null references author, country int references country,
      created_at timestamptz not null);
    create table blog_view (id bigint primary key, blog int not null, reader int, viewed_at timestamptz not null,
      created_at timestamptz not null, updated_at timestamptz not null);
    insert into author select i, 'author ' || i from generate_series(1, ${authors}) i;`)
  for (const [at, [code, name, continent]] of countries.entries())
    await client.query('insert into country values ($1, $2, $3, $4)', [at + 1, code, name, continent])
  // A hash as a number from 0 to 1, another one for each salt.
  const dice = (salt: number): string => `((hashint8extended(i, ${salt}) & 16777215) / 16777216.0::float8)`
  await client.query(`
    insert into blog
    select i, 'Blog ' || i, 1 + floor(${authors} * ${dice(1)})::int, case when i % 9 = 0 then null else 1 + floor(${countries.length} * ${dice(2)})::int end,
      date_trunc('hour', now()) - interval '1 second' * floor(400 * 86400 * ${dice(3)})
    from generate_series(1, ${blogs}) i;
    -- A few blogs have most of the views, nights have few, weekends fewer, a third of the readers are not known.
    insert into blog_view
    select i, 1 + floor(${blogs} * power(${dice(4)}, 2))::int, case when ${dice(5)} < 0.33 then null else floor(200000 * power(${dice(6)}, 2))::int end, at, at, at
    from generate_series(1, ${views}) i,
      lateral (select date_trunc('day', now()) - interval '1 day' * floor(365 * ${dice(7)}) as day) d,
      lateral (select case when extract(isodow from d.day) > 5 and ${dice(8)} < 0.3 then d.day - interval '2 days' else d.day end
        + interval '1 second' * floor(86400 * (0.25 + 0.7 * (${dice(9)} + ${dice(10)}) / 2)) as at) v;
    alter table blog_view add foreign key (blog) references blog;
    create index on blog_view (viewed_at);
    create index on blog_view (blog);
    create index on blog (created_at);`)
  await client.query('vacuum analyze blog_view, blog')
}

if (import.meta.main) {
  const views = Number(process.argv[2] ?? full.views)
  // The config says which database it is; the embedded one runs for as long as this is open.
  await using sluice = await openSluice({ directory: import.meta.dirname })
  const client = new pg.Client(await sluice.databaseUrl())
  await client.connect()
  const started = performance.now()
  await fill(client, { ...full, views })
  await client.end()
  process.stdout.write(
    `${views.toLocaleString('en-US')} views of ${full.blogs} blogs in ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
  )
}
