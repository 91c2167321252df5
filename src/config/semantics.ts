import { endpointFaults, endpointName } from '../endpoints/config.ts'
import { faultsOf as rollupFaults, namesIn, storeSourceOf } from '../flows/rollup/config.ts'
import { storeOf, type WrittenSource } from '../flows/source.ts'
import { faultsOf as syncFaults } from '../flows/sync/config.ts'
import { nearest } from '../lib/nearest.ts'
import type { Problem } from './problem.ts'
import type { Config, FlowDefinition } from './schema.ts'
import { builtIn, storesOf } from './stores.ts'
import { flowName, timingFaults } from './timing.ts'

/** Faults that the shape of a config does not show: names, references between its parts, options that exclude each other. Pure. */
export function semanticProblems(config: Config): readonly Problem[] {
  const names = Object.keys(config.flows)
  return [
    ...storeProblems(config),
    ...Object.entries(config.flows).flatMap(([name, flow]) =>
      flowProblems(name, flow, names, config).map(({ path, fault }) => ({ path: ['flows', name, ...path], fault })),
    ),
    ...cycleProblems(config.flows),
    ...targetProblems(config),
    ...endpointProblems(config),
    ...analyticsProblems(config),
  ]
}

function storeProblems(config: Config): readonly Problem[] {
  const problems: Problem[] = []
  const names = storesOf(config).map((store) => store.name)
  for (const name of Object.keys(config.stores)) {
    if (builtIn.some((one) => one === name))
      problems.push({ path: ['stores', name], fault: `is written as \`${name}\` at the top of the config` })
  }
  for (const name of Object.keys(config.concurrency)) {
    if (!names.includes(name)) problems.push({ path: ['concurrency', name], fault: unknown('store', name, names) })
  }
  if (typeof config.objects === 'string' && /^(gs|s3):\/\//.test(config.objects))
    problems.push({ path: ['objects'], fault: 'this version keeps objects in a folder' })
  return problems
}

function flowProblems(
  name: string,
  flow: FlowDefinition,
  names: readonly string[],
  config: Config,
): readonly Problem[] {
  const problems: Problem[] = []
  const parsed = flowName.safeParse(name)
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => ({ path: [], fault: issue.message })))
  for (const { path, fault } of faultsOf(flow)) problems.push({ path: path.split('.'), fault })
  for (const upstream of flow.after) {
    if (upstream === name) problems.push({ path: ['after'], fault: 'a flow cannot come after itself' })
    else if (!names.includes(upstream)) problems.push({ path: ['after'], fault: unknown('flow', upstream, names) })
  }
  switch (flow.kind) {
    case 'sync':
      return [
        ...problems,
        ...sourceStoreProblems(flow.from, 'a sync', config),
        ...targetStoreProblems(flow, config),
        ...columnProblems(flow),
      ]
    case 'rollup': {
      const source = storeSourceOf(flow)
      return source === null ? problems : [...problems, ...sourceStoreProblems(source, 'a rollup', config)]
    }
  }
}

type SyncFlow = Extract<FlowDefinition, { readonly kind: 'sync' }>

/** What is wrong with a flow by itself. */
function faultsOf(flow: FlowDefinition): readonly { readonly path: string; readonly fault: string }[] {
  switch (flow.kind) {
    case 'sync':
      return [...syncFaults(flow), ...timingFaults(flow)]
    case 'rollup':
      // Its zone is that of its buckets, whether it has a `cron` or not.
      return [...rollupFaults(flow), ...timingFaults(flow.cron === undefined ? { ...flow, zone: undefined } : flow)]
  }
}

function sourceStoreProblems(source: WrittenSource, who: string, config: Config): readonly Problem[] {
  const stores = storesOf(config)
  const from = storeOf(source)
  const found = stores.find((store) => store.name === from)
  if (found?.kind === 'duckdb') return []
  const known = stores.map((store) => store.name)
  const fault =
    found === undefined ? unknown('store', from, known) : `${who} reads from DuckDB, and ${from} is ${found.kind}`
  return [{ path: ['from', 'store'], fault }]
}

function targetStoreProblems(flow: SyncFlow, config: Config): readonly Problem[] {
  const stores = storesOf(config)
  const to = targetOf(flow).store
  const found = stores.find((store) => store.name === to)
  if (found?.kind === 'postgres') return []
  const known = stores.map((store) => store.name)
  const fault =
    found === undefined ? unknown('store', to, known) : `a sync publishes into PostgreSQL, and ${to} is ${found.kind}`
  return [{ path: ['to', 'store'], fault }]
}

/** The table that a flow publishes into. */
function targetOf({ to }: FlowDefinition): { readonly store: string; readonly schema: string; readonly table: string } {
  if (typeof to !== 'string') return { store: 'database', ...to }
  const dot = to.indexOf('.')
  return {
    store: 'database',
    schema: dot < 0 ? 'public' : to.slice(0, dot),
    table: dot < 0 ? to : to.slice(dot + 1),
  }
}

/** What an endpoint names besides its table. */
function endpointProblems(config: Config): readonly Problem[] {
  const stores = storesOf(config)
  const flows = Object.entries(config.flows)
  const paths = new Map<string, string>()
  return Object.entries(config.endpoints).flatMap(([name, endpoint]) => {
    const faults = [...endpointFaults(endpoint)]
    const parsed = endpointName.safeParse(name)
    if (!parsed.success) faults.push(...parsed.error.issues.map(({ message }) => ({ path: '', fault: message })))
    const store = stores.find((one) => one.name === endpoint.store)
    const known = stores.filter(({ kind }) => kind === 'postgres').map((one) => one.name)
    if (store === undefined) faults.push({ path: 'store', fault: unknown('store', endpoint.store, known) })
    else if (store.kind !== 'postgres')
      faults.push({ path: 'store', fault: `an endpoint reads PostgreSQL, and ${endpoint.store} is ${store.kind}` })
    for (const flow of endpoint.flows ?? []) {
      const found = flows.find(([one]) => one === flow)?.[1]
      const at = found === undefined ? null : targetOf(found).store
      if (found === undefined) faults.push({ path: 'flows', fault: unknown('flow', flow, Object.keys(config.flows)) })
      else if (at !== endpoint.store)
        faults.push({ path: 'flows', fault: `${flow} publishes into ${at}, and the endpoint reads ${endpoint.store}` })
    }
    const other = endpoint.path === undefined ? undefined : paths.get(endpoint.path)
    if (other !== undefined) faults.push({ path: 'path', fault: `is the path of ${other}, too` })
    if (endpoint.path !== undefined) paths.set(endpoint.path, name)
    return faults.map(({ path, fault }) => ({
      path: ['endpoints', name, ...(path === '' ? [] : path.split('.'))],
      fault,
    }))
  })
}

/** The page of `api.analytics` reads rollups by the names of their dimensions and measures. */
function analyticsProblems({ api, flows }: Config): readonly Problem[] {
  const { analytics } = api
  if (analytics === undefined) return []
  const rollups = Object.entries(flows).flatMap(([name, flow]) => (flow.kind === 'rollup' ? [name] : []))
  const problem = (option: string, fault: string): Problem => ({ path: ['api', 'analytics', option], fault })
  const [views, posts] = [flows[analytics.views], flows[analytics.posts]]
  // Their periods are put side by side.
  const apart =
    views?.kind !== 'rollup' || posts?.kind !== 'rollup'
      ? []
      : (['zone', 'weekStart'] as const).flatMap((option) =>
          views[option] === posts[option]
            ? []
            : [
                problem(
                  'posts',
                  `${analytics.posts} has the ${option} ${posts[option]}, and ${analytics.views} has ${views[option]}; they have to be the same`,
                ),
              ],
        )
  const named = (['view', 'post'] as const).flatMap((what) => {
    const name = analytics[`${what}s`]
    const flow = flows[name]
    if (flow?.kind !== 'rollup') return [problem(`${what}s`, unknown('rollup', name, rollups))]
    const { dimensions, measures: known } = namesIn(flow)
    const lacking = ['blog', 'author', 'country'].filter((one) => !dimensions.includes(one))
    const measure = analytics[`${what}Count`]
    return [
      ...(lacking.length === 0
        ? []
        : [problem(`${what}s`, `${name} lacks ${lacking.map((one) => `"${one}"`).join(' and ')} in \`by\``)]),
      ...(known.includes(measure) ? [] : [problem(`${what}Count`, unknown('measure', measure, known))]),
    ]
  })
  return [...named, ...apart]
}

function columnProblems(flow: SyncFlow): readonly Problem[] {
  const problems: Problem[] = []
  const key = flow.key ?? []
  for (const column of new Set(key.filter((one, at) => key.indexOf(one) !== at)))
    problems.push({ path: ['key'], fault: `names "${column}" twice` })
  const columns = flow.columns ?? {}
  const renamed = new Map(
    Object.entries(columns).flatMap(([target, { from }]) => (from === undefined ? [] : [[from, target] as const])),
  )
  for (const [option, given] of [
    ['key', key],
    ['cursor', flow.cursor === undefined ? [] : [flow.cursor]],
    ['latestBy', flow.latestBy === undefined ? [] : [flow.latestBy]],
  ] as const) {
    for (const column of given) {
      const target = renamed.get(column)
      if (target !== undefined && !(column in columns))
        problems.push({
          path: [option],
          fault: `names "${column}", which \`columns\` renames: the target has "${target}"`,
        })
    }
  }
  return problems
}

/** `a → b → a`, each circle once. */
function cycleProblems(flows: Config['flows']): readonly Problem[] {
  const problems: Problem[] = []
  const done = new Set<string>()
  const walk = (name: string, way: readonly string[]): void => {
    const at = way.indexOf(name)
    if (at >= 0) {
      const circle = [...way.slice(at), name]
      // A flow that follows itself has its own message.
      if (circle.length > 2)
        problems.push({ path: ['flows', name, 'after'], fault: `is a circle: ${circle.join(' → ')}` })
      return
    }
    if (done.has(name)) return
    for (const upstream of flows[name]?.after ?? []) walk(upstream, [...way, name])
    done.add(name)
  }
  for (const name of Object.keys(flows)) walk(name, [])
  return problems
}

/** Two flows that publish into the same table would undo each other. */
function targetProblems(config: Config): readonly Problem[] {
  const problems: Problem[] = []
  const taken = new Map<string, string>()
  for (const [name, flow] of Object.entries(config.flows)) {
    const target = targetOf(flow)
    if (target.store === 'database' && [config.state.schema, 'sluice_jobs'].includes(target.schema))
      problems.push({ path: ['flows', name, 'to'], fault: `the schema ${target.schema} is Sluice's own` })
    const id = JSON.stringify([target.store, target.schema, target.table])
    const other = taken.get(id)
    if (other !== undefined)
      problems.push({ path: ['flows', name, 'to'], fault: `the flow ${other} publishes into this table already` })
    else taken.set(id, name)
  }
  return problems
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  const list = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`
  return `no ${what} is called "${name}"; ${meant === null ? list : `did you mean "${meant}"?`}`
}
