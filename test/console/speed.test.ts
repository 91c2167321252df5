/**
 * What the console shows after months of work, and how soon: 100 flows, 10,000 slices, 5,000 runs and a backfill of a year in the state.
 * The medians are printed. They are held to a limit only where the environment sets one (`SLUICE_CONSOLE_LIMIT_MS=1000`, as `.ci/run` does
 * when nothing else runs): on a machine that is busy with other tests they would say nothing about the console.
 */
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Chromium, openChromium } from './chromium.ts'
import { writeBackfill, writeHistory } from './history.ts'
import { openSite, type Site } from './site.ts'
import { describeInChromium } from './suite.ts'

/** Infinity where nobody asks: whatever is to be seen has to be there all the same. */
const limitMs = Number(process.env['SLUICE_CONSOLE_LIMIT_MS'] ?? Infinity)
if (!(limitMs > 0)) throw new Error('SLUICE_CONSOLE_LIMIT_MS is a number of milliseconds')

const source = 'data/of-the-registration-office/exports/wards-with-population.csv'

const config = `import { defineConfig, sync } from 'sluice'
const ward = (n: number) => sync({ from: { csv: '${source}' }, to: 'ward_' + n, key: ['id'], every: '1d' })
export default defineConfig({
  project: 'wards',
  api: { port: 0 },
  flows: Object.fromEntries(Array.from({ length: 100 }, (_, n) => ['ward_' + String(n + 1).padStart(3, '0'), ward(n + 1)])),
})
`

const backfill = '01900000-0000-7000-8000-00000000b0f1'
const hoursOfAYear = 8_760

describeInChromium('the console with 10,000 slices and 5,000 runs', () => {
  let site: Site
  let chromium: Chromium
  let page: Page

  beforeAll(async () => {
    ;[site, chromium] = await Promise.all([
      openSite({ config, files: { [source]: 'id,name\n1,one\n' } }),
      openChromium(),
    ])
    await writeHistory(site, { flow: 'ward_001', slices: 10_000, runs: 5_000 })
    await writeBackfill(site, { flow: 'ward_001', id: backfill, slices: hoursOfAYear })
    page = await chromium.context.newPage()
    await page.goto(site.signIn)
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor({ timeout: 30_000 })
  }, 180_000)
  afterAll(async () => {
    process.stderr.write(`medians in ms: ${JSON.stringify(medians)}\n`)
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

  const medians: Record<string, number> = {}

  /** From navigation (the whole page, not a step within it) until it is seen: the median of five, held to the limit. */
  async function soon(name: string, path: string, shows: () => Locator): Promise<void> {
    const times: number[] = []
    for (let turn = 0; turn < 5; turn += 1) {
      await page.goto('about:blank')
      const from = performance.now()
      await page.goto(site.url + path, { waitUntil: 'commit' })
      await shows().first().waitFor({ timeout: 30_000 })
      times.push(performance.now() - from)
    }
    const median = Math.round(times.toSorted((a, b) => a - b)[2] ?? Infinity)
    medians[name] = median
    expect(median, `${name}: milliseconds`).toBeLessThan(limitMs)
  }
  const main = (): Locator => page.getByRole('main')

  it('the last row of the flows is on the screen', async () => {
    await soon('flows', '/flows?sort=name', () => main().getByText('ward_100'))
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
    await soon('calendar', path, () => main().getByText(`${month?.hours} slices · Europe/Berlin`))
    const cells = page.getByRole('region', { name: 'Calendar' }).getByRole('button')
    // On the day of 25 hours two of them share a place.
    expect(await cells.count()).toBeGreaterThanOrEqual((month?.hours ?? 0) - 1)
  }, 120_000)

  it('so are the newest runs, a flow and the state of everything', async () => {
    await soon('runs', '/runs', () => main().getByText(/ward_\d{3}/))
    await soon('flow', '/flows/ward_001', () => main().locator('svg text', { hasText: /^….+\.csv$/ }))
    await soon('home', '/', () => main().getByText(/of 100 flows (is|are) fresh/))
  }, 120_000)

  it('so is a backfill, every slice of which the arrows reach', async () => {
    const path = `/backfills/${backfill}`
    await soon('backfill', path, () => main().getByText(`${count(hoursOfAYear)} squares`))
    const squares = main().getByRole('group', { name: 'Slices', exact: true }).getByRole('button')
    expect(await squares.count(), 'only those on the screen').toBeLessThan(hoursOfAYear / 2)
    const [ends] = await site.query<{ newest: string; oldest: string }>(
      `select max(key) as newest, min(key) as oldest from sluice.backfill_slice where backfill = $1`,
      [backfill],
    )
    const focused = (): Promise<string | null> =>
      page.evaluate<string | null>('document.activeElement.getAttribute("aria-label")')
    await squares.first().focus()
    expect(await focused()).toBe(`${ends?.newest}: succeeded, 1 of ${count(hoursOfAYear)}, open its run`)
    await page.keyboard.press('End')
    await expect.poll(focused).toBe(`${ends?.oldest}: waiting, ${count(hoursOfAYear)} of ${count(hoursOfAYear)}`)
    await page.keyboard.press('ArrowLeft')
    await expect.poll(focused).toContain(`waiting, ${count(hoursOfAYear - 1)} of`)
    await page.keyboard.press('Home')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Shift+Tab')
    await expect
      .poll(focused, { message: 'Tab comes back to where one was' })
      .toContain(`, 1 of ${count(hoursOfAYear)}`)
  }, 120_000)

  it('names of a lineage stay inside their boxes, however long', async () => {
    await page.goto(`${site.url}/flows/ward_001`)
    await main()
      .locator('svg text', { hasText: /^….+\.csv$/ })
      .waitFor()
    const boxes = await page.evaluate<readonly { readonly text: string; readonly over: number }[]>(
      `[...document.querySelectorAll('main svg g:has(> rect)')].flatMap((box) => {
        const { x, width } = box.querySelector('rect').getBBox()
        return [...box.querySelectorAll('text')].map((text) => {
          const at = text.getBBox()
          return { text: text.textContent, over: at.x + at.width - (x + width) }
        })
      })`,
    )
    expect(boxes.length).toBeGreaterThanOrEqual(6)
    expect(boxes.filter(({ over }) => over > 0)).toEqual([])
  })
})

const count = (value: number): string => value.toLocaleString('en-GB')
