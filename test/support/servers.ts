/** Real PostgreSQL servers from npm, one a major version for a whole test run. `keeper.ts` starts and ends them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { z } from 'zod'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection strings of superuser `postgres` on database `postgres`. */
    postgres18: string
    postgres14: string
  }
}

const urls = z.object({ postgres18: z.string(), postgres14: z.string() })

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const keeper = spawn(process.execPath, [fileURLToPath(new URL('keeper.ts', import.meta.url))], {
    // Out of reach of this terminal's Ctrl-C: it ends when its standard input does, however this process ends.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = once(keeper, 'exit')
  const line = await Promise.race([
    once(createInterface(keeper.stdout), 'line').then(([text]) => String(text)),
    gone.then(([code]) => Promise.reject(new Error(`the test servers did not start: exit ${String(code)}`))),
  ])
  const { postgres18, postgres14 } = urls.parse(JSON.parse(line))
  project.provide('postgres18', postgres18)
  project.provide('postgres14', postgres14)
  return async () => {
    keeper.stdin.end()
    await gone
  }
}
