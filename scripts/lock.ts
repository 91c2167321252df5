/**
 * Completes `package-lock.json`: a registry that offers only some platforms' builds of a package makes npm leave the others out of
 * the lock, and then `npm ci` refuses the lock. Each is pinned by its parent, so that its version is known; npm takes no file of
 * a platform that is not its own. Run after every `npm install` against such a registry: `npm run lock`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Entry {
  readonly version?: string
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}
interface Lock {
  readonly packages: Readonly<Record<string, Entry>>
}

const systems = ['darwin', 'linux', 'win32', 'android', 'freebsd', 'openharmony']
const processors = ['arm64', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x']

/** What a platform package says of itself, by its name: `@x/binding-linux-arm-musleabihf`. Pure. */
export function platformOf(
  name: string,
): { readonly os: string[]; readonly cpu: string[]; readonly libc?: string[] } | null {
  const words = name.replace('windows', 'win32').split(/[-/]/)
  const os = systems.find((system) => words.includes(system))
  const cpu = processors.find((processor) => words.includes(processor)) ?? (words.includes('arm') ? 'arm' : undefined)
  if (os === undefined || cpu === undefined) return null
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : null
  return { os: [os], cpu: [cpu], ...(libc === null ? {} : { libc: [libc] }) }
}

const versionIn = (range: string): string => range.replace(/^[\^~=]/, '')
const fits = (range: string, version: string | undefined): boolean =>
  version !== undefined &&
  (version === versionIn(range) || (/^[\^~]/.test(range) && version.split('.')[0] === versionIn(range).split('.')[0]))

/** The package that `parent` finds under this name: its own, or one further up. */
function found(packages: Lock['packages'], parent: string, name: string): Entry | undefined {
  for (let at = parent; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const entry = packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]
    if (entry !== undefined || at === '') return entry
  }
}

/** The lock with what it lacks. Pure. */
export function completed(lock: Lock): { readonly lock: Lock; readonly added: readonly string[] } {
  const packages: Record<string, Entry> = { ...lock.packages }
  const added: string[] = []
  for (const [parent, { dev, optionalDependencies }] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(optionalDependencies ?? {})) {
      const there = found(packages, parent, name)
      const platform = platformOf(name)
      if (fits(range, there?.version) || platform === null) continue
      const path = there === undefined ? `node_modules/${name}` : `${parent}/node_modules/${name}`
      packages[path] = { version: versionIn(range), ...platform, ...(dev === true ? { dev } : {}), optional: true }
      added.push(path)
    }
  }
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
  return { lock: { ...lock, packages: sorted }, added }
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '..', 'package-lock.json')
  const { lock, added } = completed(JSON.parse(readFileSync(path, 'utf8')) as Lock) // npm's own format
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`${added.length} packages of other platforms added`)
}
