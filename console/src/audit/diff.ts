/** What a change changed, field by field. Pure. */
type Json = unknown

export interface Difference {
  /** `schedule.every`, `after[0]`; empty: the whole value. */
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed' | 'same'
  /** As JSON; null: not there. */
  readonly before: string | null
  readonly after: string | null
}

type Fields = readonly (readonly [name: string, value: Json])[]

/** The fields of an object or a list that has any; null: a value of its own. */
function fieldsOf(value: Json): Fields | null {
  if (Array.isArray(value)) return value.length === 0 ? null : value.map((each, at) => [`[${at}]`, each as Json])
  if (typeof value !== 'object' || value === null) return null
  const fields = Object.entries(value)
  return fields.length === 0 ? null : fields
}

const below = (path: string, name: string): string =>
  path === '' || name.startsWith('[') ? `${path}${name}` : `${path}.${name}`

/** Every leaf on one side: what was not there before, or is not there any more. */
function leaves(value: Json, path: string): readonly (readonly [path: string, text: string])[] {
  const fields = fieldsOf(value)
  if (fields === null) return [[path, JSON.stringify(value)]]
  return fields.flatMap(([name, each]) => leaves(each, below(path, name)))
}

/** Null on a side means that there was nothing: a thing made or removed. */
export function differences(before: Json, after: Json, path = ''): readonly Difference[] {
  if (path === '' && (before === null || after === null)) {
    if (before === null && after === null) return []
    return before === null
      ? leaves(after, '').map(([at, text]) => ({ path: at, kind: 'added', before: null, after: text }))
      : leaves(before, '').map(([at, text]) => ({ path: at, kind: 'removed', before: text, after: null }))
  }
  const left = fieldsOf(before)
  const right = fieldsOf(after)
  if (left === null || right === null || Array.isArray(before) !== Array.isArray(after)) {
    const [was, is] = [JSON.stringify(before), JSON.stringify(after)]
    return [{ path, kind: was === is ? 'same' : 'changed', before: was, after: is }]
  }
  const was = new Map(left)
  const is = new Map(right)
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((name): readonly Difference[] => {
    const at = below(path, name)
    if (!was.has(name)) return leaves(is.get(name), at).map(([each, text]) => added(each, text))
    if (!is.has(name)) return leaves(was.get(name), at).map(([each, text]) => removed(each, text))
    return differences(was.get(name), is.get(name), at)
  })
}

const added = (path: string, text: string): Difference => ({ path, kind: 'added', before: null, after: text })
const removed = (path: string, text: string): Difference => ({ path, kind: 'removed', before: text, after: null })

/** One line: `role: "viewer" → "admin"; disabled: false → true`. */
export function inShort(before: Json, after: Json): string {
  return differences(before, after)
    .filter(({ kind }) => kind !== 'same')
    .map(({ path, kind, before: was, after: is }) => {
      const value = kind === 'added' ? is : kind === 'removed' ? `${was} removed` : `${was} → ${is}`
      return path === '' ? value : `${path}: ${value}`
    })
    .join('; ')
}

/** What was done to, by its name where the record has one: a token or a person is known by an id that tells nobody anything. */
export function subjectOf({
  subject,
  before,
  after,
}: {
  readonly subject: string
  readonly before: Json
  readonly after: Json
}): string {
  for (const side of [after, before]) {
    const name: unknown = typeof side === 'object' && side !== null && 'name' in side ? side.name : undefined
    if (typeof name === 'string') return name
  }
  return subject
}
