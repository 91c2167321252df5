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

/** What the API found wrong with `definition` of the body, by field: its paths are JSON pointers (RFC 6901). */
export function faultsOf(problems: readonly { readonly path: string; readonly fault: string }[]): readonly Fault[] {
  return problems.map(({ path, fault }) => {
    const [, part, ...below] = path.split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    return { path: part === 'definition' ? below : [], fault }
  })
}

/** The faults of this field and of what is below it, but for those that a field of its own shows. */
export function faultsAt(faults: readonly Fault[], path: Path, withBelow: boolean): readonly string[] {
  return faults
    .filter(
      (one) => path.every((part, index) => one.path[index] === part) && (withBelow || one.path.length === path.length),
    )
    .map(({ fault }) => fault)
}
