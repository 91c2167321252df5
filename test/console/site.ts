/**
 * A real Sluice with its console, as a user starts it: `sluice up` in a project of its own, with embedded PostgreSQL and DuckDB, on
 * loopback. Needs no test runner, so that scripts use it too.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { acquireLock } from '../../src/stores/postgres/embedded/lock.ts'
import { startEmbedded } from '../../src/stores/postgres/embedded/embedded.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Site extends AsyncDisposable {
  readonly directory: string
  /** `http://127.0.0.1:41234`, without a slash at its end. */
  readonly url: string
  /** Signs in once. */
  readonly signIn: string
  /** What `sluice up` has said so far. */
  readonly said: () => string
  /** Of its embedded database, as superuser. */
  readonly database: string
  /** Statements in its database, as superuser. */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** A file of the project, folders included. */
  write(path: string, content: string): Promise<void>
  /** Another command in the project, to its end; rejects when it fails. */
  sluice(...parameters: readonly string[]): Promise<string>
}

export interface SiteOptions {
  /** The config, as TypeScript. Leave `database` out: it is embedded. */
  readonly config: string
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

/** Built when a source is newer, once however many test files ask at the same time. */
async function buildConsole(): Promise<void> {
  const lock = await acquireLock(join(tmpdir(), 'sluice-console-build.lock'), 300_000)
  try {
    await ended(spawn(process.execPath, [join(root, 'scripts/console.ts')], { cwd: root, stdio: ['ignore', 2, 2] }))
  } finally {
    lock.release()
  }
}

export async function openSite({ config, files = {}, env = {} }: SiteOptions): Promise<Site> {
  await buildConsole()
  const directory = await mkdtemp(join(tmpdir(), 'sluice-site-'))
  const write: Site['write'] = async (path, content) => {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
  await write('package.json', JSON.stringify({ name: 'site', private: true, type: 'module' }))
  await write('sluice.config.ts', config)
  for (const [path, content] of Object.entries(files)) await write(path, content)
  await mkdir(join(directory, 'node_modules'))
  await symlink(root, join(directory, 'node_modules', 'sluice'))

  const environment = { ...shellOf(process.env), NO_COLOR: '1', ...env }
  const start = (...parameters: readonly string[]): ChildProcess =>
    spawn(process.execPath, [join(root, 'bin/sluice.js'), ...parameters], {
      cwd: directory,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  // Held until the end, so that the server outlives commands, and `sluice up` adopts it.
  const server = await startEmbedded({ directory: join(directory, '.sluice') })
  const pool = new pg.Pool({ connectionString: server.url, max: 2 })
  pool.on('error', () => {})
  const up = start('up', '--json')
  let said = ''
  up.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
  const exited = new Promise<void>((resolve) => up.once('close', () => resolve()))
  const close = async (): Promise<void> => {
    // Asked to end, and given time: what it leaves behind would be a defect.
    up.kill('SIGINT')
    const patience = setTimeout(() => up.kill('SIGKILL'), 15_000)
    await exited
    clearTimeout(patience)
    await pool.end()
    await server[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  try {
    const { url, signIn } = await addressOf(up, () => said)
    return {
      directory,
      url: url.replace(/\/$/, ''),
      signIn,
      said: () => said,
      database: server.url,
      query: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
        (await pool.query<Row>(text, [...values])).rows,
      write,
      sluice: (...parameters) => ended(start(...parameters)),
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Where it serves, as it says on stdout: `{"api":{"url":…,"signIn":…}}`. */
function addressOf(up: ChildProcess, said: () => string): Promise<{ readonly url: string; readonly signIn: string }> {
  return new Promise((resolve, reject) => {
    let text = ''
    const refuse = (why: string): void => reject(new Error(`sluice up ${why}:\n${text}\n${said()}`))
    const patience = setTimeout(() => refuse('does not say where it serves'), 60_000)
    up.once('close', (code) => refuse(`ended with ${String(code)}`))
    up.once('error', reject)
    up.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part
      const line = text.split('\n').find((each) => each.startsWith('{"api"'))
      if (line === undefined) return
      clearTimeout(patience)
      // Its own line, as docs/reference/cli.md has it.
      const { api } = JSON.parse(line) as { readonly api: { readonly url: string; readonly signIn: string } }
      resolve(api)
    })
  })
}

/** What a command printed; rejects unless it exits with 0. */
function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', '']
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(stdout)
      else reject(new Error(`${child.spawnargs.slice(1).join(' ')}: exit ${String(code)}\n${stdout}\n${stderr}`))
    })
  })
}

/** The environment without what a test runner sets, which a user's shell does not have. */
function shellOf(environment: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const inherited = Object.entries(environment).filter(
    ([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|TEST$|DATABASE_URL)/.test(name),
  )
  return Object.fromEntries(inherited)
}
