import { randomUUID } from 'node:crypto'
import { ident, idents, sql, type Database } from '../../lib/sql.ts'
import { preparePublication, type Publication } from '../../stores/postgres/publish/publication.ts'
import { stageName, stagingSchema } from '../../stores/postgres/publish/staging.ts'
import type { Flow } from '../flow.ts'
import type { ColumnPlan } from './columns.ts'
import type { SyncOptions } from './config.ts'
import { publicationOf } from './publication.ts'

/**
 * The rows that `latestBy` leaves of a source, for comparing: staged and chosen exactly as a run does it, and read from there
 * as often as asked. Under a name of its own, so that a run of the flow does not sweep it away; what a killed process leaves is
 * swept by the next comparison.
 */
export async function latestRows(
  database: Database,
  flow: Flow<SyncOptions>,
  project: string,
  columns: ColumnPlan,
  chunks: (columns: Publication['columns']) => AsyncIterable<Uint8Array>,
): Promise<{ readonly read: () => AsyncIterable<Uint8Array> } & AsyncDisposable> {
  const attempt = { project, flow: `${flow.name} verify`, run: randomUUID(), attempt: 1 }
  const publication = await preparePublication(database, {
    ...publicationOf(flow, columns, attempt),
    publish: 'in-place',
  })
  const stage = ident(stagingSchema, stageName(attempt))
  const names = idents(columns.columns.map(({ target }) => target))
  try {
    await publication.load(chunks(publication.columns))
    await publication.finish()
  } catch (error) {
    await publication.cleanUp()
    throw error
  }
  return {
    read: () => copyOut(database, sql`copy (select ${names} from ${stage}) to stdout (format binary)`),
    [Symbol.asyncDispose]: () => publication.cleanUp(),
  }
}

/** One COPY on a connection of its own, which is given back when the iteration ends. */
async function* copyOut(database: Database, statement: Parameters<Database['run']>[0]): AsyncIterable<Uint8Array> {
  const started = Promise.withResolvers<AsyncIterable<Uint8Array>>()
  const ended = Promise.withResolvers<void>()
  const held = database.session(async (session) => {
    started.resolve(session.copyOut(statement))
    await ended.promise
  })
  held.catch(started.reject)
  try {
    yield* await started.promise
  } finally {
    ended.resolve()
    await held
  }
}
