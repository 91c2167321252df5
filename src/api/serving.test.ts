/** What is served beside the operations: the console's files, the pages of the document, health, metrics. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'

let api: TestApi
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-console-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>the console</title>')
  await writeFile(join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  await writeFile(join(folder, 'assets', 'main-abc123.js'), 'export {}')
  await writeFile(join(folder, '.hidden'), 'secret')
  await writeFile(join(folder, '..', 'beside-the-console.txt'), 'secret')
  api = await createApi({ consoleFolder: folder })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
  await rm(join(folder, '..', 'beside-the-console.txt'), { force: true })
})

const html = { accept: 'text/html,application/xhtml+xml' }

describe('the console', () => {
  test.each(['/', '/flows', '/flows/things', '/runs/01a2?tab=log', '/sign-in?code=abc'])(
    'its page at %s, never from a cache',
    async (url) => {
      const answer = await api.ask({ url, headers: html, as: null })
      expect(answer.statusCode).toBe(200)
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(answer.headers['cache-control']).toBe('no-cache')
      expect(answer.body).toContain('the console')
    },
  )

  test('its files by content for good, the others asked about', async () => {
    const script = await api.ask({ url: '/assets/main-abc123.js', as: null })
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(script.headers['content-type']).toContain('javascript')
    const icon = await api.ask({ url: '/icon.svg', as: null })
    expect(icon.headers['cache-control']).toBe('no-cache')
    const again = await api.ask({
      url: '/icon.svg',
      as: null,
      headers: { 'if-none-match': String(icon.headers['etag']) },
    })
    expect(again.statusCode).toBe(304)
  })

  test.each(['/assets/missing.js', '/api/missing', '/docs/missing', '/missing.png'])('%s is no page', async (url) => {
    const accept = url.endsWith('.png') ? { accept: 'image/png' } : html
    const answer = await api.ask({ url, headers: accept, as: null })
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ code: 'ROUTE_UNKNOWN' })
  })

  test.each([
    '/../beside-the-console.txt',
    '/%2e%2e/beside-the-console.txt',
    '/assets/..%2f..%2fbeside-the-console.txt',
    '/.hidden',
    '/..%5cbeside-the-console.txt',
    '/%00',
  ])('%s leads nowhere', async (url) => {
    const answer = await api.ask({ url, as: null })
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.statusCode).toBeLessThan(500)
    expect(answer.body).not.toContain('secret')
  })

  test('that is not built says how', async () => {
    await using bare = await createApi({ consoleFolder: null })
    const answer = await bare.ask({ url: '/', headers: html, as: null })
    expect(answer.statusCode).toBe(503)
    expect(answer.body).toContain('npm run console')
    expect(answer.body).not.toContain('<script')
  })
})

describe('the document', () => {
  test('is OpenAPI 3.1, and every reference in it leads somewhere', async () => {
    const answer = await api.ask({ url: '/openapi.json', as: null })
    const document = answer.json<{ openapi: string; components: { schemas: object } }>()
    expect(document.openapi).toMatch(/^3\.1\./)
    const references = [...answer.body.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(references.length).toBeGreaterThan(20)
    const names = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`))
    expect(references.filter((reference) => !names.has(reference))).toEqual([])
    expect([...names].filter((name) => !references.includes(name))).toEqual([])
  })

  test('its page asks nobody else and has no inline script', async () => {
    const page = await api.ask({ url: '/docs', as: null })
    expect(page.body).not.toMatch(/https?:\/\//)
    expect(page.body).toContain('withDefaultFonts&quot;:false')
    for (const [, content = ''] of page.body.matchAll(/<script[^>]*>([^<]*)<\/script>/g))
      expect(content.trim()).toBe('')
    const script = await api.ask({ url: '/docs/scalar.js', as: null, headers: { 'accept-encoding': 'gzip' } })
    expect(script.statusCode).toBe(200)
    expect(script.headers['content-encoding']).toBe('gzip')
    expect(script.rawPayload.length).toBeGreaterThan(500_000)
  })
})

describe('health', () => {
  test('a process that answers is alive, whatever else is', async () => {
    const answer = await api.ask({ url: '/healthz', as: null })
    expect(answer.json()).toEqual({ status: 'alive' })
  })

  test('ready says what is missing, and is ready when nothing is', async () => {
    const before = await api.ask({ url: '/readyz', as: null })
    expect(before.statusCode).toBe(503)
    expect(before.json<{ missing: { what: string }[] }>().missing.map(({ what }) => what)).toEqual([
      'scheduler',
      'worker',
    ])
    const service = await api.sluice.engine.start(['worker', 'scheduler'])
    try {
      const ready = await api.ask({ url: '/readyz', as: null })
      expect(ready.json()).toEqual({ status: 'ready', missing: [] })
      expect(ready.statusCode).toBe(200)
    } finally {
      await service.stop(5_000)
    }
  })

  test('a state that is gone is what is missing, and nothing of the server is told', async () => {
    await using other = await createApi()
    await other.project.query('alter schema sluice rename to elsewhere')
    try {
      const answer = await other.ask({ url: '/readyz', as: null })
      expect(answer.statusCode).toBe(503)
      expect(answer.json()).toMatchObject({ missing: [{ what: 'state' }] })
      expect(answer.body).not.toMatch(/relation|schema "|select/)
      const asked = await other.ask({ url: '/api/runs' })
      expect(asked.statusCode).toBe(500)
      expect(asked.json()).toMatchObject({ code: 'INTERNAL' })
      expect(asked.body).not.toMatch(/relation|"sluice"|select/)
      const { requestId } = asked.json<{ requestId: string }>()
      const logged = other
        .log()
        .split('\n')
        .filter((line) => line.includes(requestId) && line.includes('"level":50'))
      expect(logged.join('')).toContain('STORE_QUERY')
      const metrics = await other.ask({ url: '/metrics', as: null })
      expect(metrics.body).toContain('sluice_state_up 0')
      expect(metrics.body).not.toContain('sluice_flow_state{')
    } finally {
      await other.project.query('alter schema elsewhere rename to sluice')
    }
  })
})

describe('metrics', () => {
  test('tell of flows, runs and requests', async () => {
    await api.sluice.run(['things'])
    await api.ask({ url: '/api/runs/not-a-run' })
    const { body, headers } = await api.ask({ url: '/metrics', as: null })
    expect(headers['content-type']).toContain('text/plain; version=0.0.4')
    const lines = body.split('\n')
    expect(lines).toContain('sluice_state_up 1')
    expect(lines).toContain('sluice_flow_state{flow="things",state="fresh"} 1')
    expect(lines).toContain('sluice_flow_state{flow="others",state="never"} 1')
    expect(lines).toContain('sluice_flow_rows{flow="things"} 3')
    expect(lines).toContain('sluice_runs{is="waiting"} 0')
    // By route: a path would make a new series for each id that somebody asks for.
    expect(body).toMatch(
      /sluice_http_request_duration_seconds_count\{method="GET",route="\/api\/runs\/:run",status="\d+"\} 1/,
    )
    expect(body).not.toContain('not-a-run')
  })

  test('two that ask at once get the whole', async () => {
    const asked = await Promise.all(Array.from({ length: 8 }, () => api.ask({ url: '/metrics', as: null })))
    for (const { body } of asked) expect(body).toContain('sluice_flow_rows{flow="things"} 3')
  })

  test('take a token where the config names one', async () => {
    await using closed = await createApi({ settings: { metricsToken: 'a token for prometheus' } })
    const ask = (authorization: string) => closed.app.inject({ url: '/metrics', headers: { authorization } })
    expect((await ask('Bearer wrong')).statusCode).toBe(401)
    expect((await closed.app.inject({ url: '/metrics' })).statusCode).toBe(401)
    expect((await ask(`Bearer ${closed.tokens.admin}`)).statusCode).toBe(401)
    const right = await closed.app.inject({
      url: '/metrics',
      headers: { authorization: 'Bearer a token for prometheus' },
    })
    expect(right.statusCode).toBe(401)
    await using named = await createApi({ settings: { metricsToken: 'prometheus' } })
    expect(
      (await named.app.inject({ url: '/metrics', headers: { authorization: 'Bearer prometheus' } })).statusCode,
    ).toBe(200)
  })
})
