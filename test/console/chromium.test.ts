/** The guard is guarded: what leaves the machine is seen, however it is asked for. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Chromium, openChromium } from './chromium.ts'
import { describeInChromium } from './suite.ts'

const page = `<!doctype html><title>leaks</title>
<link rel="stylesheet" href="https://style.example/a.css"><link rel="preconnect" href="https://early.example">
<img src="http://image.example/a.png">
<script>
  fetch('https://fetch.example/').catch(() => {})
  navigator.sendBeacon('https://beacon.example/', 'x')
  new WebSocket('wss://socket.example/')
  new EventSource('http://events.example/')
  new Worker(URL.createObjectURL(new Blob(["fetch('https://worker.example/').catch(() => {})"])))
</script>`

describeInChromium('what leaves the machine', () => {
  let chromium: Chromium
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(page))
  beforeAll(async () => {
    chromium = await openChromium()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    await chromium[Symbol.asyncDispose]()
    server.close()
  })

  it('is refused and written down', async () => {
    const tab = await chromium.context.newPage()
    await tab.goto('about:blank')
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(chromium.left, 'the browser by itself').toEqual([])
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`) // it listens on a port
    const names = ['style', 'early', 'image', 'fetch', 'beacon', 'socket', 'events', 'worker']
    const missed = (): readonly string[] =>
      names.filter((name) => !chromium.left.some((line) => line.includes(`${name}.example`)))
    await expect.poll(missed, { timeout: 10_000 }).toEqual([])
  })
})
