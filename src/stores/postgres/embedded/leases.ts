import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { isAlive, ownIdentity, type ProcessIdentity } from './process.ts'

/**
 * Who uses the server: a file a holder in `.sluice/leases`, named by pid, with the process's start in it. A holder that was killed
 * leaves its file; it counts no more, because no living process matches it. Synchronous, because the last use is a process's end.
 */
export interface Lease {
  readonly path: string
}

export interface Holder extends ProcessIdentity {
  readonly command: string
  readonly since: string
}

export function takeLease(directory: string): Lease {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, `${process.pid}-${randomUUID().slice(0, 8)}.json`)
  const holder: Holder = {
    ...ownIdentity(),
    command: process.argv.slice(1, 4).join(' '),
    since: new Date().toISOString(),
  }
  writeFileSync(path, JSON.stringify(holder), { mode: 0o600, flag: 'wx' })
  return { path }
}

export function dropLease(lease: Lease): void {
  rmSync(lease.path, { force: true })
}

/** The living holders; the files of dead ones are removed on the way. */
export function livingHolders(directory: string): readonly Holder[] {
  let names: readonly string[]
  try {
    names = readdirSync(directory)
  } catch {
    return []
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const path = join(directory, name)
      const holder = readHolder(path)
      if (holder !== null && isAlive(holder)) return [holder]
      rmSync(path, { force: true })
      return []
    })
}

function readHolder(path: string): Holder | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return null
    if (typeof value.pid !== 'number' || typeof value.started !== 'string') return null
    const text = (field: unknown): string => (typeof field === 'string' ? field : '')
    return {
      pid: value.pid,
      started: value.started,
      command: 'command' in value ? text(value.command) : '',
      since: 'since' in value ? text(value.since) : '',
    }
  } catch {
    return null
  }
}
