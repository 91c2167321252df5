/**
 * Does what a stranger does: packs the package, installs the tarball into an empty commonjs project, once under the oldest Node that
 * Sluice supports and once under the newest, and there runs `init`, `run`, `verify`, a program that uses the library,
 * and the type checker.
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const nodes = ['22.18', '26'] as const

class Failed extends Error {}

interface Project {
  readonly folder: string
  /** Runs a program of the project under the project's own Node; its standard output. */
  readonly run: (command: string, args: readonly string[], expected?: number) => string
}

function execute(folder: string, path: string, command: string, args: readonly string[], expected: number): string {
  const started = performance.now()
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: path }
  // The outer `npm run` describes itself to its children; the project is to be its own.
  for (const name of Object.keys(env))
    if (/^npm_(package|lifecycle|config_local_prefix|execpath|node_execpath)/.test(name)) delete env[name]
  const done = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8', timeout: 300_000, maxBuffer: 1 << 26 })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`  ${command} ${args.join(' ')} (${seconds} s)`)
  if (done.error !== undefined) throw done.error
  if (done.status !== expected) {
    throw new Failed(
      `${command} ${args.join(' ')} exited ${String(done.status ?? done.signal)}, not ${expected}\n${done.stdout}\n${done.stderr}`,
    )
  }
  return done.stdout
}

function expect(truth: boolean, says: string): void {
  if (!truth) throw new Failed(says)
}

/** The tarball's path, after a look at what is in it. */
function pack(folder: string): string {
  execute(root, process.env['PATH'] ?? '', 'npm', ['pack', '--silent', '--pack-destination', folder], 0)
  const [name] = globSync('*.tgz', { cwd: folder })
  if (name === undefined) throw new Failed('npm pack left no tarball')
  const tarball = join(folder, name)
  const files = execute(folder, process.env['PATH'] ?? '', 'tar', ['-tzf', tarball], 0).split('\n')
  for (const needed of [
    'bin/sluice.js',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/state/migrations/000001.sql',
    'dist/console/index.html',
    'LICENSE',
    'README.md',
  ]) {
    expect(files.includes(`package/${needed}`), `the tarball lacks ${needed}`)
  }
  const foreign = files.filter((file) => /\.test\.|(^package\/(src|test|bench|scripts|examples)\/)|\.sluice/.test(file))
  expect(foreign.length === 0, `the tarball carries what no user needs: ${foreign.slice(0, 5).join(', ')}`)
  execute(root, process.env['PATH'] ?? '', 'publint', ['run', tarball, '--strict'], 0)
  return tarball
}

function project(parent: string, node: string, tarball: string): Project {
  const folder = join(parent, `node-${node}`)
  mkdirSync(folder)
  const outer = process.env['PATH'] ?? ''
  const inner = [join(folder, 'node_modules', '.bin'), outer].join(delimiter)
  const run: Project['run'] = (command, args, expected = 0) => execute(folder, inner, command, args, expected)
  run('npm', ['init', '--yes', '--silent'])
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { type?: string } // npm's own
  expect(manifest.type !== 'module', 'npm init made no commonjs package: the test would not test what it says')
  run('npm', ['pkg', 'set', '--json', 'allowScripts={"node":true}'])
  run('npm', ['install', '--save-dev', '--no-audit', '--no-fund', `node@${node}`])
  const onNode = (): void => {
    const version = run('node', ['--version']).trim()
    expect(version.startsWith(`v${node}.`), `the project runs on ${version}, not on ${node}`)
  }
  onNode()
  // npm itself now runs on that Node, and so takes the dependencies' versions that fit it.
  run('npm', ['install', '--no-audit', '--no-fund', tarball])
  run('npm', ['install', '--save-dev', '--no-audit', '--no-fund', 'typescript@7', '@types/node@22'])
  onNode()
  return { folder, run }
}

/** A program as a user would write it; it prints one JSON object. */
const program = `
import { openSluice, type Sluice } from 'sluice'

async function main(): Promise<void> {
  const sluice: Sluice = await openSluice()
  try {
    const status = await sluice.status()
    const [run] = await sluice.run([status[0]!.name], { force: true })
    console.log(JSON.stringify({ states: status.map((flow) => flow.state), rows: status[0]!.rows, outcome: run!.outcome }))
  } finally {
    await sluice.close()
  }
}
void main()
`

interface Status {
  readonly flows: readonly { readonly name: string; readonly state: string; readonly rows: number | null }[]
}
interface Verdicts {
  readonly flows: readonly { readonly verdict: string; readonly compared: number }[]
}

function use({ folder, run }: Project): void {
  run('npx', ['--no-install', 'sluice', 'init', '--yes'])
  expect(
    globSync('sluice.config.mts', { cwd: folder }).length === 1,
    'init wrote no sluice.config.mts into a commonjs project',
  )
  run('npx', ['--no-install', 'sluice', 'check'])
  run('npx', ['--no-install', 'sluice', 'run', '--all'])
  // The documented shapes of --json.
  const verdicts = JSON.parse(run('npx', ['--no-install', 'sluice', 'verify', '--json'])) as Verdicts
  expect(verdicts.flows.length > 0, 'verify compared no flow')
  for (const flow of verdicts.flows)
    expect(flow.verdict === 'identical' && flow.compared > 0, `verify said ${JSON.stringify(flow)}`)
  const status = JSON.parse(run('npx', ['--no-install', 'sluice', 'status', '--json'])) as Status
  for (const flow of status.flows)
    expect(flow.state === 'fresh' && (flow.rows ?? 0) > 0, `status said ${JSON.stringify(flow)}`)
  writeFileSync(join(folder, 'program.mts'), program)
  const printed = JSON.parse(run('node', ['program.mts'])) as { states: string[]; rows: number; outcome: string } // as written above
  expect(
    printed.outcome === 'succeeded' && printed.rows > 0 && printed.states.every((state) => state === 'fresh'),
    `the program said ${JSON.stringify(printed)}`,
  )
  const strict = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
  ]
  run('tsc', [...strict, 'program.mts', 'sluice.config.mts'])
  writeFileSync(
    join(folder, 'wrong.mts'),
    "import { openSluice } from 'sluice'\nexport const wrong: number = openSluice()\n",
  )
  const complaint = run('tsc', [...strict, 'wrong.mts'], 1)
  expect(complaint.includes('TS2322'), `the types let a mistake pass: ${complaint}`)
}

const parent = mkdtempSync(join(tmpdir(), 'sluice-package-'))
try {
  console.log('pack')
  const tarball = pack(parent)
  for (const node of nodes) {
    console.log(`Node ${node}`)
    use(project(parent, node, tarball))
  }
  console.log(`package installs and runs on Node ${nodes.join(' and ')}`)
} catch (error) {
  if (!(error instanceof Failed)) throw error
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(parent, { recursive: true, force: true })
}
