import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'

const workersRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/workers',
  component: lazyRouteComponent(() => import('./WorkersPage.tsx'), 'WorkersPage'),
})

export const workerRoutes = [workersRoute] as const
