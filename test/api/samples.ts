/** A request to each operation that reaches what it does: with things that exist, by what its address and body call them. */
import fc from 'fast-check'
import type { InjectOptions } from 'fastify'
import type { Cause } from '../../src/access/access.ts'
import type { TestApi } from '../support/api.ts'
import { fitting } from './arbitrary.ts'
import type { Document, Operation } from './operations.ts'

const cause: Cause = { actor: { by: 'system', id: null, name: 'test' }, requestId: null }

/** Makes what an operation is done to, anew for each request: some of them remove it. */
type Make = (api: TestApi) => Promise<string>

let made = 0

const parts: Readonly<Record<string, Make>> = {
  flow: () => Promise.resolve('things'),
  run: async ({ sluice }) => (await sluice.engine.runs({ limit: 1 }))[0]?.id ?? '',
  token: async ({ sluice }) => (await sluice.access.tokens.create({ name: 'made', role: 'viewer' }, cause)).token.id,
  principal: async ({ sluice }) =>
    (await sluice.access.principals.create({ name: `person ${++made}`, role: 'viewer' }, cause)).id,
}

/** Bodies that mean something, where any that fits the schema would be refused for what it says. */
const bodies: Readonly<Record<string, (api: TestApi) => Promise<unknown>>> = {
  signIn: async ({ sluice }) => ({ code: (await sluice.access.link(cause)).code }),
  createToken: () => Promise.resolve({ name: 'sample', role: 'viewer' }),
  createPrincipal: () => Promise.resolve({ name: `sample ${++made}`, role: 'viewer' }),
  changePrincipal: () => Promise.resolve({ name: `changed ${++made}` }),
  pauseFlow: () => Promise.resolve({ reason: 'a sample' }),
  requestRun: () => Promise.resolve({}),
  requestVerification: () => Promise.resolve({}),
  planFlow: () => Promise.resolve({}),
}

export async function sample(api: TestApi, document: Document, operation: Operation): Promise<InjectOptions> {
  const names = operation.parameters.filter((one) => one.in === 'path')
  const values = new Map<string, string>()
  for (const { name, schema } of names) {
    const make = parts[name]
    values.set(name, make === undefined ? String(one(fitting(document, schema))) : await make(api))
  }
  const url = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values.get(name) ?? ''))
  const body = bodies[operation.id]
  const payload =
    body !== undefined ? await body(api) : operation.body === null ? undefined : one(fitting(document, operation.body))
  return {
    method: operation.method,
    url,
    ...(payload === undefined ? {} : { payload: payload as object, headers: { 'content-type': 'application/json' } }), // of its schema
  }
}

/** The same in each run of the tests. */
function one<T>(arbitrary: fc.Arbitrary<T>): T {
  const [first] = fc.sample(arbitrary, { numRuns: 1, seed: 1 })
  return first as T // one was asked for
}
