/** What somebody sees who has just cloned the repository: `npm run demo` on a terminal prints a link, and the link opens the console. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openChromium } from './chromium.ts'
import { describeInChromium } from './suite.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Gives a command a terminal, which the demo stays on. Part of every Debian; macOS has another of that name. */
const terminal = '/usr/bin/script'

describeInChromium('npm run demo', () => {
  it.skipIf(!existsSync(terminal) || process.platform !== 'linux')(
    'prints the address of a page that is signed in, with three million flights that are fresh',
    async () => {
      const environment = Object.entries(process.env).filter(
        ([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|CI$)/.test(name),
      )
      const demo = spawn(terminal, ['--quiet', '--return', '--command', 'npm run --silent demo', '/dev/null'], {
        cwd: root,
        env: { ...Object.fromEntries(environment), TERM: 'dumb' },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const ended = new Promise<number | null>((resolve) => demo.once('close', resolve))
      let said = ''
      demo.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
      try {
        const link = /http:\/\/127\.0\.0\.1:\d+\/sign-in\?code=\S+/
        await expect.poll(() => said, { timeout: 120_000 }).toMatch(link)
        await using chromium = await openChromium()
        const page = await chromium.context.newPage()
        await page.goto(link.exec(said)?.[0] ?? '')
        const main = page.getByRole('main')
        await main.getByText('All 3 flows are fresh').waitFor({ timeout: 180_000 })
        await page.getByRole('navigation').getByRole('link', { name: 'Flows' }).click()
        await main.getByText('3,000,000').waitFor({ timeout: 30_000 })
        expect(chromium.left, 'requests that leave the machine').toEqual([])
      } finally {
        // Ctrl-C, as a person would end it.
        demo.stdin.write('\u0003')
        const patience = setTimeout(() => demo.kill('SIGKILL'), 60_000)
        await ended
        clearTimeout(patience)
      }
      expect(said).toContain('nothing is left behind')
    },
    400_000,
  )
})
