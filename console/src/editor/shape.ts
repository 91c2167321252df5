/** JSON Schema, as much of it as the definitions of flows use, read into the fields of a form. Pure. */
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
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Shape>>
  readonly minimum?: number
  readonly maximum?: number
}

/** One key of an object. */
export interface Field {
  readonly key: string
  readonly description: string | null
  readonly required: boolean
  /** What holds where nothing is written. */
  readonly fallback: unknown
  readonly input: Input
}

/** How a value is entered. */
export type Input =
  | { readonly tag: 'text' }
  | { readonly tag: 'number'; readonly whole: boolean; readonly min: number | null; readonly max: number | null }
  | { readonly tag: 'flag' }
  | { readonly tag: 'choice'; readonly values: readonly string[] }
  /** `values`: those that there are; left out: any text. */
  | { readonly tag: 'list'; readonly values?: readonly string[] }
  /** The one word that it can be. */
  | { readonly tag: 'word'; readonly word: string }
  | { readonly tag: 'group'; readonly fields: readonly Field[] }
  | { readonly tag: 'record'; readonly fields: readonly Field[] }
  | { readonly tag: 'alternatives'; readonly options: readonly Alternative[] }
  | { readonly tag: 'json' }

/** One of several ways to write a value: `key` is the one that only this way has; null: none has one of its own, as text, a list or whatever has names of its own. */
export interface Alternative {
  readonly key: string | null
  /** What it has besides, and another way with the same key has not; left out: nothing. */
  readonly besides?: readonly string[]
  readonly description: string | null
  readonly input: Input
}

/** What a definition of this kind may say; null: the schema has no such kind. `kind` itself is no field. */
export function fieldsOfKind(schema: Shape, kind: string): readonly Field[] | null {
  const found = (schema.oneOf ?? schema.anyOf ?? [schema])
    .map((one) => follow(schema, one))
    .find((one) => one.properties?.['kind']?.const === kind)
  return found === undefined ? null : fieldsOf(schema, found).filter(({ key }) => key !== 'kind')
}

/** The kinds that the schema knows, in its order. */
export function kindsOf(schema: Shape): readonly string[] {
  return (schema.oneOf ?? schema.anyOf ?? [schema]).flatMap((one) => {
    const kind = follow(schema, one).properties?.['kind']?.const
    return typeof kind === 'string' ? [kind] : []
  })
}

function fieldsOf(root: Shape, object: Shape): readonly Field[] {
  return Object.entries(object.properties ?? {}).map(([key, shape]) => {
    const followed = follow(root, shape)
    return {
      key,
      description: shape.description ?? followed.description ?? null,
      required: object.required?.includes(key) ?? false,
      fallback: shape.default ?? followed.default,
      input: inputOf(root, followed),
    }
  })
}

function inputOf(root: Shape, shape: Shape): Input {
  const options = shape.anyOf ?? shape.oneOf
  if (options !== undefined)
    return {
      tag: 'alternatives',
      options: options.map((one) => {
        const option = follow(root, one)
        const [key = null, ...others] = keysOf(option)
        const isShared = options.filter((other) => keysOf(follow(root, other))[0] === key).length > 1
        const besides = isShared && others.length > 0 ? { besides: others } : {}
        const input = inputOf(root, option)
        return { key, ...besides, description: option.description ?? describe(root, option, key), input }
      }),
    }
  if (typeof shape.const === 'string') return { tag: 'word', word: shape.const }
  if (shape.enum !== undefined) return { tag: 'choice', values: shape.enum.map(String) }
  switch (shape.type) {
    case 'string':
      return { tag: 'text' }
    case 'boolean':
      return { tag: 'flag' }
    case 'number':
    case 'integer':
      return {
        tag: 'number',
        whole: shape.type === 'integer',
        min: shape.minimum ?? null,
        // What JSON Schema says of any whole number is no bound.
        max: shape.maximum === Number.MAX_SAFE_INTEGER ? null : (shape.maximum ?? null),
      }
    case 'array': {
      const item = follow(root, shape.items ?? {})
      if (item.type !== 'string') return { tag: 'json' }
      return item.enum === undefined ? { tag: 'list' } : { tag: 'list', values: item.enum.map(String) }
    }
    case 'object': {
      if (shape.properties !== undefined) return { tag: 'group', fields: fieldsOf(root, shape) }
      const item = typeof shape.additionalProperties === 'object' ? follow(root, shape.additionalProperties) : {}
      return item.properties === undefined ? { tag: 'json' } : { tag: 'record', fields: fieldsOf(root, item) }
    }
    default:
      return { tag: 'json' }
  }
}

const keysOf = ({ type, required }: Shape): readonly string[] => (type === 'object' ? (required ?? []) : [])

function describe(root: Shape, option: Shape, key: string | null): string | null {
  const only = key === null ? undefined : option.properties?.[key]
  return only === undefined ? null : (only.description ?? follow(root, only).description ?? null)
}

function follow(root: Shape, shape: Shape): Shape {
  if (shape.$ref === undefined) return shape
  const target = root.$defs?.[shape.$ref.replace('#/$defs/', '')]
  return target === undefined ? shape : follow(root, target)
}
