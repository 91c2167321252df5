/**
 * Faults on purpose: what the lint guard plants. The import matrix is reckoned here from the table alone, by resolving paths, and not
 * from the patterns that the linter is given: each checks the other.
 */
import { deepest, importTable, type Home } from './import-table.ts'

export interface Planted {
  /** Path below the copy's root. */
  readonly file: string
  readonly text: string
  /** Line → rule that has to complain there; a line that is not named must pass `no-restricted-imports`. */
  readonly expect: ReadonlyMap<number, string>
}

/** One module a folder and one for each special file: whatever a file of `src` could import. */
const targets: readonly string[] = [
  'lib/planted-target.ts',
  'transfer/planted-target.ts',
  'stores/postgres/planted-target.ts',
  'stores/postgres/config.ts',
  'stores/duckdb/planted-target.ts',
  'stores/duckdb/config.ts',
  'state/planted-target.ts',
  'flows/flow.ts',
  'flows/sync/config.ts',
  'flows/sync/plan.ts',
  'flows/rollup/config.ts',
  'flows/rollup/plan.ts',
  'runs/planted-target.ts',
  'endpoints/config.ts',
  'endpoints/planted-target.ts',
  'config/planted-target.ts',
  'api/planted-target.ts',
  'cli/planted-target.ts',
  'lib/error.ts',
  'stores.ts',
  'definitions.ts',
  'sluice.ts',
  'index.ts',
  '../test/planted-target.ts',
  '../bench/planted-target.ts',
  '../scripts/lint/import-table.ts',
]

const isFile = (path: string): boolean => path.endsWith('.ts')

/** Whether `pattern` (a folder or file of the table) covers the path of a module. */
function covers(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const parts = path.split('/')
  if (isFile(pattern) ? parts.length !== wanted.length : parts.length <= wanted.length) return false
  return wanted.every((part, i) => part === '*' || part === parts[i])
}

/** `import`ing forms; each makes one line. `erased`: nothing of it is left when the program runs. */
const forms: readonly { readonly erased: boolean; readonly line: (specifier: string, n: number) => string }[] = [
  { erased: false, line: (from, n) => `import { value as value${n} } from '${from}'` },
  { erased: false, line: (from, n) => `import * as all${n} from '${from}'` },
  { erased: false, line: (from, n) => `import { type Shape as Mixed${n}, value as mixed${n} } from '${from}'` },
  { erased: false, line: (from) => `import '${from}'` },
  { erased: false, line: (from, n) => `export { value as again${n} } from '${from}'` },
  { erased: false, line: (from) => `export * from '${from}'` },
  { erased: false, line: (from, n) => `export const later${n} = () => import('${from}')` },
  { erased: true, line: (from, n) => `import type { Shape as Shape${n} } from '${from}'` },
  { erased: true, line: (from, n) => `export type { Shape as Again${n} } from '${from}'` },
]

/** The home as a folder that can be written to: `stores/*` as `stores/postgres`. */
function instance(home: string): string {
  return home.replace('stores/*', 'stores/postgres').replace('flows/*', 'flows/sync')
}

function specifier(fromFolder: string, target: string): string {
  const from = fromFolder === '' ? [] : fromFolder.split('/')
  const to = target.split('/')
  let shared = 0
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared += 1
  const up = '../'.repeat(from.length - shared)
  return `${up === '' ? './' : up}${to.slice(shared).join('/')}`
}

function matrixFile(home: Home, depth: number): Planted {
  const own = instance(home.home)
  const folder = isFile(own)
    ? own.split('/').slice(0, -1).join('/')
    : [own, ...Array.from({ length: depth }, (_, n) => `planted${n}`)].join('/')
  const file = isFile(own) ? own : `${folder}/planted.ts`
  const lines: string[] = []
  const expect = new Map<number, string>()
  for (const target of targets) {
    if (target === file) continue
    const inside = !isFile(own) && covers(own, target)
    const may = inside || home.may.some((pattern) => covers(pattern, target))
    const typesOnly = home.types.some((pattern) => covers(pattern, target))
    for (const form of forms) {
      lines.push(form.line(specifier(folder, target), lines.length))
      if (!may && !(typesOnly && form.erased)) expect.set(lines.length, 'eslint(no-restricted-imports)')
    }
  }
  return { file: `src/${file}`, text: lines.join('\n'), expect }
}

/** Every home of the table, at every depth, against every target, in every form. */
export function importMatrix(): readonly Planted[] {
  return importTable.flatMap((home) =>
    isFile(home.home)
      ? [matrixFile(home, 0)]
      : Array.from({ length: deepest + 1 }, (_, depth) => matrixFile(home, depth)),
  )
}

function fault(file: string, rule: string, lines: readonly string[], at: number = lines.length): Planted {
  return { file, text: lines.join('\n'), expect: new Map([[at, rule]]) }
}

/** One of each fault that is no cell of the matrix. */
export function otherFaults(): readonly Planted[] {
  const restricted = 'eslint(no-restricted-imports)'
  return [
    fault(
      'src/runs/planted-detour.ts',
      restricted,
      ["import { value } from './../cli/planted-target.ts'", 'export const v = value'],
      1,
    ),
    fault(
      'src/runs/planted-loop.ts',
      restricted,
      ["import { value } from '../lib/../cli/planted-target.ts'", 'export const v = value'],
      1,
    ),
    fault(
      'src/runs/planted-absolute.ts',
      restricted,
      ["import { value } from '/cli/planted-target.ts'", 'export const v = value'],
      1,
    ),
    fault(
      'src/runs/planted-self.ts',
      restricted,
      ["import { openSluice } from 'sluice'", 'export const v = openSluice'],
      1,
    ),
    fault(
      'src/runs/planted-create.ts',
      restricted,
      ["import { createRequire } from 'node:module'", 'export const r = createRequire(import.meta.url)'],
      1,
    ),
    fault(
      'src/runs/planted-create-bare.ts',
      restricted,
      ["import * as hidden from 'module'", 'export const r = hidden.createRequire(import.meta.url)'],
      1,
    ),
    fault('src/runs/planted-create-star.ts', restricted, ["export * from 'node:module'"]),
    fault('src/runs/planted-create-again.ts', restricted, ["export { createRequire } from 'node:module'"]),
    fault(
      'src/runs/planted-create-mixed.ts',
      restricted,
      [
        "import { createRequire, findPackageJSON } from 'node:module'",
        'export const r = [createRequire, findPackageJSON]',
      ],
      1,
    ),
    fault('src/runs/planted-create-late.ts', 'house(literal-import)', [
      "export const late = () => import('node:module')",
    ]),
    fault('src/runs/planted-builtin.ts', 'eslint(no-restricted-properties)', [
      "export const hidden = process.getBuiltinModule('node:module')",
    ]),
    fault('src/runs/planted-require.ts', 'typescript(no-require-imports)', [
      "export const hidden = require('../cli/planted-target.ts')",
    ]),
    fault('src/runs/planted-type.ts', 'typescript(consistent-type-imports)', [
      "export type Hidden = import('../cli/planted-target.ts').Shape",
    ]),
    fault('src/runs/planted-computed.ts', 'house(literal-import)', [
      'export const load = (path: string) => import(path)',
    ]),
    fault('src/runs/planted-url.ts', 'house(asset-only)', [
      "export const thread = new URL('../cli/planted-target.ts', import.meta.url)",
    ]),
    fault(
      'src/runs/planted-cycle-a.ts',
      'import(no-cycle)',
      ["import { b } from './planted-cycle-b.ts'", 'export const a = (): number => b()'],
      1,
    ),
    fault(
      'src/runs/planted-cycle-b.ts',
      'import(no-cycle)',
      ["import { a } from './planted-cycle-a.ts'", 'export const b = (): number => a()'],
      1,
    ),
    fault(
      'src/runs/planted-long.ts',
      'eslint(max-lines)',
      Array.from({ length: 601 }, (_, n) => `export const line${n} = ${n}`),
      601,
    ),
    fault('src/runs/planted-any.ts', 'typescript(no-explicit-any)', [
      'export const x = (value: any): string => String(value)',
    ]),
    fault('src/runs/planted-floating.ts', 'typescript(no-floating-promises)', [
      'const work = async (): Promise<void> => {}',
      'work()',
    ]),
    fault('src/runs/planted-nonnull.ts', 'typescript(no-non-null-assertion)', [
      'export const x = (value: string | null): string => value!',
    ]),
    fault('src/runs/planted-console.ts', 'eslint(no-console)', ["console.log('narration')"]),
    fault(
      'examples/planted/planted.ts',
      restricted,
      ["import { value } from '../../src/lib/planted-target.ts'", 'console.log(value)'],
      1,
    ),
  ]
}

/** What the planted imports point at, where the tree has no such file. */
export function plantedTargets(): readonly Planted[] {
  return targets.map((target) => ({
    file: `src/${target}`,
    text: 'export interface Shape { readonly n: number }\nexport const value = 1\n',
    expect: new Map(),
  }))
}
