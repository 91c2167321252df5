/** Requests to an operation: such as fit it, and such as are meant to break it. */
import fc from 'fast-check'
import type { InjectOptions } from 'fastify'
import { fitting, hostile } from './arbitrary.ts'
import type { Document, Operation, Parameter } from './operations.ts'

/** What exists, by the name of the parameter that names it: so that a request reaches the handler. */
export type Known = Readonly<Record<string, string>>

/** Any request, mostly near to one that fits: what is far off never gets past the schema. */
export function anyRequest(document: Document, operation: Operation, known: Known): fc.Arbitrary<InjectOptions> {
  const { method, path, parameters } = operation
  const within = (where: Parameter['in']): readonly Parameter[] => parameters.filter((one) => one.in === where)
  const names = fc.record(Object.fromEntries(within('path').map((one) => [one.name, pathPart(document, one, known)])))
  const query = fc.record(
    Object.fromEntries(within('query').map((one) => [one.name, fc.oneof(valueOf(document, one), hostile)])),
    { requiredKeys: [] },
  )
  const unknown = fc.option(fc.tuple(fc.stringMatching(/^[a-z_]{1,12}$/), hostile), { freq: 8 })
  const headers = fc.record(
    Object.fromEntries(
      within('header').map((one) => [
        one.name,
        fc.oneof(valueOf(document, one), fc.constantFrom('wait=0', 'wait=-1', 'wait=1e9', '"0"', '*', 'x'.repeat(900))),
      ]),
    ),
    { requiredKeys: [] },
  )
  const key = fc.option(fc.oneof(fc.uuid(), fc.constantFrom('same', 'x'.repeat(500), "' or 1=1")), { freq: 4 })
  return fc
    .tuple(names, query, unknown, headers, key, bodyOf(document, operation))
    .map(([parts, asked, more, sent, idempotency, body]) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => segment(wellFormed(parts[name])))
      const search = new URLSearchParams()
      for (const [name, value] of [...Object.entries(asked), ...(more === null ? [] : [more])])
        for (const each of Array.isArray(value) ? value : [value]) search.append(name, wellFormed(each))
      return {
        method,
        url: `${filled}${search.size > 0 ? `?${search.toString()}` : ''}`.slice(0, 30_000),
        headers: {
          ...Object.fromEntries(
            Object.entries(sent).map(([name, value]) => [name, wellFormed(value).replaceAll(/[^\x20-\x7e]/g, '?')]),
          ),
          ...(idempotency === null || method !== 'POST' ? {} : { 'idempotency-key': idempotency }),
          ...body.headers,
        },
        ...(body.payload === undefined ? {} : { payload: body.payload }),
      }
    })
}

const valueOf = (document: Document, { schema }: Parameter): fc.Arbitrary<unknown> => fitting(document, schema)

function pathPart(document: Document, parameter: Parameter, known: Known): fc.Arbitrary<unknown> {
  const exists = known[parameter.name]
  const fits = fitting(document, parameter.schema)
  return fc.oneof({ arbitrary: exists === undefined ? fits : fc.constant(exists), weight: 5 }, fits, hostile)
}

/** As text that a URL can carry. */
function wellFormed(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.toWellFormed().slice(0, 5_000)
}

interface Body {
  readonly headers: Readonly<Record<string, string>>
  readonly payload?: string
}

function bodyOf(document: Document, { method, body }: Operation): fc.Arbitrary<Body> {
  const json = (payload: string): Body => ({ headers: { 'content-type': 'application/json' }, payload })
  if (method === 'GET') return fc.constant({ headers: {} })
  const broken = fc.constantFrom('{', '[1,', '{"a":}', '{"a":1,"a":', 'nul', '"', '{"__proto__":{"x":1}}', '\u0000', '')
  const others = fc.constantFrom<Body>(
    { headers: {} },
    { headers: { 'content-type': 'text/plain' }, payload: 'hello' },
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'a=1' },
    { headers: { 'content-type': 'application/xml' }, payload: '<a/>' },
    { headers: { 'content-type': 'application/json; charset=utf-16' }, payload: '{}' },
  )
  const fits = body === null ? fc.constant(undefined) : fitting(document, body)
  const valid = fits.map((value) => (value === undefined ? { headers: {} } : json(JSON.stringify(value))))
  const changed = fc
    .tuple(fits, fc.nat(20), hostile, fc.constantFrom('replace', 'remove', 'add'))
    .map(([value, at, other, how]) => json(JSON.stringify(mutated(value, at, other, how)) ?? 'null'))
  return fc.oneof(
    { arbitrary: valid, weight: 5 },
    { arbitrary: changed, weight: 8 },
    { arbitrary: hostile.map((value) => json(JSON.stringify(value) ?? 'null')), weight: 2 },
    { arbitrary: broken.map(json), weight: 1 },
    { arbitrary: others, weight: 1 },
  )
}

/** The value with one of its places, counted through the whole of it, changed. */
function mutated(value: unknown, at: number, other: unknown, how: 'replace' | 'remove' | 'add'): unknown {
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = []
  const copy = structuredClone({ root: value })
  const visit = (holder: Record<string, unknown>): void => {
    for (const key of Object.keys(holder)) {
      places.push({ holder, key })
      const inner = holder[key]
      if (typeof inner === 'object' && inner !== null) visit(inner as Record<string, unknown>) // arrays have keys, too
    }
  }
  visit(copy)
  const place = places[at % places.length]
  if (place === undefined) return other
  if (how === 'add') {
    const inner = place.holder[place.key]
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      Object.assign(inner, { unknown_key: other })
    else place.holder[place.key] = other
  } else if (how === 'replace') place.holder[place.key] = other
  else if (Array.isArray(place.holder)) place.holder.splice(Number(place.key), 1)
  else delete place.holder[place.key]
  return copy.root
}

/** A part of a path. Dots alone are no part: whoever sends an address leaves them out, as a step to nowhere or up. */
function segment(text: string): string {
  return encodeURIComponent(/^\.{1,2}$/u.test(text) ? `${text}dots` : text)
}
