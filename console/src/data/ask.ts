/** Asks an endpoint as an application would: the answer with what its headers say of its age. */
import { http, parseProblem, Problem } from '../frame/http.ts'

export interface Asked {
  /** The text as it came. */
  readonly text: string
  readonly body: unknown
  readonly asOf: string | null
  readonly etag: string | null
  /** Until the whole answer was here. */
  readonly ms: number
}

/** @throws Problem */
export async function askEndpoint(address: string, signal: AbortSignal): Promise<Asked> {
  const begun = performance.now()
  const response = await fetch(address, {
    signal,
    headers: { accept: 'application/json, application/problem+json' },
    credentials: 'same-origin',
    // Its age is the point: nothing of the browser's own store.
    cache: 'no-store',
  }).catch(() => null)
  // The client says in its words what is wrong with the way there.
  if (response === null) return http(address, { signal })
  const text = await response.text()
  if (!response.ok) {
    const problem = parseProblem(text)
    if (problem !== null) throw new Problem(problem)
    return http(address, { signal })
  }
  return {
    text,
    body: JSON.parse(text),
    asOf: response.headers.get('sluice-as-of'),
    etag: response.headers.get('etag'),
    ms: performance.now() - begun,
  }
}
