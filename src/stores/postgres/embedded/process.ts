import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Who a process is. A pid alone says little: after a crash or a restart another process may have it. With the moment it started,
 * the boot and the namespace that count pids, it names one process for ever.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** Opaque; compared, never parsed. Empty where the system tells nothing but the pid. */
  readonly started: string
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) ?? '' }
}

/** Whether that very process still runs. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  if (!pidExists(pid)) return false
  const now = startOf(pid)
  return now === null || started === '' || now === started
}

/** A process that ended and that nobody has taken note of yet (a zombie) does not exist. */
export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return startOf(pid) !== zombie
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Whether that pid is a PostgreSQL server process; true where the system does not tell. */
export function isPostgres(pid: number): boolean {
  if (!pidExists(pid)) return false
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres'
    if (process.platform === 'win32') return true
    return execFileSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' }).includes('postgres')
  } catch {
    return process.platform !== 'linux'
  }
}

const zombie = 'zombie'

function startOf(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name, in parentheses, may hold anything; the start is field 22, the twentieth after it. A zombie is dead.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] === 'Z') return zombie
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      return `${boot}/${readlinkSync('/proc/self/ns/pid')}/${fields[19]}`
    }
    if (process.platform === 'win32') return null
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { LC_ALL: 'C', TZ: 'UTC' },
    })
    return started.trim()
  } catch {
    return null
  }
}
