/** Addresses that do not exist, and methods that an address does not have: told apart, so that a client can tell a typo. */
import type { FastifyInstance } from 'fastify'
import { SluiceError } from '../lib/error.ts'
import { pageForUnknown } from './console.ts'
import { sendProblem } from './problem.ts'

interface Address {
  readonly pattern: RegExp
  readonly method: string
}

/** Before the routes: it collects them. */
export function missing(app: FastifyInstance): void {
  const addresses: Address[] = []
  app.addHook('onRoute', ({ url, method }) => {
    // `/*` would be everything.
    if (url.endsWith('*')) return
    for (const one of [method].flat()) addresses.push({ pattern: patternOf(url), method: one })
  })
  app.setNotFoundHandler((request, reply) => {
    const [path = '/'] = request.url.split('?')
    const methods = addresses.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
    if (methods.length > 0) {
      void reply.header('allow', [...new Set(methods)].join(', '))
      return sendProblem(wrongMethod(request.method, methods), request, reply)
    }
    return pageForUnknown(request, reply) ?? sendProblem(nothingThere(), request, reply)
  })
}

/** `/api/runs/:id` as an expression for whole paths. */
function patternOf(url: string): RegExp {
  const parts = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))
  return new RegExp(`^${parts.join('/')}$`)
}

function wrongMethod(method: string, methods: readonly string[]): SluiceError {
  return new SluiceError('METHOD_REFUSED', 'This address does not have that method', {
    why: `it has ${methods.join(', ')}, not ${method}`,
    fix: 'see /docs for what there is',
  })
}

function nothingThere(): SluiceError {
  return new SluiceError('ROUTE_UNKNOWN', 'There is nothing at this address', {
    why: 'the API does not have that path',
    fix: 'see /docs for what there is',
  })
}
