import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'
import { textIn } from '../frame/search.ts'

const notificationsRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/notifications',
  /** The notification that is open. */
  validateSearch: (search: Record<string, unknown>): { readonly open?: string | undefined } => ({
    open: textIn(search['open']),
  }),
  component: lazyRouteComponent(() => import('./NotificationsPage.tsx'), 'NotificationsPage'),
})

export const notificationRoutes = [notificationsRoute] as const
