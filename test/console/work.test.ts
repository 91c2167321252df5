/** What people do with the console, from the link that `sluice up` prints to a flow that they made, in a real browser. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Chromium, openChromium } from './chromium.ts'
import { openSchool, type School, schoolsCsv } from './school.ts'
import { describeInChromium } from './suite.ts'

describeInChromium('the console at work', () => {
  let school: School
  let chromium: Chromium
  let page: Page
  const faults: string[] = []

  beforeAll(async () => {
    ;[school, chromium] = await Promise.all([openSchool(), openChromium()])
    page = await chromium.context.newPage()
    page.setDefaultTimeout(30_000)
    page.on('pageerror', (error) => faults.push(String(error)))
    await chromium.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  }, 180_000)
  afterAll(async () => {
    await chromium[Symbol.asyncDispose]()
    await school[Symbol.asyncDispose]()
  }, 60_000)
  afterEach(() => {
    expect(faults.splice(0), 'defects of the page').toEqual([])
    expect(chromium.left, 'requests that leave the machine').toEqual([])
  })

  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true })
  const main = () => page.getByRole('main')
  const shows = (text: string | RegExp): Promise<void> => main().getByText(text).first().waitFor()
  const openFlow = async (flow: string): Promise<void> => {
    await page.goto(`${school.url}/flows/${flow}`)
    await page.getByRole('heading', { name: flow, level: 1 }).waitFor()
  }
  /** Presses Run, and waits until the run is recorded: what leaves the page before that takes the request back. */
  const pressRun = async (): Promise<void> => {
    const asked = page.waitForResponse((answer) => answer.request().method() === 'POST')
    await button('Run').click()
    expect((await asked).ok()).toBe(true)
  }
  /** Opens the newest run of the flow. */
  const openNewest = async (flow: string): Promise<void> => {
    await page.goto(`${school.url}/flows/${flow}?tab=runs`)
    await main()
      .getByRole('link', { name: /^[0-9a-f]{8}/ })
      .first()
      .click()
    await page.getByRole('heading', { name: /^Run / }).waitFor()
  }

  it('who is not signed in is asked to', async () => {
    await page.goto(`${school.url}/flows`)
    await page.getByRole('heading', { name: 'Sign in to Sluice' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/sign-in')
  })

  it('signs in by the link, which is gone from the address and works once', async () => {
    await page.goto(school.signIn)
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor()
    expect(page.url()).not.toContain('code')
    const other = await openChromium()
    try {
      const tab = await other.context.newPage()
      await tab.goto(school.signIn)
      await tab.getByText('LINK_INVALID').waitFor({ timeout: 20_000 })
    } finally {
      await other[Symbol.asyncDispose]()
    }
  }, 60_000)

  it('runs a flow and sees it become fresh by itself', async () => {
    await openFlow('schools')
    await pressRun()
    await main().locator('[data-state="fresh"]').first().waitFor()
    await openNewest('schools')
    await main().locator('[data-state="succeeded"]').first().waitFor()
    const rows = await school.query<{ count: number }>('select count(*)::int as count from api_schools')
    expect(rows).toEqual([{ count: 40 }])
  })

  it('watches the progress of a run to its end without a reload, and reads its log', async () => {
    await school.hold()
    try {
      await openFlow('census')
      await pressRun()
      await openNewest('census')
      await main().locator('[data-state="running"]').first().waitFor()
      const phases = page.getByRole('region', { name: 'Where the time went' })
      await phases.getByText('60,000').first().waitFor()
      await phases.getByText('publish').first().waitFor()
    } finally {
      await school.release()
    }
    await main().locator('[data-state="succeeded"]').first().waitFor()
    await page.getByRole('region', { name: 'Log' }).getByText('60,000').first().waitFor()
    expect(await school.query('select count(*)::int as count from api_census')).toEqual([{ count: 60_000 }])
  }, 90_000)

  it('cancels a run, with a reason that is kept, and nothing of it is published', async () => {
    await openFlow('archive')
    await pressRun()
    await openNewest('archive')
    await main().locator('[data-state="running"]').first().waitFor()
    await button('Cancel').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Reason').fill('too large for the morning')
    await dialog.getByRole('button', { name: 'Cancel the run' }).click()
    await main().locator('[data-state="cancelled"]').first().waitFor()
    await shows(/too large for the morning/)
    expect(await school.query(`select to_regclass('api_archive') as there`)).toEqual([{ there: null }])
  }, 90_000)

  it('a source that breaks is seen as failed, with why and the fix; mended, it is fresh again', async () => {
    await school.write('data/schools.csv', 'emis;name\n1;x')
    await openFlow('schools')
    await pressRun()
    await main().locator('[data-state="failed"]').first().waitFor()
    await openNewest('schools')
    const alert = main().getByRole('alert')
    await alert.getByText('Fix').waitFor()
    const [run] = await school.query<{ error: { code: string; why: string; fix: string } }>(
      `select error from sluice.run where flow = 'schools' and outcome = 'failed'`,
    )
    const said = await alert.innerText()
    expect(said).toContain(run?.error.code)
    expect(said).toContain(run?.error.fix)
    await page.goto(`${school.url}/`)
    await shows('schools is failed')
    await expect
      .poll(() => school.told.filter((body) => body.includes('flow.failed')).length, { timeout: 30_000 })
      .toBe(1)

    await school.write('data/schools.csv', `${schoolsCsv}\n`)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('alert').getByText('schools').waitFor()
    await openFlow('schools')
    await main().locator('[data-state="fresh"]').first().waitFor()
  }, 60_000)

  it('pauses a flow with a reason that everybody sees, and resumes it', async () => {
    await openFlow('teachers')
    await button('Pause').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Reason').fill('the payroll closes')
    await dialog.getByRole('button', { name: 'Pause' }).click()
    await main().locator('[data-state="paused"]').first().waitFor()
    await shows(/the payroll closes/)
    await page.goto(`${school.url}/flows?state=paused`)
    await shows('teachers')
    await openFlow('teachers')
    await button('Resume').first().click()
    await button('Pause').waitFor()
  })

  it('finds that a table was changed by hand, and repairs it', async () => {
    await school.query(`update api_schools set name = 'Hogwarts' where emis = 1003`)
    await page.goto(`${school.url}/flows/schools?tab=slices`)
    await button('Verify').click()
    await main().locator('[data-state="differs"]').waitFor()
    await button('Repair…').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Repair', exact: true }).click()
    await main().locator('[data-state="identical"]').waitFor()
    expect(await button('Repair…').count()).toBe(0)
    expect(await school.query('select name from api_schools where emis = 1003')).toEqual([{ name: 'School 4' }])
  }, 60_000)

  it('runs a schedule now, pauses it with a reason, and lets it go on', async () => {
    await page.goto(`${school.url}/schedules?flow=teachers`)
    await button('Run now').click()
    await page.getByRole('heading', { name: /^Run / }).waitFor()
    await main().locator('[data-state="succeeded"]').first().waitFor()
    expect(await school.query('select count(*)::int as count from api_teachers')).toEqual([{ count: 2_000 }])

    await page.goto(`${school.url}/schedules?flow=teachers`)
    await button('Pause…').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Reason').fill('the timetable is being rewritten')
    await dialog.getByRole('button', { name: 'Pause' }).click()
    const schedule = main().getByRole('region', { name: 'teachers', exact: true })
    await schedule.getByText('the timetable is being rewritten').waitFor()
    expect(await button('Run now').isDisabled()).toBe(true)
    await page.goto(`${school.url}/schedules?show=paused&flow=teachers`)
    await main().getByRole('table', { name: 'Schedules' }).locator('[data-state="paused"]').waitFor()
    const paused = `select paused_reason as reason from sluice.flow where name = 'teachers'`
    expect(await school.query(paused)).toEqual([{ reason: 'the timetable is being rewritten' }])

    await button('Resume').click()
    await button('Pause…').waitFor()
    await shows('No schedule fits')
    expect(await school.query(paused)).toEqual([{ reason: null }])
  }, 60_000)

  it('pauses a backfill, lets it go on, cancels it, and begins again what was cancelled', async () => {
    const state = (of: string) => main().locator('header').locator(`[data-state="${of}"]`)
    const say = async (action: string, reason: string): Promise<void> => {
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Reason').fill(reason)
      await dialog.getByRole('button', { name: action, exact: true }).click()
    }
    // It reads for longer than this takes.
    await page.goto(`${school.url}/backfills/new?flow=archive&force=yes`)
    await button('Show the slices').click()
    await button('Begin: 1 slice, 2 at once').click()
    await page.getByRole('heading', { name: /^Backfill / }).waitFor()
    const square = (of: string) => main().getByRole('button', { name: `all: ${of}, 1 of 1, open its run` })
    await square('running').waitFor()

    await button('Pause…').click()
    await say('Pause', 'the office is open')
    await state('paused').waitFor()
    await shows(/paused by .+: the office is open/)
    await button('Resume').click()
    await state('running').waitFor()
    expect(await main().getByText('the office is open').count()).toBe(0)

    await button('Cancel…').click()
    await say('Cancel the backfill', 'not this year')
    await state('cancelled').waitFor()
    await shows(/cancelled by .+: not this year/)
    await square('cancelled').waitFor()

    await button('Retry 1 slice that failed or was cancelled').click()
    await square('running').waitFor()
    await state('running').waitFor()
    await button('Cancel…').click()
    await say('Cancel the backfill', 'once more')
    await square('cancelled').waitFor()
    const runs = await school.query(`select outcome from sluice.run where backfill is not null`)
    expect(runs).toEqual([{ outcome: 'cancelled' }, { outcome: 'cancelled' }])
    await square('cancelled').click()
    await page.getByRole('heading', { name: /^Run / }).waitFor()
    await main().locator('[data-state="cancelled"]').first().waitFor()
  }, 90_000)

  it('makes a flow: its plan first, then saves it, runs it, and takes it away as code', async () => {
    await page.goto(`${school.url}/editor`)
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('sectors')
    await page
      .getByRole('textbox', { name: 'Query' })
      .first()
      .fill(`select 'East' as sector, 21 as schools union all select 'West', 19`)
    await page.getByRole('textbox', { name: 'Table', exact: true }).first().fill('api_sectors')
    await button('Show the plan').click()
    await shows('Saving makes a new flow.')
    expect(await school.query(`select 1 from sluice.flow where name = 'sectors'`)).toEqual([])
    await button('Save').click()
    await page.getByRole('heading', { name: 'sectors', level: 1 }).waitFor()
    await shows('made in the console')
    await pressRun()
    await main().locator('[data-state="fresh"]').first().waitFor()
    expect(await school.query('select sector, schools from api_sectors order by 1')).toEqual([
      { sector: 'East', schools: 21 },
      { sector: 'West', schools: 19 },
    ])
    await page.getByRole('tab', { name: 'Config' }).click()
    await button('As code').click()
    const code = main().getByRole('region', { name: 'Config file with this flow' })
    await code.waitFor()
    // What it gives is a config that the command line takes.
    await school.write('taken/sluice.config.ts', await code.innerText())
    expect(await school.sluice('--config', 'taken/sluice.config.ts', 'check')).toContain('fine')
  }, 60_000)

  it('sends a test to a webhook and sees that it arrived', async () => {
    await page.goto(`${school.url}/notifications`)
    await button('Send a test to notify[0]').click()
    await page.getByText('The test arrived').waitFor()
    expect(school.told.some((body) => body.includes('test'))).toBe(true)
    await main()
      .getByRole('button', { name: /^test: what was sent/ })
      .first()
      .click()
    await page.getByRole('dialog').getByText('delivered').waitFor()
  })

  it('makes a token whose secret is shown once and works; revoked, it is refused', async () => {
    await page.goto(`${school.url}/access`)
    await button('New token').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('nightly')
    await dialog.getByRole('button', { name: 'Add a claim' }).click()
    await dialog.getByLabel('Name of claim 1').fill('sector')
    await dialog.getByLabel('Values of sector').fill('East')
    await dialog.getByLabel('Values of sector').press('Enter')
    await dialog.getByRole('button', { name: 'Make the token' }).click()
    await dialog.getByRole('button', { name: 'Copy: The secret' }).click()
    const secret = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(secret).toMatch(/^slc_/)
    const ask = async (): Promise<unknown> => {
      const answer = await fetch(`${school.url}/api/session`, { headers: { authorization: `Bearer ${secret}` } })
      return answer.ok ? ((await answer.json()) as { caller: { claims: unknown } }).caller.claims : answer.status
    }
    expect(await ask()).toEqual({ sector: 'East' })
    await dialog.getByRole('button', { name: 'I have kept it' }).click()
    await page.reload()
    await shows('nightly')
    expect(await main().innerText()).not.toContain(secret)
    await button('Revoke nightly').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await main().locator('[data-state="revoked"]').waitFor()
    await expect.poll(ask).toBe(401)
  })

  it('the last admin cannot be disabled, and is told why', async () => {
    await page.goto(`${school.url}/access?tab=people`)
    await page.getByRole('button', { name: /^What can be done with / }).click()
    await page.getByRole('menuitem', { name: 'Disable' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    await page.getByText('LAST_ADMIN').waitFor()
    await main().locator('[data-state="active"]').waitFor()
  })

  it('the audit knows who did what, found by the address', async () => {
    await page.goto(`${school.url}/audit?action=flow.pause`)
    const change = main().getByRole('button', { name: 'flow.pause teachers: what changed' })
    // Newest first: the schedule was paused after the flow was.
    await change.nth(1).click()
    await page
      .getByRole('dialog')
      .getByText(/the payroll closes/)
      .first()
      .waitFor()
    expect(page.url()).toContain('entry=')
    await page.goto(`${school.url}/audit?subject=nobody`)
    await shows('No change fits')
  })
})
