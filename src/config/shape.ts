/** As much of JSON Schema as a config needs; also what docs/reference/config.md is generated from. */
export interface Shape {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Shape
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
  readonly allOf?: readonly Shape[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Shape>>
  readonly minimum?: number
  readonly maximum?: number
}

/** The alternatives that the schema allows at `path`; where the given value names its `kind`, only that one. Pure. */
export function branchesAt(root: Shape, given: unknown, path: readonly (string | number)[]): readonly Shape[] {
  let branches = expand(root, root)
  let value = given
  for (const part of path) {
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[part] : undefined // lists, too, have keys
    const below = branches.flatMap((branch) => childOf(branch, part))
    branches = ofKind(
      below.flatMap((branch) => expand(root, branch)),
      value,
    )
  }
  return branches
}

export function keysOf(branches: readonly Shape[]): readonly string[] {
  return [...new Set(branches.flatMap((branch) => Object.keys(branch.properties ?? {})))].filter(
    (key) => key !== 'kind',
  )
}

function childOf(branch: Shape, part: string | number): readonly Shape[] {
  if (typeof part === 'number') return branch.items === undefined ? [] : [branch.items]
  const property = branch.properties?.[part]
  if (property !== undefined) return [property]
  return typeof branch.additionalProperties === 'object' ? [branch.additionalProperties] : []
}

/** A schema's alternatives, references followed. */
export function expand(root: Shape, shape: Shape): readonly Shape[] {
  if (shape.$ref !== undefined) {
    const target = root.$defs?.[shape.$ref.replace('#/$defs/', '')]
    return target === undefined ? [] : expand(root, target)
  }
  const inner = shape.anyOf ?? shape.oneOf ?? shape.allOf
  return inner === undefined ? [shape] : inner.flatMap((one) => expand(root, one))
}

function ofKind(branches: readonly Shape[], value: unknown): readonly Shape[] {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return branches
  const fitting = branches.filter((branch) => branch.properties?.['kind']?.const === value.kind)
  return fitting.length === 0 ? branches : fitting
}
