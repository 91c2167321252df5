/**
 * A span a request, through the API of OpenTelemetry alone: nothing happens unless the process has registered an SDK (`node --import`).
 * What the request says of its trace (W3C `traceparent`) is read by the SDK's propagator, and what the handler does is below this span.
 */
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace as tracing } from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | null
  }
}

export function trace(app: FastifyInstance): void {
  const tracer = tracing.getTracer('sluice')
  app.decorateRequest('span', null)
  app.addHook('onRequest', (request, _reply, done) => {
    const parent = propagation.extract(context.active(), request.headers)
    const route = request.routeOptions.url ?? 'unknown'
    const attributes = {
      'http.request.method': request.method,
      'http.route': route,
      'sluice.request_id': request.id,
    }
    const span = tracer.startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent)
    request.span = span
    context.with(tracing.setSpan(parent, span), done)
  })
  app.addHook('onResponse', (request, reply, done) => {
    request.span?.setAttribute('http.response.status_code', reply.statusCode)
    if (reply.statusCode >= 500) request.span?.setStatus({ code: SpanStatusCode.ERROR })
    request.span?.end()
    done()
  })
}
