import { SluiceError } from '../../lib/error.ts'
import type { Json } from '../../lib/json.ts'
import { alterations } from '../../stores/postgres/publish/alterations.ts'
import { choose, type Choice } from '../../stores/postgres/publish/choose.ts'
import type { TableFacts } from '../../stores/postgres/table.ts'
import type { SourceColumn } from '../../transfer/column.ts'
import { formatPgType } from '../../transfer/pgtype.ts'
import { changedBecause, isUnchanged, type SourceMark } from '../../transfer/source.ts'
import type { Flow, LookContext, Plan, SliceKey, SliceRecord, SliceRef, WorkRequest } from '../flow.ts'
import { planColumns, publishedColumns, type ColumnPlan, type PublishedColumns } from './columns.ts'
import type { SyncOptions } from './config.ts'

/** A sync redoes the whole table: one slice. The cast is where its key is coined. */
export const whole: SliceRef = { key: 'all' as SliceKey, ordinal: 0, span: {} }

/** What both sides say before anything is done. */
export interface SyncFacts {
  readonly description: string
  readonly mark: SourceMark
  readonly source: readonly SourceColumn[]
  /** null: there is no such table yet. */
  readonly target: TableFacts | null
}

export interface SyncDetail {
  readonly mark: SourceMark
  readonly target: TableFacts | null
  readonly columns: ColumnPlan
}

/** What is kept with the published slice, to compare the next source with. */
export interface PublishedMark {
  readonly mark: Json
  readonly columns: PublishedColumns
}

/** A sync brings its whole table up to date: other slices, ranges and steps are those of other kinds. Pure. */
export function refuseSync(flow: Flow<SyncOptions>, request: WorkRequest): SluiceError | null {
  const refused = request.slices?.find((key) => key !== whole.key)
  const { from, to, step, grain } = request
  if (refused === undefined && [from, to, step, grain].every((one) => one === null) && !request.clear) return null
  return new SluiceError('USAGE', `a sync has one slice, "${whole.key}"`, {
    why: `it brings the whole table up to date; ${refused === undefined ? '--from, --to, --step, --grain and --clear are' : `"${refused}" is`} for other kinds`,
    fix: `sluice run ${flow.name}`,
    where: { flow: flow.name },
  })
}

/**
 * Whether there is anything to do, and what. Pure. Refuses what cannot be published before a row is read:
 * `SOURCE_COLUMN_MISSING`, `SCHEMA_FROZEN`, `SCHEMA_NARROWED`.
 */
export function planSync(
  flow: Flow<SyncOptions>,
  request: WorkRequest,
  facts: SyncFacts,
  context: Pick<LookContext, 'now' | 'slices'>,
): Plan<SyncDetail> {
  const { options } = flow
  const record = context.slices.get(whole.key) ?? null
  const before = publishedMark(record)
  const columns = planColumns(options, facts.source, standingColumns(facts.target), before?.columns ?? null)
  const detail: SyncDetail = { mark: facts.mark, target: facts.target, columns }
  const unchanged = request.force ? null : whyUnchanged(flow, facts, record, before, context.now)
  if (unchanged !== null) return { slices: [{ action: 'skip', slice: whole, why: unchanged }], steps: [], detail }
  return {
    slices: [{ action: 'run', slice: whole, why: whyNow(flow, request, facts, record, before) }],
    steps: stepsOf(flow, facts, columns, chooseFor(options, facts.target, columns)),
    detail,
  }
}

/** What the slice's record says was published, or null when nothing was. */
export function publishedMark(record: SliceRecord | null): PublishedMark | null {
  const mark = record?.sourceMark
  if (mark === null || mark === undefined || typeof mark !== 'object' || !('columns' in mark)) return null
  return mark as unknown as PublishedMark // only `run.ts` writes it, in this shape
}

function whyUnchanged(
  flow: Flow<SyncOptions>,
  facts: SyncFacts,
  record: SliceRecord | null,
  before: PublishedMark | null,
  now: Date,
): string | null {
  if (record === null || before === null || facts.target === null) return null
  if (record.definitionHash !== flow.definitionHash || !isUnchanged(facts.mark, before.mark)) return null
  const rebuiltAt = facts.mark.known ? facts.mark.asOf : null
  const since = rebuiltAt === null ? '' : ` since ${rebuiltAt.toISOString()}`
  const rebuilt =
    record.asOf === null || flow.timing.sourceEvery === null ? null : record.asOf.getTime() + flow.timing.sourceEvery
  const overdue =
    rebuilt === null || now.getTime() <= rebuilt
      ? ''
      : `; it should have been rebuilt by ${new Date(rebuilt).toISOString()}`
  return `source unchanged${since}${overdue}`
}

function whyNow(
  flow: Flow<SyncOptions>,
  request: WorkRequest,
  facts: SyncFacts,
  record: SliceRecord | null,
  before: PublishedMark | null,
): string {
  if (request.force) return 'forced'
  if (before === null || record === null) return 'never published'
  if (facts.target === null) return 'the table is gone'
  if (record.definitionHash === null) return 'it was found to differ from its source'
  if (record.definitionHash !== flow.definitionHash) return 'the definition changed'
  return changedBecause(facts.mark)
}

export function standingColumns(
  target: TableFacts | null,
): readonly { name: string; type: ColumnPlan['columns'][number]['type']; generated: boolean }[] | null {
  return target?.columns.map(({ name, type, generated }) => ({ name, type, generated: generated !== 'no' })) ?? null
}

/** How it would be published; refuses what no publisher can do. */
function chooseFor(options: SyncOptions, target: TableFacts | null, plan: ColumnPlan): Choice {
  const columns = publishedColumns(options, plan)
  const { key, mode, publish, softDelete } = options
  const asked = {
    key,
    mode,
    columns,
    ...(publish === null ? {} : { publish }),
    ...(softDelete === null ? {} : { softDelete }),
  }
  return choose(target, asked, target === null ? null : alterations(target, columns))
}

function stepsOf(
  flow: Flow<SyncOptions>,
  facts: SyncFacts,
  { columns, added }: ColumnPlan,
  { publisher, why }: Choice,
): readonly string[] {
  const { to, mode, key, guard } = flow.options
  const table = `${to.schema}.${to.table}`
  return [
    `read ${facts.description}: ${columns.map(({ source, target, type }) => `${source === target ? target : `${source} as ${target}`} ${formatPgType(type)}`).join(', ')}`,
    ...(mode === 'replace'
      ? [`stop if fewer than ${guard.minRows} rows, or if more than ${guard.maxShrink * 100} % would go`]
      : []),
    ...(facts.target === null
      ? [`create ${table}${key.length === 0 ? '' : ` with primary key (${key.join(', ')})`}`]
      : []),
    ...added.map((name) => `add column ${name} to ${table}`),
    `${mode} ${table} in ${to.store}${key.length === 0 ? '' : ` by ${key.join(', ')}`}`,
    `publish ${publisher}: ${why}`,
  ]
}
