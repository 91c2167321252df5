import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { getGetFlowQueryOptions, getGetLineageQueryOptions, getListSlicesQueryOptions } from '../client/flows.ts'
import { queries, warm } from '../frame/query.ts'
import { insideRoute } from '../frame/root.tsx'
import { chosenZone } from '../frame/zone.tsx'
import { oneIn, someIn, textIn } from '../frame/search.ts'
import { allFlows } from './all.ts'
import { screenOf, slicesOf } from './slices-window.ts'
import { tabPages } from './tabs.ts'
import { flowStates, flowTabs, newestSlice } from './words.ts'

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

const flowRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/flows/$flow',
  validateSearch: (
    search: Record<string, unknown>,
  ): {
    readonly tab?: (typeof flowTabs)[number] | undefined
    readonly slice?: string | undefined
    readonly at?: string | undefined
  } => ({
    tab: oneIn(search['tab'], flowTabs),
    slice: textIn(search['slice']),
    at: textIn(search['at']),
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
  const { items } = await queries.query(getListSlicesQueryOptions(flow, newestSlice))
  const screen = screenOf(items[0], at, chosenZone())
  if (screen !== null) await queries.query(slicesOf(flow, screen))
}

export const flowRoutes = [flowsRoute, flowRoute] as const
