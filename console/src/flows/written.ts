/** A definition as text to read: what names it first, what is short on one line. Pure. */

/** The order in which people write them; the rest follows by name. */
const first = ['kind', 'from', 'to', 'key', 'mode', 'publish', 'columns', 'every', 'cron', 'zone', 'late', 'after']

function place(name: string): number {
  const at = first.indexOf(name)
  return at < 0 ? first.length : at
}

/** JSON, `width` characters a line where that is possible. */
export function written(value: unknown, width = 96, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries: readonly (readonly [string | null, unknown])[] = Array.isArray(value)
    ? value.map((each: unknown) => [null, each])
    : Object.entries(value).sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b))
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  if (entries.length === 0) return `${open}${close}`
  const parts = (inner: string): readonly string[] =>
    entries.map(([name, each]) => `${name === null ? '' : `${JSON.stringify(name)}: `}${written(each, width, inner)}`)
  const line = parts(indent).join(', ')
  const pad = Array.isArray(value) ? '' : ' '
  // The whole definition stands in lines, however short it is.
  if (indent !== '' && !line.includes('\n') && indent.length + line.length <= width)
    return `${open}${pad}${line}${pad}${close}`
  const deeper = `${indent}  `
  return `${open}\n${parts(deeper)
    .map((part) => `${deeper}${part}`)
    .join(',\n')}\n${indent}${close}`
}
