/** One line a request, when it is answered, with its id; never a body, a query, a token or a cookie. */
import type { FastifyInstance } from 'fastify'

/** For pino: what no log of ours shows, should anybody log a request as a whole. */
export const redact: readonly string[] = [
  'req.headers.authorization',
  'req.headers.cookie',
  'req.headers["x-csrf-token"]',
  'headers.authorization',
  'headers.cookie',
  'headers["x-csrf-token"]',
  'res.headers["set-cookie"]',
  '*.authorization',
  '*.cookie',
  '*.password',
  '*.secret',
  '*.token',
]

export function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    const [path] = request.url.split('?')
    request.log.info(
      {
        method: request.method,
        path,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        caller: request.caller === null ? null : `${request.caller.by}:${request.caller.name}`,
      },
      'answered',
    )
  })
}
