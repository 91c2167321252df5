import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cause, openTestAccess, type TestAccess } from '../../test/support/access.ts'
import type { IdempotencyClaim } from './access.ts'
import { storableAnswer } from './idempotency.ts'

describe.each([18, 14] as const)('repeated requests on PostgreSQL %i', (version) => {
  let made: TestAccess
  beforeAll(async () => {
    made = await openTestAccess({ version })
  })
  afterAll(async () => {
    await made[Symbol.asyncDispose]()
  })
  const caller = { by: 'token', id: 'one' } as const
  const request = { method: 'POST', path: '/api/flows/f/runs', body: { force: true, with: { b: 1, a: [null] } } }
  const answer = { status: 202, headers: { location: '/api/runs/1' }, body: { id: '1', rows: [1, null] } }

  const claim = async (key: string, access = made.access, what = request): Promise<IdempotencyClaim> => {
    const begun = await access.idempotency.begin(key, caller, what)
    if (begun.tag !== 'proceed') throw new Error('it was answered before')
    return begun.claim
  }

  test('the same again is answered the same, by any process', async () => {
    await (await claim('k1')).complete(answer)
    for (const access of [made.access, made.again()])
      expect(await access.idempotency.begin('k1', caller, request)).toEqual({ tag: 'replay', answer })
    // The order of keys is no difference.
    const turned = { ...request, body: { with: { a: [null], b: 1 }, force: true } }
    expect(await made.access.idempotency.begin('k1', caller, turned)).toEqual({ tag: 'replay', answer })
  })

  test('another request under the key is refused; another caller or project has keys of its own', async () => {
    await (await claim('k2')).complete(answer)
    const others = [
      { ...request, method: 'PUT' },
      { ...request, path: '/api/flows/g/runs' },
      { ...request, body: { force: false } },
      { ...request, body: null },
    ]
    for (const other of others)
      await expect(made.access.idempotency.begin('k2', caller, other)).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
      })
    for (const other of [{ by: 'session', id: 'one' } as const, { by: 'token', id: 'two' } as const])
      expect(await made.access.idempotency.begin('k2', other, request)).toMatchObject({ tag: 'proceed' })
    expect(await made.again('other').idempotency.begin('k2', caller, request)).toMatchObject({ tag: 'proceed' })
  })

  test('of many at once one does it; the others hear that it is under way', async () => {
    const other = made.again()
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? made.access : other).idempotency.begin('k3', caller, request),
      ),
    )
    const begun = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(begun).toMatchObject([{ tag: 'proceed' }])
    for (const one of all)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'IDEMPOTENCY_IN_FLIGHT' })
    // Another request says so at once, and does not wait for the first.
    await expect(other.idempotency.begin('k3', caller, { ...request, body: 1 })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
  })

  test('given up, it is free; answered, giving up is nothing', async () => {
    await (await claim('k4')).abandon()
    const second = await claim('k4')
    await second.complete(answer)
    await second.abandon()
    expect(await made.access.idempotency.begin('k4', caller, request)).toEqual({ tag: 'replay', answer })
  })

  test('who died is taken over after the lease; if it lives, what it says is not kept', async () => {
    const first = await claim('k5')
    await made.pass('119 seconds')
    await expect(claim('k5')).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_FLIGHT' })
    await made.pass('2 seconds')
    await expect(
      claim('k5', made.access, { ...request, body: 1 as unknown as typeof request.body }),
    ).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => claim('k5', made.again())))
    const taken = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(taken).toHaveLength(1)
    await first.complete({ ...answer, status: 500 })
    await first.abandon()
    await expect(claim('k5')).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_FLIGHT' })
    await taken[0]?.complete(answer)
    expect(await made.access.idempotency.begin('k5', caller, request)).toEqual({ tag: 'replay', answer })
  })

  test('after 24 hours the key is free for anything', async () => {
    await (await claim('k6')).complete(answer)
    await made.pass('23 hours 59 minutes')
    expect(await made.access.idempotency.begin('k6', caller, request)).toEqual({ tag: 'replay', answer })
    await made.pass('2 minutes')
    await (await claim('k6', made.access, { ...request, path: '/other' })).complete(answer)
    await expect(made.access.idempotency.begin('k6', caller, request)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
  })

  test('the answer to the making of a token is said again without the secret', async () => {
    const { access } = made
    const { secret, token } = await access.tokens.create({ name: 'kept', role: 'viewer' }, cause)
    const body = JSON.parse(JSON.stringify({ secret, token })) as { secret: string; token: { prefix: string } }
    await (await claim('k7')).complete({ status: 201, headers: { location: `/x/${secret}`, etag: '"1"' }, body })
    const again = await access.idempotency.begin('k7', caller, request)
    expect(again).toEqual({
      tag: 'replay',
      answer: { status: 201, headers: { etag: '"1"' }, body: { secret: null, token: body.token } },
    })
    expect(await made.dump()).not.toContain(secret.slice(11))
  })

  test('an answer that PostgreSQL could not hold is kept all the same', async () => {
    await (await claim('k8\0')).complete({ status: 400, headers: {}, body: { why: 'no \0 in \udc00' } })
    expect(await made.access.idempotency.begin('k8\0', caller, request)).toMatchObject({
      answer: { body: { why: 'no \u{fffd} in \u{fffd}' } },
    })
  })
})

test('what is kept of an answer without secrets is the answer', () => {
  const answer = { status: 200, headers: { location: '/x' }, body: [{ a: 'slc_', b: [true, 1.5, null] }] }
  expect(storableAnswer(answer)).toEqual(answer)
})
