import { SluiceError } from '../../lib/error.ts'
import type { PublishedColumn } from '../../stores/postgres/publish/request.ts'
import type { CopyColumn, SourceColumn } from '../../transfer/column.ts'
import { fit, isCarried, notCarried } from '../../transfer/fit.ts'
import { formatPgType, parsePgType, type PgType } from '../../transfer/pgtype.ts'
import type { SyncOptions } from './config.ts'

/** A column of the target as it stands. */
export interface TargetColumn {
  readonly name: string
  readonly type: PgType
  /** Computed by the database: not ours to write. */
  readonly generated: boolean
}

/** What the last publication carried: target column → the source's type then, as `format_type` prints it. */
export type PublishedColumns = Readonly<Record<string, string>>

export interface ColumnPlan {
  readonly columns: readonly CopyColumn[]
  /** Columns of the source that the target does not have yet. */
  readonly added: readonly string[]
  /** For the next comparison. */
  readonly published: PublishedColumns
}

/**
 * Which columns travel, into which types, and whether the flow's contract allows what changed since the last publication.
 * Pure. Rejects before any row is read: `SOURCE_COLUMN_MISSING`, `SCHEMA_FROZEN`, `SCHEMA_NARROWED`.
 */
export function planColumns(
  options: Pick<SyncOptions, 'columns' | 'contract' | 'key' | 'cursor' | 'latestBy' | 'softDelete' | 'to'>,
  source: readonly SourceColumn[],
  target: readonly TargetColumn[] | null,
  before: PublishedColumns | null,
): ColumnPlan {
  const table = `${options.to.schema}.${options.to.table}`
  const pairs = pairUp(options, source, table)
  const standing = new Map((target ?? []).map((column) => [column.name, column]))
  const columns: CopyColumn[] = []
  const added: string[] = []
  for (const { name, from } of pairs) {
    const there = standing.get(name)
    if (there?.generated === true) continue
    const wanted = options.columns[name]?.type ?? null
    const type = typeOf(wanted === null ? null : parsePgType(wanted), there, from)
    if (!isCarried(type)) throw notCarried(table, name, type)
    refuseNarrowing({ table, name, from, type, explicit: wanted !== null, before: typeBefore(before, name) })
    if (target !== null && there === undefined) added.push(name)
    columns.push({ source: from.name, target: name, type, policy: options.columns[name]?.policy ?? 'error' })
  }
  const published = Object.fromEntries(pairs.map(({ name, from }) => [name, formatPgType(from.type)]))
  refuseVanished(table, before, published, standing)
  if (options.contract === 'freeze') refuseChange(table, { before, published, added })
  for (const [role, name] of namedColumns(options)) {
    if (!columns.some((column) => column.target === name)) throw missing(table, name, `the ${role} names it`, source)
  }
  return { columns, added, published }
}

/** The user's word counts, then what stands, then the source; the target knows more of its own type than its name says. */
function typeOf(declared: PgType | null, there: TargetColumn | undefined, from: SourceColumn): PgType {
  if (there !== undefined && (declared === null || formatPgType(there.type) === formatPgType(declared)))
    return there.type
  return declared ?? from.type
}

/** The planned columns as a publication takes them. */
export function publishedColumns(
  options: Pick<SyncOptions, 'columns' | 'key'>,
  plan: ColumnPlan,
): readonly PublishedColumn[] {
  return plan.columns.map(({ target, type }) => ({
    name: target,
    type,
    nullable: !options.key.includes(target),
    declared: typeof options.columns[target]?.type === 'string',
  }))
}

interface Pair {
  readonly name: string
  readonly from: SourceColumn
}

function pairUp(
  options: Pick<SyncOptions, 'columns' | 'softDelete' | 'key' | 'cursor' | 'latestBy'>,
  source: readonly SourceColumn[],
  table: string,
): readonly Pair[] {
  const offered = new Map(source.map((column) => [column.name, column]))
  const renamed = new Map<string, string>()
  for (const [name, column] of Object.entries(options.columns)) {
    const from = column.from ?? name
    if (!offered.has(from)) throw missing(table, from, `columns.${name} reads it`, source)
    renamed.set(from, name)
  }
  const named = new Set([...renamed.keys(), ...namedColumns(options).map(([, name]) => name)])
  const pairs = source
    .filter(({ name, implicit }) => implicit !== true || named.has(name))
    .map((from) => ({ name: renamed.get(from.name) ?? from.name, from }))
  const seen = new Set<string>()
  for (const { name, from } of pairs) {
    if (Buffer.byteLength(name) > 63)
      throw new SluiceError('SCHEMA_NARROWED', `column "${name}" of the source has a name of more than 63 bytes`, {
        why: 'PostgreSQL would cut it, and two such names could become one',
        fix: `give it a shorter one: columns: { short_name: { from: '${name}' } }`,
        where: { table, column: name },
      })
    if (seen.has(name) || name === options.softDelete)
      throw new SluiceError('SCHEMA_NARROWED', `two columns would become "${name}"`, {
        why: `the source column "${from.name}" has the name of another one, or of the softDelete column`,
        fix: `rename one: columns: { other_name: { from: '${from.name}' } }`,
        where: { table, column: name },
      })
    seen.add(name)
  }
  return pairs
}

/** Columns have any name, such as `constructor`, which every object knows. */
function typeBefore(before: PublishedColumns | null, name: string): string | null {
  return before !== null && Object.hasOwn(before, name) ? (before[name] ?? null) : null
}

interface Narrowing {
  readonly table: string
  readonly name: string
  readonly from: SourceColumn
  readonly type: PgType
  readonly explicit: boolean
  readonly before: string | null
}

function refuseNarrowing({ table, name, from, type, explicit, before }: Narrowing): void {
  const fits = fit(from.type, type)
  const was = before === null ? null : parsePgType(before)
  const changed = was !== null && formatPgType(was) !== formatPgType(from.type)
  const narrowed = fits === 'never' || (fits === 'maybe' && changed && !explicit && fit(from.type, was) !== 'always')
  if (!narrowed) return
  throw new SluiceError('SCHEMA_NARROWED', `column "${name}" cannot take what the source has now`, {
    why: `the source's "${from.name}" is ${from.sourceType}${was === null ? '' : ` (it was ${before ?? ''})`}; the target's is ${formatPgType(type)}`,
    fix:
      fits === 'never'
        ? `change the type: columns: { ${JSON.stringify(name)}: { type: '${formatPgType(from.type)}' } }`
        : `say which type and policy it shall have: columns: { ${JSON.stringify(name)}: { type: '…', policy: 'error' } }`,
    where: { table, column: name },
  })
}

function refuseVanished(
  table: string,
  before: PublishedColumns | null,
  published: PublishedColumns,
  standing: ReadonlyMap<string, TargetColumn>,
): void {
  const gone = Object.keys(before ?? {}).filter((name) => !Object.hasOwn(published, name) && standing.has(name))
  if (gone.length === 0) return
  throw new SluiceError('SCHEMA_NARROWED', `the source no longer has ${gone.map((name) => `"${name}"`).join(', ')}`, {
    why: 'publishing without would empty the column for everyone who reads it',
    fix: `bring it back in the source, map it (columns: { ${gone[0] ?? ''}: { from: '…' } }), or drop it from ${table}`,
    where: { table, ...(gone[0] === undefined ? {} : { column: gone[0] }) },
  })
}

function refuseChange(
  table: string,
  {
    before,
    published,
    added,
  }: { before: PublishedColumns | null; published: PublishedColumns; added: readonly string[] },
): void {
  const retyped = Object.entries(published).filter(([name, type]) => (typeBefore(before, name) ?? type) !== type)
  const names = [...added, ...retyped.map(([name]) => name)]
  if (names.length === 0) return
  throw new SluiceError('SCHEMA_FROZEN', `the source changed ${names.map((name) => `"${name}"`).join(', ')}`, {
    why: "the flow's contract is freeze",
    fix: "change the target first, or set contract: 'evolve'",
    where: { table, ...(names[0] === undefined ? {} : { column: names[0] }) },
  })
}

function namedColumns(
  options: Pick<SyncOptions, 'key' | 'cursor' | 'latestBy'>,
): readonly (readonly [string, string])[] {
  return [
    ...options.key.map((name) => ['key', name] as const),
    ...(options.cursor === null ? [] : [['cursor', options.cursor] as const]),
    ...(options.latestBy === null ? [] : [['latestBy', options.latestBy] as const]),
  ]
}

function missing(table: string, column: string, why: string, source: readonly SourceColumn[]): SluiceError {
  return new SluiceError('SOURCE_COLUMN_MISSING', `the source has no column "${column}"`, {
    why: `${why}; the source has ${source.map(({ name }) => name).join(', ')}`,
    fix: 'select it in the source, or correct the name in the config',
    where: { table, column },
  })
}
