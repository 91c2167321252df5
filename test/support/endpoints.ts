/** A table with values of every kind, published as a flow would: for the tests of this folder. */
import { afterAll, beforeAll } from 'vitest'
import { createDatabase, type TestDatabase } from './database.ts'
import { migrate } from '../../src/state/migrate.ts'
import { openReader, type Reader } from '../../src/stores/postgres/reader.ts'
import { endpointDefinition, type EndpointOptions } from '../../src/endpoints/config.ts'
import type { EndpointAnswer, EndpointCaller, Endpoints, ReadOptions } from '../../src/endpoints/endpoints.ts'
import { openEndpoints } from '../../src/endpoints/open.ts'
import type { Given } from '../../src/endpoints/ask.ts'

export interface Bench {
  readonly query: TestDatabase['query']
  readonly url: string
  /** `through`: stands between the endpoints and what they read by. */
  open(endpoints: Readonly<Record<string, EndpointOptions>>, through?: (reader: Reader) => Reader): Endpoints
  /** Runs statements and records that the flow `flow` has published, in one transaction. */
  publish(...statements: readonly string[]): Promise<void>
}

/** The flow `flow` publishes `public.t`. */
export function onServer(version: 18 | 14): Bench {
  let database: TestDatabase | undefined
  let reader: Reader | undefined
  const made = (): TestDatabase => {
    if (database === undefined) throw new Error('not before beforeAll')
    return database
  }
  beforeAll(async () => {
    database = await createDatabase({ version })
    reader = openReader({ store: 'database', url: database.url })
    await migrate(database.database, 'sluice')
  })
  afterAll(async () => {
    await reader?.[Symbol.asyncDispose]()
    await database?.[Symbol.asyncDispose]()
  })
  return {
    query: (text, values) => made().query(text, values),
    get url() {
      return made().url
    },
    open: (endpoints, through = (one) => one) =>
      openEndpoints({
        endpoints: Object.entries(endpoints).map(([name, options]) => {
          const definition = endpointDefinition.parse(options)
          return { name, definition, query: typeof definition.query === 'string' ? definition.query : null }
        }),
        reader: async () =>
          reader === undefined ? Promise.reject(new Error('not before beforeAll')) : through(reader),
        state: { store: 'database', schema: 'sluice', project: 'p' },
        targets: () => [{ flow: 'flow', store: 'database', schema: 'public', table: 't' }],
        secret: () => Promise.resolve(Buffer.alloc(32, 'sluice p')),
      }),
    publish: async (...statements) => {
      const publication = `
        insert into sluice.flow (project, name, kind, definition, definition_hash) values ('p', 'flow', 'sync', '{}', 'x') on conflict do nothing;
        insert into sluice.slice (project, flow, key, ordinal, span, state, as_of, rows, run, published_at)
        values ('p', 'flow', 'all', 0, 'null', 'done', clock_timestamp(), 0, gen_random_uuid(), clock_timestamp())
        on conflict (project, flow, key) do update
          set as_of = excluded.as_of, run = excluded.run, published_at = excluded.published_at`
      await made().query(`begin; ${statements.join(';\n')}; ${publication}; commit`)
    },
  }
}

export const everybody: EndpointCaller = { claims: {} }

/** The answer with its body parsed. */
export async function ask(
  endpoints: Endpoints,
  name: string,
  given: Given = {},
  caller: EndpointCaller = everybody,
  how: ReadOptions = {},
): Promise<{ readonly answer: EndpointAnswer; readonly body: unknown }> {
  const answer = await endpoints.read(name, given, caller, how)
  return { answer, body: answer.status === 304 ? null : JSON.parse(await textOf(answer.body)) }
}

export async function textOf(body: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  if (typeof body === 'string') return body
  if (body instanceof Uint8Array) return Buffer.from(body).toString()
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  return Buffer.concat(parts).toString()
}

/** The code and summary of what it rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error && 'code' in error) return `${String(error.code)}: ${error.message}`
    throw error
  }
  throw new Error('it was not refused')
}
