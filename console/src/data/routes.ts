import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'
import { textIn } from '../frame/search.ts'

/** What is asked of an endpoint stands in the URL as it stands in its own: every parameter by its name. */
type DataSearch = Readonly<Record<string, string | undefined>>

const dataRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/data',
  validateSearch: (search: Record<string, unknown>): DataSearch =>
    Object.fromEntries(Object.entries(search).map(([name, value]) => [name, textIn(value)])),
  component: lazyRouteComponent(() => import('./DataPage.tsx'), 'DataPage'),
})

export const dataRoutes = [dataRoute] as const
