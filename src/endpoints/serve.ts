/**
 * One endpoint at work. What it knows of its table is as of one publication:
 *
 *     unknown ──▶ known ──▶ read: rows and the publication they are of, in one statement
 *        ▲          ▲           ├─ the one it knows ─────────────▶ answered
 *        │          └─ looks ◀──┤  another: looks at the table; the same columns ─▶ answered, others ─▶ read again
 *        └── the table is gone, or has other columns (the statement fails) ──▶ looks, once, and reads again
 */
import { hash } from 'node:crypto'
import type { Json } from '../lib/json.ts'
import type { Reader } from '../stores/postgres/reader.ts'
import { ageOf, type Age, type Records } from './age.ts'
import { askedOf, type Asked, type Given } from './ask.ts'
import { readCompiled, type Compiled, type EndpointSpec } from './compile.ts'
import { placeOf } from './cursor.ts'
import type { EndpointAnswer, ReadOptions } from './endpoints.ts'
import { changed, translated } from './errors.ts'
import { readDistinct, readList, readOne, readPage, type Reads } from './reads.ts'
import { sightOf, type Sight } from './scope.ts'
import { ageStatement, sizeStatement } from './statement.ts'

export interface Serving {
  reader(store: string): Promise<Reader>
  /** Where the age of the endpoint stands; asked again whenever its table is looked at. */
  records(reader: Reader): Promise<Records | null>
  /** 32 bytes that seal cursors: the same for all processes of a project. */
  secret(): Promise<Buffer>
}

interface Known {
  readonly compiled: Compiled
  /** Seals cursors. */
  readonly secret: Buffer
  readonly publication: string | null
  /** No list of it can have too many rows. */
  readonly bounded: boolean
  readonly at: number
  /** What was asked lately: the same callers ask the same again and again. */
  readonly understood: Map<string, Asked>
}

const mostUnderstood = 1000

export interface Served {
  readonly spec: EndpointSpec
  /** What was seen last; undefined: nobody has looked. */
  seen(): Compiled | undefined
  /** Looks at the table now. */
  look(): Promise<Compiled>
  read(given: Given, claims: Readonly<Record<string, Json>>, how: ReadOptions): Promise<EndpointAnswer>
}

/** A look is repeated after so long: a table may be altered without being published. */
const lookEveryMs = 10_000

export function serve(spec: EndpointSpec, serving: Serving): Served {
  let known: Known | undefined
  let looking: Promise<Known> | undefined
  const { maxRows, timeout, store } = spec.definition
  const timeoutMs = timeout * 1000
  /** By what was asked: the publication of which it is not too much. */
  const fitting = new WeakMap<Asked, string>()
  /** By what was asked, hence by columns: the tag of the publication that was read last. */
  const tags = new WeakMap<Asked, { readonly publication: string | null; readonly etag: string | null }>()

  const look = (): Promise<Known> => {
    looking ??= lookAt(spec, serving, maxRows, known?.secret)
      .then((found) => (known = found))
      .finally(() => (looking = undefined))
    return looking
  }
  const current = async (): Promise<Known> => {
    if (known === undefined) return look()
    if (performance.now() - known.at < lookEveryMs) return known
    const again = look()
    // Where a publication tells of every change, nobody waits for it.
    if (known.publication !== null) return (again.catch(() => {}), known)
    return again
  }
  /** Whether the columns are still those that were read by; looks again when the rows are of another publication. */
  const stands = async (by: Known, { publication }: Age, same: boolean): Promise<boolean> => {
    if (by.publication === publication) return true
    if (same) return look().then(() => false)
    const now = known?.publication === publication ? known : await look()
    return now.compiled.version === by.compiled.version && (now.bounded || !by.bounded)
  }
  /** What fits the table as it was may not fit as it is, and the other way round: before anybody is refused, it is looked at. */
  const isCurrent = async (by: Known): Promise<boolean> => {
    if (by.publication === null) {
      if (performance.now() - by.at > 1000) await look()
    } else {
      const reader = await serving.reader(store)
      const [row] = await reader.all(ageStatement(by.compiled), { timeoutMs })
      if (ageOf(row?.[0] ?? null, by.compiled.records).publication !== by.publication) await look()
    }
    return known?.compiled.version === by.compiled.version
  }

  const answer = async (
    given: Given,
    claims: Readonly<Record<string, Json>>,
    how: ReadOptions,
  ): Promise<EndpointAnswer | null> => {
    const by = await current()
    const { compiled } = by
    const sight = sightOf(spec.definition.scope, claims, (column) => compiled.columns.get(column)?.kind)
    const understood = understand(() => {
      const asked = understoodBefore(by.understood, given, sight, () => askedOf(compiled, given, sight))
      const { cursor, identity } = asked
      return { asked, place: cursor === null ? null : placeOf(cursor, by.secret, identity, compiled.version) }
    })
    if ('refusal' in understood) {
      if (!(await isCurrent(by))) return null
      throw understood.refusal
    }
    const { asked, place } = understood
    const reader = await serving.reader(store)
    const tag = (age: Age): string | null => {
      const before = tags.get(asked)
      if (before !== undefined && before.publication === age.publication) return before.etag
      const etag = etagOf(compiled, asked, age)
      tags.set(asked, { publication: age.publication, etag })
      return etag
    }
    if (how.ifNoneMatch !== undefined && compiled.records !== null) {
      const [row] = await reader.all(ageStatement(compiled), { timeoutMs })
      const age = ageOf(row?.[0] ?? null, compiled.records)
      if (!(await stands(by, age, false))) return null
      const etag = tag(age)
      // A cursor that has expired is told so below.
      const expired = place !== null && place.publication !== age.publication
      if (etag !== null && !expired && matches(how.ifNoneMatch, etag)) return { status: 304, asOf: age.asOf, etag }
    }
    const reads: Reads = {
      reader,
      timeoutMs,
      request: { compiled, asked, sight },
      place,
      secret: by.secret,
      bounded: by.bounded ? 'all' : by.publication !== null && fitting.get(asked) === by.publication ? 'this' : null,
      fits: ({ publication }) => void (publication !== null && fitting.set(asked, publication)),
      stands: (age, same) => stands(by, age, same),
    }
    const found = await readShape(spec.shape, reads)
    if (found === null) return null
    const { body, age, total = null, next = null } = found
    return { status: 200, body, asOf: age.asOf, etag: tag(age), total, next }
  }

  return {
    spec,
    seen: () => known?.compiled,
    look: async () => (await look()).compiled,
    read: async (given, claims, how) => {
      for (let tries = 1; ; tries += 1) {
        try {
          const found = await answer(given, claims, how)
          if (found !== null) return found
          if (tries > 5) throw new Error('its columns change faster than they can be read')
        } catch (error) {
          if (tries > 2 || !changed(error)) throw translated(error, spec, given)
          known = undefined
        }
      }
    },
  }
}

function understoodBefore(known: Map<string, Asked>, given: Given, sight: Sight, understand: () => Asked): Asked {
  const key = JSON.stringify([given, sight])
  const before = known.get(key)
  if (before !== undefined) return before
  const asked = understand()
  // A page that is gone on from is seldom asked for again.
  if (asked.cursor !== null) return asked
  if (known.size >= mostUnderstood) known.clear()
  known.set(key, asked)
  return asked
}

function understand<T extends object>(work: () => T): T | { readonly refusal: unknown } {
  try {
    return work()
  } catch (refusal) {
    return { refusal }
  }
}

function readShape(shape: EndpointSpec['shape'], reads: Reads): ReturnType<typeof readPage> {
  switch (shape) {
    case 'page':
      return readPage(reads)
    case 'list':
      return readList(reads)
    case 'one':
      return readOne(reads)
    case 'distinct':
      return readDistinct(reads)
  }
}

/** The publication first, then the columns: these may be newer, and then the next read finds another publication. */
async function lookAt(spec: EndpointSpec, serving: Serving, most: number, sealed: Buffer | undefined): Promise<Known> {
  const reader = await serving.reader(spec.definition.store)
  const at = performance.now()
  const secret = sealed ?? (await serving.secret())
  const compiled = await readCompiled(reader, spec, await serving.records(reader))
  const [row] = await reader.all(sizeStatement(compiled, most), { timeoutMs: spec.definition.timeout * 1000 })
  const { publication } = ageOf(row?.[0] ?? null, compiled.records)
  if (compiled.records === null || publication === null)
    return { compiled, secret, publication: null, bounded: false, at, understood: new Map() }
  const again = await readCompiled(reader, spec, compiled.records)
  return { compiled: again, secret, publication, bounded: Number(row?.[1]) <= most, at, understood: new Map() }
}

function etagOf(compiled: Compiled, { identity, limit, cursor }: Asked, { publication }: Age): string | null {
  if (publication === null) return null
  return `"${hash('sha256', `${compiled.version} ${publication} ${limit} ${cursor ?? ''} ${identity}`, 'base64url').slice(0, 27)}"`
}

/** Whether `If-None-Match` names it. */
function matches(header: string, etag: string): boolean {
  return header.split(',').some((one) => {
    const tag = one.trim().replace(/^W\//, '')
    return tag === etag || tag === '*'
  })
}
