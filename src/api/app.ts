/**
 * The HTTP API as a Fastify app: everything but listening. Tests ask it with `app.inject`.
 *
 *   request ──▶ host, headers ──▶ who ──▶ role ──▶ rate ──▶ body, schema ──▶ repeated? ──▶ handler ──▶ audit ──▶ answer
 */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import Fastify, { LogController } from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Sluice } from '../sluice.ts'
import { authenticate } from './authenticate.ts'
import { audit, audited } from './change.ts'
import type { ApiSettings } from './config.ts'
import { serveConsole } from './console.ts'
import { cookieName } from './cookie.ts'
import { fit } from './fit.ts'
import { idempotency } from './idempotency.ts'
import { logRequests, redact, withoutSecrets } from './log.ts'
import { countRequests, openMetrics } from './metrics.ts'
import { openapi } from './openapi.ts'
import { sendProblem, toProblem, translate } from './problem.ts'
import { resources } from './resources.ts'
import { type Api, documented } from './route.ts'
import { allowOrigins, limitRate, secure } from './security.ts'
import { refuseUnreadable } from './text.ts'
import { trace } from './tracing.ts'
import { missing } from './unknown.ts'

declare module 'fastify' {
  interface FastifyInstance {
    settings: ApiSettings
    /** Of Sluice. */
    release: string
  }
}

export interface AppOptions {
  /** Of Sluice, for the document. */
  readonly version: string
  readonly settings: ApiSettings
  /** Where the log goes, line by line as JSON; default: nowhere. */
  readonly log?: { write(line: string): void }
  /** The folder of the built console; null: not built. Default: where the build puts it. */
  readonly consoleFolder?: string | null
}

/** The longest that an answer may take; `Prefer: wait` is at most 60 s. Streams say so themselves. */
const answerLimit = 90_000

/** Ready to be asked or to listen; close it when done. */
export async function buildApp(sluice: Sluice, options: AppOptions): Promise<Api> {
  const { settings } = options
  const app = Fastify({
    logger:
      options.log === undefined
        ? false
        : { level: settings.log, redact: [...redact], stream: withoutSecrets(options.log) },
    bodyLimit: settings.bodyLimit,
    handlerTimeout: answerLimit,
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    trustProxy: settings.trustProxy === true ? true : settings.trustProxy === false ? false : [...settings.trustProxy],
    genReqId: (request) => requestId(request.headers['x-request-id']),
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1_000 },
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler,
  }).withTypeProvider<ZodTypeProvider>()

  app.decorate('settings', settings)
  app.decorate('release', options.version)
  app.decorate('cookieName', cookieName(sluice.project))
  app.decorate('metrics', openMetrics(sluice.engine))
  app.setValidatorCompiler(fit)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  app.removeContentTypeParser('text/plain')
  await allowOrigins(app, settings)
  app.addHook('onRoute', (route) => {
    // Fastify's own HEAD beside a GET is the same operation.
    if (route.method === 'HEAD') return
    documented(route)
    audited(route)
  })
  logRequests(app)
  trace(app)
  countRequests(app)
  missing(app)
  await secure(app, settings)
  await limitRate(app, settings)
  authenticate(app, sluice.access, settings)
  refuseUnreadable(app)
  idempotency(app, sluice.access)
  audit(app, sluice.access)
  await openapi(app, options.version)
  for (const resource of resources) resource(app, sluice)
  await serveConsole(app, options.consoleFolder)
  await app.ready()
  return app
}

/** The caller's own id for the request, if it is one that a log can bear, hence no secret of ours; else a new one. */
function requestId(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && /^(?!.*sl[csl]_)[\w.-]{8,64}$/.test(given) ? given : randomUUID()
}

/** What breaks before there is a request: Node's parser refuses it. */
function clientErrorHandler(error: Error & { readonly code?: string }, socket: Socket): void {
  // ECONNRESET: nobody is there to be told.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = toProblem(translate(error), randomUUID())
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'Content-Type: application/problem+json',
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
