/**
 * The values of `in` and `between`: commas part them; one that has a comma, or begins with a quote, stands in double quotes with its own
 * quotes doubled, as in CSV. null: a quote is not closed, or something follows it. Pure.
 */
export function fieldsOf(text: string): readonly string[] | null {
  if (!text.includes('"')) return text.split(',')
  const fields: string[] = []
  const field = /(?:"((?:[^"]|"")*)"|((?!")[^,]*))(,|$)/suy
  for (;;) {
    const match = field.exec(text)
    if (match === null) return null
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === '') return fields
  }
}
