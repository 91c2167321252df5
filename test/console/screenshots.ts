/**
 * Pictures of every page, light and dark, wide and phone: `npm run console:screenshots -- FOLDER [page…]`. With the project of the
 * console's tests, after some work and with months of history.
 */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openChromium } from './chromium.ts'
import { writeHistory } from './history.ts'
import { pagesOf } from './pages.ts'
import { openSchool } from './school.ts'
import { askAs, furnish } from './furnish.ts'

const [folder, ...only] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: npm run console:screenshots -- FOLDER [page…]')
const into = resolve(folder)
await mkdir(into, { recursive: true })

await using school = await openSchool()
const secret = (await school.sluice('token', 'create', '--quiet', '--name', 'pictures', '--role', 'admin')).trim()
const ids = await furnish(school, askAs(school, secret))
await writeHistory(school, { flow: 'census', slices: 10_000, runs: 5_000 })

await using chromium = await openChromium()
const { context } = chromium
const page = await context.newPage()
await page.goto(school.signIn)
await page.getByRole('heading', { name: 'Home' }).waitFor()

const sizes = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const
const faults: string[] = []
page.on('pageerror', (error) => faults.push(String(error)))
page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
for (const { name, path, shows } of pagesOf(ids)) {
  if (only.length > 0 && !only.includes(name)) continue
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport)
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      await page.goto(school.url + path)
      await page
        .getByText(shows)
        .first()
        .waitFor({ state: 'attached', timeout: 10_000 })
        .catch(() => faults.push(`${name} does not show ${String(shows)}`))
      await page.waitForTimeout(600)
      await page.screenshot({ path: join(into, `${name}-${size}-${scheme}.png`), fullPage: true })
    }
  }
  process.stderr.write(`${name}\n`)
}
process.stdout.write(`${[...faults, ...chromium.left.map((line) => `left the machine: ${line}`)].join('\n')}\n`)
