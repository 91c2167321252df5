/** All pages: a folder adds its routes here, and its place in the navigation in navigation.ts. */
import { createRouter } from '@tanstack/react-router'
import { accessRoutes } from './access/routes.ts'
import { auditRoutes } from './audit/routes.ts'
import { backfillRoutes } from './backfills/routes.ts'
import { dataRoutes } from './data/routes.ts'
import { doctorRoutes } from './doctor/routes.ts'
import { editorRoutes } from './editor/routes.ts'
import { flowRoutes } from './flows/routes.ts'
import { insideRoute, rootRoute, signInRoute } from './frame/root.tsx'
import { Broken } from './frame/outcomes.tsx'
import { parseSearch, stringifySearch } from './frame/search.ts'
import { homeRoutes } from './home/routes.ts'
import { notificationRoutes } from './notifications/routes.ts'
import { runRoutes } from './runs/routes.ts'
import { scheduleRoutes } from './schedules/routes.ts'
import { workerRoutes } from './workers/routes.ts'

const tree = rootRoute.addChildren([
  signInRoute,
  insideRoute.addChildren([
    ...homeRoutes,
    ...flowRoutes,
    ...runRoutes,
    ...scheduleRoutes,
    ...backfillRoutes,
    ...dataRoutes,
    ...editorRoutes,
    ...workerRoutes,
    ...notificationRoutes,
    ...doctorRoutes,
    ...accessRoutes,
    ...auditRoutes,
  ]),
])

export const router = createRouter({
  routeTree: tree,
  parseSearch,
  stringifySearch,
  defaultErrorComponent: Broken,
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
})

/** Asks for the files of the page that the address names, while it is not known yet who looks. */
export function preloadPage(): void {
  const matches: readonly { readonly routeId: string }[] = router.matchRoutes(
    router.latestLocation.pathname,
    router.latestLocation.search,
  )
  const routes: Readonly<Record<string, { readonly options: { readonly component?: unknown } } | undefined>> =
    router.routesById
  for (const { routeId } of matches) {
    const component = routes[routeId]?.options.component
    if (isLazy(component)) void component.preload()
  }
}

function isLazy(component: unknown): component is { readonly preload: () => Promise<unknown> } {
  return typeof component === 'function' && 'preload' in component && typeof component.preload === 'function'
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
