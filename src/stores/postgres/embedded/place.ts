import { createHash } from 'node:crypto'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { chmod, chown, mkdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { SluiceError } from '../../../lib/error.ts'
import { accountOf, closedFolder, serverAccount, type Account } from './account.ts'

/** Where a cluster lives: its home holds `data`, `password` and `log`, and belongs to the account that the server runs as. */
export interface Place {
  readonly home: string
  readonly account: Account | null
  /** Why it is not in the project's `.sluice`, or null. */
  readonly why: string | null
  /** Where a copy of the binaries goes if one is needed. */
  readonly copies: () => Promise<string>
}

/**
 * Chooses the place, or finds it again. A normal user's is `.sluice/postgres`. As root the server runs as `nobody` (or as the
 * owner of the data that is there), and where that account cannot enter the project's path, the place is a folder of the system.
 *
 * @param recorded the home that `postgres.json` names, if it could be read
 */
export async function choosePlace(directory: string, recorded: string | null): Promise<Place> {
  const local = join(directory, 'postgres')
  const nobody = serverAccount()
  if (nobody === null) {
    if (recorded !== null && recorded !== local && existsSync(recorded) && !hasData(local)) throw madeByRoot(recorded)
    return { home: await madeHome(local, null), account: null, why: null, copies: async () => local }
  }
  const copies = async (): Promise<string> => join(await systemFolder(nobody), 'binaries')
  if (hasData(local)) {
    const account = accountOf(join(local, 'data'), nobody) ?? nobody
    const closed = closedFolder(join(local, 'data'), account)
    if (closed !== null) throw shutOut(local, closed, account)
    return { home: local, account, why: null, copies }
  }
  const closed = closedFolder(local, nobody)
  if (closed === null && !(recorded !== null && hasData(recorded))) {
    const home = await madeHome(local, nobody)
    if ((await stat(home)).uid === nobody.uid) return { home, account: nobody, why: null, copies }
  }
  const system = recorded !== null && hasData(recorded) ? recorded : systemHome(await systemFolder(nobody), directory)
  const why =
    closed === null
      ? `the file system of ${directory} does not let files belong to the user nobody`
      : `PostgreSQL does not run as root, and the user nobody cannot enter ${closed}`
  return { home: await madeHome(system, nobody), account: accountOf(join(system, 'data'), nobody), why, copies }
}

/** The place as it stands, for those who only look: nothing is made. */
export function findHome(directory: string, recorded: string | null): string | null {
  const local = join(directory, 'postgres')
  if (hasData(local)) return local
  return recorded !== null && hasData(recorded) ? recorded : null
}

export function hasData(home: string): boolean {
  return existsSync(join(home, 'data', 'PG_VERSION'))
}

async function madeHome(home: string, account: Account | null): Promise<string> {
  if (Buffer.byteLength(home) > 900) {
    throw new SluiceError('EMBEDDED_FAILED', 'The path of the embedded PostgreSQL is too long', {
      why: `PostgreSQL takes paths of up to 1,023 bytes; this one has ${Buffer.byteLength(home)} before the names of its files`,
      fix: 'move the project to a shorter path, or name a server of yours as `database` in the config',
      where: { file: home },
    })
  }
  await mkdir(home, { recursive: true, mode: 0o700 })
  if (account !== null) {
    // A file system that keeps no owners refuses; who calls looks at the result.
    await chown(home, account.uid, account.gid).catch(() => {})
  }
  await chmod(home, 0o700)
  return home
}

/** A folder of the system's that root may write and `nobody` may enter. */
async function systemFolder(account: Account): Promise<string> {
  const bases = ['/var/lib', '/var/db', '/usr/local/var', realpathSync(tmpdir())]
  for (const base of bases) {
    const folder = join(base, 'sluice')
    try {
      await mkdir(folder, { mode: 0o755 })
      await chmod(folder, 0o755)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) continue
    }
    // In a folder that everybody may write, somebody else may have been there first.
    if (statSync(folder).uid === 0 && closedFolder(join(folder, 'x'), account) === null) return folder
  }
  throw new SluiceError('EMBEDDED_FAILED', 'There is no place for the embedded PostgreSQL', {
    why: `PostgreSQL does not run as root, and none of ${bases.join(', ')} can hold files of the user nobody`,
    fix: 'run Sluice as a normal user, or name a server of yours as `database` in the config',
  })
}

/** Stable: the same project has the same home. */
function systemHome(folder: string, directory: string): string {
  const real = existsSync(directory) ? realpathSync(directory) : directory
  const name = basename(dirname(real))
    .replaceAll(/[^A-Za-z0-9_-]/g, '_')
    .slice(0, 40)
  return join(folder, `${name}-${createHash('sha256').update(real).digest('hex').slice(0, 12)}`)
}

function madeByRoot(home: string): SluiceError {
  return new SluiceError('EMBEDDED_FAILED', 'The embedded PostgreSQL of this project was made by root', {
    why: `its data is in ${home}, which only root can enter`,
    fix: 'run Sluice as root here, or remove .sluice/postgres.json to begin anew',
    where: { file: home },
  })
}

function shutOut(home: string, folder: string, account: Account): SluiceError {
  return new SluiceError('EMBEDDED_FAILED', 'The embedded PostgreSQL cannot reach its data', {
    why: `it runs as the user with id ${account.uid}, who cannot enter ${folder}`,
    fix: `let others enter it (chmod o+x ${folder}), or move ${home} away to begin anew`,
    where: { file: home },
  })
}
