/** The two roots of all pages: everybody's (sign-in) and those of somebody who is signed in. */
import { createRootRoute, createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { Problem } from './http.ts'
import { Layout } from './Layout.tsx'
import { BrokenFrame, NotFound } from './outcomes.tsx'
import { queries } from './query.ts'
import { textIn } from './search.ts'
import { sessionQuery } from './session.ts'

export const rootRoute = createRootRoute({ notFoundComponent: NotFound, errorComponent: BrokenFrame })

/** Where to go afterwards: only a path of this page, never another site. */
function pathIn(value: unknown): string | undefined {
  const path = textIn(value)
  return path !== undefined && /^\/(?![/\\])/.test(path) ? path : undefined
}

export const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): { readonly to?: string; readonly code?: string } => ({
    to: pathIn(search['to']),
    code: textIn(search['code']),
  }),
  component: lazyRouteComponent(() => import('./SignIn.tsx'), 'SignIn'),
})

/** Parent of every page: knows who looks, draws the frame around it. */
export const insideRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'inside',
  beforeLoad: async ({ location }) => {
    try {
      await queries.query({ ...sessionQuery, staleTime: 'static' })
    } catch (error) {
      if (error instanceof Problem && error.body.status === 401)
        redirect({ to: '/sign-in', search: { to: location.href }, throw: true })
      throw error
    }
  },
  component: Layout,
  errorComponent: BrokenFrame,
})
