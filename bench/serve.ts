/**
 * `serve`: the endpoints of the schools example, on its generated rows, asked over loopback.
 *
 * - ours: the API as it runs: tokens, validation, scope, age, headers.
 * - limit: bare Fastify and `pg` with the same questions written by hand as prepared statements (serve-bare.ts).
 * - warehouse: the same questions put to the DuckDB file that the rows come from, through its own client, without HTTP.
 *
 * Both servers are processes of their own on one PostgreSQL, asked in turn, four requests at a time; before that their answers are compared.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual, promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import pg from 'pg'
import { renderTemplate } from '../src/config/template.ts'
import { startEmbedded } from '../src/stores/postgres/embedded/embedded.ts'
import { removeEmbedded } from '../src/stores/postgres/embedded/inspect.ts'
import { fill } from '../examples/schools/generate.ts'
import { median, round } from './figures.ts'
import type { BenchOptions } from './load.ts'
import { bareUrl, callers, cases, ourUrl, type Case } from './serve-cases.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const root = here('..')
const example = here('../examples/schools')
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const concurrency = 4

export async function benchServe({ turns }: BenchOptions): Promise<object> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  await chmod(directory, 0o755)
  try {
    await prepare(directory)
    await using embedded = await startEmbedded({ directory: join(directory, '.sluice') })
    await runFlows(directory)
    return await measure(directory, embedded.url, turns)
  } finally {
    await removeEmbedded(join(directory, '.sluice'))
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function prepare(directory: string): Promise<void> {
  await cp(join(example, 'sluice.config.ts'), join(directory, 'sluice.config.ts'))
  await cp(join(example, 'sql'), join(directory, 'sql'), { recursive: true })
  await writeFile(join(directory, 'package.json'), JSON.stringify({ name: 'schools', type: 'module' }))
  await mkdir(join(directory, 'node_modules'))
  await symlink(root, join(directory, 'node_modules', 'sluice'))
  await mkdir(join(directory, '.sluice'))
  await fill(directory)
}

async function runFlows(directory: string): Promise<void> {
  say('the four flows, once')
  await promisify(execFile)(process.execPath, [join(root, 'bin/sluice.js'), 'run', '--all'], { cwd: directory })
}

interface Server {
  readonly process: ChildProcess
  readonly address: string
  readonly tokens: Readonly<Record<string, string>>
}

async function start(script: string, argument: string): Promise<Server> {
  const child = spawn(process.execPath, ['--conditions=sluice-source', here(script), argument], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    // The scripts print this; without callers, no tokens.
    const { address, tokens } = JSON.parse(line) as Pick<Server, 'address'> & Partial<Pick<Server, 'tokens'>>
    return { process: child, address, tokens: tokens ?? {} }
  }
  throw new Error(`${script} ended before it listened`)
}

async function stop(server: Server): Promise<void> {
  const ended = new Promise((resolve) => server.process.once('exit', resolve))
  server.process.stdin?.end()
  await ended
}

interface Asking {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Milliseconds of each request, and of all of them together. */
interface Timed {
  readonly each: readonly number[]
  readonly wall: number
}

async function ask(agent: Agent, { url, headers }: Asking): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.once('error', reject)
      response.once('end', () => {
        const body = Buffer.concat(parts)
        if (response.statusCode === 200) resolve(body)
        else reject(new Error(`${url}: ${response.statusCode} ${body.toString().slice(0, 500)}`))
      })
    }).once('error', reject)
  })
}

async function load(asking: Asking, requests: number): Promise<Timed> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  const each: number[] = []
  let left = requests
  const started = performance.now()
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const begun = performance.now()
      await ask(agent, asking)
      each.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  const wall = performance.now() - started
  agent.destroy()
  return { each, wall }
}

async function measure(directory: string, url: string, turns: number): Promise<object> {
  const ours = await start('serve-ours.ts', directory)
  const bare = await start('serve-bare.ts', url)
  const warehouse = await openWarehouse(directory)
  try {
    const ourAsking = (one: Case): Asking => ({
      url: ourUrl(ours.address, one),
      headers: { authorization: `Bearer ${ours.tokens[one.caller] ?? ''}` },
    })
    const bareAsking = (one: Case): Asking => ({ url: bareUrl(bare.address, one), headers: {} })
    const bytes = new Map<Case, number>()
    for (const one of cases) bytes.set(one, await compare(one, ourAsking(one), bareAsking(one)))
    const timed = cases.map((one) => ({ one, ours: [] as Timed[], bare: [] as Timed[], warehouse: [] as number[] }))
    for (const { one } of timed) {
      await load(ourAsking(one), Math.ceil(one.requests / 4))
      await load(bareAsking(one), Math.ceil(one.requests / 4))
    }
    for (let turn = 1; turn <= turns; turn += 1) {
      for (const row of timed) {
        const { one } = row
        const first = turn % 2 === 0
        if (first) row.ours.push(await load(ourAsking(one), one.requests))
        row.bare.push(await load(bareAsking(one), one.requests))
        if (!first) row.ours.push(await load(ourAsking(one), one.requests))
        row.warehouse.push(await warehouse.ask(one))
        const [a, b] = [row.ours.at(-1)?.wall ?? 0, row.bare.at(-1)?.wall ?? 0]
        say(
          `turn ${turn}: ${label(one)}: ours ${(a / one.requests).toFixed(3)} ms, bare ${(b / one.requests).toFixed(3)} ms (${(a / b).toFixed(2)})`,
        )
      }
    }
    return { ...summary(timed, bytes, await peak(ours)), ...(await about(url)) }
  } finally {
    warehouse.close()
    await stop(ours)
    await stop(bare)
  }
}

const label = ({ endpoint, caller, query }: Case): string =>
  `${endpoint} ${caller}${Object.entries(query)
    .map(([name, value]) => ` ${name}=${value}`)
    .join('')}`

/** The two have to say the same, or the times mean nothing. */
async function compare(one: Case, ours: Asking, bare: Asking): Promise<number> {
  const agent = new Agent()
  const [a, b] = [await ask(agent, ours), await ask(agent, bare)]
  const normal = (body: Buffer): unknown => canonical(JSON.parse(body.toString()))
  if (!isDeepStrictEqual(normal(a), normal(b))) throw new Error(`${label(one)}: the two answers differ`)
  return a.length
}

/** Rows that tie in the order asked for may stand in either order; the last digit of a mean depends on the order of its sum. */
function canonical(answer: unknown): unknown {
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(12)) : value
  return Array.isArray(answer)
    ? answer.map((row) => JSON.stringify(row, rounded)).sort()
    : JSON.parse(JSON.stringify(answer, rounded))
}

/** The server that both ask, with the settings that both have: neither sets one that a plan depends on. */
async function about(url: string): Promise<object> {
  const client = new pg.Client(url)
  await client.connect()
  const names = ['server_version', 'jit', 'work_mem', 'shared_buffers', 'plan_cache_mode']
  const { rows } = await client.query<{ name: string; setting: string }>(
    'select name, current_setting(name) as setting from pg_settings where name = any($1)',
    [names],
  )
  const { rows: counted } = await client.query<{ n: number }>('select count(*)::int as n from api_teacher_data')
  await client.end()
  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
  return {
    rows: counted[0]?.n ?? 0,
    server: { cpus: cpus().length, concurrency, node: process.version, ...settings },
  }
}

async function peak({ process: child }: Server): Promise<number> {
  const status = await readFile(`/proc/${String(child.pid)}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}

interface Row {
  readonly one: Case
  readonly ours: readonly Timed[]
  readonly bare: readonly Timed[]
  readonly warehouse: readonly number[]
}

function summary(timed: readonly Row[], bytes: ReadonlyMap<Case, number>, rssMb: number): object {
  const figures = timed.map(({ one, ours, bare, warehouse }) => {
    const perRequest = (turns: readonly Timed[]): number => median(turns.map(({ wall }) => wall / one.requests))
    const p99 = (turns: readonly Timed[]): number => median(turns.map(({ each }) => percentile(each, 0.99)))
    const [ms, limitMs] = [perRequest(ours), perRequest(bare)]
    const [p99Ms, limitP99Ms] = [p99(ours), p99(bare)]
    return {
      endpoint: one.endpoint,
      caller: one.caller,
      query: one.query,
      bytes: bytes.get(one) ?? 0,
      ms: round(ms),
      limitMs: round(limitMs),
      ratio: round(ms / limitMs),
      p99Ms: round(p99Ms),
      limitP99Ms: round(limitP99Ms),
      p99Ratio: round(p99Ms / limitP99Ms),
      warehouseMs: round(median(warehouse)),
    }
  })
  const sum = (of: (one: (typeof figures)[number]) => number): number => figures.reduce((all, one) => all + of(one), 0)
  const seconds = sum(({ ms }) => ms) / 1000
  const limitSeconds = sum(({ limitMs }) => limitMs) / 1000
  const warehouseSeconds = sum(({ warehouseMs }) => warehouseMs) / 1000
  return {
    bench: 'serve',
    seconds: round(seconds),
    limitSeconds: round(limitSeconds),
    ratio: round(seconds / limitSeconds),
    worstRatio: Math.max(...figures.map(({ ratio }) => ratio)),
    worstP99Ratio: Math.max(...figures.map(({ p99Ratio }) => p99Ratio)),
    rssMb,
    // Of each endpoint, all that was asked of it taken together.
    endpoints: [...new Set(figures.map(({ endpoint }) => endpoint))].map((endpoint) => {
      const its = figures.filter((one) => one.endpoint === endpoint)
      const all = (of: (one: (typeof figures)[number]) => number): number =>
        its.reduce((total, one) => total + of(one), 0)
      return {
        endpoint,
        ratio: round(all(({ ms }) => ms) / all(({ limitMs }) => limitMs)),
        p99Ratio: round(all(({ p99Ms }) => p99Ms) / all(({ limitP99Ms }) => limitP99Ms)),
      }
    }),
    runs: figures,
    peers: [
      {
        name: 'the warehouse itself: DuckDB through its own client, no HTTP',
        version: DuckDBVersion,
        seconds: round(warehouseSeconds),
        ratio: round(warehouseSeconds / limitSeconds),
      },
    ],
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}

let DuckDBVersion = ''

/** The rows as the flows' own queries make them, asked what the endpoints are asked. */
async function openWarehouse(directory: string): Promise<{ ask(one: Case): Promise<number>; close(): void }> {
  const instance = await DuckDBInstance.create(join(directory, '.sluice', 'warehouse.duckdb'), {
    access_mode: 'READ_ONLY',
  })
  const connection = await instance.connect()
  DuckDBVersion = String((await connection.runAndReadAll('select version()')).getRows()[0]?.[0])
  const text = async (flow: string): Promise<string> =>
    renderTemplate(flow, await readFile(join(example, 'sql', `${flow}.sql`), 'utf8'), { dataset: 'tbproddb' })
  const [teachers, aggregated, schools] = [
    await text('teacher_data'),
    await text('aggregated_data'),
    await text('school_data'),
  ]
  const statements: Readonly<Record<string, (where: string) => string>> = {
    'teacher-data': (where) => `from (${teachers}) ${where} order by school, teacher, week_start desc`,
    'aggregated-data': (where) => `from (${aggregated}) ${where} order by period desc, school`,
    'aggregated-data by class': (where) =>
      `select school, sector, date_trunc('month', week_start) as period, count(distinct user_id), avg(lp_ratio)
       from (${teachers}) ${where} group by all order by period desc, school`,
    'filter-options': (where) =>
      `select list(distinct school), list(distinct sector), list(distinct grade), list(distinct subject) from (${teachers}) ${where}`,
    'summary-stats': (where) =>
      `select count(distinct user_id), count(distinct school), count(distinct sector), avg(lp_ratio) from (${teachers}) ${where}`,
    'all-schools': (where) => `from (${schools}) ${where} order by school_name`,
  }
  return {
    ask: async ({ endpoint, caller, query: { period, ...filters } }) => {
      const { role: _role, ...claims } = callers[caller]
      const school = endpoint === 'all-schools' ? 'school_name' : 'school'
      // The aggregated table knows no grade and no subject: what asks for one is reckoned from the teachers' rows, by month.
      const byClass = endpoint === 'aggregated-data' && Object.keys(filters).length > 0
      const type = endpoint === 'aggregated-data' && !byClass ? { period_type: period ?? 'weekly' } : {}
      const conditions = Object.entries({ ...claims, ...filters, ...type }).map(
        ([name, value]) => `${name === 'school' ? school : name} = '${String(value).replaceAll("'", "''")}'`,
      )
      const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
      const statement = statements[byClass ? `${endpoint} by class` : endpoint]?.(where) ?? ''
      const started = performance.now()
      const reader = await connection.runAndReadAll(statement)
      reader.getRowObjectsJson()
      return performance.now() - started
    },
    close: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}
