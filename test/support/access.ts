/** Who calls, on a database of one's own, with a clock that a test moves. */
import type { Access, Cause } from '../../src/access/access.ts'
import type { JwtOptions } from '../../src/access/config.ts'
import { openAccess } from '../../src/access/open.ts'
import { migrate } from '../../src/state/migrate.ts'
import { createDatabase, type TestDatabase } from './database.ts'

export interface TestAccess extends AsyncDisposable {
  readonly access: Access
  readonly own: TestDatabase
  /** As another process of the same project, or of another one. */
  again(project?: string): Access
  /** Moves the clock of the state: `3 hours`. */
  pass(interval: string): Promise<void>
  /** Every row of every table of the state as text: what a thief of the database would read. */
  dump(): Promise<string>
}

export const cause: Cause = { actor: { by: 'system', id: null, name: 'tester' }, requestId: 'request-1' }
export const about = { ip: '127.0.0.1', userAgent: 'vitest', requestId: 'request-2' }

export async function openTestAccess(
  options: { readonly version?: 18 | 14; readonly jwt?: JwtOptions; readonly rememberMs?: number } = {},
): Promise<TestAccess> {
  const own = await createDatabase({ version: options.version ?? 18 })
  await migrate(own.database, 'sluice')
  const jwt = () => options.jwt ?? null
  // Its clock moves.
  const { rememberMs = 0 } = options
  const again = (project = 'demo'): Access =>
    openAccess({ database: own.database, schema: 'sluice', project, jwt, rememberMs })
  let passed = "interval '0'"
  return {
    access: again(),
    own,
    again,
    async pass(interval) {
      passed += ` + interval '${interval}'`
      await own.query(
        `create or replace function sluice.now() returns timestamptz language sql volatile as $$select clock_timestamp() + ${passed}$$`,
      )
    },
    async dump() {
      const tables = await own.query<{ name: string }>(
        "select quote_ident(tablename) as name from pg_tables where schemaname = 'sluice'",
      )
      const rows = await Promise.all(tables.map(({ name }) => own.query(`select t::text as row from sluice.${name} t`)))
      return rows
        .flat()
        .map((row) => String(row['row']))
        .join('\n')
    },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

/** All pages of a list, one after the other. */
export async function allPages<T>(
  read: (cursor: string | null) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>,
): Promise<readonly T[]> {
  const items: T[] = []
  for (let cursor: string | null = null; ;) {
    const page: { readonly items: readonly T[]; readonly next: string | null } = await read(cursor)
    items.push(...page.items)
    if (page.next === null) return items
    cursor = page.next
  }
}
