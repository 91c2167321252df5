import { execFile, spawn, type ExecFileOptions } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { appendFile, chown, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SluiceError } from '../../../lib/error.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { freePort } from './port.ts'
import { isPostgres, pidExists } from './process.ts'
import { settingsFile } from './settings.ts'

const run = promisify(execFile)

/** One data directory, the binaries that serve it and whom they run as. */
export interface Cluster {
  readonly home: string
  readonly binaries: Binaries
  readonly account: Account | null
}

/** What `postmaster.pid` says of a server that is or was there. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly status: string
}

export const dataOf = (home: string): string => join(home, 'data')
export const logOf = (home: string): string => join(home, 'log')
const passwordOf = (home: string): string => join(home, 'password')
const binary = (cluster: Cluster, name: string): string => join(cluster.binaries.root, 'bin', name)

/** Nothing of this process's environment but what a program needs to start: the server outlives it. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TMPDIR } = process.env
  return { LC_ALL: 'C', ...(PATH && { PATH }), ...(SystemRoot && { SystemRoot }), ...(TMPDIR && { TMPDIR }) }
}

/** Paths are given relative to the home, so that no character of the project's path matters to anybody. */
function options(cluster: Cluster): ExecFileOptions & { encoding: 'utf8' } {
  return { ...cluster.account, cwd: cluster.home, env: environment(), encoding: 'utf8', windowsHide: true }
}

/**
 * Makes the data directory: in a folder beside, renamed when it is whole, so that an interrupted `initdb` leaves nothing but
 * a folder that the next one removes.
 *
 * @param quick no syncing to disk: for clusters that live for one test run
 */
export async function initCluster(cluster: Cluster, quick = false): Promise<void> {
  const { home, account, binaries } = cluster
  const leftOver = (await readdir(home)).filter((name) => name.startsWith('data.init-'))
  // The one that was interrupted may still be writing; it fails when its files are gone.
  const patient = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }
  await Promise.all(leftOver.map((name) => rm(join(home, name), patient)))
  await writePassword(cluster, newPassword())
  const part = `data.init-${randomUUID().slice(0, 8)}`
  const locale =
    binaries.major >= 17 ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : ['--locale=C']
  const flags = [
    '--encoding=UTF8',
    '--auth=scram-sha-256',
    '--pwfile=password',
    '--username=postgres',
    ...(quick ? ['--no-sync'] : []),
  ]
  try {
    await run(binary(cluster, 'initdb'), ['-D', part, ...flags, ...locale], options(cluster))
    const conf = join(home, part, 'sluice.conf')
    await writeFile(conf, '', { mode: 0o600 })
    if (account !== null) await chown(conf, account.uid, account.gid)
    await appendFile(join(home, part, 'postgresql.conf'), "\ninclude_if_exists = 'sluice.conf'\n")
    await rename(join(home, part), dataOf(home))
  } catch (error) {
    await rm(join(home, part), { recursive: true, force: true })
    throw failed('The embedded PostgreSQL could not be created', outputOf(error), home)
  }
}

/** The password, as the server knows it. If the file is lost, the server (which must be down) is given a new one. */
export async function ensurePassword(cluster: Cluster): Promise<string> {
  const known = readPassword(cluster.home)
  if (known !== null) return known
  const password = newPassword()
  const child = run(binary(cluster, 'postgres'), ['--single', '-D', 'data', 'postgres'], options(cluster))
  child.child.stdin?.end(`alter role postgres password '${password}'\n`)
  await child.catch((error: unknown) => {
    throw failed('The embedded PostgreSQL could not be given a new password', outputOf(error), cluster.home)
  })
  await writePassword(cluster, password)
  return password
}

export function readPassword(home: string): string | null {
  try {
    const password = readFileSync(passwordOf(home), 'utf8').trim()
    return password === '' ? null : password
  } catch {
    return null
  }
}

/** Starts the server on `wanted`, or on another free port if that is taken; resolves with the port once it takes connections. */
export async function startCluster(cluster: Cluster, wanted: number | null, quick = false): Promise<number> {
  const { home } = cluster
  await removeStalePid(home)
  await writeFile(join(dataOf(home), 'sluice.conf'), settingsFile(await machine()))
  let port = wanted ?? (await freePort())
  for (let turn = 0; turn < 5; turn += 1) {
    const fault = await tryStart(cluster, port, quick)
    if (fault === null) return port
    if (!/could not bind|could not create any TCP\/IP sockets|Address already in use/i.test(fault)) {
      throw failed('The embedded PostgreSQL could not be started', fault, logOf(home))
    }
    port = await freePort()
  }
  throw failed('The embedded PostgreSQL could not be started', 'no port of this machine could be used', logOf(home))
}

/** Stops the server and waits for its end: connections are closed, what was committed is kept. Nothing to do is no error. */
export async function stopCluster(cluster: Cluster, mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
  const postmaster = readPostmaster(cluster.home)
  if (postmaster === null || !pidExists(postmaster.pid)) return
  try {
    await run(binary(cluster, 'pg_ctl'), stopArguments(mode, '-w'), options(cluster))
    // pg_ctl waits for the pid file to go; the process itself goes a moment later.
    for (let turn = 0; turn < 500 && pidExists(postmaster.pid); turn += 1) await sleep(10)
  } catch (error) {
    if (!pidExists(postmaster.pid)) return
    if (mode === 'fast') return stopCluster(cluster, 'immediate')
    throw failed('The embedded PostgreSQL could not be stopped', outputOf(error), logOf(cluster.home))
  }
}

/** Sends the server away without waiting: for the end of this process. Synchronous. */
export function dismissCluster(cluster: Cluster): void {
  const { encoding: _encoding, ...rest } = options(cluster)
  spawn(binary(cluster, 'pg_ctl'), stopArguments('fast', '-W'), { ...rest, detached: true, stdio: 'ignore' }).unref()
}

function stopArguments(mode: 'fast' | 'immediate', wait: '-w' | '-W'): string[] {
  return ['stop', '-D', 'data', '-m', mode, wait, '-t', '60', '-s']
}

export function readPostmaster(home: string): Postmaster | null {
  try {
    const lines = readFileSync(join(dataOf(home), 'postmaster.pid'), 'utf8').split('\n')
    const [pid, port] = [Number(lines[0]), Number(lines[3])]
    return Number.isInteger(pid) && pid > 0 ? { pid, port, status: (lines[7] ?? '').trim() } : null
  } catch {
    return null
  }
}

/** PostgreSQL refuses to start while `postmaster.pid` names a process that lives, even if that is something else by now. */
async function removeStalePid(home: string): Promise<void> {
  const postmaster = readPostmaster(home)
  if (postmaster !== null && !isPostgres(postmaster.pid))
    await rm(join(dataOf(home), 'postmaster.pid'), { force: true })
}

/** Null once the server is ready, else what it said before it ended. */
async function tryStart(cluster: Cluster, port: number, quick: boolean): Promise<string | null> {
  const { home } = cluster
  const log = logOf(home)
  const before = await stat(log).then(
    ({ size }) => size,
    () => 0,
  )
  if (before > 10 * 1024 * 1024) await rename(log, `${log}.1`)
  const start = before > 10 * 1024 * 1024 ? 0 : before
  const file = openSync(log, 'a', 0o600)
  const extra = quick ? ['-c', 'fsync=off', '-c', 'full_page_writes=off'] : []
  const { encoding: _encoding, ...rest } = options(cluster)
  const child = spawn(binary(cluster, 'postgres'), ['-D', 'data', '-p', String(port), ...extra], {
    ...rest,
    // A session of its own: it outlives this process, and Ctrl-C in this terminal does not reach it.
    detached: true,
    stdio: ['ignore', file, file],
  })
  closeSync(file)
  let ended: string | null = null
  child.once('error', (error) => (ended = error.message))
  child.once('exit', (code, signal) => (ended ??= `it ended with ${signal ?? `code ${code}`}`))
  child.unref()
  // Recovery after a crash may take minutes, and the server says so by living.
  for (const end = Date.now() + 300_000; Date.now() < end;) {
    if (ended !== null) {
      const said = (await readFile(log, 'utf8').catch(() => '')).slice(start).trim()
      return said === '' ? ended : said.split('\n').slice(-8).join('\n')
    }
    const postmaster = readPostmaster(home)
    if (postmaster?.pid === child.pid && postmaster?.status === 'ready') return null
    await sleep(10)
  }
  child.kill('SIGQUIT')
  return 'it was not ready after five minutes'
}

async function machine(): Promise<Parameters<typeof settingsFile>[0]> {
  const limit = process.constrainedMemory()
  const memoryBytes = limit > 0 && limit < totalmem() ? limit : totalmem()
  const shared =
    process.platform === 'linux'
      ? await statfs('/dev/shm').then(
          ({ bsize, bavail }) => bsize * bavail,
          () => 0,
        )
      : null
  return { memoryBytes, cpus: availableParallelism(), sharedMemoryBytes: shared }
}

function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

async function writePassword({ home, account }: Cluster, password: string): Promise<void> {
  const path = passwordOf(home)
  const part = `${path}.${randomUUID()}`
  await writeFile(part, `${password}\n`, { mode: 0o600, flag: 'wx' })
  if (account !== null) await chown(part, account.uid, account.gid)
  await rename(part, path)
}

function failed(summary: string, why: string, file: string): SluiceError {
  return new SluiceError('EMBEDDED_FAILED', summary, {
    why,
    fix: existsSync(file) ? `see ${file}; \`sluice doctor\` names what it finds` : 'see what PostgreSQL says',
    where: { file },
  })
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : ''
  return said === '' ? error.message : said
}
