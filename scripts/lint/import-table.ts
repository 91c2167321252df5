/**
 * Who may import whom. This table is the one place: `.oxlintrc.json` is written from it (`npm run lint:config`), the guard
 * plants faults against it, and ARCHITECTURE.md explains it. What is not listed is forbidden.
 *
 * Paths are relative to `src`; `*` stands for one folder. A home is a folder (with everything below it) or a file.
 */
export interface Home {
  readonly home: string
  readonly may: readonly string[]
  /** Only as `import type`: erased when the program runs. */
  readonly types: readonly string[]
}

export const importTable: readonly Home[] = [
  { home: 'lib', may: [], types: [] },
  { home: 'transfer', may: ['lib'], types: [] },
  { home: 'stores/*', may: ['transfer', 'lib'], types: [] },
  { home: 'state', may: ['stores/postgres', 'lib'], types: [] },
  { home: 'flows/flow.ts', may: [], types: ['transfer', 'lib'] },
  { home: 'flows/source.ts', may: ['lib'], types: ['flows/flow.ts'] },
  { home: 'flows/*', may: ['flows/flow.ts', 'flows/source.ts', 'stores', 'state', 'transfer', 'lib'], types: [] },
  { home: 'runs', may: ['flows/flow.ts', 'state', 'lib'], types: [] },
  { home: 'access', may: ['state', 'lib'], types: [] },
  { home: 'endpoints', may: ['stores/postgres', 'transfer', 'lib'], types: [] },
  // The types of flow.ts, because a config is parsed into what that contract calls a flow, and nowhere else.
  {
    home: 'config',
    may: [
      'flows/source.ts',
      'flows/*/config.ts',
      'stores/*/config.ts',
      'endpoints/config.ts',
      'access/config.ts',
      'api/config.ts',
      'lib',
    ],
    types: ['flows/flow.ts'],
  },
  // The parts of the composition: the stores of a config, flows as they are written, rollups as they stand, and everything.
  { home: 'stores.ts', may: ['config', 'flows/flow.ts', 'stores', 'transfer', 'lib'], types: [] },
  { home: 'definitions.ts', may: ['config', 'flows/flow.ts', 'runs', 'lib'], types: [] },
  { home: 'rollups.ts', may: ['flows/flow.ts', 'flows/rollup', 'lib'], types: [] },
  { home: 'series.ts', may: ['endpoints', 'flows', 'state', 'lib'], types: [] },
  {
    home: 'sluice.ts',
    may: [
      'stores.ts',
      'definitions.ts',
      'rollups.ts',
      'series.ts',
      'config',
      'runs',
      'access',
      'api/config.ts',
      'endpoints',
      'flows',
      'stores',
      'state',
      'transfer',
      'lib',
    ],
    types: [],
  },
  {
    home: 'api',
    may: ['sluice.ts', 'config', 'endpoints', 'access/role.ts', 'lib'],
    types: ['runs', 'access/access.ts', 'flows/flow.ts', 'stores.ts', 'definitions.ts'],
  },
  { home: 'cli', may: ['api', 'sluice.ts', 'config', 'lib'], types: ['runs', 'access'] },
  {
    home: 'index.ts',
    may: ['config', 'flows/*/config.ts', 'stores/*/config.ts', 'endpoints/config.ts', 'lib/error.ts', 'sluice.ts'],
    types: [],
  },
]

/** How deep a folder may nest below its home; deeper files would escape the overrides, so the guard refuses them. */
export const deepest = 3

const isFile = (path: string): boolean => path.endsWith('.ts')
const segments = (path: string): readonly string[] => path.split('/')

/** The folder in which the importing file of a home lies, `depth` folders below it, as far as the table names it. */
function folderOf(home: string): readonly string[] {
  return isFile(home) ? segments(home).slice(0, -1) : segments(home)
}

/** How a file `depth` folders below `home` writes the path to `target`: `../../lib/**`. */
function relative(home: string, depth: number, target: string): string {
  const from = folderOf(home)
  const to = segments(target)
  let shared = 0
  // A star is a folder of its own: another store is never "the same folder".
  while (shared < from.length && shared < to.length && from[shared] === to[shared] && from[shared] !== '*') shared += 1
  const up = from.length - shared + depth
  const path = `${up === 0 ? './' : '../'.repeat(up)}${to.slice(shared).join('/')}`
  return isFile(target) ? path : `${path}/**`
}

/** The files of a home at one depth, as a glob. */
function glob(home: string, depth: number): string {
  return isFile(home) ? `src/${home}` : `src/${home}/${'*/'.repeat(depth)}*.ts`
}

/** The glob of `relative` as a regular expression without its star. */
const escape = (glob: string): string => glob.replace(/\*\*$/, '').replaceAll('.', '\\.')

type Pattern =
  | { readonly group: readonly string[]; readonly message: string }
  | { readonly regex: string; readonly message: string; readonly allowTypeImports: true }

interface Override {
  readonly files: readonly string[]
  readonly excludeFiles: readonly string[]
  readonly rules: Readonly<Record<string, unknown>>
}

/** The one file that may reach for the loader: it answers `import 'sluice'` in a config that has no node_modules of its own. */
export const loader = 'config/import.ts'

const detour = 'createRequire and the loader hooks go around the import table; use import or import.meta.resolve.'

/** Forbidden whoever asks: ways around the table. */
const everywhere = {
  paths: [
    // Where a package lies, and where compiled modules are kept; the rest can load one behind the table's back.
    { name: 'node:module', allowImportNames: ['findPackageJSON', 'getCompileCacheDir'], message: detour },
    { name: 'module', message: detour },
    { name: 'sluice', message: 'Inside src the package does not import itself.' },
  ],
  patterns: [
    {
      regex: '^/|^file:|^data:|^sluice/|//|/\\./|^\\./(.*/)?\\.\\./|[^./]/\\.\\./',
      message: 'Import by the shortest relative path, or a package by its name.',
    },
  ],
}

function override({ home, may, types }: Home, depth: number, paths: readonly unknown[] = everywhere.paths): Override {
  const listed = [...may, ...types]
  const says = listed.length === 0 ? 'nothing of ours' : [...may, ...types.map((name) => `${name} (types)`)].join(', ')
  const outside = isFile(home) ? ['./**', '../**'] : [`${'../'.repeat(depth + 1)}**`]
  const patterns: Pattern[] = []
  // A regular expression: what a group's negated entry lets pass, oxlint asks no other group about.
  if (types.length > 0) {
    patterns.push({
      regex: types.map((target) => `^${escape(relative(home, depth, target))}`).join('|'),
      allowTypeImports: true,
      message: `src/${home} may import only types from: ${types.join(', ')}.`,
    })
  }
  patterns.push({
    group: [...outside, ...listed.map((target) => `!${relative(home, depth, target)}`)],
    message: `src/${home} may import: ${says}.`,
  })
  return {
    files: [glob(home, depth)],
    // A unit test sits beside its source and may set up whatever it needs.
    excludeFiles: ['src/**/*.test.ts', ...(home === 'flows/*' ? ['src/flows/flow.ts'] : [])],
    rules: {
      'no-restricted-imports': ['error', { paths, patterns: [...everywhere.patterns, ...patterns] }],
    },
  }
}

/** The overrides of `.oxlintrc.json` that say the table. */
export function importOverrides(table: readonly Home[] = importTable): readonly Override[] {
  const overrides = table.flatMap((home) =>
    isFile(home.home) ? [override(home, 0)] : Array.from({ length: deepest + 1 }, (_, depth) => override(home, depth)),
  )
  const home = homeOf(loader, table)
  return home === undefined ? overrides : [...overrides, { ...override(home, 0, []), files: [`src/${loader}`] }]
}

/** The home that a file of `src` belongs to; undefined: the table does not know it, which the guard refuses. */
export function homeOf(file: string, table: readonly Home[] = importTable): Home | undefined {
  const parts = segments(file)
  return table.find(({ home }) => {
    if (isFile(home)) return home === file
    const wanted = segments(home)
    return (
      parts.length > wanted.length &&
      parts.length <= wanted.length + 1 + deepest &&
      wanted.every((part, i) => part === '*' || part === parts[i])
    )
  })
}
