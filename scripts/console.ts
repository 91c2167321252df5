/**
 * Builds the console into `console/dist`: the client from the API's document, then the pages. Only when a source is newer than what
 * was built, or with `--always`; where nothing is to be done, nothing is loaded, so that `npm run demo` begins at once.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const built = join(root, 'console/dist/index.html')

/** What the console is made of; the lock, since it says which libraries. */
const sources = [
  'console/*.{html,json,ts}',
  'console/public/**',
  'console/src/**',
  'scripts/console.ts',
  'docs/reference/openapi.json',
  'package-lock.json',
]

function newest(): number {
  const files = sources
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((file) => !file.startsWith(join('console', 'src', 'client')))
  return Math.max(...files.map((file) => statSync(join(root, file)).mtimeMs))
}

function run(command: string, ...parameters: readonly string[]): void {
  const done = spawnSync(join(root, 'node_modules/.bin', command), parameters, {
    cwd: root,
    // Whatever asks for it: under a test's NODE_ENV Vite would build React's development form, which takes twice the time.
    env: { ...process.env, NODE_ENV: 'production' },
    // Narration: `npm run demo` has data on stdout.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (done.error !== undefined) throw done.error
  if (done.status !== 0) process.exit(done.status ?? 1)
}

const due = process.argv.includes('--always') || !existsSync(built) || newest() > statSync(built).mtimeMs
if (due) {
  console.error('Building the console…')
  run('orval', '--config', 'console/orval.config.ts')
  run('vite', 'build', 'console', '--logLevel', 'warn')
}
