/** A database of one's own on the test run's servers: fresh, opened, dropped when disposed. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { ident, type Database } from '../../src/lib/sql.ts'
import { openDatabase } from '../../src/stores/postgres/client.ts'

export interface TestDatabase extends AsyncDisposable {
  readonly database: Database
  readonly url: string
  readonly name: string
  /** Superuser statements beside `database`, for what a test sets up or looks at. */
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>
}

export interface TestDatabaseOptions {
  readonly version?: 18 | 14
  readonly store?: string
  readonly max?: number
}

/** The url of the test run's server of that version, as superuser on database `postgres`. */
export function serverUrl(version: 18 | 14 = 18): string {
  return version === 18 ? inject('postgres18') : inject('postgres14')
}

export async function createDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '').slice(0, 16)}`
  const server = serverUrl(options.version)
  await once(server, `create database ${ident(name).sql} template template0`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const database = await openDatabase({
    store: options.store ?? 'database',
    url: url.href,
    ...(options.max === undefined ? {} : { max: options.max }),
  })
  const beside = new pg.Pool({ connectionString: url.href, max: 4 })
  beside.on('error', () => {})
  return {
    database,
    url: url.href,
    name,
    query: async <R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await beside.query<R>(text, [...values])).rows,
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]()
      await beside.end()
      await once(server, `drop database if exists ${ident(name).sql} with (force)`)
    },
  }
}

async function once(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
