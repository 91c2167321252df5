import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { SluiceError } from '../../../lib/error.ts'
import { isAlive, ownIdentity, type ProcessIdentity } from './process.ts'

/**
 * A lock file that a crash does not leave behind for good. It is made whole by `link`, so it is never seen empty, and it
 * names its holder; when that process is gone, whoever comes next moves the file aside and tries again.
 *
 * Two who find the same dead lock may move aside each other's new one. They look at what they moved and put a living one back;
 * what the lock guards stays safe in the instant between, because PostgreSQL itself refuses a second server on one data directory and a
 * rename onto an existing cluster fails.
 */
export interface Lock {
  /** Idempotent. */
  release(): void
}

/** Waits at most `patienceMs`, then `EMBEDDED_FAILED` names the holder. */
export async function acquireLock(path: string, patienceMs: number, signal?: AbortSignal): Promise<Lock> {
  const end = Date.now() + patienceMs
  for (;;) {
    const lock = tryLock(path)
    if (lock !== null) return lock
    if (Date.now() > end) {
      const holder = readHolder(path)
      throw new SluiceError(
        'EMBEDDED_FAILED',
        'The embedded PostgreSQL is being started or stopped by another process',
        {
          why: `process ${holder?.pid ?? 'unknown'} has held ${path} for more than ${Math.round(patienceMs / 1000)} s`,
          fix: `wait for that process, or end it; a lock whose process is gone is taken over by itself`,
          where: { file: path },
        },
      )
    }
    await sleep(20 + Math.random() * 60, undefined, signal === undefined ? {} : { signal })
  }
}

/** The lock, or null if a living process holds it. Synchronous, so that it also serves when this process is ending. */
export function tryLock(path: string): Lock | null {
  const content = JSON.stringify({ ...ownIdentity(), token: randomUUID() })
  const own = `${path}.${process.pid}.${randomUUID()}`
  writeFileSync(own, content, { mode: 0o600, flag: 'wx' })
  try {
    for (let turn = 0; turn < 3; turn += 1) {
      if (linked(own, path)) return { release: () => release(path, content) }
      const holder = readHolder(path)
      if (holder !== null && isAlive(holder)) return null
      moveAside(path)
    }
    return null
  } finally {
    rmSync(own, { force: true })
  }
}

function release(path: string, content: string): void {
  try {
    if (readFileSync(path, 'utf8') === content) rmSync(path, { force: true })
  } catch {
    // It is gone already.
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function moveAside(path: string): void {
  const aside = `${path}.dead.${randomUUID()}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  const moved = readHolder(aside)
  // Somebody else was quicker, and this is theirs.
  if (moved !== null && isAlive(moved)) linked(aside, path)
  rmSync(aside, { force: true })
}

function readHolder(path: string): ProcessIdentity | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return null
    return typeof value.pid === 'number' && typeof value.started === 'string'
      ? { pid: value.pid, started: value.started }
      : null
  } catch {
    return null
  }
}
