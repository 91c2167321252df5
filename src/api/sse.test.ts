import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { afterEach, expect, test } from 'vitest'
import type { Api } from './route.ts'
import { closingOf, frame, type Message, sendEvents, type StreamOptions } from './sse.ts'

interface Served {
  readonly url: URL
  readonly app: Api
  /** Streams whose source is followed now. */
  followed(): number
  /** Messages that sources were asked for. */
  asked(): number
}

const open: Api[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(open.splice(0).map((app) => app.close()))
})

/** A server with one stream; counts who follows its source. */
async function serve(
  source: (signal: AbortSignal) => AsyncIterable<Message>,
  options: Omit<StreamOptions, 'closing'> = {},
): Promise<Served> {
  // The tests need no more of an app than it has.
  const app = Fastify() as unknown as Api
  open.push(app)
  const closing = closingOf(app)
  let followed = 0
  let asked = 0
  app.get('/', (request, reply) => {
    sendEvents(
      request,
      reply,
      async function* counted(signal) {
        followed += 1
        try {
          for await (const message of source(signal)) {
            asked += 1
            yield message
          }
        } finally {
          followed -= 1
        }
      },
      { closing, ...options },
    )
  })
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  return { url, app, followed: () => followed, asked: () => asked }
}

async function* forever(signal: AbortSignal): AsyncGenerator<Message> {
  while (!signal.aborted) await once(signal, 'abort').catch(() => {})
  yield* []
}

async function* busy(signal: AbortSignal): AsyncGenerator<Message> {
  for (; !signal.aborted; await sleep(2)) yield { event: 'log', data: {} }
}

async function* three(): AsyncGenerator<Message> {
  for (const n of [1, 2, 3]) yield { id: String(n), event: 'log', data: { n } }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds() && tries < 200; tries += 1) await sleep(25)
  expect(holds()).toBe(true)
}

test('messages arrive as they are written, and the answer ends with its source', async () => {
  const served = await serve(three)
  const answer = await fetch(served.url)
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(await answer.text()).toBe(
    ['retry: 2000\n\n', ...[1, 2, 3].map((n) => `id: ${n}\nevent: log\ndata: {"n":${n}}\n\n`)].join(''),
  )
  expect(served.followed()).toBe(0)
})

test('a text with line ends stays in its one line', () => {
  expect(frame({ event: 'log', data: { message: 'a\nb\r\n\nevent: forged' } }).split('\n')).toHaveLength(4)
})

test('while nothing happens there are pings; a client that goes is let go of at once', async () => {
  const served = await serve(forever, { pingMs: 30 })
  const gone = new AbortController()
  const answer = await fetch(served.url, { signal: gone.signal })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes(': ping\n\n: ping\n\n')) text += (await reader?.read())?.value ?? ''
  expect(served.followed()).toBe(1)
  gone.abort()
  await until(() => served.followed() === 0)
})

test('a hundred that come and go leave nobody behind', async () => {
  const served = await serve(forever)
  const gone = new AbortController()
  const answers = await Promise.all(Array.from({ length: 100 }, () => fetch(served.url, { signal: gone.signal })))
  await until(() => served.followed() === 100)
  expect(answers.every(({ ok }) => ok)).toBe(true)
  gone.abort()
  await until(() => served.followed() === 0)
})

test('closing the server ends its streams instead of waiting for them', async () => {
  const served = await serve(forever)
  const answer = await fetch(served.url)
  await until(() => served.followed() === 1)
  const began = performance.now()
  await served.app.close()
  expect(performance.now() - began).toBeLessThan(2_000)
  await answer.text().catch(() => {})
  expect(served.followed()).toBe(0)
})

test('who does not read is not written to without bounds, and is dropped', async () => {
  async function* flood(): AsyncGenerator<Message> {
    for (;;) yield { event: 'log', data: 'x'.repeat(10_000) }
  }
  const served = await serve(flood, { stallMs: 300 })
  const socket = connect(Number(served.url.port), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await until(() => served.followed() === 1)
  await until(() => served.followed() === 0)
  // What the system buffers between two sockets, and no more.
  expect(served.asked() * 10_000).toBeLessThan(20_000_000)
})

test('a caller that may no more sees no more', async () => {
  let allowed = true
  const served = await serve(forever, { pingMs: 20, still: () => Promise.resolve(allowed) })
  const answer = await fetch(served.url)
  await until(() => served.followed() === 1)
  allowed = false
  expect(await answer.text()).toContain('retry')
  expect(served.followed()).toBe(0)
})

test('nor while so much is said that nothing is left to ping for', async () => {
  let allowed = true
  const served = await serve(busy, { pingMs: 20, still: () => Promise.resolve(allowed) })
  const answer = await fetch(served.url)
  await until(() => served.asked() > 3)
  allowed = false
  expect(await answer.text()).toContain('event: log')
  expect(served.followed()).toBe(0)
})
