import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { Problem } from './http.ts'
import { tellProblem } from './tell.tsx'

/** What is asked again: a server that does not answer, or has a defect. A refusal stays one. */
export function worthRetrying(failures: number, error: unknown): boolean {
  if (failures >= 2) return false
  return error instanceof Problem && (error.body.status === 0 || error.body.status >= 500)
}

/** The session has ended, or its token was revoked: the whole page goes, with all that it has read. */
function leaveIfEnded(error: unknown): void {
  const { pathname, search } = window.location
  if (!(error instanceof Problem) || error.body.status !== 401 || pathname === '/sign-in') return
  window.location.assign(`/sign-in?${new URLSearchParams({ to: pathname + search }).toString()}`)
}

/** Fresh by events (frame/live.tsx): what is stored counts until an event, a focus of the window, or half a minute. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 30_000, gcTime: 10 * 60_000, retry: worthRetrying, refetchOnWindowFocus: true },
    mutations: { retry: false },
  },
  queryCache: new QueryCache({ onError: leaveIfEnded }),
  // A change that is refused says so, wherever it was made; a form that shows it itself sets `meta: { quiet: true }`.
  mutationCache: new MutationCache({
    onError: (error, _variables, _result, mutation) => {
      leaveIfEnded(error)
      if (mutation.meta?.['quiet'] !== true) tellProblem(error)
    },
  }),
})

/** Asks beside the loading of a page; what comes of it, an error too, the page shows when it asks the same. */
export function warm(asked: Promise<unknown>): void {
  asked.catch(() => {})
}
