import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { about, cause, openTestAccess, type TestAccess } from '../../test/support/access.ts'

const refused = { code: 'UNAUTHENTICATED' }

describe.each([18, 14] as const)('sessions on PostgreSQL %i', (version) => {
  let made: TestAccess
  beforeAll(async () => {
    made = await openTestAccess({ version })
  })
  afterAll(async () => {
    await made[Symbol.asyncDispose]()
  })

  test('the first link makes the first admin, and signs it in', async () => {
    const { access } = made
    const link = await access.link(cause)
    expect(link).toMatchObject({ principal: null })
    expect(link.expiresAt.getTime() - Date.now()).toBeGreaterThan(590_000)
    expect((await access.principals.list({ limit: 10, cursor: null })).total).toBe(0)
    const signed = await access.redeem(link.code, about)
    expect(signed.caller).toMatchObject({ by: 'session', name: 'tester', role: 'admin', claims: {} })
    const found = await access.session(signed.cookie)
    expect(found).toEqual({ caller: signed.caller, csrf: signed.csrf, expiresAt: signed.expiresAt })
    expect(found.csrf).not.toContain(signed.cookie.slice(4))
    const dump = await made.dump()
    for (const secret of [link.code, signed.cookie, signed.csrf]) expect(dump).not.toContain(secret.slice(4))
    expect((await access.principals.get(signed.caller.id)).lastSeenAt).toBeInstanceOf(Date)
    const { items } = await access.audit.list({}, { limit: 10, cursor: null })
    expect(items.map(({ action, actor, requestId }) => [action, actor.by, actor.name, requestId])).toEqual([
      ['session.create', 'session', 'tester', 'request-2'],
      ['principal.create', 'system', 'tester', 'request-2'],
      ['link.create', 'system', 'tester', 'request-1'],
    ])
  })

  test('a link is used once, by whoever of many at the same instant', async () => {
    const { access } = made
    const others = [made.again(), made.again()]
    for (let round = 0; round < 5; round++) {
      const { code } = await access.link(cause)
      const all = await Promise.allSettled(
        Array.from({ length: 12 }, (_, n) => (others[n % 3] ?? access).redeem(code, about)),
      )
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'LINK_INVALID' })
      await expect(access.redeem(code, about)).rejects.toMatchObject({ code: 'LINK_INVALID' })
    }
    expect((await access.principals.list({ limit: 10, cursor: null })).total).toBe(1)
  })

  test('a link counts for ten minutes', async () => {
    const { access } = made
    const [early, late] = [await access.link(cause), await access.link(cause)]
    await made.pass('9 minutes 50 seconds')
    await access.redeem(early.code, about)
    await made.pass('11 seconds')
    await expect(access.redeem(late.code, about)).rejects.toMatchObject({ code: 'LINK_INVALID' })
    for (const code of ['', 'sll_', `sll_${'x'.repeat(43)}`, `${late.code}x`])
      await expect(access.redeem(code, about)).rejects.toMatchObject({ code: 'LINK_INVALID' })
  })

  test('one cookie is not another’s secret: kinds do not mix', async () => {
    const { access } = made
    const { code } = await access.link(cause)
    const { secret } = await access.tokens.create({ name: 'kind', role: 'viewer' }, cause)
    const { cookie } = await access.signIn(secret, about)
    for (const given of [code, secret, '', 'sls_', `${cookie} `])
      await expect(access.session(given)).rejects.toMatchObject(refused)
    for (const given of [code, cookie]) await expect(access.authenticate(given)).rejects.toMatchObject(refused)
    for (const given of [secret, cookie])
      await expect(access.redeem(given, about)).rejects.toMatchObject({ code: 'LINK_INVALID' })
  })

  test('it ends unused after 12 hours, and used after 7 days', async () => {
    const { access } = made
    const signIn = async (): Promise<string> => (await access.redeem((await access.link(cause)).code, about)).cookie
    const [used, unused] = [await signIn(), await signIn()]
    await made.pass('11 hours')
    await access.session(used)
    await made.pass('61 minutes')
    await access.session(used)
    await expect(access.session(unused)).rejects.toMatchObject(refused)
    for (let hours = 13; hours < 7 * 24; hours += 11) {
      await access.session(used)
      await made.pass('11 hours')
    }
    await expect(access.session(used)).rejects.toMatchObject({
      ...refused,
      cause: { message: expect.stringMatching('over') as unknown },
    })
  })

  test('signing out ends it, there and everywhere; again is nothing', async () => {
    const { access } = made
    const { cookie } = await access.redeem((await access.link(cause)).code, about)
    const other = made.again()
    await other.session(cookie)
    await access.signOut(cookie, 'request-3')
    await expect(other.session(cookie)).rejects.toMatchObject(refused)
    await access.signOut(cookie, 'request-4')
    await access.signOut('nonsense', null)
    const { items } = await access.audit.list({ action: 'session.remove' }, { limit: 10, cursor: null })
    expect(items.map(({ requestId, actor }) => [requestId, actor.name])).toEqual([['request-3', 'tester']])
  })

  test('with a token: it lives and dies with the token, and may no more', async () => {
    const { access } = made
    const expiresAt = new Date((await nowOf()).getTime() + 3_600_000)
    const { secret, token } = await access.tokens.create(
      { name: 'desk', role: 'operator', claims: { sector: 'East' }, expiresAt },
      cause,
    )
    const one = await access.signIn(secret, about)
    expect(one.expiresAt).toEqual(expiresAt)
    expect((await access.session(one.cookie)).caller).toEqual({
      by: 'session',
      id: token.id,
      name: 'desk',
      role: 'operator',
      claims: { sector: 'East' },
    })
    await access.tokens.revoke(token.id, cause)
    await expect(access.session(one.cookie)).rejects.toMatchObject(refused)
    expect(await made.own.query('select from sluice.session where token = $1', [token.id])).toEqual([])
    await expect(access.signIn(secret, about)).rejects.toMatchObject(refused)
    const reader = await access.tokens.create({ name: 'reader', role: null }, cause)
    await expect(access.signIn(reader.secret, about)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(access.signIn('eyJ.e30.x', about)).rejects.toMatchObject(refused)
  })

  test('what is changed of a person holds in the sessions that are open', async () => {
    const { access } = made
    const max = await access.principals.create({ name: 'Max', role: 'viewer' }, cause)
    const { cookie } = await access.redeem((await access.link(cause, max.id)).code, about)
    await access.principals.change(max.id, { role: 'operator', claims: { sector: 'W' }, name: 'Maximilian' }, cause)
    const { caller } = await access.session(cookie)
    expect(caller).toMatchObject({ name: 'Maximilian', role: 'operator', claims: { sector: 'W' } })
    await access.principals.remove(max.id, cause)
    await expect(access.session(cookie)).rejects.toMatchObject(refused)
  })

  test('what a browser says of itself cannot break it', async () => {
    const { access } = made
    const odd = { ip: '::1', userAgent: `\0\ud800${'x'.repeat(5_000)}`, requestId: '\0' }
    const { cookie } = await access.redeem((await access.link(cause)).code, odd)
    await access.session(cookie)
  })

  const nowOf = async (): Promise<Date> => {
    const [row] = await made.own.query<{ now: Date }>('select sluice.now() as now')
    return row?.now ?? new Date(0)
  }
})

test('many first links at once make one admin; a viewer of that name keeps it', async () => {
  await using made = await openTestAccess()
  const { access } = made
  await access.principals.create({ name: 'Tester', role: 'viewer' }, cause)
  const codes = await Promise.all(Array.from({ length: 8 }, async () => (await access.link(cause)).code))
  const signed = await Promise.all(codes.map((code) => access.redeem(code, about)))
  expect(new Set(signed.map(({ caller }) => caller.id)).size).toBe(1)
  expect(signed[0]?.caller).toMatchObject({ name: 'tester 2', role: 'admin' })
  expect((await access.principals.list({ limit: 10, cursor: null })).total).toBe(2)
  // Later links are for the admin of the actor's name, else for the first one.
  const zoe = await access.principals.create({ name: 'zoe', role: 'admin' }, cause)
  expect((await access.link(cause)).principal?.name).toBe('tester 2')
  const hers = await access.link({ ...cause, actor: { ...cause.actor, name: 'ZOE' } })
  expect(hers.principal).toEqual({ id: zoe.id, name: 'zoe' })
})
