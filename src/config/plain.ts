import type { Problem } from './problem.ts'

/** A config is plain JSON, so that it can be stored, compared and exported: what else it holds, by path. Pure. */
export function plainProblems(value: unknown, path: readonly (string | number)[] = []): readonly Problem[] {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return []
  if (typeof value === 'number')
    return Number.isFinite(value) ? [] : [{ path, fault: `${value} is no number that JSON can hold` }]
  if (Array.isArray(value)) return value.flatMap((item, at) => plainProblems(item, [...path, at]))
  if (typeof value === 'object') {
    const prototype: unknown = Object.getPrototypeOf(value)
    // A config's module has an Object of its own only when it was evaluated elsewhere; its name says enough.
    if (prototype === null || prototype === Object.prototype || prototype?.constructor?.name === 'Object')
      return Object.entries(value).flatMap(([key, item]) => plainProblems(item, [...path, key]))
    return [{ path, fault: `a config is plain JSON, and this is a ${value.constructor.name}` }]
  }
  return [{ path, fault: `a config is plain JSON, and this is a ${typeof value}` }]
}
