/**
 * What an endpoint can do with a column, by its type: which operators there are, what a value in a query string may be, how it is bound
 * and compared, and how the server's text becomes JSON. A value that passes `parse` is never refused by the server.
 */
import { raw, sql, type Query } from '../lib/sql.ts'
import { parsePgType, type PgType } from '../transfer/pgtype.ts'
import type { Operator } from './config.ts'
import { elementsOf } from './arrays.ts'
import { parseBoolean, parseJson, parseText, type Parse } from './values.ts'
import { parseDate, parseTime, parseTimestamp, parseTimestampZone } from './times.ts'
import { parseFloat32, parseFloat64, parseInteger, parseNumeric } from './numbers.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export interface ColumnKind {
  /** As `format_type()` prints it: the type that a cursor's value is cast back to. */
  readonly type: string
  readonly group: 'number' | 'text' | 'boolean' | 'time' | 'uuid' | 'json' | 'array' | 'opaque'
  readonly operators: readonly Operator[]
  readonly parse: Parse
  /** What a bound value is cast to. */
  readonly cast: Query
  /** The column as it is compared with one. */
  readonly operand: (column: Query) => Query
  /** The server's text as JSON text. */
  readonly json: (text: string) => string
  /** Whether rows can be ordered by it, and counted by its different values. */
  readonly sortable: boolean
  /** In a query string. */
  readonly asked: JsonSchema
  /** In an answer. */
  readonly answered: JsonSchema
}

const ordered: readonly Operator[] = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'between']
const textual: readonly Operator[] = [...ordered, 'contains']
const same: readonly Operator[] = ['eq', 'ne', 'in']
const none: Parse = () => ({ fault: 'cannot be filtered by' })
const itself = (column: Query): Query => column
const quoted = (text: string): string => `"${text}"`
// A test costs far less than escaping what needs none, which is nearly all.
// oxlint-disable-next-line no-control-regex -- control characters are what has to be escaped
const needsEscaping = /["\\\u0000-\u001f]/
const escaped = (text: string): string => (needsEscaping.test(text) ? JSON.stringify(text) : `"${text}"`)

/** JSON has no NaN and no infinity: they are given as text. */
function number(text: string): string {
  const last = text.charCodeAt(text.length - 1)
  return last >= 48 && last <= 57 ? text : quoted(text)
}

/** As a number where every reader of JSON gets it exactly, else as text: 15 digits are exact in a double, as are integers to 2^53. */
function exact(text: string): string {
  if (text.length <= 15) return number(text)
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(Number(text)) ? text : quoted(text)
  const digits = text.replace(/^-?0*\.?0*/, '').replace('.', '')
  return digits.length <= 15 ? number(text) : quoted(text)
}

const exactSchema = { anyOf: [{ type: 'number' }, { type: 'string' }] }

const text = (cast: Query, operand = itself, operators = textual): Omit<ColumnKind, 'type'> => ({
  group: 'text',
  operators,
  parse: parseText,
  cast,
  operand,
  json: escaped,
  sortable: true,
  asked: { type: 'string' },
  answered: { type: 'string' },
})

const numeric = (
  cast: string,
  parse: Parse,
  json: ColumnKind['json'],
  asked: JsonSchema,
  answered: JsonSchema,
): Omit<ColumnKind, 'type'> => ({
  group: 'number',
  operators: ordered,
  parse,
  cast: raw(cast),
  operand: itself,
  json,
  sortable: true,
  asked,
  answered,
})

const time = (cast: string, parse: Parse, json: ColumnKind['json'], format?: string): Omit<ColumnKind, 'type'> => {
  const schema = format === undefined ? { type: 'string' } : { type: 'string', format }
  return {
    group: 'time',
    operators: ordered,
    parse,
    cast: raw(cast),
    operand: itself,
    json,
    sortable: true,
    asked: schema,
    answered: schema,
  }
}

const opaque = (sortable: boolean, json = escaped): Omit<ColumnKind, 'type'> => ({
  group: 'opaque',
  operators: [],
  parse: none,
  cast: raw('text'),
  operand: itself,
  json,
  sortable,
  asked: { type: 'string' },
  answered: { type: 'string' },
})

/** `2025-11-02 05:00:00.5+00` as `2025-11-02T05:00:00.5Z`: the reader's session is in UTC. What is no such time stays as it is. */
const instant = (stamp: string): string => quoted(stamp.replace(' ', 'T').replace(/\+00$/, 'Z'))
const wallTime = (stamp: string): string => quoted(stamp.replace(' ', 'T'))

/**
 * The kind of a type as `format_type()` prints it; of a domain, the type below it. `textLike`: of the server's category of texts, or an
 * enum.
 */
export function kindOf(type: string, textLike: boolean): ColumnKind {
  return { type, ...kindOfType(parsePgType(type), textLike) }
}

function kindOfType(type: PgType, textLike: boolean): Omit<ColumnKind, 'type'> {
  switch (type.tag) {
    case 'boolean':
      return {
        group: 'boolean',
        operators: ['eq', 'ne'],
        parse: parseBoolean,
        cast: raw('boolean'),
        operand: itself,
        json: (value) => (value === 't' ? 'true' : 'false'),
        sortable: true,
        asked: { type: 'boolean' },
        answered: { type: 'boolean' },
      }
    case 'int2':
      return integer('smallint', 16)
    case 'int4':
      return integer('integer', 32)
    case 'int8':
      return { ...integer('bigint', 64), json: exact, answered: { anyOf: [{ type: 'integer' }, { type: 'string' }] } }
    case 'float4':
      return numeric('real', parseFloat32, number, { type: 'number' }, exactSchema)
    case 'float8':
      return numeric('double precision', parseFloat64, number, { type: 'number' }, exactSchema)
    case 'numeric':
      return numeric('numeric', parseNumeric, exact, { type: 'number' }, exactSchema)
    case 'text':
    case 'varchar':
      return text(raw('text'))
    case 'char':
      // Blanks at the end do not count in this type, hence not in a comparison either.
      return text(raw('bpchar'))
    case 'date':
      return time('date', parseDate, quoted, 'date')
    case 'time':
      return time('time', parseTime, quoted, 'time')
    case 'timestamp':
      return time('timestamp', parseTimestamp, wallTime)
    case 'timestamptz':
      return time('timestamptz', parseTimestampZone, instant, 'date-time')
    case 'uuid':
      return {
        group: 'uuid',
        operators: same,
        parse: (value) =>
          /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
            ? { value }
            : { fault: 'has to be a UUID such as 0b9cbd1a-8f3e-4f6b-9d58-2f1c5b0c9f5e' },
        cast: raw('uuid'),
        operand: itself,
        json: quoted,
        sortable: true,
        asked: { type: 'string', format: 'uuid' },
        answered: { type: 'string', format: 'uuid' },
      }
    case 'jsonb':
      return {
        ...opaque(true, (value) => value),
        group: 'json',
        operators: ['contains'],
        parse: parseJson,
        cast: raw('jsonb'),
        answered: {},
      }
    case 'json':
      return { ...opaque(false, (value) => value), group: 'json', answered: {} }
    case 'array':
      return array(kindOfType(type.of, textLike))
    case 'timetz':
    case 'interval':
    case 'bytea':
    case 'bit':
      return opaque(true)
    case 'other':
      return textLike
        ? text(raw('text'), (column) => sql`${column}::text`, ['eq', 'ne', 'in', 'contains'])
        : opaque(false)
  }
}

function integer(cast: string, bits: 16 | 32 | 64): Omit<ColumnKind, 'type'> {
  return numeric(cast, parseInteger(bits), number, { type: 'integer' }, { type: 'integer' })
}

/** `contains` asks for an element. */
function array(of: Omit<ColumnKind, 'type'>): Omit<ColumnKind, 'type'> {
  const known = of.operators.includes('eq') && of.operand === itself
  const element = (value: unknown): string =>
    value === null ? 'null' : Array.isArray(value) ? `[${value.map(element).join(',')}]` : of.json(value as string) // fields arrive as text
  return {
    ...opaque(of.sortable, (value) => element(elementsOf(value))),
    group: 'array',
    operators: known ? ['contains'] : [],
    parse: of.parse,
    cast: of.cast,
    asked: of.asked,
    answered: { type: 'array' },
  }
}
