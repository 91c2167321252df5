/**
 * The tables that flows write, for whoever may see all of their rows: endpoints that nobody wrote. Every column can be filtered and
 * sorted by what its type allows; nothing is bound to a claim.
 */
import { SluiceError } from '../lib/error.ts'
import { endpointDefinition } from './config.ts'
import type { EndpointAnswer, EndpointDescription, Endpoints, ReadOptions } from './endpoints.ts'
import { kindOf } from './kinds.ts'
import { type EndpointsOptions, openEndpoints } from './open.ts'

export interface Tables {
  /** `FLOW_UNKNOWN`: there is none of that name that writes a table. What is wrong with the table is told in `problem`. */
  describe(flow: string): Promise<EndpointDescription>
  /** As `read` of an endpoint, for a caller without claims. */
  read(
    flow: string,
    query: Readonly<Record<string, string | readonly string[]>>,
    how?: ReadOptions,
  ): Promise<EndpointAnswer>
}

type Target = ReturnType<EndpointsOptions['targets']>[number]

/** The columns of a table are looked at again after so long: it may have been published with others. */
const staleMs = 10_000

export function openTables(options: Omit<EndpointsOptions, 'endpoints'>): Tables {
  const known = new Map<string, { readonly endpoints: Endpoints; readonly at: number }>()
  const targetOf = (flow: string): Target => {
    const found = options.targets().find((target) => target.flow === flow)
    if (found !== undefined) return found
    throw new SluiceError('FLOW_UNKNOWN', 'There is no flow of that name that writes a table', {
      why: `no flow ${flow} of this project has a table as its target`,
      fix: 'GET /api/flows lists them',
      where: { flow },
    })
  }
  const open = async (target: Target): Promise<Endpoints> => {
    const key = JSON.stringify(target)
    const before = known.get(key)
    if (before !== undefined && Date.now() - before.at < staleMs) return before.endpoints
    const { endpoints, columns } = await wholly(target, options)
    // A table that is not there yet may be there in a moment.
    if (columns > 0) known.set(key, { endpoints, at: Date.now() })
    return endpoints
  }
  return {
    describe: async (flow) => {
      const [found] = await (await open(targetOf(flow))).describe()
      if (found === undefined) throw new Error('an endpoint of one table is one endpoint')
      return found
    },
    read: async (flow, query, how = {}) => (await open(targetOf(flow))).read(flow, query, { claims: {} }, how),
  }
}

/** With every column that its type lets one filter by; without any where the table cannot be looked at: reading it says why. */
async function wholly(
  target: Target,
  options: Omit<EndpointsOptions, 'endpoints'>,
): Promise<{ readonly endpoints: Endpoints; readonly columns: number }> {
  const [seen] = await opened(target, {}, [], options).describe()
  const columns = (seen?.columns ?? []).map(({ name, type }) => ({ name, kind: kindOf(type, false) }))
  const able = columns.filter(({ kind }) => kind.operators.length > 0)
  const endpoints = opened(
    target,
    Object.fromEntries(able.map(({ name, kind }) => [name, [...kind.operators]])),
    able.filter(({ kind }) => kind.sortable).map(({ name }) => name),
    options,
  )
  return { endpoints, columns: columns.length }
}

function opened(
  { flow, store, schema, table }: Target,
  filter: object,
  sort: readonly string[],
  options: Omit<EndpointsOptions, 'endpoints'>,
): Endpoints {
  const definition = endpointDefinition.parse({
    table: `${schema}.${table}`,
    store,
    filter,
    sort,
    flows: [flow],
    page: { size: 50, max: 500 },
  })
  return openEndpoints({ ...options, endpoints: [{ name: flow, definition, query: null }] })
}
