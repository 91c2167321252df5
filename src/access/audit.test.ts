import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allPages, cause, openTestAccess, type TestAccess } from '../../test/support/access.ts'
import { newSecret } from './secret.ts'

describe.each([18, 14] as const)('the audit on PostgreSQL %i', (version) => {
  let made: TestAccess
  beforeAll(async () => {
    made = await openTestAccess({ version })
  })
  afterAll(async () => {
    await made[Symbol.asyncDispose]()
  })
  const entry = { action: 'flow.pause', subject: 'teachers', before: null, after: null }
  const ann = { by: 'token', id: 'id-1', name: 'ann' } as const

  test('commits with the change, or not at all', async () => {
    const { access, own } = made
    await own.database.transaction((tx) => access.audit.record({ ...entry, subject: 'kept' }, cause, tx))
    const failing = own.database.transaction(async (tx) => {
      await access.audit.record({ ...entry, subject: 'lost' }, cause, tx)
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    const page = { limit: 10, cursor: null }
    expect(await access.audit.list({ subject: 'lost' }, page)).toEqual({ items: [], next: null, total: 0 })
    expect((await access.audit.list({ subject: 'kept' }, page)).items).toMatchObject([
      { action: 'flow.pause', actor: cause.actor, requestId: 'request-1', before: null, after: null },
    ])
  })

  test('is found by who, what, whose and when', async () => {
    const { access } = made
    const record = (action: string, subject: string, actor: Parameters<typeof access.audit.record>[1]['actor'] = ann) =>
      access.audit.record({ ...entry, action, subject }, { actor, requestId: null })
    await record('run.cancel', 'r1')
    await record('runner.cancel', 'r1')
    await made.pass('1 hour')
    const [{ now: since } = { now: new Date() }] = await made.own.query<{ now: Date }>('select sluice.now() as now')
    await record('run.create', 'r2', { by: 'jwt', id: 'id-2', name: 'bob' })
    const found = async (filter: Parameters<typeof access.audit.list>[0]): Promise<readonly string[]> => {
      const { items, total } = await access.audit.list(filter, { limit: 10, cursor: null })
      expect(total).toBe(items.length)
      return items.map(({ action }) => action)
    }
    expect(await found({ action: 'run' })).toEqual(['run.create', 'run.cancel'])
    expect(await found({ action: 'run.cancel' })).toEqual(['run.cancel'])
    expect(await found({ actor: 'id-1' })).toEqual(['runner.cancel', 'run.cancel'])
    expect(await found({ actor: 'bob' })).toEqual(['run.create'])
    expect(await found({ subject: 'r1', action: 'runner' })).toEqual(['runner.cancel'])
    expect(await found({ since, action: 'run' })).toEqual(['run.create'])
    expect(await found({ until: since, action: 'run' })).toEqual(['run.cancel'])
    expect(await found({ actor: "' or true --" })).toEqual([])
  })

  test('pages do not repeat or leave out, whatever is written in between', async () => {
    const { access } = made
    for (let n = 0; n < 25; n++) await access.audit.record({ ...entry, subject: `paged-${n}` }, cause)
    const read = await allPages(async (cursor) => {
      const page = await access.audit.list({ action: 'flow.pause' }, { limit: 4, cursor })
      await access.audit.record({ ...entry, subject: 'later' }, cause)
      return page
    })
    const subjects = read.map(({ subject }) => subject).filter((subject) => subject.startsWith('paged-'))
    expect(subjects).toEqual(Array.from({ length: 25 }, (_, n) => `paged-${24 - n}`))
    for (const cursor of ['!', 'eA', Buffer.from('99999999999999999999').toString('base64url')])
      await expect(access.audit.list({}, { limit: 4, cursor })).rejects.toMatchObject({ code: 'CURSOR_INVALID' })
  })

  test('keeps no secret, and holds whatever text it is given', async () => {
    const { access } = made
    const secrets = (['token', 'session', 'link'] as const).map((kind) => newSecret(kind).secret)
    const [token = '', session = '', link = ''] = secrets
    const before = { token, list: [`see http://x/?code=${link}`, 1], [session]: true, fine: 'slc_short' }
    const subject = 'odd \0 \ud800 \u{1f600}'
    await access.audit.record({ action: 'odd.text', subject, before, after: subject }, cause)
    const { items } = await access.audit.list({ action: 'odd' }, { limit: 1, cursor: null })
    expect(items).toMatchObject([
      {
        subject: 'odd \u{fffd} \u{fffd} \u{1f600}',
        before: { token: null, list: [null, 1], fine: 'slc_short' },
        after: 'odd \u{fffd} \u{fffd} \u{1f600}',
      },
    ])
    const dump = await made.dump()
    for (const secret of secrets) expect(dump).not.toContain(secret.slice(4))
  })
})
