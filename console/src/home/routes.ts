import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { getGetHomeQueryOptions } from '../client/operation.ts'
import { queries, warm } from '../frame/query.ts'
import { insideRoute } from '../frame/root.tsx'

const homeRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/',
  loader: () => warm(queries.query(getGetHomeQueryOptions())),
  component: lazyRouteComponent(() => import('./HomePage.tsx'), 'HomePage'),
})

export const homeRoutes = [homeRoute] as const
