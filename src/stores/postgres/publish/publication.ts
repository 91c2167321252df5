/**
 * The one interface by which a flow publishes rows into a PostgreSQL table (CONTRACTS §3).
 *
 *     prepare ──► load ──► finish ──► apply (in the publishing transaction) ──► cleanUp
 *        │          │         │          └─ PUBLISH_LOCKED: rolled back, apply again
 *        └──────────┴─────────┴──────────── any failure ──────────────────────► cleanUp
 *
 * Until `apply` commits, the target is untouched. `cleanUp` is idempotent, and what a killed process leaves behind is
 * swept by the next `load` of the same flow.
 */

import { failpoint } from '../../../lib/failpoint.ts'
import { raw, sql, type Database, type Session } from '../../../lib/sql.ts'
import { formatPgType, type PgType } from '../../../transfer/pgtype.ts'
import { countRows, readTable } from '../schema.ts'
import type { TableFacts } from '../table.ts'
import { alterations } from './alterations.ts'
import { build } from './build.ts'
import { choose } from './choose.ts'
import { asPublishError } from './errors.ts'
import { applyInPlace } from './in-place.ts'
import { keepLatest, readyToCompare, refuseNulls } from './keys.ts'
import { checkRequest, requireSchema } from './check.ts'
import type { Changes, PublicationRequest, Publisher } from './request.ts'
import { advanceSequences, readLargest, type Largest } from './sequences.ts'
import { withSettings } from './settings.ts'
import { markedAs } from './soft-delete.ts'
import { loadAgain, loadStage, roomToBuild } from './stage.ts'
import { dropStage, dropStagingSchema, sweep } from './staging.ts'
import { describeSteps } from './steps.ts'
import { applySwap } from './swap.ts'
import type { Target } from './target.ts'

export interface Publication {
  /** null: the table does not exist yet and is created by the swap. */
  readonly facts: TableFacts | null
  readonly publisher: Publisher
  readonly why: string
  /** What will be done, a line each: for `--dry-run`. */
  readonly steps: readonly string[]
  /** The columns of the COPY stream, in its order, with the exact types the target has (or will have). */
  readonly columns: readonly { readonly name: string; readonly type: PgType }[]
  /** Columns that the target does not have yet and will get. */
  readonly added: readonly string[]
  /**
   * Sweeps leftovers, makes the staging table and fills it; the number of rows. Once per publication. `chunks` is iterated a second
   * time when a key is null, so that such rows are named (`KEY_NULL`).
   */
  load(chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number>
  /** Checks keys (`KEY_DUPLICATE`), applies `latestBy`, builds what the swap needs; how many rows are staged now. */
  finish(): Promise<{ readonly rows: number }>
  /** To be called in the publishing transaction. `PUBLISH_LOCKED`: roll back and call again. */
  apply(tx: Session): Promise<{ readonly rows: number; readonly changes: Changes | null }>
  /** After commit or failure; idempotent, and safe to call more than once. Never rejects. */
  cleanUp(): Promise<void>
}

/**
 * Looks at the target and decides how to publish; changes nothing.
 *
 * @throws SluiceError `TARGET_DEPENDENTS`, `TARGET_UNSUITABLE`, `SCHEMA_NARROWED`, `SOURCE_COLUMN_MISSING`, `STORE_*`.
 */
export async function preparePublication(db: Database, request: PublicationRequest): Promise<Publication> {
  const [facts, version] = await Promise.all([readTable(db, request.target), db.version()])
  checkRequest(request, facts)
  if (facts === null) await requireSchema(db, request)
  const changes = facts === null ? null : alterations(facts, request.columns)
  const choice = choose(facts, request, changes)
  const target: Target = {
    request,
    facts,
    changes,
    version,
    publisher: choice.publisher,
    columns: columnsOf(request, facts, changes?.retyped.map(({ column }) => column) ?? []),
  }
  if (facts !== null) markedAs(target, facts)
  let loaded = 0
  let staged: { readonly rows: number; readonly largest: Largest } | null = null
  return {
    facts,
    ...choice,
    steps: describeSteps(target),
    columns: target.columns.map(({ name, type }) => ({ name, type })),
    added: changes?.added.map(({ name }) => name) ?? [],
    load: async (chunks, signal) => {
      await sweep(db, request, request)
      loaded = await loadStage(db, target, chunks, (tx) => refuseNulls(tx, target), signal)
      await failpoint('stage:after-commit')
      return loaded
    },
    finish: async () => {
      staged = await finish(db, target, loaded)
      await failpoint('stage:indexed')
      return { rows: staged.rows }
    },
    apply: async (tx) => {
      if (staged === null) throw new Error('apply comes after finish')
      return apply(tx, target, staged)
    },
    cleanUp: async () => {
      await dropStage(db, request)
      await dropStagingSchema(db)
    },
  }
}

function columnsOf(
  request: PublicationRequest,
  facts: TableFacts | null,
  retyped: readonly string[],
): Target['columns'] {
  const there = new Map((facts?.columns ?? []).map((column) => [column.name, column]))
  return request.columns
    .filter(({ name }) => (there.get(name)?.generated ?? 'no') === 'no')
    .map(({ name, type }) => {
      const column = there.get(name)
      return column === undefined || retyped.includes(name)
        ? { name, type, typeName: formatPgType(type), collation: column?.collation ?? null }
        : { name, type: column.type, typeName: column.typeName, collation: column.collation }
    })
}

async function finish(db: Database, target: Target, loaded: number): Promise<{ rows: number; largest: Largest }> {
  const { request, publisher } = target
  const transaction = <T>(work: (tx: Session) => Promise<T>): Promise<T> =>
    db.transaction(async (tx) => {
      await roomToBuild(tx)
      return work(tx)
    })
  const { latestBy } = request
  let rows = loaded
  if (latestBy !== undefined) {
    const dropped = await transaction(async (tx) => {
      await refuseNulls(tx, target)
      return keepLatest(tx, target, latestBy)
    })
    if (dropped > 0 && publisher === 'swap') await loadAgain(db, target)
    rows -= dropped
  }
  if (publisher === 'swap') await build(transaction, target, rows)
  else await readyToCompare(transaction, target, rows)
  return { rows, largest: await transaction((tx) => readLargest(tx, target)) }
}

async function apply(
  tx: Session,
  target: Target,
  { rows: staged, largest }: { readonly rows: number; readonly largest: Largest },
): Promise<{ rows: number; changes: Changes | null }> {
  const { request, publisher } = target
  try {
    if (request.before !== undefined) await runAsGiven(tx, request.before)
    const outcome = await withSettings(tx, async (searchPath) => {
      if (publisher === 'swap') {
        await applySwap(tx, target)
        await advanceSequences(tx, target, largest)
        return { rows: staged, changes: null }
      }
      const { inserted, changed, deleted } = await applyInPlace(tx, target, { staged, searchPath })
      await advanceSequences(tx, target, largest)
      const rows = request.mode === 'replace' ? staged : await countRows(tx, request.target)
      return { rows, changes: { inserted, changed, deleted, unchanged: staged - inserted - changed } }
    })
    if (request.after !== undefined) await runAsGiven(tx, request.after)
    return outcome
  } catch (error) {
    throw asPublishError(error, target)
  }
}

/**
 * The user's SQL, any number of statements. Within a block the server refuses those that would end the transaction: the content
 * would be published in part, or without its record.
 */
async function runAsGiven(tx: Session, statements: string): Promise<void> {
  await tx.run(sql`select set_config('sluice.statements', ${statements}, true)`)
  await tx.run(raw(`do $$ begin execute current_setting('sluice.statements'); end $$`))
}
