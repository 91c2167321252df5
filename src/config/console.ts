/**
 * Flows made in the console: checked as those of the config file are, against the same schema and beside the flows that are there.
 * Stricter in one thing: what they read lies in the project's folder and is not hidden, since whoever writes them sits elsewhere.
 */
import { existsSync, realpathSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'
import type { Flow, FlowName } from '../flows/flow.ts'
import { storeSourceOf } from '../flows/rollup/config.ts'
import { filesOf } from '../flows/source.ts'
import { asSluiceError, SluiceError } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import { pointerOf } from '../lib/pointer.ts'
import { problemsOf } from './faults.ts'
import { toFlow } from './flow.ts'
import type { LoadedConfig } from './load.ts'
import { plainProblems } from './plain.ts'
import { formatPath, type Problem } from './problem.ts'
import { flowDefinition, type Config, type FlowDefinition } from './schema.ts'
import { semanticProblems } from './semantics.ts'
import { flowName } from './timing.ts'

export interface Written {
  readonly name: string
  readonly definition: unknown
}

export interface Draft {
  readonly flow: Flow
  /** As it was written, as JSON. */
  readonly definition: Json
}

/**
 * Checks one definition beside those of the file and `others`, which were made in the console, too.
 *
 * @throws SluiceError `CONFIG_INVALID` with every fault, or what a file or template of it raises
 */
export function draftFlow(loaded: LoadedConfig, others: readonly Written[], written: Written): Draft {
  const { name, definition } = written
  const shape = shapeOf(loaded.directory, written)
  if ('problems' in shape) throw invalid(name, shape.problems)
  const beside: Config['flows'] = { ...loaded.config.flows }
  for (const other of others) {
    const parsed = other.name === name ? null : shapeOf(loaded.directory, other)
    if (parsed !== null && 'parsed' in parsed) beside[other.name] = parsed.parsed
  }
  const before = new Set(semanticProblems({ ...loaded.config, flows: beside }).map(keyOf))
  const flows = { ...beside, [name]: shape.parsed }
  const problems = semanticProblems({ ...loaded.config, flows }).filter((problem) => !before.has(keyOf(problem)))
  if (problems.length > 0) throw invalid(name, problems)
  return {
    flow: prepare(loaded, name, shape.parsed),
    // plainProblems has found nothing that JSON cannot hold.
    definition: JSON.parse(JSON.stringify(definition)) as Json,
  }
}

export type Read =
  | { readonly tag: 'flow'; readonly flow: Flow }
  | { readonly tag: 'refused'; readonly name: string; readonly error: SluiceError }

/**
 * All that were saved, as this process understands them: what was right when it was saved may no longer be, when the file has taken a
 * table, or a file is gone. Who is refused takes along who comes after him.
 */
export function readSaved(loaded: LoadedConfig, saved: readonly Written[]): readonly Read[] {
  const refused = new Map<string, SluiceError>()
  const parsed = new Map<string, FlowDefinition>()
  for (const one of saved) {
    const shape = shapeOf(loaded.directory, one)
    if ('parsed' in shape) parsed.set(one.name, shape.parsed)
    else refused.set(one.name, invalid(one.name, shape.problems))
  }
  for (let found = true; found;) {
    found = false
    const config = { ...loaded.config, flows: { ...loaded.config.flows, ...Object.fromEntries(parsed) } }
    const problems = semanticProblems(config)
    for (const name of parsed.keys()) {
      const own = problems.filter(({ path }) => path[0] === 'flows' && path[1] === name)
      if (own.length === 0) continue
      parsed.delete(name)
      refused.set(name, invalid(name, own))
      found = true
    }
  }
  return saved.map(({ name }): Read => {
    const definition = parsed.get(name)
    if (definition === undefined) return { tag: 'refused', name, error: refused.get(name) ?? invalid(name, []) }
    try {
      return { tag: 'flow', flow: prepare(loaded, name, definition) }
    } catch (thrown) {
      return { tag: 'refused', name, error: asSluiceError(thrown) }
    }
  })
}

type Shaped = { readonly parsed: FlowDefinition } | { readonly problems: readonly Problem[] }

function shapeOf(directory: string, { name, definition }: Written): Shaped {
  const below = (problems: readonly Problem[]): readonly Problem[] =>
    problems.map(({ path, fault }) => ({ path: ['flows', name, ...path], fault }))
  // What follows goes down into it.
  if (isDeep(definition)) return { problems: below([{ path: [], fault: `is nested more than ${deepest} deep` }]) }
  const named = flowName.safeParse(name)
  const nameProblems = named.success ? [] : named.error.issues.map(({ message }) => ({ path: [], fault: message }))
  const odd = [...nameProblems, ...plainProblems(definition)]
  if (odd.length > 0) return { problems: below(odd) }
  const parsed = flowDefinition.safeParse(definition)
  if (!parsed.success) return { problems: below(problemsOf(flowDefinition, definition, parsed.error.issues)) }
  const paths = pathProblems(directory, parsed.data)
  return paths.length > 0 ? { problems: below(paths) } : { parsed: parsed.data }
}

const deepest = 50

/** Without going down more than that, whatever it is. Pure. */
function isDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; depth <= deepest; depth += 1) {
    level = level.flatMap(
      (one) => (typeof one === 'object' && one !== null ? (Object.values(one) as readonly unknown[]) : []), // of whatever it is
    )
    if (level.length === 0) return false
  }
  return true
}

/** Every path that a definition names: files of SQL, and data in files. Pure but for links, which are followed. */
function pathProblems(directory: string, definition: FlowDefinition): readonly Problem[] {
  const source = definition.kind === 'rollup' ? storeSourceOf(definition) : definition.from
  const named: { readonly path: readonly string[]; readonly file: string }[] =
    source === null ? [] : filesOf(source).map(({ field, file }) => ({ path: ['from', field], file }))
  if (definition.kind === 'sync')
    for (const name of ['beforePublish', 'afterPublish'] as const) {
      const text = definition[name]
      if (typeof text === 'object') named.push({ path: [name], file: text.$file })
    }
  return named.flatMap(({ path, file }) => {
    const fault = pathFault(directory, file)
    return fault === null ? [] : [{ path, fault }]
  })
}

function pathFault(directory: string, file: string): string | null {
  if (/^(gs|s3):\/\//i.test(file)) return null
  if (/^[a-z][a-z0-9+.-]*:/i.test(file)) return 'names neither a file of the project nor a bucket (gs://…, s3://…)'
  const root = realpathSync(directory)
  const full = resolve(root, file)
  const outside = 'leaves the folder of the project, which a flow made in the console may not'
  if (escapes(root, full)) return outside
  const parts = relative(root, full).split(sep)
  if (parts.some((part) => part.startsWith('.'))) return 'is hidden: files that begin with a dot may hold secrets'
  if (parts.includes('node_modules')) return 'lies in node_modules'
  if (!existsSync(full)) return null // a glob, or what reading it will say
  const real = realpathSync(full)
  if (escapes(root, real)) return outside
  if (
    relative(root, real)
      .split(sep)
      .some((part) => part.startsWith('.'))
  )
    return 'is a link to a hidden file'
  return null
}

function escapes(root: string, full: string): boolean {
  const way = relative(root, full)
  return way === '..' || way.startsWith(`..${sep}`) || resolve(way) === way
}

function prepare(loaded: LoadedConfig, name: string, definition: FlowDefinition): Flow {
  try {
    return toFlow(name as FlowName, definition, loaded.files) // flowName has checked it
  } catch (thrown) {
    throw asSluiceError(thrown).at({ flow: name })
  }
}

const keyOf = (problem: Problem): string => JSON.stringify(problem)

/** Paths count from the flow; what is wrong elsewhere because of it is named in full. */
function invalid(name: string, problems: readonly Problem[]): SluiceError {
  const isOwn = (path: Problem['path']): boolean => path[0] === 'flows' && path[1] === name
  const lines = problems.map(({ path, fault }) => {
    const shown = formatPath(isOwn(path) ? path.slice(2) : path)
    return `${shown === '' ? 'the flow' : shown}: ${fault}`
  })
  return new SluiceError('CONFIG_INVALID', `${name} has ${lines.length === 1 ? 'a fault' : `${lines.length} faults`}`, {
    why: lines.join('\n'),
    fix: 'correct what is named; every option is described in docs/reference/config.md',
    where: { flow: name },
    // What is wrong elsewhere because of it, is wrong with the whole of it.
    problems: problems.map(({ path, fault }, at) =>
      isOwn(path) ? { path: pointerOf(path.slice(2)), fault } : { path: '', fault: lines[at] ?? fault },
    ),
  })
}
