import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Flow, FlowName } from '../flows/flow.ts'
import { asSluiceError, SluiceError } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import type { EnvReference, Files } from '../lib/reference.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { problemsOf } from './faults.ts'
import { openFiles } from './files.ts'
import { toFlow } from './flow.ts'
import { importConfig } from './import.ts'
import { plainProblems } from './plain.ts'
import { configInvalid } from './problem.ts'
import { type Config, configDefinition } from './schema.ts'
import { semanticProblems } from './semantics.ts'

export const configNames = ['ts', 'mts', 'js', 'mjs'].map((ending) => `sluice.config.${ending}`)

export interface LoadOptions {
  /** The folder of the config; default: the current directory. */
  readonly directory?: string
  /** Its path (from the directory), or what `defineConfig` returned; default: `sluice.config.*` in the directory, not above. */
  readonly config?: string | object
  /** The environment; default: that of the process. */
  readonly variables?: Readonly<Record<string, string | undefined>>
}

/** A config that is read, checked and turned into flows. Nothing was connected to. */
export interface LoadedConfig {
  /** The folder that paths count from. */
  readonly directory: string
  /** The config's file, absolute; null when an object was given. */
  readonly file: string | null
  readonly project: string
  readonly config: Config
  readonly environment: Environment
  readonly files: Files
  /** Each with its definition as it was written: what `register` stores. */
  readonly flows: readonly { readonly flow: Flow; readonly definition: Json }[]
  /** Each with the text of its query, if it has one instead of a table. */
  readonly endpoints: readonly LoadedEndpoint[]
}

export interface LoadedEndpoint {
  readonly name: string
  readonly definition: Config['endpoints'][string]
  readonly query: string | null
}

/** Reads and checks a config: `CONFIG_NOT_FOUND`, `CONFIG_FAILED`, `CONFIG_INVALID`, or what a file or template of it raises. */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const directory = resolve(options.directory ?? process.cwd())
  if (typeof options.config === 'object') return parseConfig(options.config, directory, null, options.variables)
  const file = findConfig(directory, options.config)
  return parseConfig(await importConfig(file), dirname(file), file, options.variables)
}

/** The path of the config, absolute. */
export function findConfig(directory: string, named?: string): string {
  if (named !== undefined) {
    const path = resolve(directory, named)
    if (existsSync(path)) return path
    throw new SluiceError('CONFIG_NOT_FOUND', `There is no config at ${path}`, {
      why: 'the file that --config names does not exist',
      fix: 'correct the path, or leave it out to use sluice.config.* in the current directory',
      where: { file: path },
    })
  }
  const found = configNames.filter((name) => existsSync(join(directory, name)))
  const [first, second] = found
  if (first !== undefined && second === undefined) return join(directory, first)
  if (first !== undefined) {
    throw new SluiceError('CONFIG_INVALID', `There are ${found.length} configs in ${directory}`, {
      why: `it has ${found.join(' and ')}, and which one counts is a guess`,
      fix: 'keep one of them, or name one with --config',
      where: { file: directory },
    })
  }
  throw new SluiceError('CONFIG_NOT_FOUND', `There is no config in ${directory}`, {
    why: `none of ${configNames.join(', ')} is there; folders above are not searched`,
    fix: 'create one with `sluice init`, or change to its folder, or name it with --config',
    where: { file: directory },
  })
}

function parseConfig(
  given: unknown,
  directory: string,
  file: string | null,
  variables: LoadOptions['variables'] = process.env,
): LoadedConfig {
  const source = file === null ? null : readFileSync(file, 'utf8')
  const shown =
    file === null ? null : relative(process.cwd(), file).startsWith('..') ? file : relative(process.cwd(), file)
  const odd = plainProblems(given)
  if (odd.length > 0) throw configInvalid(odd, shown, source)
  const parsed = configDefinition.safeParse(given)
  if (!parsed.success) throw configInvalid(problemsOf(configDefinition, given, parsed.error.issues), shown, source)
  const problems = semanticProblems(parsed.data)
  if (problems.length > 0) throw configInvalid(problems, shown, source)
  const config = parsed.data
  const environment = openEnvironment({ variables, directory })
  const files = openFiles(directory, () => sharedParams(config, environment))
  return {
    directory,
    file,
    project: config.project ?? defaultProject(directory),
    config,
    environment,
    files,
    flows: toFlows(config, given, files),
    endpoints: Object.entries(config.endpoints).map(([name, definition]) => {
      const { query = null } = definition
      return { name, definition, query: typeof query === 'object' && query !== null ? files.render(query, {}) : query }
    }),
  }
}

function toFlows(config: Config, given: unknown, files: Files): LoadedConfig['flows'] {
  const written = (given as { readonly flows?: Readonly<Record<string, Json>> }).flows ?? {} // it fits the schema
  const failed: SluiceError[] = []
  const flows = Object.entries(config.flows).flatMap(([name, definition]) => {
    try {
      const checked = name as FlowName // semanticProblems has checked it
      return [{ flow: toFlow(checked, definition, files), definition: written[name] ?? null }]
    } catch (error) {
      failed.push(asSluiceError(error).at({ flow: name }))
      return []
    }
  })
  const first = failed[0]
  if (first === undefined) return flows
  if (failed.length === 1) throw first
  throw new SluiceError(first.code, `${failed.length} flows cannot be prepared`, {
    why: failed.map((error) => `${error.where.flow}: ${error.summary}: ${error.why} (${error.where.file})`).join('\n'),
    fix: first.fix,
    where: first.where,
    cause: first,
  })
}

/** Top-level `params` with references to variables resolved; asked for when a template is rendered. */
function sharedParams(config: Config, environment: Environment): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config.params).map(([name, value]) => [
      name,
      isEnv(value) ? environment.resolve(value).value : value,
    ]),
  )
}

function isEnv(value: unknown): value is EnvReference {
  return typeof value === 'object' && value !== null && '$env' in value
}

/** The name in the folder's package.json, else the folder's name. */
function defaultProject(directory: string): string {
  const path = join(directory, 'package.json')
  if (existsSync(path)) {
    try {
      const { name } = JSON.parse(readFileSync(path, 'utf8')) as { readonly name?: unknown } // checked in the next line
      if (typeof name === 'string' && name !== '') return name
    } catch {
      // A broken package.json is npm's to complain about.
    }
  }
  return basename(directory) || 'sluice'
}
