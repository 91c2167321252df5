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

/** Tokens, cookies and link codes of ours, wherever they stand. */
const secrets = /(sl[csl]_)[A-Za-z0-9_-]{43}/g

/** A log that takes lines as they come, but for secrets of ours: who puts one into an address has it in an address. */
export function withoutSecrets(log: { write(line: string): void }): { write(line: string): void } {
  return { write: (line) => log.write(line.replaceAll(secrets, '$1…')) }
}

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
