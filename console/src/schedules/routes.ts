import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'
import { oneIn, textIn } from '../frame/search.ts'

/** Which flow's schedule is looked at; which are listed. */
export interface SchedulesSearch {
  readonly flow?: string | undefined
  readonly show?: 'scheduled' | 'paused' | 'missed' | undefined
  readonly q?: string | undefined
}

const schedulesRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/schedules',
  validateSearch: (search: Record<string, unknown>): SchedulesSearch => ({
    flow: textIn(search['flow']),
    show: oneIn(search['show'], ['scheduled', 'paused', 'missed']),
    q: textIn(search['q']),
  }),
  component: lazyRouteComponent(() => import('./SchedulesPage.tsx'), 'SchedulesPage'),
})

export const scheduleRoutes = [schedulesRoute] as const
