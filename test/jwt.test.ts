/** `api.jwt` of a config, down to who calls. */
import { afterEach, expect, test } from 'vitest'
import { openSluice } from '../src/sluice.ts'
import { openTestIssuer } from './support/issuer.ts'
import { createProject } from './support/project.ts'

afterEach(() => {
  delete process.env['TEST_ISSUER']
})

test('a JWT of the issuer that the config names is accepted, and no other', async () => {
  await using issuer = await openTestIssuer('ES256')
  await using stranger = await openTestIssuer('ES256')
  await using project = await createProject('{}')
  process.env['TEST_ISSUER'] = issuer.issuer
  const jwt = {
    issuer: { $env: 'TEST_ISSUER' },
    audience: ['another', issuer.audience],
    jwks: issuer.jwks,
    role: { claim: 'groups' },
    claims: { sector: 'app.sector' },
  }
  const sluice = await openSluice({
    directory: project.directory,
    config: { project: 'jwt', database: project.url, api: { jwt } },
  })
  try {
    expect(sluice.access.issuer()).toBe(issuer.issuer)
    const mine = await issuer.sign({ sub: 'ann', groups: ['operator', 'viewer'], app: { sector: 'East' } })
    expect(await sluice.access.authenticate(mine)).toEqual({
      by: 'jwt',
      id: 'ann',
      name: 'ann',
      role: 'operator',
      claims: { sector: 'East' },
    })
    for (const iss of [stranger.issuer, issuer.issuer])
      await expect(sluice.access.authenticate(await stranger.sign({ sub: 'ann', iss }))).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      })
    // A session is for people and tokens of Sluice.
    await expect(sluice.access.signIn(mine, { ip: null, userAgent: null, requestId: null })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    })
  } finally {
    await sluice.close()
  }
})

test('what the config lacks is said when it is needed, and stops no command that does not', async () => {
  await using project = await createProject('{}')
  const jwt = { issuer: { $env: 'TEST_ISSUER' }, audience: 'a', jwks: 'https://127.0.0.1:1/jwks.json' }
  const sluice = await openSluice({
    directory: project.directory,
    config: { project: 'jwt', database: project.url, api: { jwt } },
  })
  try {
    expect(await sluice.status()).toEqual([])
    expect(() => sluice.access.issuer()).toThrow('TEST_ISSUER is not set')
    await expect(sluice.access.authenticate('e30.e30.e30')).rejects.toMatchObject({ code: 'VARIABLE_UNSET' })
    await expect(sluice.access.authenticate(`slc_${'A'.repeat(43)}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  } finally {
    await sluice.close()
  }
})

test.each([
  [{ issuer: 'i', audience: [], jwks: 'https://x/' }, 'audience'],
  [{ issuer: 'i', jwks: 'https://x/' }, 'audience'],
  [{ issuer: 'i', audience: 'a', jwks: 'https://x/', secret: 'shared' }, 'secret'],
  [{ issuer: 'i', audience: 'a', jwks: 'https://x/', role: { claim: 'r', map: { x: 'root' } } }, 'map'],
])('%j is refused by the schema, which names %s', async (jwt, names) => {
  await using project = await createProject('{}')
  await expect(
    openSluice({ directory: project.directory, config: { project: 'jwt', database: project.url, api: { jwt } } }),
  ).rejects.toMatchObject({ code: 'CONFIG_INVALID', why: expect.stringContaining(names) as string })
})
