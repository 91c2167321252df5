import { SluiceError } from '../lib/error.ts'
import { formatPgType, type PgType } from './pgtype.ts'

/**
 * Whether values of one type fit another: `always` without looking, `maybe` value by value (the column's policy decides
 * about those that do not), `never` whatever the value.
 */
export type Fit = 'always' | 'maybe' | 'never'

/** Types with an order of width: each holds every value of those before it. */
const widths: readonly (readonly PgType['tag'][])[] = [
  ['int2', 'int4', 'int8'],
  ['float4', 'float8'],
]
const integerDigits = { int2: 5, int4: 10, int8: 19 } as const
const numbers: ReadonlySet<PgType['tag']> = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'])
const texts: ReadonlySet<PgType['tag']> = new Set(['text', 'varchar', 'char'])
const times: ReadonlySet<PgType['tag']> = new Set(['date', 'timestamp', 'timestamptz'])

/** Whether values of the type can be written at all. */
export function isCarried(type: PgType): boolean {
  if (type.tag === 'array') return type.of.tag !== 'other'
  return type.tag !== 'other' || type.textual
}

/** What is said of a column whose type is not carried: before any row is read. `table`: as `schema.table`. */
export function notCarried(table: string, column: string, type: PgType): SluiceError {
  return new SluiceError(
    'SCHEMA_NARROWED',
    `column "${column}" of ${table} is ${formatPgType(type)}, which is not carried`,
    {
      why: 'a binary COPY takes it in a form of its own, not as text, and what was written would be another value',
      fix: `make the column text (columns: { ${JSON.stringify(column)}: { type: 'text' } } where the table is new) and cast it in a view or in afterPublish`,
      where: { table, column },
    },
  )
}

/** Whether every value of `from` can be stored in `to`. */
export function fit(from: PgType, to: PgType): Fit {
  if (!isCarried(to)) return 'never'
  if (to.tag === 'text') return from.tag === 'bytea' ? 'maybe' : 'always'
  if (to.tag === 'varchar' || to.tag === 'char') return fitText(from, to)
  if (to.tag === 'array' && from.tag === 'array') return fit(from.of, to.of)
  if (to.tag === 'array' || from.tag === 'array')
    return to.tag === 'json' || to.tag === 'jsonb' || texts.has(from.tag) ? 'maybe' : 'never'
  if (to.tag === 'numeric') return fitNumeric(from, to)
  if (to.tag === 'other' || from.tag === 'other')
    return from.tag === to.tag && formatOther(from) === formatOther(to) ? 'always' : 'maybe'
  if (from.tag === to.tag) return from.tag === 'bit' && to.tag === 'bit' ? fitBit(from, to) : 'always'
  if (texts.has(from.tag)) return 'maybe'
  if (widens(from.tag, to.tag) || (isJson(from) && isJson(to))) return 'always'
  if (isJson(to)) return 'maybe'
  if (numbers.has(from.tag) && numbers.has(to.tag)) return 'maybe'
  if (times.has(from.tag) && times.has(to.tag)) return from.tag === 'date' ? 'always' : 'maybe'
  if (from.tag === 'boolean' && numbers.has(to.tag)) return 'maybe'
  if (from.tag === 'bytea' || to.tag === 'bytea') return 'never'
  return (from.tag === 'timetz' && to.tag === 'time') || (from.tag === 'time' && to.tag === 'interval')
    ? 'maybe'
    : 'never'
}

const isJson = (type: PgType): boolean => type.tag === 'json' || type.tag === 'jsonb'
const formatOther = (type: PgType): string => (type.tag === 'other' ? type.name : type.tag)

function widens(from: PgType['tag'], to: PgType['tag']): boolean {
  if ((from === 'int2' || from === 'int4') && to === 'float8') return true
  if (from === 'int2' && to === 'float4') return true
  return widths.some((tags) => tags.includes(from) && tags.includes(to) && tags.indexOf(from) <= tags.indexOf(to))
}

function fitText(from: PgType, to: PgType & { tag: 'varchar' | 'char' }): Fit {
  if (to.length === null) return from.tag === 'bytea' ? 'maybe' : 'always'
  const bounded =
    from.tag === 'varchar' || from.tag === 'char'
      ? from.length
      : from.tag === 'uuid'
        ? 36
        : from.tag === 'boolean'
          ? 5
          : null
  return bounded !== null && bounded <= to.length ? 'always' : 'maybe'
}

function fitNumeric(from: PgType, to: PgType & { tag: 'numeric' }): Fit {
  if (from.tag === 'int2' || from.tag === 'int4' || from.tag === 'int8')
    return to.precision === null || to.precision - (to.scale ?? 0) >= integerDigits[from.tag] ? 'always' : 'maybe'
  if (from.tag === 'numeric') {
    if (to.precision === null) return 'always'
    if (from.precision === null) return 'maybe'
    const whole = to.precision - (to.scale ?? 0) >= from.precision - (from.scale ?? 0)
    return whole && (to.scale ?? 0) >= (from.scale ?? 0) ? 'always' : 'maybe'
  }
  return numbers.has(from.tag) || texts.has(from.tag) || from.tag === 'boolean' ? 'maybe' : 'never'
}

function fitBit(from: PgType & { tag: 'bit' }, to: PgType & { tag: 'bit' }): Fit {
  if (to.varying && to.length === null) return 'always'
  return from.length !== null &&
    to.length !== null &&
    (to.varying ? from.length <= to.length : !from.varying && from.length === to.length)
    ? 'always'
    : 'maybe'
}
