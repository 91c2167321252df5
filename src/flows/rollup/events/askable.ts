/** Whether a store has what is asked of it, and can count it: said by the name of what it has not. */
import { SluiceError } from '../../../lib/error.ts'
import type { SourceColumn } from '../../../transfer/column.ts'
import { isCarried } from '../../../transfer/fit.ts'
import { formatPgType, type PgType } from '../../../transfer/pgtype.ts'
import { countedColumns, type Source } from '../../../transfer/source.ts'
import type { Flow } from '../../flow.ts'
import type { Measure, StoreRollup } from '../config.ts'
import { askedOf, type Asked } from './landing.ts'

/** Whose clocks the time goes by; null: it has a zone of its own. */
export function zoneOf(
  { name, options }: Flow<StoreRollup>,
  source: Source,
  columns: readonly SourceColumn[],
): string | null {
  const at = columns.find((one) => one.name === options.at)
  if (at === undefined) throw noColumn(name, source, options.at, columns)
  if (at.type.tag === 'timestamptz') return null
  if (at.type.tag === 'timestamp' || at.type.tag === 'date') return options.calendar.zone
  throw new SluiceError('SOURCE_COLUMN_MISSING', `${options.at} of ${source.description} is no time`, {
    why: `it is ${at.sourceType}; a rollup needs a timestamp or a date`,
    fix: 'name another column in `at`, or cast it in a query',
    where: { flow: name, column: options.at },
  })
}

export function refuseUnknown(
  { name, options }: Flow<StoreRollup>,
  source: Source,
  columns: readonly SourceColumn[],
): void {
  const named = [
    ...options.dimensions.map(({ from }) => from.column),
    ...options.measures.flatMap(({ of }) => (of === null ? [] : [of.column])),
  ]
  for (const column of named)
    if (!columns.some((one) => one.name === column)) throw noColumn(name, source, column, columns)
  for (const { name: measure, fn, of } of options.measures) {
    const type = columns.find((one) => one.name === of?.column)?.type
    if ((fn !== 'min' && fn !== 'max') || type === undefined || ordered.has(type.tag)) continue
    throw new SluiceError('SOURCE_UNSUITABLE', `${name} cannot count ${measure}`, {
      why: `${of?.column ?? ''} is ${formatPgType(type)}, of which the store and PostgreSQL do not have the same order, or one of them has none`,
      fix: `take measures.${measure} out, or name a column of numbers or times`,
      where: { flow: name, column: of?.column ?? '' },
    })
  }
}

/** Types with a smallest and a largest value, the same ones wherever they are told. */
const ordered: ReadonlySet<PgType['tag']> = new Set([
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
])

/** The columns of what is counted; `SOURCE_UNSUITABLE` by the name of what the store cannot count. */
export async function countedTypes(
  { name, options }: Flow<StoreRollup>,
  source: Source,
  asked: Asked,
  signal: AbortSignal,
): Promise<readonly SourceColumn[]> {
  const ask = async (question: Asked): Promise<readonly SourceColumn[]> =>
    await source.counted({ ...question, buckets: [] }).columns(signal)
  let counted: readonly SourceColumn[]
  // What is wrong with the time is wrong with no measure.
  await ask({ ...asked, dimensions: [], levels: [[]], measures: [] })
  try {
    counted = await ask(asked)
  } catch (error) {
    for (const measure of options.measures)
      try {
        await ask({ ...asked, dimensions: [], levels: [[]], measures: askedOf(measure) })
      } catch (refused) {
        throw uncountable(name, measure, refused)
      }
    throw error
  }
  for (const [index, { name: dimension, from }] of options.dimensions.entries()) {
    const found = counted.find((one) => one.name === countedColumns.dimension(index))
    // One document is written in several ways, which the store takes for several, and PostgreSQL for one.
    if (found === undefined || (isCarried(found.type) && !isDocument(found))) continue
    throw new SluiceError('SOURCE_UNSUITABLE', `${name} cannot count by ${dimension}`, {
      why: `${from.column} is ${formatPgType(found.type)}, of which there are no groups that are the same in both`,
      fix: 'name another column in `by`, or cast it in a query',
      where: { flow: name, column: from.column },
    })
  }
  return counted
}

/** As text that somebody has written; what the store itself turns into a document is always written the same. */
const isDocument = ({ type, sourceType }: SourceColumn): boolean =>
  type.tag === 'jsonb' && (sourceType === 'JSON' || sourceType === 'VARCHAR')

function uncountable(flow: string, { name, fn, of }: Measure, error: unknown): unknown {
  if (!(error instanceof SluiceError) || error.code !== 'STORE_QUERY') return error
  return new SluiceError('SOURCE_UNSUITABLE', `${flow} cannot count ${name}`, {
    why: `the store has no ${fn} of ${of?.column ?? 'rows'}: ${error.why}`,
    fix: `name another column or function in measures.${name}, or cast it in a query`,
    where: { flow, ...(of === null ? {} : { column: of.column }) },
    cause: error,
  })
}

function noColumn(flow: string, source: Source, column: string, there: readonly SourceColumn[]): SluiceError {
  return new SluiceError('SOURCE_COLUMN_MISSING', `${source.description} has no column «${column}»`, {
    why: `its columns are ${there.map(({ name }) => name).join(', ')}`,
    fix: 'correct `at`, `by` or `measures`',
    where: { flow, column },
  })
}
