import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'
import { oneIn, textIn } from '../frame/search.ts'
import { runsSearch } from './filter.ts'
import { type LogLevel, logLevels } from './log.ts'

const runsRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/runs',
  validateSearch: runsSearch,
  component: lazyRouteComponent(() => import('./RunsPage.tsx'), 'RunsPage'),
})

/** Of a run: what of its log is shown. */
interface RunSearch {
  readonly level?: LogLevel | undefined
  readonly q?: string | undefined
}

const runRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/runs/$run',
  validateSearch: (search: Record<string, unknown>): RunSearch => ({
    level: oneIn(search['level'], logLevels),
    q: textIn(search['q']),
  }),
  component: lazyRouteComponent(() => import('./RunPage.tsx'), 'RunPage'),
})

export const runRoutes = [runsRoute, runRoute] as const
