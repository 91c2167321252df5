import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { insideRoute } from '../frame/root.tsx'
import { textIn } from '../frame/search.ts'

const day = /^\d{4}-\d\d-\d\d$/

function dayIn(value: unknown): string | undefined {
  const text = textIn(value)
  return text !== undefined && day.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined
}

/** Who, what (`flow` or `flow.pause`), done to what, and from which to which day (both included, in the chosen zone). */
export interface AuditSearch {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly subject?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** The entry whose difference is open. */
  readonly entry?: string | undefined
}

const auditRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/audit',
  validateSearch: (search: Record<string, unknown>): AuditSearch => ({
    actor: textIn(search['actor']),
    action: textIn(search['action']),
    subject: textIn(search['subject']),
    from: dayIn(search['from']),
    to: dayIn(search['to']),
    entry: textIn(search['entry']),
  }),
  component: lazyRouteComponent(() => import('./AuditPage.tsx'), 'AuditPage'),
})

export const auditRoutes = [auditRoute] as const
