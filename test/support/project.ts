/** A user's project in a folder of its own: a config, a warehouse, a database, and the command line as a user runs it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Database } from '../../src/lib/sql.ts'
import type { Ended } from './cli.ts'
import { createDatabase, type TestDatabase } from './database.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
}

export interface Project extends AsyncDisposable {
  readonly directory: string
  readonly database: Database
  readonly url: string
  /** Statements beside the commands, as superuser. */
  readonly query: TestDatabase['query']
  /** Runs one command to its end. */
  sluice(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>
  /** Starts one and leaves it running. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Running
  /** Statements in the warehouse's DuckDB file, while no command holds it. */
  warehouse(...statements: readonly string[]): Promise<void>
  /** Writes a file of the project, folders included. */
  write(path: string, content: string): Promise<void>
  /** Replaces the config by one with these flows (TypeScript source of an object). */
  flows(source: string): Promise<void>
}

export async function createProject(
  flows: string,
  options: { readonly version?: 18 | 14; readonly top?: string } = {},
): Promise<Project> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-project-'))
  const created = await createDatabase({ version: options.version ?? 18 })
  const running = new Set<ChildProcess>()

  const write: Project['write'] = async (path, content) => {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
  const writeConfig = (source: string): Promise<void> =>
    write(
      'sluice.config.ts',
      `import { defineConfig, env, file, rollup, secret, sync } from 'sluice'\nexport default defineConfig({ database: env('DATABASE_URL'), ${options.top ?? ''} flows: ${source} })\n`,
    )
  const start: Project['start'] = (args, env = {}) => {
    const child = spawn(process.execPath, [join(root, 'bin/sluice.js'), ...args], {
      cwd: directory,
      env: { ...withoutVitest(), DATABASE_URL: created.url, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    return { process: child, ended: endOf(child).finally(() => running.delete(child)) }
  }

  await write('package.json', JSON.stringify({ name: 'project', private: true, type: 'module' }))
  await mkdir(join(directory, 'node_modules'))
  await symlink(root, join(directory, 'node_modules', 'sluice'))
  await mkdir(join(directory, '.sluice'))
  await writeConfig(flows)
  return {
    directory,
    database: created.database,
    url: created.url,
    query: created.query,
    sluice: (args, env) => start(args, env).ended,
    start,
    warehouse: (...statements) => inDuckdb(join(directory, '.sluice', 'warehouse.duckdb'), statements),
    write,
    flows: writeConfig,
    [Symbol.asyncDispose]: async () => {
      for (const child of running) child.kill('SIGKILL')
      await created[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function inDuckdb(path: string, statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  try {
    for (const statement of statements) await connection.run(statement)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** The environment without what the test runner sets, which a user's shell does not have. */
function withoutVitest(): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|TEST$|DATABASE_URL)/.test(name),
  )
  return Object.fromEntries(inherited)
}

function endOf(child: ChildProcess): Promise<Ended> {
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...output }))
  })
}
