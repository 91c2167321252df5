import type { Database } from '../../lib/sql.ts'
import { preparePublication, type Publication } from '../../stores/postgres/publish/publication.ts'
import type { Attempt } from '../../stores/postgres/publish/request.ts'
import { dropStage } from '../../stores/postgres/publish/staging.ts'
import type { CopyColumn } from '../../transfer/column.ts'
import type { CopyPlan, CopyStream, CopySummary, SourceMark } from '../../transfer/source.ts'
import type { Flow, Plan, WorkContext } from '../flow.ts'
import type { SyncOptions } from './config.ts'
import { isPlainlyFine, suspicion } from './guard.ts'
import { publicationOf } from './publication.ts'
import { whole, type PublishedMark, type SyncDetail } from './plan.ts'
import { cursorStart } from './sql/cursor-start.ts'
import { countLiveRows, estimateRows } from './sql/live-rows.ts'

/**
 * Brings the table up to date: the source's rows are staged beside the target while readers go on with the old content, then
 * published in one transaction. Until that commits the target is as it was; whatever happens, what was staged goes.
 */
export async function runSync(flow: Flow<SyncOptions>, plan: Plan<SyncDetail>, context: WorkContext): Promise<void> {
  if (!plan.slices.some(({ action }) => action === 'run')) return
  const { options } = flow
  const database = await context.stores.database(options.to.store)
  const source = await context.stores.source(options.store, options.from)
  const since = await readingFrom(flow, plan.detail, database, context)
  const request = publicationOf(flow, plan.detail.columns, attemptOf(flow, context), since !== null)
  await using publication = disposable(await preparePublication(database, request))
  context.log('info', `publishing ${publication.value.publisher}: ${publication.value.why}`)

  const previous = context.slices.get(whole.key)
  context.phase('load', previous?.rows === null || previous?.rows === undefined ? undefined : { rows: previous.rows })
  const copy = copyPlan(flow, plan.detail, publication.value, since)
  const summary = await load(source.copy(copy, context.signal), publication.value, context)
  report(summary, context)

  // Rows of one key become one: then only what is left of them says how much the source has shrunk.
  const judgedLast = flow.options.latestBy !== null
  if (!judgedLast) await guard(flow, summary.rows, plan.detail, database, context)
  context.phase('index')
  const staged = await publication.value.finish()
  if (judgedLast) await guard(flow, staged.rows, plan.detail, database, context)

  context.phase('publish')
  await context.publish(whole, database, async (tx) => {
    const { rows, changes } = await publication.value.apply(tx)
    return { rows, changes, sourceMark: markOf(plan.detail), asOf: asOf(plan.detail.mark, context.now) }
  })
}

/** Drops what earlier attempts of this run staged and could not drop themselves. */
export async function tidySync(flow: Flow<SyncOptions>, context: WorkContext): Promise<void> {
  const database = await context.stores.database(flow.options.to.store)
  for (let attempt = 1; attempt < context.run.attempt; attempt++)
    await dropStage(database, { ...attemptOf(flow, context), attempt })
}

function attemptOf(flow: Flow<SyncOptions>, { project, run }: WorkContext): Attempt {
  return { project, flow: flow.name, run: run.id, attempt: run.attempt }
}

/** Ours to clean up on every way out, without hiding the error that led there. */
function disposable(value: Publication): { readonly value: Publication } & AsyncDisposable {
  return { value, [Symbol.asyncDispose]: () => value.cleanUp() }
}

/** The COPY in the publication's column order and exact types. */
function copyPlan(
  { options }: Flow<SyncOptions>,
  detail: SyncDetail,
  publication: Publication,
  since: CopyPlan['since'] | null,
): CopyPlan {
  const planned = new Map(detail.columns.columns.map((column) => [column.target, column]))
  const columns = publication.columns.map(({ name, type }): CopyColumn => {
    const column = planned.get(name)
    if (column === undefined) throw new Error(`the publication asks for column ${name}, which was not planned`)
    return { ...column, type }
  })
  const plan: CopyPlan = { columns, key: options.key, table: `${options.to.schema}.${options.to.table}` }
  return since === null || since === undefined ? plan : { ...plan, since }
}

/** From where on the source is read; null: all of it, as without a cursor. */
async function readingFrom(
  flow: Flow<SyncOptions>,
  detail: SyncDetail,
  database: Database,
  context: WorkContext,
): Promise<CopyPlan['since'] | null> {
  const { options } = flow
  const cursor = detail.columns.columns.find(({ target }) => target === options.cursor)
  if (cursor === undefined || detail.target === null || context.request.force || isNewDefinition(flow, detail, context))
    return null
  const from = await cursorStart(database, options.to, cursor, options.lookback)
  if (from === null) return null
  context.log('info', `reading from ${cursor.source} >= ${from}`)
  return { column: cursor.source, from }
}

/**
 * Whether what is published was made by another definition: then an upsert reads everything again, so that older rows get
 * what they would have now. An append leaves them as they were added; but without a key it knows them by all they say, so that
 * they get a new column's values, or would be added once more when they are read again.
 */
function isNewDefinition(flow: Flow<SyncOptions>, { columns }: SyncDetail, context: WorkContext): boolean {
  if (flow.options.mode === 'append') return flow.options.key.length === 0 && columns.added.length > 0
  if (flow.options.mode !== 'upsert') return false
  const record = context.slices.get(whole.key)
  return columns.added.length > 0 || record?.definitionHash !== flow.definitionHash
}

async function load(stream: CopyStream, publication: Publication, context: WorkContext): Promise<CopySummary> {
  await publication.load({ [Symbol.asyncIterator]: () => chunksOf(stream, context) }, context.signal)
  return stream.summary
}

async function* chunksOf(stream: CopyStream, context: WorkContext): AsyncGenerator<Uint8Array, void> {
  for await (const { data, rows } of stream) {
    yield data
    context.progress({ rows, bytes: data.byteLength })
  }
}

function report(summary: CopySummary, context: WorkContext): void {
  context.log('info', `read ${summary.rows.toLocaleString('en-US')} rows`, { rows: summary.rows, bytes: summary.bytes })
  for (const [column, { policy, count, keys }] of Object.entries(summary.coerced))
    context.log('warn', `column ${column}: policy ${policy} changed ${count.toLocaleString('en-US')} values`, {
      column,
      policy,
      count,
      keys,
    })
}

async function guard(
  flow: Flow<SyncOptions>,
  rows: number,
  detail: SyncDetail,
  database: Database,
  context: WorkContext,
): Promise<void> {
  const { options } = flow
  if (options.mode !== 'replace') return
  // Counting reads the whole table; rows that are marked as deleted would have to be told apart.
  if (detail.target !== null && options.softDelete === null) {
    const recorded = context.slices.get(whole.key)?.rows ?? null
    const estimated = await estimateRows(database, detail.target)
    if (isPlainlyFine({ rows, recorded, estimated, ...options.guard })) return
  }
  const published = detail.target === null ? null : await countLiveRows(database, detail.target, options.softDelete)
  const suspicious = suspicion({
    rows,
    published,
    ...options.guard,
    flow: flow.name,
    table: `${options.to.schema}.${options.to.table}`,
  })
  if (suspicious === null) return
  if (!context.request.force) throw suspicious
  context.log('warn', `forced: ${suspicious.summary}`)
}

function markOf({ mark, columns }: SyncDetail): {
  readonly mark: PublishedMark['mark']
  readonly columns: PublishedMark['columns']
} {
  return { mark: mark.known ? mark.mark : null, columns: columns.published }
}

function asOf(mark: SourceMark, began: Date): Date {
  return mark.known && mark.asOf !== null ? mark.asOf : began
}
