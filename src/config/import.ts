import * as modules from 'node:module'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SluiceError } from '../lib/error.ts'

const ownEntry = import.meta.resolve(`../index${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`)
let hooked = false

/** `import 'sluice'` in a config that has no node_modules of its own means this Sluice. */
function answerForSluice(): void {
  if (hooked) return
  hooked = true
  modules.registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== 'sluice') return next(specifier, context)
      try {
        return next(specifier, context)
      } catch {
        return { url: ownEntry, shortCircuit: true }
      }
    },
  })
}

/** The default export of a config file. What it raises becomes `CONFIG_FAILED`, with the place in the file. */
export async function importConfig(file: string): Promise<unknown> {
  answerForSluice()
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown } // every module is an object
  } catch (error) {
    throw failed(file, error)
  }
  const config = module.default
  if (typeof config === 'object' && config !== null) return config
  throw new SluiceError('CONFIG_INVALID', `${basename(file)} exports no config`, {
    why:
      config === undefined
        ? 'it has no default export'
        : `its default export is ${config === null ? 'null' : `a ${typeof config}`}`,
    fix: 'write `export default defineConfig({ … })`',
    where: { file },
  })
}

function failed(file: string, error: unknown): SluiceError {
  const message = error instanceof Error ? error.message : String(error)
  const esmInCommonjs = /Cannot use import statement outside a module|Unexpected token 'export'/.test(message)
  return new SluiceError('CONFIG_FAILED', `${basename(file)} could not be loaded`, {
    why: message,
    fix: esmInCommonjs
      ? `this package is commonjs: rename the file to ${basename(file).replace(/\.(ts|js)$/, '.m$1')}`
      : 'correct the file; `--trace` shows where the error arose',
    where: { file: placeIn(file, error) },
    cause: error,
  })
}

/** `sluice.config.ts:12` when the stack tells the line. */
function placeIn(file: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = stack.indexOf(pathToFileURL(file).href) >= 0 ? pathToFileURL(file).href : file
  const line = stack.slice(Math.max(0, stack.indexOf(at))).match(/^[^\n]*?:(\d+)(?::\d+)?\)?\s*$/m)?.[1]
  return stack.includes(at) && line !== undefined ? `${file}:${line}` : file
}
