import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'
import { someIn } from '../frame/search.ts'

export const severities = ['problem', 'warning', 'fine'] as const

const doctorRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/doctor',
  validateSearch: (search: Record<string, unknown>): { readonly severity?: string | undefined } => ({
    severity: someIn(search['severity'], severities),
  }),
  component: lazyRouteComponent(() => import('./DoctorPage.tsx'), 'DoctorPage'),
})

export const doctorRoutes = [doctorRoute] as const
