import { realpathSync } from 'node:fs'
import pg from 'pg'
import { dataOf, readPassword, readPostmaster } from './cluster.ts'
import { isPostgres } from './process.ts'

/** What is found of a server at a home. */
export type Probe =
  | { readonly tag: 'down' }
  /** It starts, recovers or stops: ask again. */
  | { readonly tag: 'changing'; readonly pid: number; readonly says: string }
  | { readonly tag: 'up'; readonly pid: number; readonly port: number }
  /** A server that lives, and does not know our password: the file was lost. */
  | { readonly tag: 'locked'; readonly pid: number; readonly says: string }

/** Asks the server itself: whatever the files say, only one that answers with our password for our data directory is ours. */
export async function probe(home: string): Promise<Probe> {
  const postmaster = readPostmaster(home)
  if (postmaster === null || !isPostgres(postmaster.pid)) return { tag: 'down' }
  const { pid, port } = postmaster
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    application_name: 'sluice',
    password: () => readPassword(home) ?? 'lost',
    ssl: false,
    connectionTimeoutMillis: 5000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ directory: string }>("select current_setting('data_directory') as directory")
    // Another server has that port, and our postmaster.pid is from before a crash.
    if (realpathSync(rows[0]?.directory ?? '') !== realpathSync(dataOf(home))) return { tag: 'down' }
    return { tag: 'up', pid, port }
  } catch (error) {
    const state = error instanceof Error && 'code' in error ? String(error.code) : ''
    const says = error instanceof Error ? error.message : String(error)
    if (state === '28P01') return { tag: 'locked', pid, says }
    return { tag: 'changing', pid, says }
  } finally {
    await client.end().catch(() => {})
  }
}
