import { execFileSync } from 'node:child_process'
import { statSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'

/** Whom the server runs as: PostgreSQL refuses to run as root. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** The account the server has to run as, or null for this process's own. As root, `nobody`: there is no user to create. */
export function serverAccount(): Account | null {
  if (process.getuid?.() !== 0) return null
  return { uid: idOf('-u'), gid: idOf('-g') }
}

/** As root, a cluster that some user made runs as that user. */
export function accountOf(path: string, otherwise: Account | null): Account | null {
  if (otherwise === null) return null
  try {
    const { uid, gid } = statSync(path)
    return uid === 0 ? otherwise : { uid, gid }
  } catch {
    return otherwise
  }
}

/** Whether that account may pass through every folder above `path`; the first that it may not, or null. */
export function closedFolder(path: string, account: Account): string | null {
  const folders: string[] = []
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.unshift(folder)
    if (folder === dirname(folder)) break
  }
  return folders.find((folder) => !mayEnter(statSync(folder), account)) ?? null
}

function mayEnter({ mode, uid, gid }: Stats, account: Account): boolean {
  if (uid === account.uid) return (mode & 0o100) !== 0
  if (gid === account.gid) return (mode & 0o010) !== 0
  return (mode & 0o001) !== 0
}

function idOf(option: '-u' | '-g'): number {
  try {
    return Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return 65_534
  }
}
