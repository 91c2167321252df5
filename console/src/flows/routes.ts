import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { getGetFlowQueryOptions, getGetLineageQueryOptions, getListSlicesQueryOptions } from '../client/flows.ts'
import { queries, warm } from '../frame/query.ts'
import { insideRoute } from '../frame/root.tsx'
import { chosenZone } from '../frame/zone.tsx'
import { oneIn, someIn, textIn } from '../frame/search.ts'
import { kinds } from '../kinds/kinds.ts'
import { allFlows } from './all.ts'
import { newestOf, screenOf, slicesOf } from './slices-window.ts'
import { tabPages } from './tabs.ts'
import { flowStates, flowTabs } from './words.ts'

/** Of /flows: comma-separated states and kinds, a text, a sort. */
interface FlowsSearch {
  readonly state?: string | undefined
  readonly kind?: string | undefined
  readonly q?: string | undefined
  readonly sort?: string | undefined
}

const flowsRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/flows',
  validateSearch: (search: Record<string, unknown>): FlowsSearch => ({
    state: someIn(search['state'], flowStates),
    kind: textIn(search['kind']),
    q: textIn(search['q']),
    sort: textIn(search['sort']),
  }),
  // Asked for beside the page's own file; the page shows what comes of it.
  loader: () => warm(queries.query(allFlows)),
  component: lazyRouteComponent(() => import('./FlowsPage.tsx'), 'FlowsPage'),
})

/** Of /flows/$flow: the tab, and what is chosen in it. */
interface FlowSearch {
  readonly tab?: (typeof flowTabs)[number] | undefined
  readonly slice?: string | undefined
  /** The stretch that the calendar shows. */
  readonly at?: string | undefined
  /** Of a rollup: by which periods, the moment at which a bucket begins, and by which dimensions its rows are. */
  readonly grain?: string | undefined
  readonly bucket?: string | undefined
  readonly level?: string | undefined
  /** Of its chart: what, by which dimension, and the days, both of them in it. */
  readonly measure?: string | undefined
  readonly by?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

const flowRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/flows/$flow',
  validateSearch: (search: Record<string, unknown>): FlowSearch => ({
    tab: oneIn(search['tab'], flowTabs),
    slice: textIn(search['slice']),
    at: textIn(search['at']),
    grain: textIn(search['grain']),
    bucket: textIn(search['bucket']),
    level: textIn(search['level']),
    measure: textIn(search['measure']),
    by: textIn(search['by']),
    from: textIn(search['from']),
    to: textIn(search['to']),
  }),
  loaderDeps: ({ search }) => ({ tab: search.tab ?? 'overview', at: search.at }),
  loader: ({ params: { flow }, deps: { tab, at } }) => {
    warm(queries.query(getGetFlowQueryOptions(flow)))
    if (tab === 'overview') warm(queries.query(getGetLineageQueryOptions()))
    else warm(Promise.resolve(tabPages[tab].preload()))
    if (tab === 'slices') warm(warmCalendar(flow, at))
  },
  component: lazyRouteComponent(() => import('./FlowPage.tsx'), 'FlowPage'),
})

/** Its stretch depends on the newest slice: asked for as soon as that is there, not when the page is. */
async function warmCalendar(flow: string, at: string | undefined): Promise<void> {
  const { kind } = await queries.query(getGetFlowQueryOptions(flow))
  if (kinds[kind]?.Slices !== undefined) return
  const { items } = await queries.query(getListSlicesQueryOptions(flow, newestOf(undefined)))
  const screen = screenOf(items[0], at, chosenZone())
  if (screen !== null) await queries.query(slicesOf(flow, screen))
}

export const flowRoutes = [flowsRoute, flowRoute] as const
