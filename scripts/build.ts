/**
 * Builds `dist`, which mirrors `src`: plain JavaScript and types from the compiler, and beside them the SQL files, which it does not
 * copy, and the console. What would only fail at a user's is looked for here.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')
const dist = join(root, 'dist')

function compile(): void {
  const done = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (done.error !== undefined) throw done.error
  // What the compiler had to say it has said.
  if (done.status !== 0) process.exit(1)
}

/** The compiler renames `./x.ts` in modules, and leaves it in declarations, where only some readers understand it. */
function renameInTypes(): void {
  for (const file of globSync('**/*.d.ts', { cwd: dist })) {
    const path = join(dist, file)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace(/((?:from|import)\s*\(?\s*['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js'))
  }
}

/** The pages that `sluice up` serves, where lib/asset.ts looks for them in the package. */
function copyConsole(): number {
  const done = spawnSync(process.execPath, ['scripts/console.ts'], { cwd: root, stdio: 'inherit' })
  if (done.status !== 0) process.exit(done.status ?? 1)
  cpSync(join(root, 'console/dist'), join(dist, 'console'), { recursive: true })
  return globSync('console/**/*.{js,css,html,svg}', { cwd: dist }).length
}

function copySql(): number {
  const files = globSync('**/*.sql', { cwd: src })
  for (const file of files) {
    mkdirSync(dirname(join(dist, file)), { recursive: true })
    cpSync(join(src, file), join(dist, file))
  }
  return files.length
}

/** Relative imports that name a file which is not there: a `.ts` left over, or a module the compiler was not told about. */
function dangling(): readonly string[] {
  return globSync('**/*.js', { cwd: dist, exclude: ['console/**'] }).flatMap((file) => {
    const text = readFileSync(join(dist, file), 'utf8')
    const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '')
    return specifiers
      .filter((specifier) => globSync(join(dirname(join(dist, file)), specifier)).length === 0)
      .map((specifier) => `dist/${file} imports ${specifier}, which is not there`)
  })
}

rmSync(dist, { recursive: true, force: true })
compile()
renameInTypes()
const sql = copySql()
const pages = copyConsole()
const wrong = dangling()
for (const line of wrong) console.error(line)
if (wrong.length > 0) process.exitCode = 1
else
  console.log(
    `dist: ${globSync('**/*.js', { cwd: dist, exclude: ['console/**'] }).length} modules, ${sql} SQL files, ${pages} files of the console`,
  )
