import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'
import { oneIn } from '../frame/search.ts'

export const accessTabs = ['tokens', 'people'] as const

const accessRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/access',
  validateSearch: (search: Record<string, unknown>): { readonly tab?: (typeof accessTabs)[number] | undefined } => ({
    tab: oneIn(search['tab'], accessTabs),
  }),
  component: lazyRouteComponent(() => import('./AccessPage.tsx'), 'AccessPage'),
})

export const accessRoutes = [accessRoute] as const
