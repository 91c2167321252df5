/** Rows of a query, staged and published as a flow would. */
import type { Database, Session } from '../../src/lib/sql.ts'
import { raw, sql } from '../../src/lib/sql.ts'
import { parsePgType } from '../../src/transfer/pgtype.ts'
import { preparePublication, type Publication } from '../../src/stores/postgres/publish/publication.ts'
import type { Changes, PublicationRequest } from '../../src/stores/postgres/publish/request.ts'

export type Asked = Partial<Omit<PublicationRequest, 'target' | 'columns'>> & {
  readonly schema?: string
  readonly table: string
  /** Name → type. */
  readonly columns: Readonly<Record<string, string>>
  readonly declared?: readonly string[]
}

let attempts = 0

export function asked({ schema = 'public', table, columns, declared = [], ...rest }: Asked): PublicationRequest {
  return {
    project: 'tests',
    flow: table,
    run: `run ${++attempts}`,
    attempt: 1,
    target: { schema, table },
    columns: Object.entries(columns).map(([name, type]) => ({
      name,
      type: parsePgType(type),
      nullable: true,
      declared: declared.includes(name),
    })),
    key: [],
    mode: 'replace',
    ...rest,
  }
}

/** The rows of a query of the same database as a binary COPY stream. */
export function rowsOf(db: Database, publication: Publication, query: string): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => read(db, publication, query) }
}

async function* read(db: Database, publication: Publication, query: string): AsyncGenerator<Uint8Array> {
  const names = publication.columns.map(({ name }) => `"${name.replaceAll('"', '""')}"`).join(', ')
  const chunks: Uint8Array[] = []
  await db.session(async (session) => {
    for await (const chunk of session.copyOut(
      sql`copy (select ${raw(names)} from (${raw(query)}) q) to stdout with (format binary)`,
    ))
      chunks.push(chunk)
  })
  yield* chunks
}

export interface Published {
  readonly publication: Publication
  readonly rows: number
  readonly changes: Changes | null
}

/** Prepares, loads, finishes, applies in one transaction and cleans up, also after an error. */
export async function publish(db: Database, what: Asked, query: string): Promise<Published> {
  const publication = await preparePublication(db, asked(what))
  try {
    await publication.load(rowsOf(db, publication, query))
    await publication.finish()
    const { rows, changes } = await db.transaction((tx: Session) => publication.apply(tx))
    return { publication, rows, changes }
  } finally {
    await publication.cleanUp()
  }
}
