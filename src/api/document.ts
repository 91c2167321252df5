/** The OpenAPI document after it was made: only components that something refers to, under the names that the schemas have. Pure. */

interface Document {
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> }
}

const prefix = '#/components/schemas/'

/**
 * Schemas come in two forms, as read and as written, the first with `Input` behind its name, whether something uses them or not. What is not
 * used goes; what is used as input alone gets its own name back.
 */
export function tidied<D extends Document>(document: D): D {
  const schemas = document.components?.schemas ?? {}
  const { components, ...paths } = document
  const used = new Set<string>()
  const visit = (value: unknown): void => {
    for (const name of references(value)) {
      if (used.has(name)) continue
      used.add(name)
      visit(schemas[name])
    }
  }
  visit(paths)
  const names = new Map([...used].map((name) => [name, shortened(name, used)]))
  const kept = [...used].toSorted().map((name) => [names.get(name) ?? name, schemas[name]])
  const whole = { ...paths, components: { ...components, schemas: Object.fromEntries(kept) as unknown } }
  return renamed(whole, names) as D // the same document, but for names
}

/** A name without `Input`, unless the schema is used in both forms. */
function shortened(name: string, used: ReadonlySet<string>): string {
  const short = name.replace(/Input$/, '')
  return used.has(short) ? name : short
}

function references(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' && inner.startsWith(prefix)
      ? [inner.slice(prefix.length)]
      : references(inner),
  )
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== '$ref' || typeof inner !== 'string' || !inner.startsWith(prefix)) return [key, renamed(inner, names)]
      const name = inner.slice(prefix.length)
      return [key, `${prefix}${names.get(name) ?? name}`]
    }),
  )
}
