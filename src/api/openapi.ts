/** The OpenAPI document, made from the schemas that also validate, and the pages that show it. Nothing of it asks anybody else. */
import { gzipSync } from 'node:zlib'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import { withEndpoints } from './data-document.ts'
import { tidied } from './document.ts'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'

/** Before the routes: it collects them as they are added. */
export async function openapi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Sluice',
        version,
        description:
          'Keeps an application database and its warehouse in step, and proves it. Errors are `application/problem+json` with a code, why and fix.',
      },
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'a token of Sluice, or a JWT of the configured issuer',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: app.cookieName,
            description: 'the console; what changes something sends X-CSRF-Token along',
          },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => {
      const made = jsonSchemaTransformObject(document)
      return 'openapi' in made ? tidied(made) : made
    },
  })
  pages(app)
}

function pages(app: FastifyInstance): void {
  app.get('/openapi.json', { config: { role: null }, schema: { hide: true } }, async () =>
    withEndpoints(app.swagger(), await app.endpointsLately()),
  )
  app.get('/docs', { config: { role: null }, schema: { hide: true } }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(page),
  )
  app.get('/docs/scalar.js', { config: { role: null }, schema: { hide: true } }, async (request, reply) => {
    void reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=86400')
    const { plain, packed } = await bundle()
    if (!(request.headers['accept-encoding'] ?? '').includes('gzip')) return reply.send(plain)
    return reply.header('content-encoding', 'gzip').header('vary', 'accept-encoding').send(packed)
  })
}

/** No font, proxy, agent or telemetry of its maker's. */
const configuration = {
  withDefaultFonts: false,
  telemetry: false,
  proxyUrl: '',
  hideClientButton: true,
  showDeveloperTools: 'never',
  mcp: { disabled: true },
  agent: { disabled: true },
}

/** Its configuration is in an attribute: no script is inline. */
const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Sluice API</title><link rel="icon" href="data:,"></head>
<body>
<script id="api-reference" data-url="/openapi.json" data-configuration="${JSON.stringify(configuration).replaceAll('"', '&quot;')}"></script>
<script src="/docs/scalar.js"></script>
</body>
</html>
`

let read: Promise<{ readonly plain: string; readonly packed: Buffer }> | undefined

/**
 * The bundle of Scalar: five megabytes, hence read when somebody first opens the page. Its plugin gives it out as a route only, and with a
 * page that has inline scripts; so the plugin is asked in an app of its own.
 */
function bundle(): Promise<{ readonly plain: string; readonly packed: Buffer }> {
  read ??= (async () => {
    const { default: scalar } = await import('@scalar/fastify-api-reference')
    await using inner = Fastify()
    await inner.register(scalar, { routePrefix: '/docs', configuration: { url: '/openapi.json' } })
    const plain = (await inner.inject('/docs/js/scalar.js')).body
    return { plain, packed: gzipSync(plain) }
  })()
  return read
}
