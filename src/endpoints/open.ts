/** The endpoints of a config, put to work. */
import { SluiceError } from '../lib/error.ts'
import { nearest } from '../lib/nearest.ts'
import type { Reader } from '../stores/postgres/reader.ts'
import type { Records } from './age.ts'
import { readPublications, type TableName } from './catalog.ts'
import type { EndpointSpec } from './compile.ts'
import type { EndpointDefinition } from './config.ts'
import { descriptionOf } from './describe.ts'
import type { Endpoints } from './endpoints.ts'
import { serve, type Served } from './serve.ts'

/** An endpoint of the config, its query's file read. */
export interface NamedEndpoint {
  readonly name: string
  readonly definition: EndpointDefinition
  /** The text of `query`; null: it has a table. */
  readonly query: string | null
}

export interface EndpointsOptions {
  readonly endpoints: readonly NamedEndpoint[]
  /** The connections that read from a store. */
  reader(store: string): Promise<Reader>
  /** Where Sluice's own tables are: the store, their schema, and whose rows count. */
  readonly state: { readonly store: string; readonly schema: string; readonly project: string }
  /** What the flows publish now; asked whenever a table is looked at. */
  targets(): readonly {
    readonly flow: string
    readonly store: string
    readonly schema: string
    readonly table: string
  }[]
  /** 32 bytes that seal cursors: the same for all processes of a project. */
  secret(): Promise<Buffer>
}

/** Looks at nothing yet. */
export function openEndpoints(options: EndpointsOptions): Endpoints {
  const served = new Map(options.endpoints.map((endpoint) => [endpoint.name, open(endpoint, options)]))
  const flows = (spec: EndpointSpec): readonly string[] => flowsOf(spec, options)
  const describe = (one: Served, problem: string | null = null) =>
    descriptionOf(one.spec, one.seen(), flows(one.spec), problem)
  return {
    list: () => [...served.values()].map((one) => describe(one)),
    describe: () =>
      Promise.all(
        [...served.values()].map((one) =>
          one.look().then(
            () => describe(one),
            (error: unknown) => describe(one, error instanceof Error ? error.message : String(error)),
          ),
        ),
      ),
    read: async (name, query, caller, how = {}) => {
      const one = served.get(name)
      if (one === undefined) throw unknown(name, [...served.keys()])
      return one.read(query, caller.claims, how)
    },
  }
}

function open({ name, definition, query }: NamedEndpoint, options: EndpointsOptions): Served {
  const { state } = options
  const source =
    query === null ? { tag: 'table' as const, table: tableOf(definition) } : { tag: 'query' as const, text: query }
  const shape =
    definition.distinct !== undefined
      ? 'distinct'
      : (definition.shape ?? (definition.aggregate !== undefined && definition.by === undefined ? 'one' : 'page'))
  const spec: EndpointSpec = { name, definition, source, shape }
  const records = async (reader: Reader): Promise<Records | null> => {
    const flows = flowsOf(spec, options)
    if (flows.length === 0) return null
    const { project } = state
    if (definition.store === state.store) return { project, flows, table: { tag: 'slice', schema: state.schema } }
    const schema = await readPublications(reader)
    return schema === null ? null : { project, flows, table: { tag: 'publication', schema } }
  }
  return serve(spec, { reader: options.reader, records, secret: options.secret })
}

/** The flows that the endpoint names, else those that publish its table. */
function flowsOf({ definition, source }: EndpointSpec, { targets }: EndpointsOptions): readonly string[] {
  if (definition.flows !== undefined) return definition.flows.toSorted()
  if (source.tag === 'query') return []
  const { schema, table } = source.table
  return targets()
    .filter((one) => one.store === definition.store && one.schema === schema && one.table === table)
    .map(({ flow }) => flow)
    .toSorted()
}

function tableOf({ table = '' }: EndpointDefinition): TableName {
  const dot = table.indexOf('.')
  return dot < 0 ? { schema: 'public', table } : { schema: table.slice(0, dot), table: table.slice(dot + 1) }
}

function unknown(name: string, names: readonly string[]): SluiceError {
  const near = name.length > 200 ? null : nearest(name, names)
  return new SluiceError('ENDPOINT_UNKNOWN', 'there is no such endpoint', {
    why: names.length === 0 ? 'the config has no endpoints' : `there is ${names.join(', ')}`,
    fix: near === null ? 'correct the name, or add the endpoint to the config' : `did you mean "${near}"?`,
  })
}
