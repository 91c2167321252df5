/**
 * The staging table: made and filled in one transaction, so that a process that dies while loading leaves nothing, and so that
 * `freeze` applies. For the swap, `freeze` is more than speed: a reader whose snapshot is older than the swap sees frozen
 * rows, where it would otherwise find the new table empty.
 */
import { failpoint } from '../../../lib/failpoint.ts'
import { SluiceError } from '../../../lib/error.ts'
import { ident, idents, join, literal, raw, sql, type Database, type Query, type Session } from '../../../lib/sql.ts'
import { formatPgType } from '../../../transfer/pgtype.ts'
import { sqlState } from '../errors.ts'
import type { TableFacts } from '../table.ts'
import { defaultName } from './default-name.ts'
import { markType } from './soft-delete.ts'
import { createStagingSchema, stageComment, stageName, stagingSchema, withOptions } from './staging.ts'
import { aboutTarget, type Target } from './target.ts'

export const stageOf = (target: Target): Query => ident(stagingSchema, stageName(target.request))

/**
 * Makes the staging table and fills it; the number of rows. Keys are "not null" from the start, which costs nothing; a null makes
 * the server stop at the first, so all rows are then staged once more without, for `refuseNulls` to name them, and not kept.
 *
 * @param chunks iterated a second time in that case
 */
export async function loadStage(
  db: Database,
  target: Target,
  chunks: AsyncIterable<Uint8Array>,
  refuseNulls: (tx: Session) => Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  const copy = copyInto(stageOf(target), target)
  let nullKey: SluiceError | null = null
  for (let turn = 1; ; turn++) {
    await createStagingSchema(db)
    let made = false
    try {
      return await db.transaction(async (tx) => {
        await create(tx, createStage(target, nullKey === null ? 'required' : 'nullable'))
        made = true
        await failpoint('stage:created')
        const rows = await tx.copyIn(copy, watched(chunks), signal)
        await failpoint('stage:loaded')
        if (nullKey === null) return rows
        await refuseNulls(tx)
        throw nullKey
      })
    } catch (error) {
      // Another flow found the staging schema empty and dropped it between the two statements.
      if (!made && turn < 5 && sqlState(error) === '3F000') continue
      if (nullKey === null && isNullKey(error, target)) {
        nullKey = error
        continue
      }
      throw aboutTarget(error, target)
    }
  }
}

/**
 * Makes the staging table of the swap anew from the rows that are left in it, when others were deleted: a reader whose snapshot is
 * older than that would still see those.
 */
export async function loadAgain(db: Database, target: Target): Promise<void> {
  const again = `${stageName(target.request)}_again`
  const columns = idents(target.columns.map(({ name }) => name))
  try {
    await db.session(async (reading) => {
      await db.transaction(async (tx) => {
        await create(tx, createStage(target, 'required', ident(stagingSchema, again)))
        await tx.copyIn(
          copyInto(ident(stagingSchema, again), target),
          reading.copyOut(sql`copy ${stageOf(target)} (${columns}) to stdout with (format binary)`),
        )
        await tx.run(sql`drop table ${stageOf(target)}`)
        await tx.run(sql`alter table ${ident(stagingSchema, again)} rename to ${ident(stageName(target.request))}`)
      })
    })
  } catch (error) {
    throw aboutTarget(error, target)
  }
}

async function create(tx: Session, statements: readonly Query[]): Promise<void> {
  await tx.run(sql`set local search_path = ''`)
  for (const statement of statements) await tx.run(statement)
}

function copyInto(stage: Query, { columns }: Target): Query {
  return sql`copy ${stage} (${idents(columns.map(({ name }) => name))}) from stdin with (format binary, freeze)`
}

const isNullKey = (error: unknown, { request }: Target): error is SluiceError =>
  error instanceof SluiceError && sqlState(error) === '23502' && request.key.includes(error.where.column ?? '')

async function* watched(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk
    await failpoint('stage:loading')
  }
}

/** The statements that make the staging table. Pure. */
export function createStage(
  target: Target,
  keys: 'required' | 'nullable',
  stage: Query = stageOf(target),
): readonly Query[] {
  const { facts, publisher } = target
  const required = keys === 'required'
  const made =
    publisher === 'in-place'
      ? heap(stage, target, required)
      : facts === null
        ? brandNew(stage, target, required)
        : likeTarget(stage, target, facts, required)
  return [...made, sql`comment on table ${stage} is ${stageComment(target.request)}`]
}

/** Bare rows to compare with: lost in a server crash, as is the attempt. */
function heap(stage: Query, target: Target, keyRequired: boolean): Query[] {
  const columns = target.columns.map(({ name, typeName, collation }) =>
    join(
      [
        ident(name),
        raw(typeName),
        ...(collation === null ? [] : [raw(`collate ${collation}`)]),
        ...(keyRequired && target.request.key.includes(name) ? [raw('not null')] : []),
      ],
      ' ',
    ),
  )
  return [sql`create unlogged table ${stage} (${join(columns, ', ')}) with (autovacuum_enabled = false)`]
}

function brandNew(stage: Query, target: Target, keyRequired: boolean): Query[] {
  const { request, version } = target
  const required = new Set(request.columns.filter(({ nullable }) => !nullable).map(({ name }) => name))
  for (const name of request.key)
    if (keyRequired) required.add(name)
    else required.delete(name)
  const taken = new Set<string>()
  const notNull = (name: string): Query[] => {
    // 18 keeps a name for "not null": the one that it would give itself, not one after the staging table.
    if (version < 180_000) return [raw('not null')]
    const constraint = defaultName(request.target.table, name, 'not_null', taken)
    taken.add(constraint)
    return [sql`constraint ${ident(constraint)} not null`]
  }
  const columns = target.columns.map(({ name, typeName }) =>
    join([ident(name), raw(typeName), ...(required.has(name) ? notNull(name) : [])], ' '),
  )
  const { softDelete } = request
  const mark = softDelete === undefined ? [] : [markColumn(softDelete, notNull)]
  return [sql`create table ${stage} (${join([...columns, ...mark], ', ')})`]
}

function markColumn(name: string, notNull: (name: string) => Query[]): Query {
  const required = name.endsWith('_at') ? [] : notNull(name)
  return join([ident(name), markType(name), ...required], ' ')
}

/** The target again, column by column; what hangs on it comes when the rows are in. */
function likeTarget(stage: Query, target: Target, facts: TableFacts, keyRequired: boolean): Query[] {
  const { request, changes } = target
  const alter = (change: Query): Query => sql`alter table ${stage} ${change}`
  const statements: Query[] = [
    sql`create ${raw(facts.persistence === 'unlogged' ? 'unlogged ' : '')}table ${stage}
      (like ${ident(facts.schema, facts.table)} including defaults including generated including identity including storage including compression)
      ${facts.accessMethod === null ? raw('') : sql`using ${ident(facts.accessMethod)}`}${withOptions(facts.options)}${
        facts.tablespace === null ? raw('') : sql` tablespace ${ident(facts.tablespace)}`
      }`,
  ]
  for (const { name, nullable, identity, statisticsTarget, options } of facts.columns) {
    if (!keyRequired && request.key.includes(name) && !nullable && identity === 'no')
      statements.push(alter(sql`alter column ${ident(name)} drop not null`))
    if (statisticsTarget !== null)
      statements.push(alter(sql`alter column ${ident(name)} set statistics ${raw(String(statisticsTarget))}`))
    if (options.length > 0)
      statements.push(alter(sql`alter column ${ident(name)} set (${join(options.map(setting), ', ')})`))
  }
  for (const { column, to } of changes?.retyped ?? [])
    statements.push(alter(sql`alter column ${ident(column)} type ${raw(formatPgType(to))}`))
  for (const { name, type } of changes?.added ?? [])
    statements.push(alter(sql`add column ${ident(name)} ${raw(formatPgType(type))}`))
  return statements
}

const setting = (text: string): Query => {
  const at = text.indexOf('=')
  return sql`${ident(text.slice(0, at))} = ${literal(text.slice(at + 1))}`
}

/** Room to build indexes and compare keys in, and two workers, for this transaction; a server that allows more keeps its settings. */
export async function roomToBuild(tx: Session): Promise<void> {
  await tx.run(sql`
    select set_config('maintenance_work_mem', greatest(pg_size_bytes(current_setting('maintenance_work_mem')) / 1024, 524288)::text, true),
      set_config('max_parallel_maintenance_workers', greatest(current_setting('max_parallel_maintenance_workers')::int, 2)::text, true),
      set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 262144)::text, true),
      set_config('max_parallel_workers_per_gather', greatest(current_setting('max_parallel_workers_per_gather')::int, 2)::text, true),
      set_config('search_path', '', true)`)
}
