/** The page that shows the OpenAPI document, in Chromium: it works under the same policy as the console, and asks nobody else. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ApiServer } from '../../src/api/server.ts'
import { createApi, type TestApi } from '../support/api.ts'
import { type Chromium, openChromium } from './chromium.ts'
import { describeInChromium } from './suite.ts'

describeInChromium('the page of the API', () => {
  let api: TestApi
  let server: ApiServer
  let chromium: Chromium
  let url: URL
  beforeAll(async () => {
    api = await createApi()
    const settings = { ...api.sluice.apiSettings(), port: 0 }
    server = new ApiServer(api.sluice, { version: '0.0.0-test', settings, consoleFolder: null })
    url = (await server.start()).url
    chromium = await openChromium()
  })
  afterAll(async () => {
    await chromium[Symbol.asyncDispose]()
    await server.stop(1_000)
    await api[Symbol.asyncDispose]()
  })

  it('shows every tag and an operation, without a word from elsewhere', async () => {
    const tab = await chromium.context.newPage()
    const said: string[] = []
    tab.on('console', (message) => {
      if (message.type() === 'error') said.push(message.text())
    })
    tab.on('pageerror', (error) => said.push(error.message))
    await tab.goto(new URL('/docs', url).href)
    await tab.getByRole('heading', { name: 'Sluice', exact: true }).waitFor({ timeout: 20_000 })
    for (const tag of ['Flows', 'Runs', 'Access']) await tab.getByText(tag, { exact: true }).first().waitFor()
    await tab.getByText('Flows', { exact: true }).first().click()
    await tab.getByText('Flows by name, with their state').first().waitFor()
    // Whatever it does after it is drawn.
    await tab.waitForTimeout(2_000)
    expect(chromium.left).toEqual([])
    expect(said).toEqual([])
  }, 60_000)
})
