/** A definition while it is edited: plain JSON, always what would be saved. Pure. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }
export type Path = readonly string[]

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function valueAt(definition: Json | undefined, path: Path): Json | undefined {
  let value: Json | undefined = definition
  for (const part of path) value = isObject(value) ? value[part] : undefined
  return value
}

/**
 * The same with another value at `path`; undefined takes it out. An object that this leaves empty goes as well (an option that says
 * nothing is left out), but for one that was empty before.
 */
export function withValue(definition: JsonObject, path: Path, value: Json | undefined): JsonObject {
  const [first, ...rest] = path
  if (first === undefined) return isObject(value) ? value : {}
  const { [first]: old, ...others } = definition
  const next = rest.length === 0 ? value : withValue(isObject(old) ? old : {}, rest, value)
  const hollow = rest.length > 0 && value === undefined && isObject(next) && Object.keys(next).length === 0
  if (next === undefined || hollow) return others
  // The key stays where it was: what is shown beside the form does not jump.
  return first in definition
    ? Object.fromEntries(Object.entries(definition).map(([key, one]) => [key, key === first ? next : one]))
    : { ...definition, [first]: next }
}

/** The same with the key of a record renamed in its place; taken names are left as they are. */
export function renamed(record: JsonObject, from: string, to: string): JsonObject {
  if (from === to || to in record) return record
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key === from ? to : key, value]))
}

/** One fault of a definition. `path` is below the flow; empty: of the flow as a whole. */
export interface Fault {
  readonly path: Path
  readonly fault: string
}

/**
 * What the API found wrong, by field. `why` of CONFIG_INVALID has a line for each: `from.query: is missing …`, or with
 * `flows.orders.` before; a line that names no path belongs to the whole.
 */
export function faultsOf(why: string): readonly Fault[] {
  return why
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const found = /^(?<path>[\w$-]+(?:\.[\w$-]+|\[(?:\d+|"(?:[^"\\]|\\.)*")\])*): (?<fault>.+)$/su.exec(line)
      const path = found?.groups?.['path']
      if (path === undefined) return { path: [], fault: line }
      return { path: below(partsOf(path)), fault: found?.groups?.['fault'] ?? line }
    })
}

/** A whole config is told from one flow by where its paths begin. */
function below(parts: Path): Path {
  return parts[0] === 'flows' ? parts.slice(2) : parts
}

function partsOf(path: string): Path {
  return [...path.matchAll(/\["(?<quoted>(?:[^"\\]|\\.)*)"\]|\[(?<index>\d+)\]|(?<name>[\w$-]+)/gu)].map(
    ({ groups }) => groups?.['quoted'] ?? groups?.['index'] ?? groups?.['name'] ?? '',
  )
}

/** The faults of this field and of what is below it, but for those that a field of its own shows. */
export function faultsAt(faults: readonly Fault[], path: Path, withBelow: boolean): readonly string[] {
  return faults
    .filter(
      (one) => path.every((part, index) => one.path[index] === part) && (withBelow || one.path.length === path.length),
    )
    .map(({ fault }) => fault)
}
