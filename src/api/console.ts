/** The built console: files with names by content for good, the page itself never from a cache; what the console routes is its page. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import files from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { asset } from '../lib/asset.ts'

const page = 'index.html'

declare module 'fastify' {
  interface FastifyInstance {
    /** Where the built console is; null: nowhere. */
    consoleFolder: string | null
  }
}

export async function serveConsole(app: FastifyInstance, folder: string | null = builtConsole()): Promise<void> {
  app.decorate('consoleFolder', folder)
  if (folder === null) return
  await app.register(files, {
    root: folder,
    serve: false,
    dotfiles: 'ignore',
    index: false,
    cacheControl: false,
    setHeaders(reply, path) {
      const named = path.startsWith(join(folder, 'assets'))
      void reply.header('cache-control', named ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  // Files are no operations of the API: in no document, for everybody.
  app.route<{ Params: { '*': string } }>({
    method: 'GET',
    url: '/*',
    config: { role: null },
    schema: { hide: true },
    handler: (request, reply) => reply.sendFile(request.params['*'] === '' ? page : request.params['*']),
  })
}

/** Where the build has put the console: beside the package's code, or in a clone. */
export function builtConsole(): string | null {
  return asset.consoles.find((folder) => existsSync(join(folder, page))) ?? null
}

/** The console's page for an address that the console routes; null: this is no navigation, or it is the API's own space. */
export function pageForUnknown(request: FastifyRequest, reply: FastifyReply): FastifyReply | null {
  const [path = '/'] = request.url.split('?')
  const navigates = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html')
  if (!navigates || /^\/(api|docs|assets|analytics)(\/|$)|^\/(openapi\.json|metrics|healthz|readyz)$/.test(path))
    return null
  if (request.server.consoleFolder === null) return notBuilt(reply)
  void reply.code(200).header('cache-control', 'no-cache')
  return reply.sendFile(page, request.server.consoleFolder)
}

function notBuilt(reply: FastifyReply): FastifyReply {
  return reply.code(503).type('text/html; charset=utf-8').send(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sluice</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem}</style>
<h1>The console is not built</h1>
<p>The API is up: <a href="/docs">/docs</a> shows what it can do. In a clone of the repository
<code>npm run console:build</code> builds the console; the package brings it along.</p></html>
`)
}
