import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { getGetBackfillQueryOptions } from '../client/backfills.ts'
import { queries, warm } from '../frame/query.ts'
import { insideRoute } from '../frame/root.tsx'
import { someIn, textIn } from '../frame/search.ts'
import { slicesOf } from './slices.ts'
import { backfillSliceStates, backfillStates } from './words.ts'

const listRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/backfills',
  validateSearch: (
    search: Record<string, unknown>,
  ): { readonly flow?: string | undefined; readonly state?: string | undefined } => ({
    flow: textIn(search['flow']),
    state: someIn(search['state'], backfillStates),
  }),
  component: lazyRouteComponent(() => import('./BackfillsPage.tsx'), 'BackfillsPage'),
})

/** What a new backfill is made of, so that a link can propose one. */
export interface NewBackfillSearch {
  readonly flow?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Keys of slices, by commas. */
  readonly slices?: string | undefined
  readonly force?: 'yes' | undefined
  /** Of a rollup: only what is counted by this period. */
  readonly grain?: string | undefined
  readonly clear?: 'yes' | undefined
}

const newRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/backfills/new',
  validateSearch: (search: Record<string, unknown>): NewBackfillSearch => ({
    flow: textIn(search['flow']),
    from: textIn(search['from']),
    to: textIn(search['to']),
    slices: textIn(search['slices']),
    force: search['force'] === 'yes' ? 'yes' : undefined,
    grain: textIn(search['grain']),
    clear: search['clear'] === 'yes' ? 'yes' : undefined,
  }),
  component: lazyRouteComponent(() => import('./NewBackfillPage.tsx'), 'NewBackfillPage'),
})

const oneRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/backfills/$backfill',
  validateSearch: (search: Record<string, unknown>): { readonly state?: string | undefined } => ({
    state: someIn(search['state'], backfillSliceStates),
  }),
  // Asked for beside the page's own file; the page shows what comes of it.
  loader: ({ params: { backfill } }) => {
    warm(queries.query(getGetBackfillQueryOptions(backfill)))
    warm(queries.query(slicesOf(backfill)))
  },
  component: lazyRouteComponent(() => import('./BackfillPage.tsx'), 'BackfillPage'),
})

export const backfillRoutes = [listRoute, newRoute, oneRoute] as const
