/** The shapes of an answer. Each reads with one statement; null: the table's columns have changed, read again. */
import { SluiceError } from '../lib/error.ts'
import type { Reader } from '../stores/postgres/reader.ts'
import { ageOf, unknownAge, type Age } from './age.ts'
import { cursorOf, expired, type Place } from './cursor.ts'
import { chunked } from './chunks.ts'
import { ageStatement, statementOf, type Request } from './statement.ts'
import { listsOf, objectWriter } from './write.ts'

export interface Reads {
  readonly reader: Reader
  readonly timeoutMs: number
  readonly request: Request
  readonly place: Place | null
  readonly secret: Buffer
  /** No list has too many rows: none that can be asked for, or not this one as of the publication that is known. */
  readonly bounded: 'all' | 'this' | null
  /** Called when it is known that this list has not too many rows. */
  readonly fits: (age: Age) => void
  /** Whether the columns are those of that age; `same`: and that age is the one that is known. */
  readonly stands: (age: Age, same: boolean) => Promise<boolean>
}

export interface Found {
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>
  readonly age: Age
  readonly total?: number
  readonly next?: string | null
}

type Fields = readonly (string | null)[]

export async function readPage(reads: Reads): Promise<Found | null> {
  const { reader, request, place, secret, timeoutMs } = reads
  const { compiled, asked } = request
  const { limit } = asked
  // The rows of one publication are as many on every page.
  const total = place === null || place.publication === null ? null : place.total
  const after = place === null ? null : { values: place.values, skip: place.skip, total }
  const statement = statementOf(request, { tag: 'page', limit, after })
  const rows = await reader.all(statement.query, { timeoutMs })
  const [first] = rows
  const age = first === undefined ? await ageBeside(reads) : ageOf(first[0] ?? null, compiled.records)
  if (!(await reads.stands(age, first === undefined))) return null
  if (place !== null && place.publication !== age.publication) throw expired()
  const counted = total ?? (first === undefined ? (place?.total ?? 0) : Number(first[1]))
  const shown = rows.length > limit ? rows.slice(0, limit) : rows
  const write = objectWriter(asked.select, statement.before)
  const keysOf = (fields: Fields): Fields => statement.keys.map((at) => fields[at] ?? null)
  const last = shown.at(-1)
  let next: string | null = null
  if (rows.length > limit && last !== undefined) {
    const values = keysOf(last)
    const skip = compiled.tie.tag === 'all' ? equalAtEnd(shown.map(keysOf), values, place) : 0
    next = cursorOf(
      {
        identity: asked.identity,
        version: compiled.version,
        publication: age.publication,
        values,
        skip,
        total: counted,
      },
      secret,
    )
  }
  const asOf = age.asOf === null ? 'null' : `"${age.asOf.toISOString()}"`
  const body = `{"items":[${shown.map(write).join(',')}],"next":${JSON.stringify(next)},"total":${counted},"asOf":${asOf}}`
  return { body, age, total: counted, next }
}

/** How many rows with these keys were given, those of earlier pages included. */
function equalAtEnd(rows: readonly Fields[], values: Fields, place: Place | null): number {
  const same = (one: Fields): boolean => one.every((value, at) => value === values[at])
  let count = 0
  while (count < rows.length && same(rows[rows.length - 1 - count] ?? [])) count += 1
  return count === rows.length && place !== null && same(place.values) ? count + place.skip : count
}

export async function readList(reads: Reads): Promise<Found | null> {
  const { reader, request, bounded, timeoutMs } = reads
  const { compiled, asked } = request
  const { maxRows } = compiled.spec.definition
  const statement = statementOf(request, bounded === null ? { tag: 'most', rows: maxRows } : { tag: 'all' })
  const write = objectWriter(asked.select, statement.before)
  const leaving = new AbortController()
  const options = { timeoutMs, signal: leaving.signal }
  const list = chunked((row) => reader.read(statement.query, row, options), write, statement.headed)
  const first = await list.first
  const age = first === undefined ? await ageBeside(reads) : ageOf(first[statement.ageAt] ?? null, compiled.records)
  const refusal = first !== undefined && bounded === null && Number(first[1]) > maxRows
  // What was learnt of one publication says nothing of another.
  const same = first === undefined || bounded === 'this'
  if (refusal || !(await reads.stands(age, same))) {
    leaving.abort(new Error('the list is not given'))
    await list.whole.catch(() => {})
    if (refusal) throw exceeded(maxRows, 'rows')
    return null
  }
  if (bounded === null) reads.fits(age)
  return { body: await list.body(() => leaving.abort(new Error('its reader has left'))), age }
}

export async function readOne(reads: Reads): Promise<Found | null> {
  const { reader, request, timeoutMs } = reads
  const { compiled, asked } = request
  const statement = statementOf(request, { tag: 'one' })
  const [first, second] = await reader.all(statement.query, { timeoutMs })
  const age = first === undefined ? await ageBeside(reads) : ageOf(first[0] ?? null, compiled.records)
  if (!(await reads.stands(age, first === undefined))) return null
  if (first === undefined) {
    throw new SluiceError('ROW_UNKNOWN', 'there is no such row', {
      why: 'none fits what was asked, or none that this caller may see',
      fix: 'correct the parameters',
    })
  }
  if (second !== undefined) throw exceeded(1, 'row')
  return { body: objectWriter(asked.select, statement.before)(first), age }
}

export async function readDistinct(reads: Reads): Promise<Found | null> {
  const { reader, request, timeoutMs } = reads
  const { compiled } = request
  const { maxRows } = compiled.spec.definition
  const statement = statementOf(request, { tag: 'distinct' })
  const [row = []] = await reader.all(statement.query, { timeoutMs })
  const age = ageOf(row[0] ?? null, compiled.records)
  if (!(await reads.stands(age, false))) return null
  const body = listsOf(compiled.output, statement.before, row, maxRows)
  if (body === null) throw exceeded(maxRows, 'values of one column')
  return { body, age }
}

/**
 * The age where no row has told it, read afterwards. Only if it is the age that was known before, nothing was published between, and the
 * emptiness is of that age.
 */
async function ageBeside({ reader, request, timeoutMs }: Reads): Promise<Age> {
  if (request.compiled.records === null) return unknownAge
  const [row] = await reader.all(ageStatement(request.compiled), { timeoutMs })
  return ageOf(row?.[0] ?? null, request.compiled.records)
}

function exceeded(most: number, what: string): SluiceError {
  return new SluiceError('ROWS_EXCEEDED', `the answer has more than ${most} ${what}`, {
    why: 'an answer is given whole or not at all',
    fix: 'ask for less with filters',
  })
}
