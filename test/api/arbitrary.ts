/** Values that fit a JSON schema, and values that are meant to break what reads them. */
import fc from 'fast-check'
import { type Document, resolve, type Schema } from './operations.ts'

/** Values that fit the schema, as far as it says what fits. */
export function fitting(document: Document, given: Schema, depth = 0): fc.Arbitrary<unknown> {
  const schema = resolve(document, given)
  const inner = (one: Schema): fc.Arbitrary<unknown> => fitting(document, one, depth + 1)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const branches = schema.anyOf ?? schema.oneOf
  if (branches !== undefined) {
    // Of schemas that hold themselves, only the first, plain branches go on for ever.
    return fc.oneof(...(depth > 3 ? branches.slice(0, 1) : branches).map(inner))
  }
  if (schema.allOf !== undefined) {
    return fc.tuple(...schema.allOf.map(inner)).map((parts) => Object.assign({}, ...parts) as unknown)
  }
  const type = Array.isArray(schema.type) ? (schema.type as readonly string[])[0] : (schema.type as string | undefined) // one or a list
  switch (type) {
    case 'string':
      return text(schema)
    case 'integer':
      return fc.integer({
        min: Math.max(schema.minimum ?? -1000, -(2 ** 31)),
        max: Math.min(schema.maximum ?? 1000, 2 ** 31 - 1),
      })
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(inner(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      })
    case 'object':
      return object(document, schema, depth)
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

function text(schema: Schema): fc.Arbitrary<string> {
  switch (schema.format) {
    case 'uuid':
      return fc.uuid()
    case 'date-time':
      return fc
        .date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
        .map((at) => at.toISOString())
    case 'date':
      return fc
        .date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
        .map((at) => at.toISOString().slice(0, 10))
    default:
  }
  if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern))
  return fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 20, 20) })
}

function object(document: Document, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties ?? {})
  const named = fc.record(
    Object.fromEntries(properties.map(([name, one]) => [name, fitting(document, one, depth + 1)])),
    { requiredKeys: [...(schema.required ?? [])] },
  )
  const { additionalProperties: more } = schema
  if (typeof more !== 'object' || depth > 3) return named
  return fc
    .tuple(named, fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fitting(document, more, depth + 1), { maxKeys: 3 }))
    .map(([one, other]) => ({ ...other, ...one }))
}

/** Statements in the guise of values. An answer may repeat them; it must show no other. */
export const statements: readonly string[] = [
  "' or 1=1 --",
  "'; drop table things; --",
  "x'; select pg_sleep(30); --",
  '"; drop schema sluice cascade; --',
  '1); delete from sluice.run; --',
  "$$; update sluice.token set role = 'admin'; --",
  "' union select secret from sluice.token --",
  '{{ 7 * 7 }}',
  '../../../../etc/passwd',
]

/** What nobody should send. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: fc.constantFrom(...statements), weight: 6 },
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\u202e',
    '%00',
    '%',
    'null',
    'undefined',
    '__proto__',
    'constructor',
    'NaN',
    '-0',
  ),
  fc.constantFrom('x'.repeat(1_000), 'é'.repeat(70_000), '9'.repeat(400)),
  fc.constantFrom(0, -1, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 63, 0.1, 1e-320),
  fc.constantFrom(null, true, false, [], {}, [[[[[[]]]]]], { __proto__: null, constructor: { prototype: {} } }),
  fc.constantFrom(
    '9999-99-99',
    '2026-02-30T25:61:61Z',
    '+275760-09-13T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '294277-01-01T00:00:00Z',
  ),
  fc.constant(nested(200)),
  fc.string({ unit: 'binary' }),
  fc.jsonValue({ maxDepth: 4 }),
)

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}
