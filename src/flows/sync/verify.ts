import type { Database, Query, Session } from '../../lib/sql.ts'
import { SluiceError } from '../../lib/error.ts'
import { idents, ident, sql } from '../../lib/sql.ts'
import { refuseHidden } from '../../stores/postgres/publish/check.ts'
import { readTable } from '../../stores/postgres/schema.ts'
import type { TableFacts } from '../../stores/postgres/table.ts'
import { compareHashes, type Comparison, type HashDifference } from '../../transfer/compare.ts'
import type { CopyColumn } from '../../transfer/column.ts'
import { findRows, hashRows, type FoundRow, type RowPlan } from '../../transfer/pgcopy/hash-rows.ts'
import { isUnchanged, type Source } from '../../transfer/source.ts'
import type { Difference, Flow, LookContext, Verification, VerifyRequest } from '../flow.ts'
import { planColumns, type ColumnPlan } from './columns.ts'
import type { SyncOptions } from './config.ts'
import { latestRows } from './latest.ts'
import { publishedMark, standingColumns, whole } from './plan.ts'
import { keyTexts } from './sql/key-texts.ts'
import { live } from './sql/live-rows.ts'

const examplesShown = 10

/** A side as a binary COPY stream that can be read again. */
type Rows = () => AsyncIterable<Uint8Array>

/**
 * Compares every row of the source with every row that readers see, by key or as a multiset. The target is read in one
 * snapshot, however often. Memory is bounded; nothing is written that outlives the transaction.
 *
 * Rows that the mode never deletes (upsert, append) are no finding when only the target has them.
 */
export async function verifySync(
  flow: Flow<SyncOptions>,
  _request: VerifyRequest,
  context: LookContext,
): Promise<readonly Verification[]> {
  const { options } = flow
  const source = await context.stores.source(options.store, options.from)
  const database = await context.stores.database(options.to.store)
  const mark = await source.mark(context.signal)
  const target = await readTable(database, options.to)
  if (target === null) throw neverPublished(flow)
  refuseHidden(target)
  const record = context.slices.get(whole.key) ?? null
  const before = publishedMark(record)
  const plan = planColumns(options, await source.columns(context.signal), standingColumns(target), null)
  const found = await database.transaction(
    (tx) => compareSides({ flow, source, target, plan, tx, database, context }),
    { isolation: 'repeatable read' },
  )
  const sourceChanged = before !== null && mark.known && !isUnchanged(mark, before.mark)
  return [
    {
      slice: whole.key,
      ...found,
      verdict: found.missing + found.extra + found.changed === 0 ? 'identical' : 'differs',
      asOf: record?.asOf ?? null,
      sourceAsOf: mark.known ? mark.asOf : null,
      sourceChanged,
    },
  ]
}

interface Sides {
  readonly flow: Flow<SyncOptions>
  readonly source: Source
  readonly target: TableFacts
  readonly plan: ColumnPlan
  readonly tx: Session
  readonly database: Database
  readonly context: LookContext
}

async function compareSides(
  sides: Sides,
): Promise<Pick<Verification, 'compared' | 'missing' | 'extra' | 'changed' | 'examples'>> {
  const { flow, target, tx, context } = sides
  const columns = exact(sides.plan.columns, target)
  const names = columns.map(({ target: name }) => name)
  const plan: RowPlan = {
    types: columns.map(({ type }) => type),
    key: flow.options.key.map((name) => names.indexOf(name)),
  }
  const published = sql`select ${idents(names)} from ${ident(target.schema, target.table)} where ${live(target, flow.options.softDelete)}`
  const readTarget: Rows = () => tx.copyOut(copyOf(published))
  await using from = await sourceRows(sides, columns)
  const readSource = from.read

  const keyed = plan.key.length > 0
  const comparison = await compareHashes(
    () => hashRows(readSource(), plan),
    () => hashRows(readTarget(), plan),
    { keyed, examples: examplesShown },
  )
  const keepsExtra = flow.options.mode !== 'replace'
  const shown = keepsExtra
    ? { ...comparison, extra: 0, examples: comparison.examples.filter(({ difference }) => difference !== 'extra') }
    : comparison
  context.log(
    'info',
    `compared ${comparison.source.toLocaleString('en-US')} rows of the source with ${comparison.target.toLocaleString('en-US')} of the target`,
  )
  return {
    compared: comparison.source,
    missing: shown.missing,
    extra: shown.extra,
    changed: shown.changed,
    examples: await describe({
      comparison: shown,
      source: readSource,
      target: readTarget,
      plan,
      columns,
      database: sides.database,
    }),
  }
}

/** The source's rows as they would be published. */
async function sourceRows(
  { flow, source, target, plan, database, context }: Sides,
  columns: readonly CopyColumn[],
): Promise<{ readonly read: Rows } & AsyncDisposable> {
  const table = `${target.schema}.${target.table}`
  const read = (of: readonly CopyColumn[]): AsyncIterable<Uint8Array> =>
    chunksOf(source, { columns: of, key: flow.options.key, table }, context.signal)
  if (flow.options.latestBy === null) return { read: () => read(columns), [Symbol.asyncDispose]: async () => {} }
  return latestRows(database, flow, context.project, { ...plan, columns }, (wanted) =>
    read(
      wanted.flatMap(({ name, type }) =>
        columns.filter(({ target }) => target === name).map((column) => ({ ...column, type })),
      ),
    ),
  )
}

/** The columns with the very types that the target has, which is what its COPY sends. */
function exact(columns: readonly CopyColumn[], target: TableFacts): readonly CopyColumn[] {
  return columns.map((column) => {
    const standing = target.columns.find(({ name }) => name === column.target)
    if (standing === undefined)
      throw new SluiceError('SCHEMA_NARROWED', `the target has no column "${column.target}"`, {
        why: 'the source has it, but it was not published yet',
        fix: 'bring the flow up to date first: sluice run',
        where: { table: `${target.schema}.${target.table}`, column: column.target },
      })
    return { ...column, type: standing.type }
  })
}

async function* chunksOf(
  source: Source,
  plan: Parameters<Source['copy']>[0],
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const stream = source.copy(plan, signal)
  for await (const { data } of stream) yield data
  await stream.summary
}

interface Description {
  readonly comparison: Comparison
  readonly source: Rows
  readonly target: Rows
  readonly plan: RowPlan
  readonly columns: readonly CopyColumn[]
  readonly database: Database
}

/** Finds the rows behind the hashes again, and says which key and which columns differ. */
async function describe({
  comparison,
  source,
  target,
  plan,
  columns,
  database,
}: Description): Promise<readonly Difference[]> {
  const { examples } = comparison
  if (examples.length === 0) return []
  const left = await find(
    source,
    plan,
    examples.map((example) => example.source),
  )
  const right = await find(
    target,
    plan,
    examples.map((example) => example.target),
  )
  const rowOf = (example: HashDifference): FoundRow | undefined =>
    left.get(example.source ?? '') ?? right.get(example.target ?? '')
  const keys = plan.key.map((position) => columns[position]).filter((column) => column !== undefined)
  const texts = await keyTexts(
    database,
    keys.map(({ target: name, type }) => ({ name, type })),
    examples.map((example) => plan.key.map((position) => rowOf(example)?.fields[position] ?? null)),
  )
  return examples
    .map((example, index) => ({
      key: plan.key.length === 0 ? null : (texts[index] ?? {}),
      count: example.count,
      difference: example.difference,
      columns:
        example.difference === 'changed'
          ? changedColumns(left.get(example.source ?? ''), right.get(example.target ?? ''), columns)
          : [],
    }))
    .toSorted((a, b) => collate(a.key, b.key))
}

const collator = new Intl.Collator('en', { numeric: true })
function collate(a: Difference['key'], b: Difference['key']): number {
  return collator.compare(Object.values(a ?? {}).join(' '), Object.values(b ?? {}).join(' '))
}

async function find(
  rows: Rows,
  plan: RowPlan,
  names: readonly (string | null)[],
): Promise<ReadonlyMap<string, FoundRow>> {
  const wanted = new Set(names.filter((name) => name !== null))
  const found = new Map<string, FoundRow>()
  if (wanted.size === 0) return found
  for await (const row of findRows(rows(), plan, wanted)) found.set(row.name, row)
  return found
}

function changedColumns(
  source: FoundRow | undefined,
  target: FoundRow | undefined,
  columns: readonly CopyColumn[],
): readonly string[] {
  if (source === undefined || target === undefined) return []
  return columns
    .filter((_, position) => !sameBytes(source.fields[position], target.fields[position]))
    .map(({ target: name }) => name)
}

function sameBytes(a: Uint8Array | null | undefined, b: Uint8Array | null | undefined): boolean {
  if (a === null || a === undefined || b === null || b === undefined) return a === b
  return Buffer.compare(a, b) === 0
}

const copyOf = (query: Query): Query => sql`copy (${query}) to stdout (format binary)`

function neverPublished(flow: Flow<SyncOptions>): SluiceError {
  const table = `${flow.options.to.schema}.${flow.options.to.table}`
  return new SluiceError('TARGET_MISSING', `${table} does not exist`, {
    why: 'the flow has never been published, or somebody dropped the table',
    fix: `sluice run ${flow.name}`,
    where: { flow: flow.name, table },
  })
}
