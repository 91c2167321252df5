/**
 * Keeps the test run's PostgreSQL servers: starts them, prints their urls as one line of JSON, and waits for the end of its
 * standard input, which comes however the test run ends, SIGKILL included. Then it stops them and removes their data. `fsync` is
 * off: these clusters live for one run.
 */
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverAccount } from '../../src/stores/postgres/embedded/account.ts'
import { installedBinaries, usableBinaries } from '../../src/stores/postgres/embedded/binaries.ts'
import {
  type Cluster,
  initCluster,
  readPassword,
  startCluster,
  stopCluster,
} from '../../src/stores/postgres/embedded/cluster.ts'
import { packageOf } from '../../src/stores/postgres/embedded/embedded.ts'

// Whoever started this may be gone before the line is written.
process.stdout.on('error', () => {})
const ended = once(process.stdin.resume(), 'end')
const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
await chmod(folder, 0o755)
const clusters: Cluster[] = []

async function start(version: 18 | 14): Promise<string> {
  const account = serverAccount()
  const home = join(folder, String(version))
  await mkdir(home, { mode: 0o700 })
  if (account !== null) await chown(home, account.uid, account.gid)
  const installed = await installedBinaries(packageOf(version), import.meta.url)
  const cluster = { home, account, binaries: await usableBinaries(installed, account, () => Promise.resolve(folder)) }
  await initCluster(cluster, true)
  clusters.push(cluster)
  const port = await startCluster(cluster, null, true)
  return `postgres://postgres:${readPassword(home) ?? ''}@127.0.0.1:${port}/postgres`
}

try {
  const starting = [start(18), start(14)] as const
  // Both are waited for, so that nothing still starts while the other's failure is cleaned up.
  await Promise.allSettled(starting)
  const [postgres18, postgres14] = await Promise.all(starting)
  process.stdout.write(`${JSON.stringify({ postgres18, postgres14 })}\n`)
  await ended
} finally {
  await Promise.allSettled(clusters.map((cluster) => stopCluster(cluster, 'immediate')))
  await rm(folder, { recursive: true, force: true })
}
