import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { livingHolders, type Holder } from './leases.ts'
import { findHome } from './place.ts'
import { dataOf, logOf } from './cluster.ts'
import { probe } from './probe.ts'
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
