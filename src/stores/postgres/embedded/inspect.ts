import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { livingHolders, type Holder } from './leases.ts'
import { acquireLock } from './lock.ts'
import { findHome } from './place.ts'
import { dataOf, logOf } from './cluster.ts'
import { probe } from './probe.ts'
import { pidExists } from './process.ts'
import { readRecord } from './record.ts'
import { filesOf } from './embedded.ts'

export interface EmbeddedInspection {
  /** `absent`: no data yet. `orphan`: it runs and nobody holds it; the next command adopts it. `unclear`: it answers nobody. */
  readonly state: 'absent' | 'stopped' | 'running' | 'orphan' | 'unclear'
  readonly dataDirectory: string | null
  readonly log: string | null
  readonly port: number | null
  readonly version: string | null
  /** Why the data is not in `.sluice`; null if it is. */
  readonly why: string | null
  readonly holders: readonly Holder[]
}

/** Looks at a project's embedded PostgreSQL without starting or making anything. */
export async function inspectEmbedded(directory: string): Promise<EmbeddedInspection> {
  const full = resolve(directory)
  const files = filesOf(full)
  const record = readRecord(files.record)
  const home = findHome(full, record?.home ?? null)
  const holders = livingHolders(files.leases)
  const nothing = { dataDirectory: null, log: null, port: null, version: null, why: null, holders }
  if (home === null) return { ...nothing, state: 'absent' }
  const found = await probe(home)
  const running = holders.length === 0 ? 'orphan' : 'running'
  return {
    state: found.tag === 'down' ? 'stopped' : found.tag === 'up' ? running : 'unclear',
    dataDirectory: dataOf(home),
    log: existsSync(logOf(home)) ? logOf(home) : null,
    port: found.tag === 'up' ? found.port : (record?.port ?? null),
    version: record?.version ?? null,
    why: record?.why ?? null,
    holders,
  }
}

/**
 * Ends and removes a project's embedded PostgreSQL with all its data, wherever it lies: for projects that are thrown away, such
 * as a test's or a benchmark's. False, and nothing is touched, while a process holds it.
 */
export async function removeEmbedded(directory: string): Promise<boolean> {
  const full = resolve(directory)
  const files = filesOf(full)
  const home = findHome(full, readRecord(files.record)?.home ?? null)
  if (home === null) return true
  const lock = await acquireLock(files.lock, 30_000)
  try {
    if (livingHolders(files.leases).length > 0) return false
    const found = await probe(home)
    if (found.tag !== 'down') {
      process.kill(found.pid, 'SIGQUIT')
      while (pidExists(found.pid)) await sleep(20)
    }
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
    await rm(files.record, { force: true })
    return true
  } finally {
    lock.release()
  }
}
