/** `sluice token` as processes on a real PostgreSQL: the secret is shown once, counts, and stays nowhere. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TokenRecord } from '../src/access/access.ts'
import { openAccess } from '../src/access/open.ts'
import { chosen, claimOf } from '../src/cli/commands/token.ts'
import { type Ended, sluice, write } from './support/cli.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'

let directory: string
let own: TestDatabase

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-token-'))
  own = await createDatabase()
  await write(directory, {
    'sluice.config.mts': `import { defineConfig, env } from 'sluice'
export default defineConfig({ project: 'p', database: env('DATABASE_URL') })
`,
  })
})
afterAll(async () => {
  await own[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const call = (...argv: string[]): Promise<Ended> => sluice(directory, argv, { env: { DATABASE_URL: own.url } })
const json = async (...argv: string[]): Promise<{ token: TokenRecord; tokens: TokenRecord[]; secret: string }> => {
  const ended = await call(...argv, '--json')
  expect(ended).toMatchObject({ code: 0 })
  return JSON.parse(ended.stdout) as { token: TokenRecord; tokens: TokenRecord[]; secret: string } // what the tests look into
}
const accessOf = () => openAccess({ database: own.database, schema: 'sluice', project: 'p', jwt: () => null })

test('created, listed, revoked', { timeout: 120_000 }, async () => {
  expect(await call('token', 'list')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('No token yet') as string,
  })
  const made = await call(
    'token',
    'create',
    '--name',
    'nightly',
    '--role',
    'operator',
    '--claim',
    'sector=East',
    '--expires',
    '30d',
  )
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^slc_[A-Za-z0-9_-]{43}\n$/) as string })
  const secret = made.stdout.trim()
  expect(made.stderr).not.toContain(secret)
  expect(made.stderr).toMatch(/nightly, operator.* counts until \d{4}-/)
  expect(await accessOf().authenticate(secret)).toMatchObject({
    name: 'nightly',
    role: 'operator',
    claims: { sector: 'East' },
  })

  const reader = await json(
    'token',
    'create',
    '--name',
    'portal',
    '--role',
    'none',
    '--claim',
    'sector=a=b',
    '--claim',
    'sector=',
  )
  expect(reader.token).toMatchObject({ role: null, claims: { sector: ['a=b', ''] }, expiresAt: null, state: 'active' })
  expect(await accessOf().authenticate(reader.secret)).toMatchObject({ role: null })

  const { tokens } = await json('token', 'list')
  expect(tokens.map(({ name, prefix }) => [name, prefix])).toEqual([
    ['portal', reader.secret.slice(0, 10)],
    ['nightly', secret.slice(0, 10)],
  ])
  const days = (Date.parse(String(tokens[1]?.expiresAt)) - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(29.9)
  expect(days).toBeLessThan(30.1)
  const table = await call('token', 'list')
  expect(table.stdout).toMatch(/nightly +slc_\S{6} +operator +sector=East +active +in (29|30) d.* (ago|now)/)
  for (const text of [table.stdout, JSON.stringify(tokens)]) {
    expect(text).not.toContain(secret.slice(11))
    expect(text).not.toContain(reader.secret.slice(11))
  }

  expect(await call('token', 'revoke', secret.slice(0, 10))).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('revoked') as string,
  })
  await expect(accessOf().authenticate(secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  expect((await json('token', 'revoke', reader.token.id)).token).toMatchObject({ state: 'revoked' })
  expect((await call('token', 'revoke', 'ffffffff')).stderr).toContain('TOKEN_UNKNOWN')
  const audited = await accessOf().audit.list({}, { limit: 10, cursor: null })
  expect(audited.items.map(({ action }) => action)).toEqual([
    'token.revoke',
    'token.revoke',
    'token.create',
    'token.create',
  ])
  expect(audited.items[0]?.actor).toMatchObject({ by: 'system', id: null })
})

test.each([
  [['token', 'create', '--role', 'admin'], '--name'],
  [['token', 'create', '--name', 'x', '--role', 'root'], 'viewer, operator, admin or none'],
  [['token', 'create', '--name', '', '--role', 'admin'], '1 to 100 characters'],
  [['token', 'create', '--name', 'x', '--role', 'admin', '--expires', 'soon'], 'length of time'],
  [['token', 'create', '--name', 'x', '--role', 'admin', '--expires', '0d'], 'length of time'],
  [['token', 'create', '--name', 'x', '--role', 'admin', '--claim', 'sector'], 'name=value'],
])('%j is refused, and makes nothing', async (argv, says) => {
  const ended = await call(...argv)
  expect(ended).toMatchObject({ code: 2, stdout: '' })
  expect(ended.stderr).toContain(says)
})

test('which token is meant', () => {
  const tokens = [
    { id: '019aab12-0001', prefix: 'slc_aaaaaa' },
    { id: '019aab12-0002', prefix: 'slc_bbbbbb' },
  ]
  expect(chosen(tokens, '019aab12-0002')).toBe('019aab12-0002')
  expect(chosen(tokens, 'slc_aaaaaa')).toBe('019aab12-0001')
  expect(chosen(tokens, `slc_bbbbbb${'c'.repeat(37)}`)).toBe('019aab12-0002')
  expect(chosen(tokens, '01')).toBe('01')
  expect(chosen(tokens, '')).toBe('')
  expect(() => chosen(tokens, '019aab12')).toThrow('2 tokens fit')
})

test('claims by name, again for more values', () => {
  expect(claimOf('b=3', claimOf('a=2', claimOf('a=1', {})))).toEqual({ a: ['1', '2'], b: '3' })
  expect(Object.keys(claimOf('__proto__=x', {}))).toEqual(['__proto__'])
  for (const odd of ['', '=', '=x', 'x', ' =x']) expect(() => claimOf(odd, {})).toThrow('name=value')
})
