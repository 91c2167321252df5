/** Who looks at the page. The session's cookie is the browser's; this page knows only what the API says of it. */
import { useSuspenseQuery } from '@tanstack/react-query'
import type { Session } from '../client/model/session.ts'
import { getSession } from '../client/session.ts'
import { setCsrf } from './http.ts'
import { queries } from './query.ts'

export const sessionKey = ['session'] as const

const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

export const sessionQuery = {
  queryKey: sessionKey,
  queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<Session> => {
    const session = await getSession({ signal })
    setCsrf(session.csrf)
    return session
  },
  staleTime: 5 * 60_000,
}

export function useSession(): Session {
  return useSuspenseQuery(sessionQuery).data
}

/** Whether the person may do what needs this role. The API decides; the page only leaves out what it would refuse. */
export function useMay(needed: Role): boolean {
  const { role } = useSession().caller
  return role !== null && roles.indexOf(role) >= roles.indexOf(needed)
}

/** The session is gone: everything that it has seen goes with it. */
export function forget(): void {
  setCsrf(null)
  queries.clear()
}
