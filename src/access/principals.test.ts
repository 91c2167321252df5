import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { about, cause, openTestAccess, type TestAccess } from '../../test/support/access.ts'
import { losesAdmin } from './principals.ts'

describe.each([18, 14] as const)('people on PostgreSQL %i', (version) => {
  let made: TestAccess
  beforeAll(async () => {
    made = await openTestAccess({ version })
  })
  afterAll(async () => {
    await made[Symbol.asyncDispose]()
  })

  test('made, changed, listed, removed; each with its record', async () => {
    const { access } = made
    const ann = await access.principals.create({ name: 'Ann', role: 'viewer', claims: { sector: 'East' } }, cause)
    expect(ann).toMatchObject({ name: 'Ann', role: 'viewer', disabled: false, createdBy: 'tester', lastSeenAt: null })
    expect(await access.principals.get(ann.id)).toEqual(ann)
    const changed = await access.principals.change(ann.id, { role: 'operator' }, cause)
    expect(changed).toEqual({ ...ann, role: 'operator' })
    expect(await access.principals.get(ann.id)).toEqual(changed)
    // The same again is no change.
    expect(await access.principals.change(ann.id, { role: 'operator', name: 'Ann' }, cause)).toEqual(changed)
    await access.principals.remove(ann.id, cause)
    await expect(access.principals.get(ann.id)).rejects.toMatchObject({ code: 'PRINCIPAL_UNKNOWN' })
    await expect(access.principals.get('x')).rejects.toMatchObject({ code: 'PRINCIPAL_UNKNOWN' })
    const { items } = await access.audit.list({ subject: ann.id }, { limit: 10, cursor: null })
    expect(items.map(({ action, before, after }) => ({ action, before, after }))).toEqual([
      {
        action: 'principal.remove',
        before: { name: 'Ann', role: 'operator', claims: { sector: 'East' }, disabled: false },
        after: { tokensRevoked: [] },
      },
      {
        action: 'principal.change',
        before: { name: 'Ann', role: 'viewer', claims: { sector: 'East' }, disabled: false },
        after: { name: 'Ann', role: 'operator', claims: { sector: 'East' }, disabled: false },
      },
      {
        action: 'principal.create',
        before: null,
        after: { name: 'Ann', role: 'viewer', claims: { sector: 'East' }, disabled: false },
      },
    ])
  })

  test('a name is taken whatever its case; of ten at once one gets it', async () => {
    const { access } = made
    const all = await Promise.allSettled(
      Array.from({ length: 10 }, (_, n) =>
        access.principals.create({ name: n % 2 === 0 ? 'Bob' : 'BOB', role: 'viewer' }, cause),
      ),
    )
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'NAME_TAKEN' })
    const carl = await access.principals.create({ name: 'Carl', role: 'viewer' }, cause)
    await expect(access.principals.change(carl.id, { name: 'bob' }, cause)).rejects.toMatchObject({
      code: 'NAME_TAKEN',
    })
    expect(await access.principals.change(carl.id, { name: 'CARL' }, cause)).toMatchObject({ name: 'CARL' })
  })

  test('a change that fails leaves neither itself nor a record', async () => {
    const { access } = made
    const dora = await access.principals.create({ name: 'Dora', role: 'viewer' }, cause)
    await expect(access.principals.change(dora.id, { name: 'Bob', role: 'operator' }, cause)).rejects.toMatchObject({
      code: 'NAME_TAKEN',
    })
    expect(await access.principals.get(dora.id)).toEqual(dora)
    expect((await access.audit.list({ subject: dora.id }, { limit: 10, cursor: null })).total).toBe(1)
  })
})

describe.each([18, 14] as const)('the last admin on PostgreSQL %i', (version) => {
  test('stays, however many try at once', async () => {
    await using made = await openTestAccess({ version })
    const { access } = made
    const admins = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => access.principals.create({ name, role: 'admin' }, cause)),
    )
    const other = made.again()
    const all = await Promise.allSettled([
      access.principals.remove(admins[0]?.id ?? '', cause),
      other.principals.change(admins[1]?.id ?? '', { role: 'viewer' }, cause),
      access.principals.change(admins[2]?.id ?? '', { disabled: true }, cause),
      other.principals.remove(admins[3]?.id ?? '', cause),
    ])
    const failed = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    expect(failed).toEqual([expect.objectContaining({ code: 'LAST_ADMIN' })])
    const { items } = await access.principals.list({ limit: 10, cursor: null })
    expect(items.filter(({ role, disabled }) => role === 'admin' && !disabled)).toHaveLength(1)
  })

  test('may be renamed and given claims; a disabled one is no other', async () => {
    await using made = await openTestAccess({ version })
    const { access } = made
    const off = await access.principals.create({ name: 'off', role: 'admin' }, cause)
    const last = await access.principals.create({ name: 'last', role: 'admin' }, cause)
    await access.principals.change(off.id, { disabled: true }, cause)
    for (const changes of [{ role: 'operator' }, { disabled: true }] as const)
      await expect(access.principals.change(last.id, changes, cause)).rejects.toMatchObject({ code: 'LAST_ADMIN' })
    await expect(access.principals.remove(last.id, cause)).rejects.toMatchObject({ code: 'LAST_ADMIN' })
    expect(await access.principals.change(last.id, { name: 'first', claims: { a: 1 } }, cause)).toMatchObject({
      name: 'first',
    })
    await access.principals.remove(off.id, cause)
  })

  test('a disabled person’s sessions have ended, also when enabled again', async () => {
    await using made = await openTestAccess({ version })
    const { access } = made
    const admin = await access.principals.create({ name: 'admin', role: 'admin' }, cause)
    const eve = await access.principals.create({ name: 'eve', role: 'operator' }, cause)
    const { secret } = await access.tokens.create({ name: 'eve’s', role: 'operator', principal: eve.id }, cause)
    const link = async (): Promise<string> => (await access.link(cause, eve.id)).code
    const open = [
      (await access.redeem(await link(), about)).cookie,
      (await access.redeem(await link(), about)).cookie,
      (await access.signIn(secret, about)).cookie,
    ]
    const unused = await link()
    for (const cookie of open) expect((await access.session(cookie)).caller.role).toBe('operator')
    await access.principals.change(eve.id, { disabled: true }, cause)
    const expectEnded = async (): Promise<void> => {
      for (const cookie of open) await expect(access.session(cookie)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
      await expect(access.redeem(unused, about)).rejects.toMatchObject({ code: 'LINK_INVALID' })
    }
    await expectEnded()
    await expect(access.signIn(secret, about)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(access.link(cause, eve.id)).rejects.toMatchObject({ code: 'PRINCIPAL_UNKNOWN' })
    await access.principals.change(eve.id, { disabled: false }, cause)
    await expectEnded()
    expect((await access.session((await access.redeem(await link(), about)).cookie)).caller).toMatchObject({
      id: eve.id,
      name: 'eve',
    })
    await access.principals.change(admin.id, { name: 'root' }, cause)
  })
})

test('who counts as admin', () => {
  const admin = { role: 'admin', disabled: false } as const
  expect(losesAdmin(admin, null)).toBe(true)
  expect(losesAdmin(admin, { role: 'operator', disabled: false })).toBe(true)
  expect(losesAdmin(admin, { role: 'admin', disabled: true })).toBe(true)
  expect(losesAdmin(admin, admin)).toBe(false)
  expect(losesAdmin({ role: 'admin', disabled: true }, null)).toBe(false)
  expect(losesAdmin({ role: 'viewer', disabled: false }, null)).toBe(false)
})
