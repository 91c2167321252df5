import { z } from 'zod'
import { nearest } from '../lib/nearest.ts'
import type { Problem } from './problem.ts'
import { branchesAt, keysOf, type Shape } from './shape.ts'

type Issue = z.core.$ZodIssue
type Path = readonly (string | number)[]

/** What zod found, in words: the path, what was given (never what may be a secret), what is allowed, what was likely meant. */
export function problemsOf(schema: z.ZodType, given: unknown, issues: readonly Issue[]): readonly Problem[] {
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape // a JSON schema is what it returns
  return issues.flatMap((issue) => translate(shape, given, issue, []))
}

function translate(shape: Shape, given: unknown, issue: Issue, above: Path): readonly Problem[] {
  const path: Path = [...above, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))]
  const value = valueAt(given, path)
  switch (issue.code) {
    case 'unrecognized_keys': {
      const branches = branchesAt(shape, given, path)
      const known = keysOf(branches)
      return issue.keys.map((key) => ({
        path: [...path, key],
        // Known, but of another alternative than the one that was chosen.
        fault: known.includes(key) ? `does not go with ${chosen(branches, value)}` : unknownKey(key, known),
      }))
    }
    case 'invalid_union':
      return translateUnion(shape, given, issue, path)
    case 'invalid_type':
      return [
        {
          path,
          fault:
            value === undefined
              ? `is missing: ${article(issue.expected)} is needed`
              : `expected ${article(issue.expected)}, given ${show(value, path)}`,
        },
      ]
    case 'invalid_value': {
      const allowed = issue.values.map((one) => String(one))
      const meant = typeof value === 'string' ? nearest(value, allowed) : null
      const list = allowed.map((one) => `"${one}"`).join(', ')
      return [
        {
          path,
          fault: `${show(value, path)} is not one of ${list}${meant === null ? '' : `; did you mean "${meant}"?`}`,
        },
      ]
    }
    case 'too_small':
    case 'too_big':
      return [{ path, fault: `${show(value, path)} is ${bound(issue)}` }]
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.flatMap((inner) => translate(shape, given, inner, path))
    case 'not_multiple_of':
      return [{ path, fault: `${show(value, path)} is no multiple of ${issue.divisor}` }]
    case 'invalid_format':
    case 'custom':
      return [
        {
          path,
          fault:
            value === undefined
              ? issue.message
              : `${show(value, path)} is ${issue.message}`.replace(' is has ', ' has '),
        },
      ]
  }
}

function translateUnion(
  shape: Shape,
  given: unknown,
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
): readonly Problem[] {
  // The kind of a flow, which builders add: a flow without one was written as a bare object.
  if (path.at(-1) === 'kind') {
    const kind = valueAt(given, path)
    const fault =
      kind === undefined
        ? 'a flow is written with its builder: sync({ … })'
        : `${show(kind, path)} is no kind of flow; this version has sync`
    return [{ path: kind === undefined ? path.slice(0, -1) : path, fault }]
  }
  const value = valueAt(given, path)
  const branches = branchesAt(shape, given, path)
  if (value === undefined) return [{ path, fault: `is missing: ${alternatives(branches)}` }]
  if (!isObject(value)) {
    const scalar = issue.errors.find((errors) =>
      errors.every((error) => error.code !== 'invalid_type' || error.path.length > 0),
    )
    if (scalar !== undefined && scalar.length > 0)
      return scalar.flatMap((inner) => translate(shape, given, inner, path))
    return [{ path, fault: `expected ${alternatives(branches)}, given ${show(value, path)}` }]
  }
  const known = keysOf(branches)
  const unknown = Object.keys(value).filter((key) => !known.includes(key))
  if (unknown.length > 0) return unknown.map((key) => ({ path: [...path, key], fault: unknownKey(key, known) }))
  const named = branches.filter((branch) => (branch.required ?? []).some((key) => key in value))
  if (named.length === 0) return [{ path, fault: `needs ${alternatives(branches)}` }]
  if (named.length > 1) {
    const keys = named.flatMap((branch) => (branch.required ?? []).filter((key) => key in value))
    const distinct = [...new Set(keys)]
    if (distinct.length > 1)
      return [{ path, fault: `${distinct.map((key) => `"${key}"`).join(' and ')} exclude each other` }]
  }
  const best = [...issue.errors].sort((a, b) => weight(a) - weight(b))[0] ?? []
  return best.flatMap((inner): readonly Problem[] => {
    if (inner.code !== 'unrecognized_keys') return translate(shape, given, inner, path)
    return inner.keys.map((key) => ({ path: [...path, key], fault: `does not go with ${chosen(branches, value)}` }))
  })
}

/** The keys by which an alternative was chosen: `"query"`. */
function chosen(branches: readonly Shape[], value: unknown): string {
  const keys = isObject(value)
    ? branches.flatMap((branch) => (branch.required ?? []).filter((key) => key in value))
    : []
  return [...new Set(keys)].map((key) => `"${key}"`).join(' and ') || 'the others'
}

/** The branch that was meant has the fewest faults; the wrong type at its top rules one out. */
function weight(issues: readonly Issue[]): number {
  return issues.reduce(
    (sum, issue) =>
      sum +
      (issue.path.length === 0 && issue.code === 'invalid_type' ? 100 : issue.code === 'unrecognized_keys' ? 10 : 1),
    0,
  )
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known)
  if (meant !== null) return `unknown key; did you mean "${meant}"?`
  return known.length === 0 ? 'unknown key' : `unknown key; known are ${known.join(', ')}`
}

function alternatives(branches: readonly Shape[]): string {
  const parts = branches.map((branch) => {
    if (branch.properties !== undefined) {
      const required = branch.required ?? []
      return `{ ${required.length === 0 ? '…' : required.join(', ')} }`
    }
    return branch.type === 'string' ? 'text' : article(String(branch.type ?? 'value'))
  })
  return [...new Set(parts)].join(' or ')
}

function article(type: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    integer: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object',
    record: 'an object',
  }
  return words[type] ?? `a ${type}`
}

function bound(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const small = issue.code === 'too_small'
  const limit = String(small ? issue.minimum : issue.maximum)
  if (issue.origin === 'string')
    return small && limit === '1' ? 'empty' : `${small ? 'shorter' : 'longer'} than ${limit} characters`
  if (issue.origin === 'array')
    return small && limit === '1' ? 'an empty list' : `a list with ${small ? 'fewer' : 'more'} than ${limit} entries`
  return `${small ? 'less' : 'more'} than ${limit}`
}

/** What was given, short; never what may hold a password. */
export function show(value: unknown, path: Path): string {
  if (value === undefined) return 'nothing'
  if (path.some((part) => /^(database|postgres|webhook|secret|password|token)$/i.test(String(part))))
    return `a ${describe(value)}`
  const text = JSON.stringify(value) ?? describe(value)
  if (text.includes('://') || text.length > 60) return `a ${describe(value)}`
  return text
}

function describe(value: unknown): string {
  return Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value === 'string' ? 'text' : typeof value
}

function valueAt(given: unknown, path: Path): unknown {
  let value = given
  for (const part of path) {
    if (!isObject(value) && !Array.isArray(value)) return undefined
    value = (value as Record<string | number, unknown>)[part] // both can be asked for a key
  }
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
