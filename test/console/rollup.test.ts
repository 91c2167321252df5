/** A rollup in the browser: how far it is, where a bucket differs from its events, and a backfill that makes it right. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Chromium, openChromium } from './chromium.ts'
import { askAs } from './furnish.ts'
import { openSchool, type School } from './school.ts'
import { describeInChromium } from './suite.ts'

describeInChromium('a rollup', () => {
  let school: School
  let chromium: Chromium
  let page: Page
  /** Yesterday, by the clocks of the rollup, and its bucket from noon on. */
  let day: string
  let noon: string
  const faults: string[] = []

  beforeAll(async () => {
    ;[school, chromium] = await Promise.all([openSchool(), openChromium()])
    page = await chromium.context.newPage()
    page.setDefaultTimeout(30_000)
    page.on('pageerror', (error) => faults.push(String(error)))
    await page.goto(school.signIn)
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor()
    const [found] = await school.query<{ day: string; noon: string }>(`
      select to_char(d, 'YYYY-MM-DD') as day, to_char((d + interval '12 hours') at time zone 'Europe/Berlin' at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"') as noon
      from (select date_trunc('day', now() at time zone 'Europe/Berlin') - interval '1 day' as d) t`)
    if (found === undefined) throw new Error('there was a yesterday')
    ;({ day, noon } = found)
  }, 180_000)
  afterAll(async () => {
    await chromium[Symbol.asyncDispose]()
    await school[Symbol.asyncDispose]()
  }, 60_000)
  afterEach(() => {
    expect(faults.splice(0), 'defects of the page').toEqual([])
    expect(chromium.left, 'requests that leave the machine').toEqual([])
  })

  const main = () => page.getByRole('main')
  const shows = (text: string | RegExp): Promise<void> => main().getByText(text).first().waitFor()
  const region = (name: string | RegExp) => page.getByRole('region', { name })

  it('that never ran says so, and what to do', async () => {
    await page.goto(`${school.url}/flows/visits?tab=grains`)
    await shows('Nothing is counted yet.')
    await shows('sluice run visits')
    await page.goto(`${school.url}/flows/visits?tab=slices`)
    await shows('There is no slice yet')
    await page.goto(`${school.url}/flows/visits?tab=chart`)
    await shows('Nothing was counted yet')
  })

  it('tells how far it is as soon as it is counted, and what is made of what', async () => {
    await page.goto(`${school.url}/flows/visits?tab=grains`)
    await shows('Nothing is counted yet.')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await shows(/^Everything before .*00 is counted, and no event has changed since\.$/)
    const tree = region('Grains').getByRole('row')
    await expect.poll(() => tree.allInnerTexts()).toHaveLength(7)
    const lines = (await tree.allInnerTexts()).map((line) => line.replaceAll(/\s+/g, ' ').trim())
    expect(lines[1]).toBe('events public.visit')
    expect(lines[2]).toMatch(/^└ ?hour events [\d,]+ 0 \d+ days for ever$/)
    expect(lines[6]).toMatch(/^└ ?year month \d+ 0 \d years? for ever$/)
  })

  it('an event that comes late is seen in the calendar and in its bucket, beside the events', async () => {
    await school.query(`insert into visit (site, device, seconds, seen_at) values ('kiosk', 'phone', 30, $1)`, [noon])
    await page.goto(`${school.url}/flows/visits?tab=grains`)
    await shows(/but for 1 hour, 1 day, 1 week, 1 month and 1 year whose events have changed since/)
    await main().getByRole('link', { name: 'hour', exact: true }).click()
    const calendar = region('Calendar')
    const cell = calendar.getByRole('button', { name: /: dirty/ })
    await cell.waitFor()
    expect(await calendar.getByRole('button', { name: /: dirty/ }).count()).toBe(1)
    // By key, as by mouse.
    await cell.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: `${day}[Europe/Berlin]/hour` }).waitFor()
    const buckets = page.getByRole('group', { name: 'Buckets' })
    await buckets.getByRole('button', { name: /^12:00\s*, dirty/ }).click()
    expect(new URL(page.url()).searchParams.get('bucket')).toBe(noon)
    await shows(/3 rows differ: 2 missing in the table, 1 with other values/)
    const sides = region('Raw beside rollup').getByRole('row')
    const rows = (await sides.allInnerTexts()).map((line) => line.replaceAll(/\s+/g, ' ').trim())
    expect(rows[2]).toMatch(/^changed total all all (\d+) (\d+) ≠/)
    const [, raw, kept] = /^changed total all all (\d+) (\d+)/.exec(rows[2] ?? '') ?? []
    expect(Number(raw)).toBe(Number(kept) + 1)
    // What is open is in the address.
    await page.reload()
    await shows(/3 rows differ/)
  }, 60_000)

  it('is drawn over time, and what is drawn is in the address', async () => {
    await page.goto(`${school.url}/flows/visits?tab=chart&grain=hour&from=${day}&to=${day}`)
    await page.getByRole('img', { name: /^visits by hour, 1 line; / }).waitFor()
    const [of] = await school.query<{ noon: number }>(
      `select count(*) filter (where seen_at >= $1 and seen_at < $1::timestamptz + interval '1 hour')::int as noon from visit`,
      [noon],
    )
    const row = main().getByRole('row', { name: /12:00 to 13:00/ })
    // The late one is in it, though nothing was run since.
    expect((await row.innerText()).split(/\s+/)).toContain(String(of?.noon))
    await main().getByLabel('By').first().click()
    await page.getByRole('option', { name: 'site' }).click()
    await page.getByRole('img', { name: /^visits by hour, 4 lines; / }).waitFor()
    expect(new URL(page.url()).searchParams.get('by')).toBe('site')
    await main().getByLabel('Grain', { exact: true }).first().click()
    await page.getByRole('option', { name: 'month' }).click()
    await page.getByRole('heading', { name: 'visits by month' }).waitFor()
    expect(new URL(page.url()).searchParams.get('from')).toBeNull()
  }, 60_000)

  it('a backfill is asked for by grain and whole days, seen before it begins, and makes it right', async () => {
    await page.goto(`${school.url}/flows/visits?tab=grains`)
    await main().getByRole('link', { name: 'New backfill' }).click()
    await page.getByRole('heading', { name: 'New backfill', level: 1 }).waitFor()
    await main().getByLabel('Grain', { exact: true }).first().click()
    await page.getByRole('option', { name: 'hour' }).click()
    await main().getByLabel('From', { exact: true }).fill(day)
    await main().getByLabel('To', { exact: true }).fill(day)
    await page.getByRole('button', { name: 'Show the slices' }).click()
    const exact = region('The exact slices')
    await exact.getByText(`${day}[Europe/Berlin]/hour`).waitFor()
    await exact.getByText('events of it have changed').waitFor()
    await shows(`sluice backfill visits --grain hour --from ${day} --to ${day}`)
    // Another wish, another preview.
    await main().getByLabel('Clear what cannot be made again').check()
    await page.getByRole('button', { name: 'Show the slices' }).click()
    await shows(`sluice backfill visits --grain hour --from ${day} --to ${day} --clear`)
    await page.getByRole('button', { name: 'Begin: 1 slice, 2 at once' }).click()
    await page.getByRole('heading', { name: /^Backfill / }).waitFor()
    await main().locator('[data-state="done"]').first().waitFor()
    await shows(/by hour, cleared where it cannot be made again/)
    const ask = askAs(
      school,
      (await school.sluice('token', 'create', '--quiet', '--name', 'looks', '--role', 'viewer')).trim(),
    )
    const compared = await ask<{ readonly counts: object }>(
      'GET',
      `/api/flows/visits/buckets?grain=hour&bucket=${encodeURIComponent(noon)}`,
    )
    expect(compared.counts).toMatchObject({ missing: 0, extra: 0, changed: 0 })
  }, 60_000)

  it('is made in the form, with its own fields', async () => {
    await page.goto(`${school.url}/editor?kind=rollup`)
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('by_site')
    await main().getByRole('textbox', { name: 'Table', exact: true }).first().fill('visit')
    await main().getByLabel('Time column').fill('seen_at')
    await main().getByRole('textbox', { name: 'Table', exact: true }).last().fill('by_site')
    await page.getByRole('button', { name: 'Show the plan' }).click()
    await shows('count all events')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('heading', { name: 'by_site', level: 1 }).waitFor()
    await page.getByRole('tab', { name: 'Grains' }).click()
    await shows('Nothing is counted yet.')
  }, 60_000)
})
