import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoff, headersOf, post, sign } from './webhook.ts'

test('the signature is the one of the Standard Webhooks specification', () => {
  // The specification's own example.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: new Date(1_614_265_330_000), body: '{"test": 2432232314}' }
  expect(headersOf(secret, message)).toMatchObject({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('any other secret is the key itself; without one there is no signature', () => {
  expect(sign('sesame', 'a.1.{}')).toBe(createHmac('sha256', 'sesame').update('a.1.{}').digest('base64'))
  expect(headersOf(null, { id: 'a', at: new Date(0), body: '' })).not.toHaveProperty('webhook-signature')
})

test('pauses grow to an hour, spread, and respect the receiver', () => {
  expect([1, 2, 3, 20].map((attempts) => backoff(attempts, null, 0.5))).toEqual([5_000, 10_000, 20_000, 3_600_000])
  expect(backoff(1, 60_000, 0.5)).toBe(60_000)
  expect(backoff(1, 999_999_999, 0.5)).toBe(3_600_000)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, random) => {
      const ms = backoff(attempts, null, random)
      expect(ms).toBeGreaterThanOrEqual(4_000)
      expect(ms).toBeLessThanOrEqual(4_320_000)
    }),
  )
})

test('name and password of an address arrive as such', async () => {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.url, request.headers.authorization)
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo // it listens on a port
    const message = { id: 'msg_1', at: new Date(), body: '{}' }
    const webhook = { url: `http://ops:p%40ss@127.0.0.1:${port}/hook?a=b`, secret: null }
    expect(await post(webhook, message, 5_000)).toEqual({ tag: 'accepted' })
    expect(seen).toEqual(['/hook?a=b', `Basic ${Buffer.from('ops:p@ss').toString('base64')}`])
  } finally {
    server.close()
  }
})
