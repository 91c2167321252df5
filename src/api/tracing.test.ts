/**
 * With the API of OpenTelemetry registered, as an SDK does it: a span a request below the caller's, and what is done for it below that.
 * What is registered here records and reads `traceparent`, and does no more; an SDK is the user's to choose.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  context,
  type ContextManager,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type TextMapPropagator,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

interface Recorded {
  readonly name: string
  readonly parent: SpanContext | undefined
  readonly own: SpanContext
  readonly attributes: Attributes
  failed: boolean
  ended: boolean
}

const recorded: Recorded[] = []

function contexts(): ContextManager {
  const store = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => store.getStore() ?? ROOT_CONTEXT,
    with: (active, fn, self, ...given) => store.run(active, () => fn.apply(self, given)),
    bind: (_active, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  return manager
}

const propagator: TextMapPropagator = {
  inject: () => {},
  fields: () => ['traceparent'],
  extract(active, carrier, getter) {
    const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(String(getter.get(carrier, 'traceparent')))
    if (found === null) return active
    const [, traceId = '', spanId = ''] = found
    return trace.setSpanContext(active, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })
  },
}

const tracer: Tracer = {
  startSpan(name, options = {}, active = context.active()) {
    const parent = trace.getSpanContext(active)
    const own = {
      traceId: parent?.traceId ?? '1'.repeat(32),
      spanId: String(recorded.length + 1).padStart(16, '0'),
      traceFlags: 1,
    }
    const entry: Recorded = { name, parent, own, attributes: { ...options.attributes }, failed: false, ended: false }
    recorded.push(entry)
    const span: Span = {
      spanContext: () => own,
      setAttribute: (key, value) => ((entry.attributes[key] = value), span),
      setAttributes: (more) => (Object.assign(entry.attributes, more), span),
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: () => ((entry.failed = true), span),
      updateName: () => span,
      end: () => void (entry.ended = true),
      isRecording: () => true,
      recordException: () => {},
    }
    return span
  },
  startActiveSpan: () => {
    throw new Error('not asked for here')
  },
}

let api: TestApi
beforeAll(async () => {
  context.setGlobalContextManager(contexts())
  propagation.setGlobalPropagator(propagator)
  trace.setGlobalTracerProvider({ getTracer: () => tracer })
  api = await createApi()
  // As an instrumented library would, deep in a handler.
  const { principals } = api.sluice.access
  const { list } = principals
  Object.assign(principals, {
    list: (...given: Parameters<typeof list>) => {
      trace.getTracer('below').startSpan('query').end()
      return list(...given)
    },
  })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  context.disable()
  propagation.disable()
  trace.disable()
})

test('a request is a span below its caller, and what is done for it is below that', async () => {
  const [traceId, parentId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
  const headers = { traceparent: `00-${traceId}-${parentId}-01` }
  const answer = await api.ask({ url: '/api/principals?limit=1', headers })
  expect(answer.statusCode).toBe(200)
  const [request, query] = recorded.slice(-2)
  expect(request).toMatchObject({
    name: 'GET /api/principals',
    parent: { traceId, spanId: parentId },
    attributes: {
      'http.request.method': 'GET',
      'http.route': '/api/principals',
      'http.response.status_code': 200,
      'sluice.request_id': answer.headers['x-request-id'],
    },
    failed: false,
    ended: true,
  })
  expect(query).toMatchObject({ name: 'query', parent: { traceId, spanId: request?.own.spanId } })
})

test('names are of routes: an address has ids in it', async () => {
  await api.ask({ url: '/api/runs/01a2b3c4' })
  await api.ask({ url: '/api/there-is-nothing' })
  expect(recorded.slice(-2)).toMatchObject([
    { name: 'GET /api/runs/:run', attributes: { 'http.response.status_code': 404 }, failed: false, ended: true },
    { name: 'GET unknown', ended: true },
  ])
})
