/** The one way to the API: what the generated client calls. Every refusal arrives as a `Problem` with code, why and fix. */

export interface ProblemBody {
  readonly title: string
  readonly status: number
  readonly code: string
  readonly why: string
  readonly fix: string
  readonly where?: Readonly<Record<string, string | undefined>>
  /** Of refused input: a JSON pointer into the body, or a parameter's name, and what is wrong there. */
  readonly problems?: readonly { readonly path: string; readonly fault: string }[]
  readonly requestId?: string
}

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly body: ProblemBody

  constructor(body: ProblemBody) {
    super(body.title)
    this.body = body
  }
}

let csrf: string | null = null

/** What proves that a change comes from this page: told by the session, sent with every change. */
export function setCsrf(token: string | null): void {
  csrf = token
}

const changes = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** @throws Problem — also where the server does not answer, or answers with something that is not the API's. */
export async function http<T>(url: string, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers)
  if (!headers.has('accept')) headers.set('accept', 'application/json, application/problem+json')
  if (csrf !== null && changes.has((init.method ?? 'GET').toUpperCase())) headers.set('x-csrf-token', csrf)
  const response = await fetch(url, { ...init, headers, credentials: 'same-origin' }).catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new Problem(unreachable)
  })
  if (!response.ok) throw new Problem(await problemOf(response))
  // What the generated client promises of this operation; the document it is made of is the server's own.
  if (response.status === 204 || response.status === 304) return undefined as T
  const type = response.headers.get('content-type') ?? ''
  return (type.includes('json') ? await response.json() : await response.text()) as T
}

const unreachable: ProblemBody = {
  title: 'Sluice does not answer',
  status: 0,
  code: 'UNREACHABLE',
  why: 'the process that serves this page has stopped, or the network between is broken',
  fix: 'start it again with: sluice up',
}

async function problemOf(response: Response): Promise<ProblemBody> {
  const text = await response.text().catch(() => '')
  return parseProblem(text) ?? notOurs(response.status, response.headers.get('x-request-id'))
}

/** A problem+json body; null if it is something else, such as the page of a proxy. Pure. */
export function parseProblem(text: string): ProblemBody | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || !('code' in value) || !('title' in value)) return null
  // Both are there, so it is ours: api/schemas.ts says the rest.
  return value as ProblemBody
}

function notOurs(status: number, requestId: string | null): ProblemBody {
  return {
    title: `The server answered ${status}`,
    status,
    code: `HTTP_${status}`,
    why: 'something between this page and Sluice answered instead of it',
    fix: 'look at the proxy in front of Sluice, and at the log of `sluice up`',
    ...(requestId === null ? {} : { requestId }),
  }
}

/** Whatever was thrown, as something that can be shown. */
export function asProblem(error: unknown): ProblemBody {
  if (error instanceof Problem) return error.body
  return {
    title: error instanceof Error ? error.message : String(error),
    status: 0,
    code: 'PAGE',
    why: 'a defect of this page',
    fix: 'reload it; if it happens again, report it with what you did',
  }
}
