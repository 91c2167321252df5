/** Rows as JSON text, without a value being made of what the server has printed. */
import type { SourceColumn } from './catalog.ts'
import { elementsOf } from './arrays.ts'

type Fields = readonly (string | null)[]

/** Writes one row as an object; its fields begin `from` places into what the server gave. */
export function objectWriter(columns: readonly SourceColumn[], from: number): (fields: Fields) => string {
  const names = columns.map(({ name }, at) => `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`)
  const jsons = columns.map(({ kind }) => kind.json)
  if (columns.length === 0) return () => '{}'
  return (fields) => {
    let text = ''
    for (let at = 0; at < names.length; at += 1) {
      const field = fields[from + at]
      const json = jsons[at]
      text += names[at]
      text += field === null || field === undefined || json === undefined ? 'null' : json(field)
    }
    return `${text}}`
  }
}

/** One list a column, each an array of texts of the server's. `most`: how many a list may have; null: one has more. */
export function listsOf(columns: readonly SourceColumn[], from: number, fields: Fields, most: number): string | null {
  const lists: string[] = []
  for (const [at, { name, kind }] of columns.entries()) {
    const elements = elementsOf(fields[from + at] ?? '{}')
    if (elements.length > most) return null
    const values = elements.map((one) => (typeof one === 'string' ? kind.json(printed(one, kind.group)) : 'null'))
    lists.push(`${JSON.stringify(name)}:[${values.join(',')}]`)
  }
  return `{${lists.join(',')}}`
}

/** A boolean that was cast to text is spelled out. */
function printed(text: string, group: string): string {
  return group === 'boolean' ? text.slice(0, 1) : text
}
