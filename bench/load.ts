/**
 * `load`: a Parquet file of 6,000,000 rows × 16 columns into a PostgreSQL table that is ready to read.
 *
 * - limit: the server's own `copy … from file (format binary)`, one stream, into a bare table, plus primary key and ANALYZE
 *   under the settings that ours uses for them.
 * - ours: a flow run end to end (turn.ts), publishing by swap over the table that is there.
 * - in place: the same table published in place with 1 % of its rows changed.
 *
 * Limit, ours and the peers take turns on one server, after a checkpoint each.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { literal, sql, type Database } from '../src/lib/sql.ts'
import { openDatabase } from '../src/stores/postgres/client.ts'
import { startEmbedded } from '../src/stores/postgres/embedded/embedded.ts'
import { removeEmbedded } from '../src/stores/postgres/embedded/inspect.ts'
import { median, round } from './figures.ts'
import { lineitemKey } from './lineitem.ts'
import { peersOf, type PeerResult } from './peers.ts'
import type { TurnResult } from './turn.ts'

export interface BenchOptions {
  readonly rows: number
  readonly turns: number
  readonly peers: boolean
  /** A server to use instead of one of our own; `copy … from file` needs a superuser of it. */
  readonly url: string | null
}

export interface BenchResult {
  readonly bench: string
  readonly rows: number
  readonly seconds: number
  readonly limitSeconds: number
  readonly ratio: number
  readonly rssMb: number
  readonly runs: readonly object[]
  readonly inPlace: { readonly seconds: number; readonly ratioToSwap: number; readonly changes: unknown }
  readonly peers: readonly PeerResult[]
  readonly server: object
}

/** What the server alone took; a turn of ours has the same two, and more. */
type Limit = Pick<TurnResult, 'seconds' | 'phases'>

const exec = promisify(execFile)
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const table = 'lineitem'

export async function benchLoad(options: BenchOptions): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  // The server runs as somebody else where this is root, and keeps its data here if it can.
  await chmod(directory, 0o755)
  try {
    return await benchIn(directory, options)
  } finally {
    await removeEmbedded(join(directory, '.sluice'))
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function benchIn(directory: string, options: BenchOptions): Promise<BenchResult> {
  await mkdir(join(directory, '.sluice'))
  await using embedded = options.url === null ? await startEmbedded({ directory: join(directory, '.sluice') }) : null
  const url = options.url ?? embedded?.url ?? ''
  const dumped = join(embedded?.dataDirectory ?? directory, 'bench-lineitem.bin')
  await using database = await openDatabase({ store: 'bench', url })
  try {
    return await measure(options, directory, database, url, dumped)
  } finally {
    await rm(dumped, { force: true })
  }
}

async function measure(
  options: BenchOptions,
  directory: string,
  database: Database,
  url: string,
  dumped: string,
): Promise<BenchResult> {
  const { rows, turns } = options
  const files = { base: join(directory, 'lineitem.parquet'), changed: join(directory, 'changed.parquet') }
  say(`generating ${rows.toLocaleString('en-US')} rows`)
  await node([here('lineitem.ts'), files.base, String(rows), '0'])
  await node([here('lineitem.ts'), files.changed, String(rows), '1'])
  const turn = (publish: 'swap' | 'in-place', path: string): Promise<TurnResult> =>
    runTurn(directory, configOf(url, publish, path))

  say('first run, uncounted; then the table becomes the file that the limit reads')
  const first = await turn('swap', files.base)
  if (first.rows !== rows) throw new Error(`the first run published ${first.rows} rows`)
  await database.run(sql`copy lineitem to ${literal(dumped)} with (format binary)`)

  const peers = options.peers ? await peersOf({ url, file: files.base, rows, say }) : []
  const limits: Limit[] = []
  const ours: TurnResult[] = []
  const inPlace: TurnResult[] = []
  for (let n = 1; n <= turns; n++) {
    limits.push(await limit(database, dumped, rows))
    await database.run(sql`checkpoint`)
    ours.push(await turn('swap', files.base))
    await database.run(sql`checkpoint`)
    inPlace.push(await turn('in-place', files.changed))
    const said: string[] = []
    for (const peer of peers) {
      await database.run(sql`checkpoint`)
      said.push(`${peer.name} ${(await peer.turn()).toFixed(2)} s`)
    }
    const [a, b, c] = [limits.at(-1)?.seconds ?? 0, ours.at(-1)?.seconds ?? 0, inPlace.at(-1)?.seconds ?? 0]
    say(
      `turn ${n}: limit ${a.toFixed(2)} s, ours ${b.toFixed(2)} s (${(b / a).toFixed(2)}), in place ${c.toFixed(2)} s (${(c / b).toFixed(2)}), ` +
        `${Math.round(Math.max(ours.at(-1)?.rssMb ?? 0, inPlace.at(-1)?.rssMb ?? 0))} MB; ` +
        `limit ${phasesOf(limits.at(-1))}; ours ${phasesOf(ours.at(-1))}; in place ${phasesOf(inPlace.at(-1))}` +
        said.map((text) => `; ${text}`).join(''),
    )
  }
  const limitSeconds = median(limits.map((turn) => turn.seconds))
  const seconds = median(ours.map((turn) => turn.seconds))
  const inPlaceSeconds = median(inPlace.map((turn) => turn.seconds))
  return {
    bench: 'load',
    rows,
    seconds: round(seconds),
    limitSeconds: round(limitSeconds),
    ratio: round(seconds / limitSeconds),
    rssMb: Math.round(Math.max(...[...ours, ...inPlace].map((turn) => turn.rssMb))),
    runs: limits.map((limitTurn, index) => ({
      limitSeconds: round(limitTurn.seconds),
      seconds: round(ours[index]?.seconds ?? 0),
      inPlaceSeconds: round(inPlace[index]?.seconds ?? 0),
      rssMb: Math.round(ours[index]?.rssMb ?? 0),
      phases: ours[index]?.phases ?? [],
    })),
    inPlace: {
      seconds: round(inPlaceSeconds),
      ratioToSwap: round(inPlaceSeconds / seconds),
      changes: inPlace.at(-1)?.changes ?? null,
    },
    peers: peers.map((peer) => peer.result(limitSeconds)),
    server: await serverOf(database),
  }
}

function configOf(url: string, publish: 'swap' | 'in-place', path: string): object {
  return {
    project: 'bench',
    database: url,
    flows: { [table]: { kind: 'sync', from: { parquet: path }, to: table, key: [...lineitemKey], publish } },
  }
}

async function runTurn(directory: string, config: object): Promise<TurnResult> {
  const printed = await node([here('turn.ts')], JSON.stringify({ directory, config }))
  // turn.ts prints this.
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '') as TurnResult
}

async function node(script: readonly string[], input = ''): Promise<string> {
  const running = exec(process.execPath, ['--conditions=sluice-source', ...script], { maxBuffer: 1 << 26 })
  running.child.stdin?.end(input)
  const { stdout } = await running
  return stdout
}

/** The server alone: the same table from its own binary dump. */
async function limit(database: Database, dumped: string, rows: number): Promise<Limit> {
  await database.run(sql`drop table if exists lineitem_limit`)
  await database.run(sql`create table lineitem_limit (like lineitem)`)
  await database.run(sql`checkpoint`)
  const phases = await database.session(async (session) => {
    await session.run(sql`set maintenance_work_mem = '512MB'`)
    await session.run(
      sql`select set_config('max_parallel_maintenance_workers', greatest(current_setting('max_parallel_maintenance_workers')::int, 2)::text, false)`,
    )
    let loaded: number | null = null
    const timed = [
      await time('load', async () => {
        loaded = await session.run(sql`copy lineitem_limit from ${literal(dumped)} with (format binary)`)
      }),
      await time('index', async () => {
        await session.run(sql`alter table lineitem_limit add primary key (l_orderkey, l_linenumber)`)
        await session.run(sql`analyze lineitem_limit`)
      }),
    ]
    if (loaded !== rows) throw new Error(`the limit loaded ${String(loaded)} rows`)
    return timed
  })
  await database.run(sql`drop table lineitem_limit`)
  return { seconds: phases.reduce((sum, { seconds }) => sum + seconds, 0), phases }
}

async function time(name: string, work: () => Promise<void>): Promise<Limit['phases'][number]> {
  const started = performance.now()
  await work()
  return { name, seconds: (performance.now() - started) / 1000 }
}

async function serverOf(database: Database): Promise<object> {
  const names = [
    'server_version',
    'shared_buffers',
    'wal_level',
    'fsync',
    'max_wal_size',
    'full_page_writes',
    'synchronous_commit',
  ]
  const settings = await database.all<{ name: string; setting: string }>(
    sql`select name, current_setting(name) as setting from pg_settings where name = any(${names}) order by name`,
  )
  return {
    ...Object.fromEntries(settings.map(({ name, setting }) => [name, setting])),
    session: { maintenance_work_mem: '512MB', max_parallel_maintenance_workers: 2 },
    cpus: cpus().length,
  }
}

const phasesOf = (turn: Limit | undefined): string =>
  (turn?.phases ?? []).map(({ name, seconds }) => `${name} ${seconds.toFixed(2)}`).join(', ')
