import { SluiceError } from '../lib/error.ts'

/**
 * The PostgreSQL types that Sluice carries, as data. `parsePgType` reads what `format_type()` prints and what a user
 * writes in `columns.*.type`; `formatPgType` prints it back in PostgreSQL's own spelling.
 */
export type PgType =
  | { readonly tag: 'boolean' }
  | { readonly tag: 'int2' }
  | { readonly tag: 'int4' }
  | { readonly tag: 'int8' }
  | { readonly tag: 'float4' }
  | { readonly tag: 'float8' }
  /** Both null: unconstrained, any digits. */
  | { readonly tag: 'numeric'; readonly precision: number | null; readonly scale: number | null }
  | { readonly tag: 'text' }
  | { readonly tag: 'varchar'; readonly length: number | null }
  | { readonly tag: 'char'; readonly length: number }
  | { readonly tag: 'bytea' }
  | { readonly tag: 'date' }
  /** `precision`: digits of a second, where the column says so; the server would round what has more. */
  | { readonly tag: 'time'; readonly precision?: number }
  | { readonly tag: 'timetz'; readonly precision?: number }
  | { readonly tag: 'timestamp'; readonly precision?: number }
  | { readonly tag: 'timestamptz'; readonly precision?: number }
  | { readonly tag: 'interval'; readonly precision?: number }
  | { readonly tag: 'uuid' }
  | { readonly tag: 'json' }
  | { readonly tag: 'jsonb' }
  | { readonly tag: 'bit'; readonly length: number | null; readonly varying: boolean }
  | { readonly tag: 'array'; readonly of: PgType }
  /**
   * A type that is none of these. `textual`: what the server reads in a binary COPY is the value's text, as for enums and
   * `citext`. Only such types are carried: of any other, the text's bytes would be taken for a number or worse.
   */
  | { readonly tag: 'other'; readonly name: string; readonly textual: boolean }

type Timed = 'time' | 'timetz' | 'timestamp' | 'timestamptz'

const plain: Readonly<Record<string, PgType>> = {
  bool: { tag: 'boolean' },
  boolean: { tag: 'boolean' },
  smallint: { tag: 'int2' },
  int2: { tag: 'int2' },
  int: { tag: 'int4' },
  int4: { tag: 'int4' },
  integer: { tag: 'int4' },
  bigint: { tag: 'int8' },
  int8: { tag: 'int8' },
  real: { tag: 'float4' },
  float4: { tag: 'float4' },
  float8: { tag: 'float8' },
  'double precision': { tag: 'float8' },
  text: { tag: 'text' },
  bytea: { tag: 'bytea' },
  date: { tag: 'date' },
  uuid: { tag: 'uuid' },
  json: { tag: 'json' },
  jsonb: { tag: 'jsonb' },
}

const timed: Readonly<Record<string, Timed>> = {
  time: 'time',
  'time without time zone': 'time',
  timetz: 'timetz',
  'time with time zone': 'timetz',
  timestamp: 'timestamp',
  'timestamp without time zone': 'timestamp',
  timestamptz: 'timestamptz',
  'timestamp with time zone': 'timestamptz',
}

/** A name, perhaps quoted and qualified, perhaps with modifiers: `citext`, `app."Mood"`, `geometry(point,4326)`. */
const other =
  /^(?:[\p{L}_][\p{L}\p{N}_$]*|"(?:[^"]|"")+")(?:\.(?:[\p{L}_][\p{L}\p{N}_$]*|"(?:[^"]|"")+"))?(?: ?\([^()]*\))?$/u

/** Of types by name alone, only this is known to be read as text; the database's catalog knows more. */
const textual = /^(?:[^()]+\.)?"?citext"?$/iu

/**
 * A type as PostgreSQL's `format_type()` prints it or as a person writes it: `int`, `numeric(9,6)`, `text[]`,
 * `timestamp(3) with time zone`. A name that is none of the built-in types becomes `other`. As in PostgreSQL, an array
 * has no declared dimensions: `int[][]` and `int[3]` are `integer[]`. `CONFIG_INVALID` for what cannot be a type.
 */
export function parsePgType(text: string): PgType {
  const written = text.trim().replaceAll(/\s+/gu, ' ')
  const element = /^(.+?)(?: ?\[\d*\])+$/u.exec(written) ?? /^(.+?) array(?: ?\[\d*\])?$/iu.exec(written)
  if (element?.[1] !== undefined) return { tag: 'array', of: parsePgType(element[1]) }
  const lower = written.toLowerCase()
  const parsed = /^([a-z0-9 ]+?) ?(?:\( ?(-?\d+) ?(?:, ?(-?\d+) ?)?\) ?(with(?:out)? time zone)?)?$/u.exec(lower)
  const [, head, first, second, zone] = parsed ?? []
  if (head !== undefined) {
    const known = parseBuiltIn(zone === undefined ? head : `${head} ${zone}`, number(first), number(second))
    if (known !== null) return known
  }
  if (other.test(written) || /^interval [a-z ]+(?:\(\d\))?$/u.test(lower)) {
    return { tag: 'other', name: written, textual: textual.test(written) }
  }
  throw refused(text, 'it is not a type name that PostgreSQL would accept')

  function parseBuiltIn(name: string, one: number | null, two: number | null): PgType | null {
    const simple = plain[name]
    if (simple !== undefined && one === null) return simple
    const time = timed[name]
    if (time !== undefined && two === null) return withPrecision(time, one)
    switch (name) {
      case 'interval':
        return one === null ? { tag: 'interval' } : { tag: 'interval', precision: Math.min(one, 6) }
      case 'float':
        if (one === null || (one >= 25 && one <= 53)) return { tag: 'float8' }
        if (one >= 1 && one <= 24) return { tag: 'float4' }
        throw refused(text, 'the precision of float is from 1 to 53')
      case 'numeric':
      case 'decimal':
      case 'dec':
        if (one === null) return { tag: 'numeric', precision: null, scale: null }
        if (one < 1 || one > 1000) throw refused(text, 'the precision of numeric is from 1 to 1000')
        if (Math.abs(two ?? 0) > 1000) throw refused(text, 'the scale of numeric is from -1000 to 1000')
        return { tag: 'numeric', precision: one, scale: two ?? 0 }
      case 'varchar':
      case 'character varying':
        return { tag: 'varchar', length: positive(one) }
      case 'char':
      case 'character':
        return { tag: 'char', length: positive(one) ?? 1 }
      case 'bit':
        return { tag: 'bit', length: positive(one) ?? 1, varying: false }
      case 'varbit':
      case 'bit varying':
        return { tag: 'bit', length: positive(one), varying: true }
      default:
        return null
    }
  }

  function positive(length: number | null): number | null {
    if (length !== null && length < 1) throw refused(text, 'a length is at least 1')
    return length
  }
}

/** The type in PostgreSQL's own spelling: what `format_type()` prints. */
export function formatPgType(type: PgType): string {
  switch (type.tag) {
    case 'boolean':
    case 'text':
    case 'bytea':
    case 'date':
    case 'uuid':
    case 'json':
    case 'jsonb':
      return type.tag
    case 'int2':
      return 'smallint'
    case 'int4':
      return 'integer'
    case 'int8':
      return 'bigint'
    case 'float4':
      return 'real'
    case 'float8':
      return 'double precision'
    case 'numeric':
      return type.precision === null ? 'numeric' : `numeric(${type.precision},${type.scale ?? 0})`
    case 'varchar':
      return `character varying${modifier(type.length)}`
    case 'char':
      return `character(${type.length})`
    case 'time':
      return `time${modifier(type.precision)} without time zone`
    case 'timetz':
      return `time${modifier(type.precision)} with time zone`
    case 'timestamp':
      return `timestamp${modifier(type.precision)} without time zone`
    case 'timestamptz':
      return `timestamp${modifier(type.precision)} with time zone`
    case 'interval':
      return `interval${modifier(type.precision)}`
    case 'bit':
      return `${type.varying ? 'bit varying' : 'bit'}${modifier(type.length)}`
    case 'array':
      return `${formatPgType(type.of)}[]`
    case 'other':
      return type.name
  }
}

function modifier(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : `(${value})`
}

/** PostgreSQL lowers a precision above 6 to 6. */
function withPrecision(tag: Timed, precision: number | null): PgType {
  return precision === null ? { tag } : { tag, precision: Math.min(precision, 6) }
}

function number(digits: string | undefined): number | null {
  return digits === undefined ? null : Number(digits)
}

function refused(text: string, why: string): SluiceError {
  return new SluiceError('CONFIG_INVALID', `«${text}» is not a column type`, {
    why,
    fix: 'write it as PostgreSQL does, for example `numeric(9,6)`, `text`, `timestamptz` or `integer[]`',
  })
}
