import pg from 'pg'

/**
 * How values arrive from the server's text format, and how parameters leave: lib/sql.ts says what a caller sees. Types that
 * are not named here arrive as the server prints them. The session's time zone is UTC and its DateStyle ISO.
 */
type Parser = (text: string) => unknown

// The driver's parsers are untyped, and its list of types leaves arrays out: 1009 is text[].
const textArray = pg.types.getTypeParser(1009 as 16, 'text') as Parser

function arrayOf(parse: Parser): Parser {
  const each = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(each) : typeof value === 'string' ? parse(value) : null
  return (text) => each(textArray(text))
}

const asText: Parser = (text) => text
const parseBytea = pg.types.getTypeParser(17, 'text') as Parser
const parseBoolean: Parser = (text) => text === 't'
const parseNumber: Parser = (text) => Number(text)
const parseJson: Parser = (text): unknown => JSON.parse(text)

const scalars: readonly (readonly [oid: number, arrayOid: number, parse: Parser])[] = [
  [16, 1000, parseBoolean],
  [17, 1001, parseBytea],
  [19, 1003, asText],
  [20, 1016, asText],
  [21, 1005, parseNumber],
  [23, 1007, parseNumber],
  [25, 1009, asText],
  [26, 1028, parseNumber],
  [114, 199, parseJson],
  [700, 1021, parseNumber],
  [701, 1022, parseNumber],
  [1042, 1014, asText],
  [1043, 1015, asText],
  [1082, 1182, asText],
  [1083, 1183, asText],
  [1114, 1115, parseTimestamp],
  [1184, 1185, parseTimestamp],
  [1186, 1187, asText],
  [1700, 1231, asText],
  [2205, 2210, asText],
  [2950, 2951, asText],
  [3802, 3807, parseJson],
]

const parsers = new Map<number, Parser>(
  scalars.flatMap(([oid, arrayOid, parse]) => [
    [oid, parse],
    [arrayOid, arrayOf(parse)],
  ]),
)

export const types = {
  getTypeParser: (oid: number, format?: string): Parser => {
    if (format === 'binary') throw new Error('results arrive as text')
    return parsers.get(oid) ?? asText
  },
}

const furthest = 8.64e15

/**
 * A timestamp with or without zone as a Date. Microseconds are cut (read `::text` to be exact). What a Date cannot
 * hold, `infinity` included, becomes the furthest Date on that side, so that comparisons keep their order.
 */
export function parseTimestamp(text: string): Date {
  if (text === 'infinity') return new Date(furthest)
  if (text === '-infinity') return new Date(-furthest)
  const match =
    /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?( BC)?$/.exec(
      text,
    )
  if (match === null) throw new Error('a timestamp is not in ISO style')
  const part = (index: number): number => Number(match[index] ?? 0)
  const years = match[12] === undefined ? part(1) : 1 - part(1)
  const offset = (part(9) * 3600 + part(10) * 60 + part(11)) * (match[8] === '-' ? -1000 : 1000)
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  // Reckoned in a year of our age: the calendar repeats every 400 years, and a wall time may lie beyond the last Date.
  const cycles = Math.floor(years / 400)
  const near = Date.UTC(2000 + years - cycles * 400, part(2) - 1, part(3), part(4), part(5), part(6), milliseconds)
  const time = near + (cycles - 5) * 146_097 * 86_400_000 - offset
  return new Date(Math.min(furthest, Math.max(-furthest, time)))
}

/** A Date as the server reads it, the same for `timestamp` and `timestamptz`: years BC and beyond 9999 included. */
export function formatTimestamp(at: Date): string {
  if (Number.isNaN(at.getTime())) throw new Error('an invalid Date cannot be a parameter')
  const year = at.getUTCFullYear()
  const years = String(year > 0 ? year : 1 - year).padStart(4, '0')
  const rest = at
    .toISOString()
    .replace(/^[+-]?\d+/, '')
    .replace('T', ' ')
    .replace('Z', '+00')
  return `${years}${rest}${year > 0 ? '' : ' BC'}`
}

/** Parameters as the driver takes them. Objects leave as JSON; arrays as PostgreSQL arrays. */
export function parameter(value: unknown): unknown {
  if (value instanceof Date) return formatTimestamp(value)
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(parameter)
  return value
}
