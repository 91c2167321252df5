import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allPages, cause, openTestAccess, type TestAccess } from '../../test/support/access.ts'

describe.each([18, 14] as const)('tokens on PostgreSQL %i', (version) => {
  let made: TestAccess
  beforeAll(async () => {
    made = await openTestAccess({ version })
  })
  afterAll(async () => {
    await made[Symbol.asyncDispose]()
  })
  const refused = { code: 'UNAUTHENTICATED', why: 'there are none, or they are unknown, expired, revoked or ended' }

  test('the secret is shown once, counts, and is nowhere in the database', async () => {
    const { access } = made
    const { secret, token } = await access.tokens.create(
      { name: 'cron', role: 'operator', claims: { sector: 'East', level: [1, 2] } },
      cause,
    )
    expect(secret).toMatch(/^slc_[A-Za-z0-9_-]{43}$/)
    expect(token).toMatchObject({ state: 'active', createdBy: 'tester', expiresAt: null, prefix: secret.slice(0, 10) })
    expect(await access.authenticate(secret)).toEqual({
      by: 'token',
      id: token.id,
      name: 'cron',
      role: 'operator',
      claims: { sector: 'East', level: [1, 2] },
    })
    expect(await made.dump()).not.toContain(secret.slice(11))
    const { items } = await access.tokens.list({ limit: 500, cursor: null })
    expect(JSON.stringify(items)).not.toContain(secret.slice(11))
  })

  test('unknown, malformed, expired, revoked: refused in the same words, and the log learns why', async () => {
    const { access } = made
    const short = await access.tokens.create(
      { name: 'short', role: 'viewer', expiresAt: new Date(Date.now() + 3_600_000) },
      cause,
    )
    const gone = await access.tokens.create({ name: 'gone', role: 'viewer' }, cause)
    await access.tokens.revoke(gone.token.id, cause)
    const reasonOf = async (bearer: string): Promise<string> => {
      const error: unknown = await access.authenticate(bearer).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject(refused)
      return (error as Error & { cause: Error }).cause.message // the line before has seen that it is ours
    }
    expect(await reasonOf('')).toBe('nothing was sent')
    expect(await reasonOf('slc_')).toContain('form')
    expect(await reasonOf(`slc_${'é'.repeat(43)}`)).toContain('form')
    expect(await reasonOf(`slc_${'A'.repeat(43)}`)).toBe('the token is unknown')
    expect(await reasonOf(`${short.secret.slice(0, -1)}${short.secret.endsWith('A') ? 'B' : 'A'}`)).toContain('unknown')
    expect(await reasonOf(short.secret.toLowerCase())).toContain('unknown')
    expect(await reasonOf(gone.secret)).toContain('was revoked')
    expect(await reasonOf('eyJhbGciOiJub25lIn0.e30.')).toContain('no issuer')
    expect(await access.authenticate(short.secret)).toMatchObject({ name: 'short' })
    await made.pass('61 minutes')
    expect(await reasonOf(short.secret)).toContain('has expired')
    // What is told apart in the list is not told to who brings it.
    const states = (await access.tokens.list({ limit: 500, cursor: null })).items.map(({ name, state }) => [
      name,
      state,
    ])
    expect(states).toEqual(
      expect.arrayContaining([
        ['short', 'expired'],
        ['gone', 'revoked'],
      ]),
    )
  })

  test('a token revoked in one process is refused in another that remembers nothing', async () => {
    const other = made.again()
    const { secret, token } = await made.access.tokens.create({ name: 'shared', role: 'viewer' }, cause)
    for (let round = 0; round < 20; round++) await other.authenticate(secret)
    await made.access.tokens.revoke(token.id, cause)
    await expect(other.authenticate(secret)).rejects.toMatchObject(refused)
  })

  test('hundreds at the same time: each gets its own answer', async () => {
    const { access } = made
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        access.tokens.create({ name: `t${n}`, role: 'viewer', claims: { n } }, cause),
      ),
    )
    const asked = Array.from({ length: 600 }, (_, n) => n % 21)
    const answers = await Promise.all(
      asked.map((n) =>
        access.authenticate(tokens[n]?.secret ?? `slc_${'B'.repeat(43)}`).then(
          ({ claims }) => claims['n'],
          () => 'refused',
        ),
      ),
    )
    expect(answers).toEqual(asked.map((n) => (n === 20 ? 'refused' : n)))
  })

  test('what is remembered of a token: for a second; what changes here holds at once', async () => {
    await using own = await openTestAccess({ version, rememberMs: 1_000 })
    const { access } = own
    const other = own.again()
    const { id } = await access.principals.create({ name: 'Ida', role: 'admin' }, cause)
    await access.principals.create({ name: 'Max', role: 'admin' }, cause)
    const [revoked, lowered, short] = await Promise.all([
      access.tokens.create({ name: 'a', role: 'viewer' }, cause),
      access.tokens.create({ name: 'b', role: 'admin', principal: id }, cause),
      access.tokens.create({ name: 'c', role: 'viewer', expiresAt: new Date(Date.now() + 600) }, cause),
    ])
    for (const one of [access, other])
      for (const { secret } of [revoked, lowered, short]) await one.authenticate(secret)
    await access.tokens.revoke(revoked.token.id, cause)
    await expect(access.authenticate(revoked.secret)).rejects.toMatchObject(refused)
    await access.principals.change(id, { role: 'viewer' }, cause)
    expect((await access.authenticate(lowered.secret)).role).toBe('viewer')
    // An expiry is known beforehand, and never overlooked.
    await pause(620)
    for (const one of [access, other]) await expect(one.authenticate(short.secret)).rejects.toMatchObject(refused)
    await pause(400)
    await expect(other.authenticate(revoked.secret)).rejects.toMatchObject(refused)
    expect((await other.authenticate(lowered.secret)).role).toBe('viewer')
    await access.principals.remove(id, cause)
    await expect(access.authenticate(lowered.secret)).rejects.toMatchObject(refused)
    // Somebody who is not known is asked about each time.
    await expect(access.authenticate(`slc_${'C'.repeat(43)}`)).rejects.toMatchObject(refused)
  })

  test('another project sees nothing of it', async () => {
    const { secret, token } = await made.access.tokens.create({ name: 'ours', role: 'admin' }, cause)
    const other = made.again('other')
    await expect(other.authenticate(secret)).rejects.toMatchObject(refused)
    await expect(other.tokens.revoke(token.id, cause)).rejects.toMatchObject({ code: 'TOKEN_UNKNOWN' })
    expect(await other.tokens.list({ limit: 10, cursor: null })).toEqual({ items: [], next: null, total: 0 })
  })

  test('its last use is written, at most once a minute', async () => {
    const { access } = made
    const { secret, token } = await access.tokens.create({ name: 'used', role: 'viewer' }, cause)
    const lastUse = async (): Promise<Date | null | undefined> =>
      (await access.tokens.list({ limit: 500, cursor: null })).items.find(({ id }) => id === token.id)?.lastUsedAt
    expect(await lastUse()).toBeNull()
    await access.authenticate(secret)
    const first = await lastUse()
    expect(first).toBeInstanceOf(Date)
    await made.pass('50 seconds')
    await access.authenticate(secret)
    expect(await lastUse()).toEqual(first)
    await made.pass('11 seconds')
    await Promise.all(Array.from({ length: 50 }, () => access.authenticate(secret)))
    expect((await lastUse())?.getTime()).toBeGreaterThan((first?.getTime() ?? 0) + 60_000)
  })

  test('somebody who reads the row for long holds no request up', async () => {
    const { access, own } = made
    const { secret, token } = await access.tokens.create({ name: 'locked', role: 'viewer' }, cause)
    await own.database.transaction(async (tx) => {
      const { sql } = await import('../lib/sql.ts')
      await tx.run(sql`select from sluice.token where id = ${token.id} for update`)
      expect(await access.authenticate(secret)).toMatchObject({ name: 'locked' })
    })
  })

  test('of a person: never more than the person, with the claims of the person', async () => {
    const { access } = made
    const { id } = await access.principals.create({ name: 'Vera', role: 'viewer', claims: { sector: 'East' } }, cause)
    const asked = { name: 'of Vera', role: 'admin', claims: { sector: 'West', team: 'x' }, principal: id } as const
    const { secret, token } = await access.tokens.create(asked, cause)
    expect(token.principal).toEqual({ id, name: 'Vera' })
    expect(await access.authenticate(secret)).toMatchObject({ role: 'viewer', claims: { sector: 'East', team: 'x' } })
    await access.principals.change(id, { role: 'operator', claims: {} }, cause)
    expect(await access.authenticate(secret)).toMatchObject({ role: 'operator', claims: { sector: 'West', team: 'x' } })
    await access.principals.change(id, { disabled: true }, cause)
    await expect(access.authenticate(secret)).rejects.toMatchObject(refused)
    await access.principals.change(id, { disabled: false }, cause)
    expect(await access.authenticate(secret)).toMatchObject({ role: 'operator' })
    await access.principals.remove(id, cause)
    await expect(access.authenticate(secret)).rejects.toMatchObject(refused)
    const listed = (await access.tokens.list({ limit: 1, cursor: null })).items[0]
    expect(listed).toMatchObject({ state: 'revoked', revokedBy: 'tester', principal: { id, name: '(removed)' } })
    for (const principal of [id, 'nobody'])
      await expect(access.tokens.create({ ...asked, principal }, cause)).rejects.toMatchObject({
        code: 'PRINCIPAL_UNKNOWN',
      })
  })

  test('without a role: it counts, for endpoints', async () => {
    const { secret } = await made.access.tokens.create({ name: 'reader', role: null, claims: { sector: 'N' } }, cause)
    expect(await made.access.authenticate(secret)).toMatchObject({ role: null, claims: { sector: 'N' } })
  })

  test('revoking again changes nothing; an unknown one is said', async () => {
    const { access } = made
    const { token } = await access.tokens.create({ name: 'twice', role: 'viewer' }, cause)
    const first = await access.tokens.revoke(token.id, cause)
    const other = { actor: { ...cause.actor, name: 'another' }, requestId: null }
    expect(await access.tokens.revoke(token.id, other)).toEqual(first)
    for (const id of ['00000000-0000-7000-8000-000000000000', "'; drop table sluice.token; --", ''])
      await expect(access.tokens.revoke(id, cause)).rejects.toMatchObject({ code: 'TOKEN_UNKNOWN' })
    // Whoever takes a secret for an id does not read it again in an error.
    const secret = `slc_${'d'.repeat(43)}`
    const error: unknown = await access.tokens.revoke(secret, cause).catch((thrown: unknown) => thrown)
    expect(JSON.stringify(error)).not.toContain('ddddddd')
    const { items } = await access.audit.list({ subject: token.id }, { limit: 10, cursor: null })
    expect(items.map(({ action, actor }) => [action, actor.name])).toEqual([
      ['token.revoke', 'tester'],
      ['token.create', 'tester'],
    ])
    expect(items[0]).toMatchObject({ before: { state: 'active' }, after: { state: 'revoked' }, requestId: 'request-1' })
  })

  test('pages follow one another, newest first, and count all', async () => {
    const { access } = made
    const pages = await allPages((cursor) => access.tokens.list({ limit: 7, cursor }))
    const { items, total } = await access.tokens.list({ limit: 500, cursor: null })
    expect(pages).toEqual(items)
    expect(total).toBe(items.length)
    expect(total).toBeGreaterThan(20)
    for (const cursor of ['x', 'MQ', Buffer.from("' or 1=1").toString('base64url')])
      await expect(access.tokens.list({ limit: 7, cursor })).rejects.toMatchObject({ code: 'CURSOR_INVALID' })
  })
})
