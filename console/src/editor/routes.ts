import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'
import { textIn } from '../frame/search.ts'

const newRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/editor',
  validateSearch: (
    search: Record<string, unknown>,
  ): { readonly kind?: string | undefined; readonly like?: string | undefined } => ({
    kind: textIn(search['kind']),
    like: textIn(search['like']),
  }),
  component: lazyRouteComponent(() => import('./NewFlowPage.tsx'), 'NewFlowPage'),
})

const editRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/editor/$flow',
  component: lazyRouteComponent(() => import('./EditFlowPage.tsx'), 'EditFlowPage'),
})

export const editorRoutes = [newRoute, editRoute] as const
