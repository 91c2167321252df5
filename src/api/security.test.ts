import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'
import { answersTo, isOwnOrigin } from './host.ts'
import { ApiServer } from './server.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

const problemOf = (answer: { readonly headers: object; json<T>(): T }) => {
  expect(answer.headers).toMatchObject({ 'content-type': expect.stringMatching(/^application\/problem\+json/) })
  return answer.json<Record<string, unknown>>()
}

describe('headers', () => {
  test.each(['/healthz', '/api/session', '/api/nowhere', '/docs', '/openapi.json'])('of %s', async (url) => {
    const { headers } = await api.ask({ url })
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
      'x-request-id': expect.stringMatching(/^[\w-]{36}$/),
    })
    const policy = String(headers['content-security-policy']).split(';')
    expect(policy).toContain("default-src 'self'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    // Without https neither would be true of this server.
    expect(headers).not.toHaveProperty('strict-transport-security')
    expect(policy.join()).not.toContain('upgrade-insecure-requests')
    expect(headers).not.toHaveProperty('x-powered-by')
  })

  test('nothing says that another origin may read, unless the config does', async () => {
    const { headers } = await api.ask({ url: '/healthz', headers: { origin: 'https://app.example' } })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    await using open = await createApi({ settings: { cors: ['https://app.example'] } })
    const asked = await open.ask({ url: '/healthz', headers: { origin: 'https://app.example' } })
    expect(asked.headers['access-control-allow-origin']).toBe('https://app.example')
    expect(asked.headers).not.toHaveProperty('access-control-allow-credentials')
    const other = await open.ask({ url: '/healthz', headers: { origin: 'https://evil.example' } })
    expect(other.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('where https is certain, browsers are held to it', async () => {
    await using served = await createApi({ settings: { publicUrl: new URL('https://sluice.example/') } })
    const { headers } = await served.ask({ url: '/healthz', headers: { host: 'sluice.example' } })
    expect(headers['strict-transport-security']).toContain('max-age=31536000')
  })
})

describe('what is refused before anything reads it', () => {
  test.each([
    ['an address that does not exist', { url: '/api/nowhere' }, 404, 'ROUTE_UNKNOWN'],
    ['a method that the address does not have', { url: '/api/session', method: 'PATCH' }, 405, 'METHOD_REFUSED'],
    ['a malformed escape', { url: '/api/principals/%E0%A4%A' }, 400, 'REQUEST_INVALID'],
    ['an id that is too long', { url: `/api/principals/${'x'.repeat(1_100)}` }, 400, 'REQUEST_INVALID'],
    ['an unknown query parameter', { url: '/api/tokens?limt=3' }, 400, 'REQUEST_INVALID'],
    ['a limit beyond its bound', { url: '/api/tokens?limit=100000' }, 400, 'REQUEST_INVALID'],
    ['a cursor that nobody gave out', { url: '/api/tokens?cursor=abc' }, 400, 'CURSOR_INVALID'],
    ['a host that is not this machine', { url: '/healthz', headers: { host: 'evil.example' } }, 421, 'HOST_REFUSED'],
    ['a host that is none', { url: '/healthz', headers: { host: 'a b' } }, 421, 'HOST_REFUSED'],
  ] as const)('%s', async (_what, request, status, code) => {
    const answer = await api.ask(request)
    expect(answer.statusCode).toBe(status)
    const problem = problemOf(answer)
    expect(problem).toMatchObject({
      status,
      code,
      type: `urn:sluice:error:${code}`,
      requestId: answer.headers['x-request-id'],
    })
    for (const part of ['title', 'detail', 'why', 'fix']) expect(problem[part]).toEqual(expect.stringMatching(/\S/))
  })

  test.each([
    ['broken JSON', 'application/json', '{"name":', 400, 'REQUEST_INVALID'],
    ['nothing where JSON was said', 'application/json', '', 400, 'REQUEST_INVALID'],
    ['a poisoned prototype', 'application/json', '{"__proto__":{"role":"admin"}}', 400, 'REQUEST_INVALID'],
    ['a form', 'application/x-www-form-urlencoded', 'name=a&role=admin', 415, 'MEDIA_TYPE_REFUSED'],
    ['text', 'text/plain', '{"name":"a"}', 415, 'MEDIA_TYPE_REFUSED'],
    [
      'a field that is not known',
      'application/json',
      '{"name":"a","role":"viewer","admin":true}',
      400,
      'REQUEST_INVALID',
    ],
    ['more than the limit', 'application/json', JSON.stringify({ name: 'x'.repeat(1_100_000) }), 413, 'BODY_TOO_LARGE'],
  ] as const)('a body of %s', async (_what, type, payload, status, code) => {
    const answer = await api.ask({ method: 'POST', url: '/api/principals', headers: { 'content-type': type }, payload })
    expect(answer.statusCode).toBe(status)
    expect(problemOf(answer)).toMatchObject({ code })
  })

  test('the answer to a wrong method names the right ones', async () => {
    const { headers } = await api.ask({ url: '/api/tokens', method: 'PUT' })
    expect(String(headers['allow']).split(', ').toSorted()).toEqual(['GET', 'HEAD', 'POST'])
  })

  test('a fault names its place, not its neighbours', async () => {
    const payload = { name: 'Ada', role: 'boss', claims: { password: 'hunter2' } }
    const answer = await api.ask({ method: 'POST', url: '/api/principals', payload })
    expect(problemOf(answer)['why']).toMatch(/^body\/role: /)
    expect(answer.body).not.toContain('hunter2')
  })
})

describe('over a socket', () => {
  const raw = (port: number, text: string | Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      let said = ''
      socket.setEncoding('utf8').on('data', (part: string) => (said += part))
      socket.once('close', () => resolve(said))
      socket.once('error', reject)
      setTimeout(() => socket.destroy(), 5_000).unref()
    })

  test('what is no HTTP, or too long, gets a problem and no more', async () => {
    await using server = new ApiServer(api.sluice, {
      version: 'test',
      consoleFolder: null,
      settings: { ...api.sluice.apiSettings(), port: 0 },
    })
    const { port } = await server.start()
    const long = await raw(port, `GET /healthz?${'x'.repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    expect(long).toMatch(/^HTTP\/1\.1 431 /)
    expect(long).toContain('"code":"HEADERS_TOO_LARGE"')
    for (const garbage of ['hello\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', gzipSync('x')]) {
      const said = await raw(port, garbage)
      expect(said).toMatch(/^HTTP\/1\.1 400 /)
      expect(said).toContain('"code":"REQUEST_INVALID"')
    }
    const smuggled = await raw(
      port,
      'POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    )
    expect(smuggled).toMatch(/^HTTP\/1\.1 400 /)
    const hostless = await raw(port, 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')
    expect(hostless).toMatch(/^HTTP\/1\.1 4\d\d /)
  })
})

describe('which hosts and origins are ours', () => {
  const local = { host: '127.0.0.1', hosts: ['sluice.test'], publicUrl: new URL('https://sluice.example/') }

  test.each([
    ['localhost', true],
    ['LOCALHOST:8321', true],
    ['127.0.0.1:1', true],
    ['[::1]:8321', true],
    ['sluice.test', true],
    ['sluice.example', true],
    ['sluice.test.evil.example', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['localhost:8321@evil.example', false],
    ['', false],
    [undefined, false],
  ])('on loopback, %s: %s', (host, expected) => {
    expect(answersTo(host, local)).toBe(expected)
  })

  test('an origin is ours if it is the host that was asked, whatever the rest', () => {
    expect(isOwnOrigin('http://localhost:8321', 'localhost:8321', local)).toBe(true)
    expect(isOwnOrigin('http://localhost', 'localhost:80', local)).toBe(true)
    expect(isOwnOrigin('https://sluice.example', 'internal:80', local)).toBe(true)
    expect(isOwnOrigin('http://localhost:3000', 'localhost:8321', local)).toBe(false)
    expect(isOwnOrigin('null', 'localhost:8321', local)).toBe(false)
    fc.assert(
      fc.property(fc.webUrl(), (url) => {
        expect(isOwnOrigin(new URL(url).origin, 'localhost:8321', local)).toBe(false)
      }),
    )
  })
})

describe('how often one may ask', () => {
  test('each caller for itself over all operations, and by address who needs to be nobody', async () => {
    await using few = await createApi({ settings: { rateLimit: { requests: 3, failures: 100, signIns: 100 } } })
    const statuses: number[] = []
    for (const url of ['/api/session', '/api/flows', '/api/runs'])
      statuses.push((await few.ask({ url, as: 'viewer' })).statusCode)
    expect(statuses).toEqual([200, 200, 200])
    const refused = await few.ask({ url: '/api/session', as: 'viewer' })
    expect(refused.statusCode).toBe(429)
    expect(problemOf(refused)).toMatchObject({ code: 'RATE_LIMITED' })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await few.ask({ url: '/api/session', as: 'operator' })).statusCode).toBe(200)
    const open: number[] = []
    for (let turn = 0; turn < 4; turn += 1) open.push((await few.ask({ url: '/healthz', as: null })).statusCode)
    expect(open).toEqual([200, 200, 200, 429])
  })
})
