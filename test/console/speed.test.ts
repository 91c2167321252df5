/** What the console shows after months of work, and how soon: 100 flows, 10,000 slices and 5,000 runs in the state. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Chromium, openChromium } from './chromium.ts'
import { writeHistory } from './history.ts'
import { openSite, type Site } from './site.ts'
import { describeInChromium } from './suite.ts'

const limitMs = 1_000

const config = `import { defineConfig, sync } from 'sluice'
const ward = (n: number) => sync({ from: { csv: 'data/wards.csv' }, to: 'ward_' + n, key: ['id'], every: '1d' })
export default defineConfig({
  project: 'wards',
  api: { port: 0 },
  flows: Object.fromEntries(Array.from({ length: 100 }, (_, n) => ['ward_' + String(n + 1).padStart(3, '0'), ward(n + 1)])),
})
`

describeInChromium('the console with 10,000 slices and 5,000 runs', () => {
  let site: Site
  let chromium: Chromium
  let page: Page

  beforeAll(async () => {
    ;[site, chromium] = await Promise.all([
      openSite({ config, files: { 'data/wards.csv': 'id,name\n1,one\n' } }),
      openChromium(),
    ])
    await writeHistory(site, { flow: 'ward_001', slices: 10_000, runs: 5_000 })
    page = await chromium.context.newPage()
    await page.goto(site.signIn)
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor({ timeout: 30_000 })
  }, 180_000)
  afterAll(async () => {
    await chromium[Symbol.asyncDispose]()
    await site[Symbol.asyncDispose]()
  }, 60_000)

  it('they are there', async () => {
    const found = await site.query<{ slices: number; runs: number }>(
      `select (select count(*)::int from sluice.slice where flow = 'ward_001') as slices, (select count(*)::int from sluice.run) as runs`,
    )
    expect(found[0]?.slices).toBeGreaterThanOrEqual(10_000)
    expect(found[0]?.runs).toBeGreaterThanOrEqual(5_000)
  })

  /** Milliseconds from navigation (the whole page, not a step within it) until the text is seen: the median of five. */
  async function soonness(path: string, text: string | RegExp): Promise<number> {
    const times: number[] = []
    for (let turn = 0; turn < 5; turn += 1) {
      await page.goto('about:blank')
      const from = performance.now()
      await page.goto(site.url + path, { waitUntil: 'commit' })
      await page.getByRole('main').getByText(text).first().waitFor({ timeout: 30_000 })
      times.push(performance.now() - from)
    }
    return times.toSorted((a, b) => a - b)[2] ?? Infinity
  }

  it('the last row of the flows is on the screen within a second', async () => {
    expect(await soonness('/flows?sort=name', 'ward_100')).toBeLessThan(limitMs)
    const rows = page.getByRole('table').getByRole('row')
    expect(await rows.count(), 'its head and all flows').toBe(101)
    const last = rows.last().getByText('ward_100')
    await last.scrollIntoViewIfNeeded()
    expect(await last.isVisible()).toBe(true)
  }, 120_000)

  it('so is the calendar, with every hour of a month', async () => {
    const [month] = await site.query<{ month: string; hours: number }>(
      `select to_char(first, 'YYYY-MM') as month,
         (select count(*)::int from sluice.slice where flow = 'ward_001'
            and date_trunc('month', period_from at time zone 'Europe/Berlin') = first) as hours
       from (select date_trunc('month', sluice.now() at time zone 'Europe/Berlin') - interval '1 month' as first) m`,
    )
    expect(month?.hours).toBeGreaterThan(660)
    const path = `/flows/ward_001?tab=slices&at=${month?.month}`
    expect(await soonness(path, `${month?.hours} slices · Europe/Berlin`)).toBeLessThan(limitMs)
    const cells = page.getByRole('region', { name: 'Calendar' }).getByRole('button')
    // On the day of 25 hours two of them share a place.
    expect(await cells.count()).toBeGreaterThanOrEqual((month?.hours ?? 0) - 1)
  }, 120_000)

  it('so are the newest runs and the state of everything', async () => {
    expect(await soonness('/runs', /ward_\d{3}/)).toBeLessThan(limitMs)
    expect(await soonness('/', /of 100 flows are fresh/)).toBeLessThan(limitMs)
  }, 120_000)
})
