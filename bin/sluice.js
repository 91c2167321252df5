#!/usr/bin/env node
/**
 * The launcher. Plain JavaScript that any Node from 14 on parses, so that an old Node is told what to do instead of
 * printing a syntax error.
 *
 * 1. A Node that cannot run Sluice re-runs this file with the one that npm installed (`node_modules/.bin/node`, the
 *    package `node`), else says what is missing.
 * 2. In a clone (`src` is there) the condition `sluice-source` is registered in this process, so that
 *    `import 'sluice'` finds `src/index.ts`; TypeScript runs natively. In the package `dist` is run.
 * 3. What Node compiles is kept in the user's own cache, so that the next command starts in half the time.
 */
import { spawn, spawnSync } from 'child_process'
import { existsSync } from 'fs'
import * as modules from 'module'
import { homedir } from 'os'
import { dirname, join } from 'path'
import { fileURLToPath, pathToFileURL } from 'url'

const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))
const source = join(root, 'src', 'cli', 'main.ts')
const inClone = existsSync(source)
// The source disposes with `using`, which Node 22 does not parse; in the package it is compiled away.
const wanted = inClone ? '^24.12 || >=26' : '^22.18 || ^24.12 || >=26'

function runsSluice(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  return (major === 22 && minor >= 18 && !inClone) || (major === 24 && minor >= 12) || major >= 26
}

/** A Node that npm installed beside this package, beside the project, or in the current directory. */
function otherNode() {
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  const folders = [join(root, 'node_modules'), dirname(root), join(process.cwd(), 'node_modules')]
  for (const folder of folders) {
    for (const path of [join(folder, '.bin', file), join(folder, 'node', 'bin', file)]) {
      if (!existsSync(path)) continue
      const asked = spawnSync(path, ['--version'], { encoding: 'utf8' })
      if (asked.status === 0 && runsSluice(asked.stdout.trim())) return path
    }
  }
  return null
}

function refuse() {
  const error = {
    code: 'NODE_TOO_OLD',
    summary: `Sluice cannot run on Node ${process.versions.node}`,
    why: `it needs Node ${wanted}, and there is no such Node in node_modules/.bin`,
    fix: inClone
      ? 'npm ci installs one, or install Node 26'
      : 'install Node 26, or give the project its own: npm install --save-dev node@26',
    where: {},
  }
  if (process.argv.includes('--json')) process.stdout.write(JSON.stringify({ error }) + '\n')
  else process.stderr.write(`${error.code}: ${error.summary}\n  why: ${error.why}\n  fix: ${error.fix}\n`)
  process.exitCode = 2
}

/** Runs this file again under `node`; its exit is ours, and what is sent to us is sent on. */
function rerun(node) {
  // Before it is started: what arrives in between would end this process alone.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
  for (const signal of signals) {
    try {
      process.on(signal, () => child.kill(signal))
    } catch {
      // This platform does not know the signal.
    }
  }
  const child = spawn(node, [self].concat(process.argv.slice(2)), { stdio: 'inherit' })
  child.on('error', refuse)
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code
      return
    }
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** Not in a folder that others write to: what lies there is run. Where none can be made, nothing is kept. */
function keepCompiled() {
  if (process.env.NODE_COMPILE_CACHE || !modules.enableCompileCache) return
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  modules.enableCompileCache(join(caches, 'sluice', 'compiled'))
}

function start() {
  keepCompiled()
  if (inClone) {
    modules.registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier, Object.assign({}, context, { conditions: context.conditions.concat('sluice-source') })),
    })
  }
  // Node 22 announces on every start that it runs TypeScript; that is what the config and a clone are written in.
  const warn = process.emitWarning
  process.emitWarning = function (warning, ...rest) {
    if (String(warning).includes('Type Stripping')) return
    Reflect.apply(warn, process, [warning].concat(rest))
  }
  const entry = inClone ? source : join(root, 'dist', 'cli', 'main.js')
  import(pathToFileURL(entry).href)
    .then((cli) => cli.main(process.argv.slice(2)))
    .catch((error) => {
      process.stderr.write(`${error && error.stack ? error.stack : error}\n`)
      process.exitCode = 1
    })
}

if (runsSluice(process.versions.node)) {
  start()
} else {
  const node = otherNode()
  if (node === null) refuse()
  else rerun(node)
}
