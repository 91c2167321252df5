/** Every page as somebody who cannot see it, or not well, gets it: axe finds nothing, wide and on a phone, light and dark. */
import axe from 'axe-core'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Chromium, openChromium } from './chromium.ts'
import { askAs, furnish } from './furnish.ts'
import { writeHistory } from './history.ts'
import { pagesOf } from './pages.ts'
import { openSchool, type School } from './school.ts'
import { describeInChromium } from './suite.ts'

const looks = [
  { name: 'wide, light', size: { width: 1440, height: 900 }, scheme: 'light' },
  { name: 'wide, dark', size: { width: 1440, height: 900 }, scheme: 'dark' },
  { name: 'phone, dark', size: { width: 390, height: 844 }, scheme: 'dark' },
  { name: 'phone, light', size: { width: 390, height: 844 }, scheme: 'light' },
] as const

describeInChromium('every page', () => {
  let school: School
  let chromium: Chromium
  let page: Page
  let ids: Awaited<ReturnType<typeof furnish>>
  const faults: string[] = []

  beforeAll(async () => {
    ;[school, chromium] = await Promise.all([openSchool(), openChromium()])
    const secret = await school.sluice('token', 'create', '--quiet', '--name', 'furnishing', '--role', 'admin')
    ids = await furnish(school, askAs(school, secret.trim()))
    await writeHistory(school, { flow: 'census', slices: 800, runs: 300 })
    page = await chromium.context.newPage()
    page.setDefaultTimeout(20_000)
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    await page.goto(school.signIn)
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor({ timeout: 30_000 })
    // The session was asked for before there was one.
    faults.splice(0)
  }, 180_000)
  afterAll(async () => {
    await chromium[Symbol.asyncDispose]()
    await school[Symbol.asyncDispose]()
  }, 60_000)

  /** One line for each violation, with where it is. */
  async function violations(): Promise<readonly string[]> {
    // Colours that change with the scheme take a moment.
    await page.waitForTimeout(400)
    // Not as a script of the page, which its policy would refuse.
    await page.evaluate(axe.source)
    const found = await page.evaluate<AxeResults>(`axe.run(document, { resultTypes: ['violations'] })`)
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, target }) => `${id}: ${target.join(' ')}: ${html}`),
    )
  }

  it('of the navigation is looked at', async () => {
    await page.goto(`${school.url}/`)
    await page.getByRole('navigation').getByRole('link').first().waitFor()
    const links = await page.getByRole('navigation').getByRole('link').all()
    const paths = await Promise.all(links.map((link) => link.getAttribute('href')))
    expect(paths.length).toBeGreaterThanOrEqual(12)
    const known = new Set(pagesOf(ids).map(({ path }) => path.split('?')[0]))
    expect(paths.filter((path) => !known.has(path ?? ''))).toEqual([])
  })

  const places = pagesOf({ run: ':run', failed: ':failed', backfill: ':backfill', slice: ':slice', bucket: ':bucket' })
  it.each(places)(
    '$name',
    async ({ name }) => {
      const there = pagesOf(ids).find((each) => each.name === name)
      if (there === undefined) throw new Error(`nothing to open for ${name}`)
      const found: Record<string, readonly string[]> = {}
      for (const { name: look, size, scheme } of looks) {
        await page.setViewportSize(size)
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
        if (look === 'wide, light') await page.goto(school.url + there.path)
        await page.getByText(there.shows).first().waitFor({ state: 'attached' })
        await page.getByRole('status', { name: 'Loading' }).waitFor({ state: 'detached' })
        const here = await violations()
        if (here.length > 0) found[look] = here
        const wider = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        if (wider > 0) found[`${look}: wider than the screen`] = [`by ${wider} pixels`]
      }
      expect(found).toEqual({})
      expect(faults.splice(0), 'defects of the page').toEqual([])
    },
    90_000,
  )

  it('windows and menus over a page', async () => {
    await page.setViewportSize({ width: 1440, height: 900 })
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      await page.goto(`${school.url}/access`)
      await page.getByRole('button', { name: 'New token' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Add a claim' }).click()
      expect(await violations(), `new token, ${scheme}`).toEqual([])
      await page.goto(`${school.url}/flows/teachers`)
      await page.getByRole('button', { name: 'Pause', exact: true }).click()
      await page.getByRole('dialog').getByLabel('Reason').waitFor()
      expect(await violations(), `pause, ${scheme}`).toEqual([])
      await page.keyboard.press('Escape')
      await page.keyboard.press('Control+k')
      await page.getByRole('textbox').or(page.getByRole('combobox')).first().waitFor()
      expect(await violations(), `palette, ${scheme}`).toEqual([])
      await page.keyboard.press('Escape')
    }
  }, 90_000)

  it('asks nothing of any other machine', () => {
    expect(chromium.left).toEqual([])
  })

  it('sign-in', async () => {
    await chromium.context.clearCookies()
    await page.goto(`${school.url}/`)
    await page.getByRole('heading', { name: 'Sign in to Sluice' }).waitFor()
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      expect(await violations(), scheme).toEqual([])
    }
  }, 60_000)
})
