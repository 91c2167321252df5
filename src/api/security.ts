/** What every request and every answer has to pass, whoever asks: headers, host, rate, other origins. */
import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { SluiceError } from '../lib/error.ts'
import type { ApiSettings } from './config.ts'
import { answersTo, isLoopback } from './host.ts'

/** Nothing comes from elsewhere and nothing is inline, but styles: components measure and place with them. */
const directives = {
  defaultSrc: ["'self'"],
  baseUri: ["'none'"],
  connectSrc: ["'self'"],
  fontSrc: ["'self'", 'data:'],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
  imgSrc: ["'self'", 'data:'],
  objectSrc: ["'none'"],
  scriptSrc: ["'self'"],
  scriptSrcAttr: ["'none'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  upgradeInsecureRequests: null,
}

/** Whether this request came by https: to us, or to the proxy that says so and is believed. */
export function isSecure(request: FastifyRequest, settings: ApiSettings): boolean {
  return settings.publicUrl?.protocol === 'https:' || request.protocol === 'https'
}

/** Pages of other origins that may call, by the config. Before `documented`: it adds a route for the browser's question. */
export async function allowOrigins(app: FastifyInstance, settings: ApiSettings): Promise<void> {
  if (settings.cors.length === 0) return
  await app.register(cors, {
    origin: [...settings.cors],
    credentials: false, // other origins come with a token, never with the console's cookie
    exposedHeaders: ['Location', 'ETag', 'Sluice-As-Of', 'Sluice-Approximate', 'X-Request-Id', 'Retry-After'],
    maxAge: 600,
  })
}

export async function secure(app: FastifyInstance, settings: ApiSettings): Promise<void> {
  // Answers of the API hold for whom they were given, and for now; files of the console say otherwise themselves.
  const same = { ...(await protection(settings)), 'cache-control': 'no-store' }
  await app.register(cookie)
  app.addHook('onRequest', (request, reply, done) => {
    void reply.headers(same).header('x-request-id', request.id)
    done(answersTo(request.headers.host, settings) ? undefined : strangeHost(settings))
  })
}

/** The headers that helmet gives. They are the same for every answer, and it would put them together anew for each. */
async function protection(settings: ApiSettings): Promise<Readonly<Record<string, string>>> {
  const app = Fastify()
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives },
    crossOriginEmbedderPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
    // Only where https is certain: a browser would hold every port of localhost to it.
    strictTransportSecurity: settings.publicUrl?.protocol === 'https:' ? { maxAge: 31_536_000 } : false,
  })
  app.get('/', async (_request, reply) => reply.send(reply.raw.getHeaders()))
  const answer = await app.inject('/')
  await app.close()
  return answer.json<Record<string, string>>()
}

/** After the caller is known: the limit is a caller's own, or an address's. */
export async function limitRate(app: FastifyInstance, settings: ApiSettings): Promise<void> {
  const { requests } = settings.rateLimit
  await app.register(rateLimit, {
    global: requests !== null,
    max: requests ?? 0,
    timeWindow: 60_000,
    cache: 10_000,
    keyGenerator: (request) => keyOf(request),
    errorResponseBuilder: (_request, { ttl }) => tooMany(ttl),
    addHeadersOnExceeding: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
  })
}

function keyOf(request: FastifyRequest): string {
  const { caller } = request
  return caller === null ? `ip ${request.ip}` : `${caller.by} ${caller.id}`
}

export function tooMany(ttlMs: number): SluiceError {
  const seconds = Math.max(1, Math.ceil(ttlMs / 1000))
  return new SluiceError('RATE_LIMITED', 'Too many requests', {
    why: 'more came within a minute than `api.rateLimit` allows',
    fix: `try again in ${seconds} s`,
  })
}

function strangeHost(settings: ApiSettings): SluiceError {
  return new SluiceError('HOST_REFUSED', 'This server does not answer to that host', {
    why: isLoopback(settings.host)
      ? 'it listens on loopback, and a page elsewhere could make a browser send this'
      : 'the Host of the request is malformed',
    fix: 'use localhost, or name the host in `api.hosts` or `api.publicUrl`',
  })
}
