/** Endpoints in the OpenAPI document: their parameters and columns are those of the tables as they are now. */
import type { EndpointDescription, EndpointParameter, Endpoints } from '../endpoints/endpoints.ts'

/** How long what was seen of the tables is good enough for the document. */
const freshMs = 10_000

/** Looks at the tables at most every ten seconds, however many ask; where they cannot be looked at, what was seen last. */
export function lately(endpoints: Pick<Endpoints, 'list' | 'describe'>): () => Promise<readonly EndpointDescription[]> {
  let seen: { readonly until: number; readonly described: Promise<readonly EndpointDescription[]> } | undefined
  return () => {
    if (seen === undefined || seen.until < performance.now())
      seen = { until: performance.now() + freshMs, described: endpoints.describe().catch(() => endpoints.list()) }
    return seen.described
  }
}

interface Document {
  readonly paths?: object
}

/** The document with what each endpoint takes and gives. Pure. */
export function withEndpoints<D extends Document>(document: D, endpoints: readonly EndpointDescription[]): D {
  const found = { ...document.paths } as Record<string, { readonly get?: Operation } | undefined> // as OpenAPI has it
  for (const one of endpoints) {
    for (const path of addressesOf(one)) {
      const get = found[path]?.get
      if (get !== undefined) found[path] = { ...found[path], get: detailed(get, one) }
    }
  }
  return { ...document, paths: found }
}

/** Where an endpoint answers. */
export function addressesOf({ name, path }: Pick<EndpointDescription, 'name' | 'path'>): readonly string[] {
  const own = `/api/data/${encodeURIComponent(name)}`
  return path === null ? [own] : [own, path]
}

interface Operation {
  readonly parameters?: readonly unknown[]
  readonly responses?: Readonly<Record<string, object>>
}

function detailed(operation: Operation, { parameters, answer }: EndpointDescription): Operation {
  const rows = { ...operation.responses?.['200'], content: { 'application/json': { schema: answer } } }
  return {
    ...operation,
    parameters: parameters.map(documented),
    responses: { ...operation.responses, '200': rows },
  }
}

function documented({ name, required, description, schema }: EndpointParameter): object {
  return { name, in: 'query', required, description, schema }
}
