/** The API of a project, as `sluice up --only api` serves it: `node serve-ours.ts DIRECTORY`. Prints its port and a token a caller. */
import { buildApp } from '../src/api/app.ts'
import { openSluice } from '../src/sluice.ts'
import { callers } from './serve-cases.ts'

const [directory = ''] = process.argv.slice(2)
const sluice = await openSluice({ directory })
const app = await buildApp(sluice, { version: 'bench', settings: sluice.apiSettings(), consoleFolder: null })
const cause = { actor: { by: 'system', id: 'bench', name: 'bench' }, requestId: 'bench' } as const
const tokens: Record<string, string> = {}
for (const [name, claims] of Object.entries(callers)) {
  const expiresAt = new Date(Date.now() + 3_600_000)
  const made = await sluice.access.tokens.create({ name, role: null, claims, expiresAt, principal: null }, cause)
  tokens[name] = made.secret
}
const address = await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${JSON.stringify({ address, tokens })}\n`)
process.stdin.resume().once('end', () => {
  void app.close().then(async () => {
    await sluice.close()
    process.exit(0)
  })
})
