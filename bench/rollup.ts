/**
 * `rollup`: 10,000,000 events of 300 blogs over a year, counted by hour, day, week, month and year.
 *
 * - limit: one `create table as … group by hour, blog`, with the settings that ours counts with; once with `count(*)`, once with
 *   `count(distinct)` besides.
 * - ours: a run end to end that counts everything: triggers, all five grains, the index, publishing and the record.
 * - besides: a day whose events have all changed, writers with and without the triggers, and reading twelve months, over HTTP too.
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { buildApp } from '../src/api/app.ts'
import { openSluice, type Sluice } from '../src/sluice.ts'
import { startEmbedded } from '../src/stores/postgres/embedded/embedded.ts'
import { removeEmbedded } from '../src/stores/postgres/embedded/inspect.ts'
import { median, round } from './figures.ts'
import type { BenchOptions } from './load.ts'

const say = (text: string): void => void process.stderr.write(`${text}\n`)
const blogs = 300
/** As `roomToCount` sets them. */
const settings = `set work_mem = '131072'; set maintenance_work_mem = '512MB'; set max_parallel_workers_per_gather = 2; set timezone = 'UTC'`

export async function benchRollup({ rows, turns, url }: BenchOptions): Promise<object> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  await chmod(directory, 0o755)
  await mkdir(join(directory, '.sluice'))
  const embedded = url === null ? await startEmbedded({ directory: join(directory, '.sluice') }) : null
  try {
    return await measure(directory, url ?? embedded?.url ?? '', rows, turns)
  } finally {
    await embedded?.[Symbol.asyncDispose]()
    await removeEmbedded(join(directory, '.sluice'))
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function measure(directory: string, url: string, rows: number, turns: number): Promise<object> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(settings)
    say(`generating ${rows.toLocaleString('en-US')} events`)
    await generate(client, rows)
    const counts = await compare(client, directory, url, turns, false)
    const distinct = await compare(client, directory, url, turns, true)
    const day = await dirtyDay(client, directory, url, turns)
    const reading = { ...(await read(client, turns)), overHttp: await ask(directory, url) }
    const writers = await write(client, directory, url)
    return {
      bench: 'rollup',
      rows,
      seconds: counts.seconds,
      limitSeconds: counts.limitSeconds,
      ratio: counts.ratio,
      rssMb: Math.round(process.resourceUsage().maxRSS / 1024),
      counts,
      distinct,
      dirtyDay: day,
      reading,
      writers,
      peers: [],
      server: { cpus: cpus().length, settings },
    }
  } finally {
    await client.end()
  }
}

/** A few blogs have most of the views, and nights have few; everything is a function of the row's number. */
async function generate(client: pg.Client, rows: number): Promise<void> {
  await client.query(`
    create table blog_view (id bigint primary key, blog int not null, usr int, viewed_at timestamptz not null);
    insert into blog_view
    select i, 1 + floor(${blogs} * power(h1, 1.6))::int, (h2 * 200000)::int,
      timestamptz '2025-01-01 00:00+00' + interval '1 second' * floor(365 * 86400 * h3)
    from generate_series(1, ${rows}) i,
      lateral (select (hashint8(i) & 16777215) / 16777216.0::float8 as h1, (hashint8(i * 7 + 1) & 16777215) / 16777216.0::float8 as h2,
        (hashint8(i * 13 + 5) & 16777215) / 16777216.0::float8 as h3) h;
    create index on blog_view (viewed_at);`)
  await client.query('vacuum analyze blog_view')
}

const flow = (distinct: boolean): object => ({
  kind: 'rollup',
  from: 'blog_view',
  at: 'viewed_at',
  to: 'blog_rollup',
  grains: ['hour', 'day', 'week', 'month', 'year'],
  by: ['blog'],
  levels: [['blog']],
  measures: { views: 'count', ...(distinct ? { users: { distinct: 'usr' } } : {}) },
})

async function opened(directory: string, url: string, distinct: boolean): Promise<Sluice> {
  return await openSluice({ directory, config: { project: 'bench', database: url, flows: { views: flow(distinct) } } })
}

async function run(sluice: Sluice, force: boolean): Promise<{ readonly seconds: number; readonly phases: string }> {
  const started = performance.now()
  const [record] = await sluice.run(['views'], { force })
  const seconds = (performance.now() - started) / 1000
  if (record?.outcome !== 'succeeded') throw new Error(`the run ${record?.outcome}: ${JSON.stringify(record?.error)}`)
  const phases = (record.attempts.at(-1)?.phases ?? []).map(({ name, seconds: took }) => `${name} ${took.toFixed(2)}`)
  return { seconds, phases: phases.join(', ') }
}

async function compare(
  client: pg.Client,
  directory: string,
  url: string,
  turns: number,
  distinct: boolean,
): Promise<{
  readonly seconds: number
  readonly limitSeconds: number
  readonly ratio: number
  readonly hourRows: number
}> {
  const [limits, ours]: [number[], number[]] = [[], []]
  const more = distinct ? ', count(distinct usr) as users' : ''
  let hourRows = 0
  for (let turn = 1; turn <= turns; turn += 1) {
    await client.query('drop table if exists hour_limit; checkpoint')
    const started = performance.now()
    const made = await client.query(
      `create table hour_limit as select date_trunc('hour', viewed_at) as hour, blog, count(*) as views${more} from blog_view group by 1, 2`,
    )
    limits.push((performance.now() - started) / 1000)
    hourRows = made.rowCount ?? 0
    // As if it had never run.
    await client.query('drop table if exists blog_rollup')
    const sluice = await opened(directory, url, distinct)
    await client.query(`delete from sluice.position; delete from sluice.slice; checkpoint`)
    const { seconds, phases } = await run(sluice, true)
    ours.push(seconds)
    await sluice.close()
    say(
      `turn ${turn}${distinct ? ', distinct' : ''}: limit ${limits.at(-1)?.toFixed(2)} s, ours ${seconds.toFixed(2)} s (${(seconds / (limits.at(-1) ?? 1)).toFixed(2)}); ${phases}`,
    )
  }
  await equal(client, distinct)
  const [seconds, limitSeconds] = [median(ours), median(limits)]
  return { seconds: round(seconds), limitSeconds: round(limitSeconds), ratio: round(seconds / limitSeconds), hourRows }
}

/** Times mean nothing where the counts are wrong. */
async function equal(client: pg.Client, distinct: boolean): Promise<void> {
  for (const grain of ['hour', 'day', 'week', 'month', 'year']) {
    const users = distinct ? ', count(distinct usr)' : ''
    const { rows } = await client.query<{ n: string }>(`
      select count(*) as n from (
        (select date_trunc('${grain}', viewed_at), blog, count(*)${users} from blog_view group by 1, 2)
        except all (select bucket, blog, views${distinct ? ', users' : ''} from blog_rollup where grain = '${grain}')) d`)
    if (rows[0]?.n !== '0') throw new Error(`${grain} differs in ${rows[0]?.n} rows`)
  }
}

async function dirtyDay(client: pg.Client, directory: string, url: string, turns: number): Promise<object> {
  const found: Record<string, number> = {}
  for (const distinct of [false, true]) {
    const sluice = await opened(directory, url, distinct)
    await run(sluice, true)
    const took: number[] = []
    for (let turn = 1; turn <= turns; turn += 1) {
      await client.query(
        `update blog_view set blog = 1 + blog % ${blogs}, usr = usr + 1 where viewed_at >= '2025-06-10' and viewed_at < '2025-06-11'`,
      )
      const { seconds, phases } = await run(sluice, false)
      took.push(seconds)
      say(`a dirty day${distinct ? ', distinct' : ''}: ${seconds.toFixed(2)} s; ${phases}`)
    }
    await equal(client, distinct)
    found[distinct ? 'distinctSeconds' : 'seconds'] = round(median(took))
    await sluice.close()
  }
  return found
}

async function time(client: pg.Client, statement: string, turns: number): Promise<number> {
  const took: number[] = []
  for (let turn = 0; turn < turns; turn += 1) {
    const started = performance.now()
    await client.query(statement)
    took.push(performance.now() - started)
  }
  return median(took)
}

async function read(client: pg.Client, turns: number): Promise<object> {
  await client.query('analyze blog_rollup')
  const months = `viewed_at >= '2025-01-01' and viewed_at < '2026-01-01'`
  const kept = `grain = 'month' and bucket >= '2025-01-01' and bucket < '2026-01-01' and level = 'blog'`
  const all = {
    rawMs: await time(
      client,
      `select date_trunc('month', viewed_at), blog, count(*) from blog_view where ${months} group by 1, 2`,
      turns,
    ),
    ms: await time(client, `select bucket, blog, views from blog_rollup where ${kept}`, turns),
  }
  const one = {
    rawMs: await time(
      client,
      `select date_trunc('month', viewed_at), count(*) from blog_view where blog = 7 and ${months} group by 1`,
      turns,
    ),
    ms: await time(client, `select bucket, views from blog_rollup where blog = 7 and ${kept}`, turns),
  }
  const figures = ({ rawMs, ms }: typeof all): object => ({
    rawMs: round(rawMs),
    ms: round(ms),
    times: round(rawMs / ms),
  })
  return { allBlogs: figures(all), oneBlog: figures(one) }
}

const requests = 300

/** A blog's twelve months over HTTP: another blog each time, so that nothing is answered from what was asked before. */
async function ask(directory: string, url: string): Promise<object> {
  const sluice = await opened(directory, url, false)
  await run(sluice, false)
  const app = await buildApp(sluice, { version: 'bench', settings: sluice.apiSettings(), consoleFolder: null })
  const { secret } = await sluice.access.tokens.create(
    { name: 'bench', role: 'viewer' },
    { actor: { by: 'system', id: 'bench', name: 'bench' }, requestId: 'bench' },
  )
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const took: number[] = []
  for (let at = 0; at < requests; at += 1) {
    const filter = encodeURIComponent(JSON.stringify({ eq: { field: 'blog', value: 1 + (at % blogs) } }))
    const started = performance.now()
    const answer = await fetch(`${address}/api/series/views?grain=month&from=2025-01&to=2025-12&filter=${filter}`, {
      headers: { authorization: `Bearer ${secret}` },
    })
    const { series } = (await answer.json()) as { series: readonly { readonly points: readonly unknown[] }[] } // its documented shape
    if (answer.status !== 200 || series[0]?.points.length !== 12) throw new Error(`${answer.status}`)
    took.push(performance.now() - started)
  }
  await app.close()
  await sluice.close()
  took.sort((a, b) => a - b)
  return { requests, p50Ms: round(median(took)), p95Ms: round(took[Math.floor(requests * 0.95)] ?? 0) }
}

const writersAtOnce = 4
const writes = 3000
const writeTurns = 9

/**
 * What one-row inserts take at the 99th percentile, with the triggers and without: of all turns together, as a single one is full of what
 * else the machine does. They take turns in coming first, after one that does not count.
 */
async function write(client: pg.Client, directory: string, url: string): Promise<object> {
  const sluice = await opened(directory, url, false)
  await run(sluice, true)
  let id = 1_000_000_000
  const load = async (): Promise<readonly number[]> => {
    const each: number[] = []
    await Promise.all(
      Array.from({ length: writersAtOnce }, async () => {
        const writer = new pg.Client(url)
        await writer.connect()
        for (let at = 0; at < writes; at += 1) {
          id += 1
          const started = performance.now()
          await writer.query(
            `insert into blog_view values ($1, 1 + ($1::bigint % ${blogs})::int, 5, timestamptz '2025-03-03' + $1::bigint % 86400 * interval '1 second')`,
            [id],
          )
          each.push(performance.now() - started)
        }
        await writer.end()
      }),
    )
    return each
  }
  const took: Record<'disable' | 'enable', number[]> = { disable: [], enable: [] }
  for (let turn = 0; turn <= writeTurns; turn += 1)
    for (const triggers of turn % 2 === 0 ? (['disable', 'enable'] as const) : (['enable', 'disable'] as const)) {
      await client.query(`alter table blog_view ${triggers} trigger user; checkpoint`)
      const each = await load()
      if (turn > 0) took[triggers].push(...each)
    }
  await sluice.close()
  const at = (list: readonly number[], share: number): number =>
    list.toSorted((a, b) => a - b)[Math.floor(list.length * share)] ?? 0
  const [without, with_] = [at(took.disable, 0.99), at(took.enable, 0.99)]
  const [half, halfWith] = [at(took.disable, 0.5), at(took.enable, 0.5)]
  say(
    `writers: p50 ${half.toFixed(2)} ms without triggers, ${halfWith.toFixed(2)} with; p99 ${without.toFixed(2)} and ${with_.toFixed(2)}`,
  )
  return {
    p50Ms: round(halfWith),
    p50WithoutMs: round(half),
    p99Ms: round(with_),
    withoutMs: round(without),
    ratio: round(with_ / without),
  }
}
