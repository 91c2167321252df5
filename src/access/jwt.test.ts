import { createServer } from 'node:net'
import fc from 'fast-check'
import { base64url, exportSPKI, importJWK, SignJWT } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { openTestIssuer, type Issuer } from '../../test/support/issuer.ts'
import type { JwtOptions } from './config.ts'
import { callerOf, claimOf, openIssuer, roleOf } from './jwt.ts'
import { role as roles } from './role.ts'

const optionsOf = ({ issuer, audience, jwks }: Pick<Issuer, 'issuer' | 'audience' | 'jwks'>): JwtOptions => ({
  issuer,
  audience: [audience],
  jwks,
  name: 'email',
  role: { claim: 'realm_access.roles', map: { 'data-admin': 'admin', staff: 'viewer' } },
  claims: { sector: 'sector', school: 'https://example.org/school' },
})

const reasonOf = async (attempt: Promise<unknown>, about?: string): Promise<string> => {
  const error: unknown = await attempt.catch((thrown: unknown) => thrown)
  expect(error, about).toMatchObject({
    code: 'UNAUTHENTICATED',
    why: 'there are none, or they are unknown, expired, revoked or ended',
  })
  return (error as Error & { cause: Error }).cause.message // the line before has seen that it is ours
}

describe('JWTs of the application’s issuer', () => {
  test.each(['RS256', 'PS512', 'ES256', 'ES384', 'EdDSA'])(
    '%s: who it is, and what the config makes of it',
    async (alg) => {
      await using issuer = await openTestIssuer(alg)
      const check = openIssuer(optionsOf(issuer))
      const jwt = await issuer.sign({
        sub: 'u-1',
        email: 'ann@example.org',
        realm_access: { roles: ['other', 'staff', 'data-admin'] },
        sector: ['East', 'West'],
        'https://example.org/school': 'Hilltop',
        unmapped: 'stays outside',
      })
      expect(await check(jwt)).toEqual({
        by: 'jwt',
        id: 'u-1',
        name: 'ann@example.org',
        role: 'admin',
        claims: { sector: ['East', 'West'], school: 'Hilltop' },
      })
      expect(await check(await issuer.sign({ sub: 'u-2' }))).toEqual({
        by: 'jwt',
        id: 'u-2',
        name: 'u-2',
        role: null,
        claims: {},
      })
    },
  )

  test('issuer, audience, times and subject have to fit', async () => {
    await using issuer = await openTestIssuer()
    const check = openIssuer(optionsOf(issuer))
    const now = Math.floor(Date.now() / 1_000)
    const sign = issuer.sign
    expect(await check(await sign({ sub: 'a', aud: ['x', issuer.audience] }))).toMatchObject({ id: 'a' })
    expect(await check(await sign({ sub: 'a', nbf: now + 3 }))).toMatchObject({ id: 'a' })
    expect(await check(await sign({ sub: 'a' }, { expires: now - 3 }))).toMatchObject({ id: 'a' })
    const refused: readonly (readonly [RegExp, Promise<string>])[] = [
      [/"iss"/, sign({ sub: 'a', iss: 'https://elsewhere.example/' })],
      [/"iss"/, sign({ sub: 'a', iss: issuer.issuer.replace(/\/$/, '') })],
      [/"aud"/, sign({ sub: 'a', aud: 'another-api' })],
      [/"exp"/, sign({ sub: 'a' }, { expires: now - 10 })],
      [/"exp"/, sign({ sub: 'a' }, { expires: null })],
      [/"nbf"/, sign({ sub: 'a', nbf: now + 60 })],
      [/no sub/, sign({})],
    ]
    for (const [reason, jwt] of refused) expect(await reasonOf(check(await jwt))).toMatch(reason)
  })

  test('without an audience it is a token for somebody else', async () => {
    await using issuer = await openTestIssuer()
    const jwt = await issuer.sign({ sub: 'a', aud: undefined as unknown as string })
    expect(await reasonOf(openIssuer(optionsOf(issuer))(jwt))).toMatch(/"aud"/)
  })

  test('who knows only the public key cannot make one: none, HS256, another’s key, altered, stripped', async () => {
    await using issuer = await openTestIssuer()
    const check = openIssuer(optionsOf(issuer))
    const kid = 'key-1'
    const claims = {
      iss: issuer.issuer,
      aud: issuer.audience,
      sub: 'mallory',
      exp: Math.floor(Date.now() / 1_000) + 600,
    }
    const part = (value: object): string => base64url.encode(JSON.stringify(value))
    const good = await issuer.sign({ sub: 'ann' })
    const [head = '', , signature = ''] = good.split('.')
    // The public key, as text, taken for a shared secret.
    const jwk = await issuer.publicKey(kid)
    const pem = await exportSPKI((await importJWK(jwk, 'RS256', { extractable: true })) as CryptoKey)
    const shared = (text: string): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(new TextEncoder().encode(text))
    await issuer.rotate('RS256', { publish: false })
    const forged = {
      none: `${part({ alg: 'none', kid })}.${part(claims)}.`,
      None: `${part({ alg: 'None', kid })}.${part(claims)}.${signature}`,
      pem: await shared(pem),
      jwk: await shared(JSON.stringify(jwk)),
      altered: `${head}.${part(claims)}.${signature}`,
      unsigned: good.slice(0, good.lastIndexOf('.') + 1),
      anotherKey: await issuer.sign({ sub: 'mallory' }, { kid: 'key-2' }),
      itsOwnKey: await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid, jwk: { kty: 'oct', kid: 'mine' } })
        .sign(new Uint8Array(32)),
      itsOwnAddress: `${part({ alg: 'RS256', kid: 'x', jku: 'http://127.0.0.1:1/' })}.${part(claims)}.${signature}`,
      critical: `${part({ alg: 'RS256', kid, crit: ['b64'], b64: false })}.${part(claims)}.${signature}`,
      encrypted: `${part({ alg: 'dir', enc: 'A256GCM' })}....`,
      long: `${good}${'A'.repeat(9_000)}`,
      words: 'not a token',
      dots: '..',
    }
    for (const [name, jwt] of Object.entries(forged)) await reasonOf(check(jwt), name)
    expect(await check(good)).toMatchObject({ id: 'ann' })
  })

  test('nothing that is made up passes, and nothing but a refusal comes of it', async () => {
    await using issuer = await openTestIssuer()
    const check = openIssuer(optionsOf(issuer))
    const good = await issuer.sign({ sub: 'ann' })
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.string({ maxLength: 5 }), async (at, text) => {
        const bent = good.slice(0, at) + text + good.slice(at + 1)
        // The last characters of a part may carry bits that are not read.
        if (Buffer.from(bent.split('.').at(-1) ?? '', 'base64url').equals(signatureOf(good)) && sameHead(bent, good))
          return
        await reasonOf(check(bent))
      }),
      { numRuns: 300 },
    )
  })
})

const signatureOf = (jwt: string): Buffer => Buffer.from(jwt.split('.').at(-1) ?? '', 'base64url')
const sameHead = (one: string, other: string): boolean =>
  one.split('.').slice(0, 2).join('.') === other.split('.').slice(0, 2).join('.')

describe('the issuer’s keys', () => {
  test('are asked for once, by however many at once, and again for a key that is new', async () => {
    await using issuer = await openTestIssuer()
    const check = openIssuer(optionsOf(issuer))
    const first = await issuer.sign({ sub: 'a' })
    await Promise.all(Array.from({ length: 50 }, () => check(first)))
    for (let n = 0; n < 50; n++) await check(first)
    expect(issuer.asked).toBe(1)
    // Unknown keys do not let anybody make us ask over and over.
    await issuer.rotate('RS256', { publish: false })
    const unknown = await issuer.sign({ sub: 'a' })
    for (let n = 0; n < 20; n++) expect(await reasonOf(check(unknown))).toMatch(/no applicable key/)
    expect(issuer.asked).toBe(1)
    expect(await check(first)).toMatchObject({ id: 'a' })
  })

  test('a new key is found 30 seconds after the last question; a withdrawn one counts for 10 minutes more', async () => {
    await using issuer = await openTestIssuer()
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const check = openIssuer(optionsOf(issuer))
      const old = await issuer.sign({ sub: 'old' }, { expires: '2h' })
      await check(old)
      await issuer.rotate()
      issuer.withdraw('key-1')
      const fresh = await issuer.sign({ sub: 'new' }, { expires: '2h' })
      vi.setSystemTime(Date.now() + 29_000)
      expect(await reasonOf(check(fresh))).toMatch(/no applicable key/)
      expect(await check(old)).toMatchObject({ id: 'old' })
      vi.setSystemTime(Date.now() + 2_000)
      expect(await check(fresh)).toMatchObject({ id: 'new' })
      expect(issuer.asked).toBe(2)
      expect(await reasonOf(check(old))).toMatch(/no applicable key/)
      // Whoever asks for nothing new is asked for the keys again in the end.
      await issuer.rotate()
      issuer.withdraw('key-2')
      vi.setSystemTime(Date.now() + 599_000)
      expect(await check(fresh)).toMatchObject({ id: 'new' })
      vi.setSystemTime(Date.now() + 2_000)
      expect(await reasonOf(check(fresh))).toMatch(/no applicable key/)
      expect(issuer.asked).toBe(3)
    } finally {
      vi.useRealTimers()
    }
  })

  test('without a kid it is found while there is only one', async () => {
    await using issuer = await openTestIssuer()
    const jwt = await issuer.sign({ sub: 'a' }, { kid: null })
    expect(await openIssuer(optionsOf(issuer))(jwt)).toMatchObject({ id: 'a' })
    await issuer.rotate()
    expect(await reasonOf(openIssuer(optionsOf(issuer))(jwt))).toMatch(/multiple/)
  })

  test.each([
    ['break', 'what came is no JSON Web Key Set'],
    ['nonsense', 'what came is no JSON Web Key Set'],
  ] as const)('a server that answers with %s: said, and soon tried again', async (how, why) => {
    await using issuer = await openTestIssuer()
    issuer.behave(how)
    const check = openIssuer(optionsOf(issuer))
    const jwt = await issuer.sign({ sub: 'a' })
    await expect(check(jwt)).rejects.toMatchObject({ code: 'ISSUER_UNREACHABLE', why: `${issuer.issuer}: ${why}` })
    for (let n = 0; n < 10; n++)
      await expect(check(jwt)).rejects.toMatchObject({
        code: 'ISSUER_UNREACHABLE',
        why: expect.stringMatching('moment') as unknown,
      })
    expect(issuer.asked).toBe(1)
    issuer.behave('answer')
    await new Promise((resolve) => setTimeout(resolve, 5_100))
    expect(await check(jwt)).toMatchObject({ id: 'a' })
  })

  test('a server that hangs: an error within seconds, and nobody waits after it', { timeout: 60_000 }, async () => {
    await using issuer = await openTestIssuer()
    issuer.behave('hang')
    const check = openIssuer(optionsOf(issuer))
    const jwt = await issuer.sign({ sub: 'a' })
    const began = performance.now()
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => check(jwt)))
    expect(performance.now() - began).toBeLessThan(20_000)
    for (const one of all)
      expect(one).toMatchObject({
        reason: { code: 'ISSUER_UNREACHABLE', why: `${issuer.issuer}: no answer within 5000 ms` },
      })
    expect(issuer.asked).toBe(1)
    const again = performance.now()
    await expect(check(jwt)).rejects.toMatchObject({ code: 'ISSUER_UNREACHABLE' })
    expect(performance.now() - again).toBeLessThan(4_000)
  })

  test('a key that is new while the server hangs: one waits, the others do not, and known keys go on', async () => {
    await using issuer = await openTestIssuer()
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const check = openIssuer(optionsOf(issuer))
      const known = await issuer.sign({ sub: 'known' })
      await check(known)
      await issuer.rotate()
      const fresh = await issuer.sign({ sub: 'new' })
      vi.setSystemTime(Date.now() + 31_000)
      issuer.behave('hang')
      const first = expect(check(fresh)).rejects.toMatchObject({ code: 'ISSUER_UNREACHABLE' })
      expect(await check(known)).toMatchObject({ id: 'known' })
      await first
      const began = performance.now()
      for (let n = 0; n < 10; n++) await expect(check(fresh)).rejects.toMatchObject({ code: 'ISSUER_UNREACHABLE' })
      expect(await check(known)).toMatchObject({ id: 'known' })
      expect(performance.now() - began).toBeLessThan(20_000)
      expect(issuer.asked).toBe(2)
    } finally {
      vi.useRealTimers()
    }
  })

  test('no server at all', async () => {
    const free = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address()
        server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
      })
    })
    await using issuer = await openTestIssuer()
    const check = openIssuer({ ...optionsOf(issuer), jwks: `http://127.0.0.1:${free}/jwks.json` })
    await expect(check(await issuer.sign({ sub: 'a' }))).rejects.toMatchObject({
      code: 'ISSUER_UNREACHABLE',
      why: `${issuer.issuer}: no connection`,
    })
    // What is no JWT does not even ask.
    await reasonOf(check('words'))
    expect(() => openIssuer({ ...optionsOf(issuer), jwks: 'file:///etc/passwd' })).toThrow('is no address')
  })
})

test('a role comes of what the config maps, and of nothing else', () => {
  const map = { ops: 'operator', boss: 'admin' } as const
  expect(roleOf('ops', map)).toBe('operator')
  expect(roleOf(['x', 'ops', 'boss', 3, null], map)).toBe('admin')
  expect(roleOf('admin', map)).toBeNull()
  expect(roleOf(['viewer', 'operator'], undefined)).toBe('operator')
  for (const odd of ['constructor', '__proto__', 'toString', 'Admin', '', null, undefined, {}, { admin: true }, 1]) {
    expect(roleOf(odd, map)).toBeNull()
    expect(roleOf(odd, undefined)).toBeNull()
  }
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const found = roleOf(value, map)
      expect(found === null || roles.options.includes(found)).toBe(true)
    }),
  )
})

test('claims that no row can be bound to are not there', () => {
  const options = { name: 'sub', role: null, claims: { a: 'a', b: 'b', c: 'c.d', e: 'e', f: 'toString' } }
  const payload = { sub: 's', a: { x: 1 }, b: [['x']], c: { d: ['v', 1, true] }, e: null }
  expect(callerOf(payload, options).claims).toEqual({ c: ['v', 1, true] })
  expect(claimOf({ 'a.b': 1, a: { b: 2 } }, 'a.b')).toBe(1)
  expect(claimOf({ a: { b: 2 } }, 'a.b')).toBe(2)
  expect(claimOf({ a: { b: 2 } }, 'a.__proto__.b')).toBeUndefined()
  expect(claimOf({ a: 'text' }, 'a.length.x')).toBeUndefined()
})
