import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'
import { ApiServer } from './server.ts'

let api: TestApi
beforeAll(async () => {
  api = await createApi()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

function server(settings: Partial<ReturnType<TestApi['sluice']['apiSettings']>> = {}): ApiServer {
  return new ApiServer(api.sluice, {
    version: '0.0.0-test',
    consoleFolder: null,
    settings: { ...api.sluice.apiSettings(), port: 0, ...settings },
  })
}

async function taken(port: number): Promise<AsyncDisposable & { readonly port: number }> {
  const holder = createServer()
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject)
    holder.listen(port, '127.0.0.1', resolve)
  })
  const address = holder.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void holder.close(() => resolve())),
  }
}

test('a port that the config names and another has is an error that says what to do', async () => {
  await using holder = await taken(0)
  await using failing = server({ port: holder.port })
  await expect(failing.start()).rejects.toMatchObject({ code: 'PORT_TAKEN', fix: expect.stringContaining('api.port') })
})

test('without a named port a free one is used, and it says so', async () => {
  // Somebody else on this machine may have it already: that does as well.
  const holder = await taken(8_321).catch(() => null)
  try {
    await using serving = server({ port: null })
    const { url, instead, port } = await serving.start()
    expect(instead).toBe(8_321)
    expect(port).not.toBe(8_321)
    expect((await fetch(new URL('/healthz', url))).status).toBe(200)
  } finally {
    await holder?.[Symbol.asyncDispose]()
  }
})

test('an address that is not of this machine is refused', async () => {
  await using failing = server({ host: '203.0.113.1' })
  await expect(failing.start()).rejects.toMatchObject({ code: 'CONFIG_INVALID', fix: 'correct `api.host`' })
})
