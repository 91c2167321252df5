const longest = 63

/**
 * The name that PostgreSQL itself would give: `table_column_label`, the longer of the two shortened until it fits into 63 bytes,
 * never inside a character. `taken` are those that are not to be had; a number is then put at the end.
 */
export function defaultName(table: string, column: string | null, label: string, taken: ReadonlySet<string>): string {
  for (let n = 0; ; n++) {
    const name = fitted(table, column, n === 0 ? label : `${label}${n}`)
    if (!taken.has(name)) return name
  }
}

function fitted(table: string, column: string | null, label: string): string {
  const room = longest - Buffer.byteLength(label) - 1 - (column === null ? 0 : 1)
  let tableBytes = Buffer.byteLength(table)
  let columnBytes = column === null ? 0 : Buffer.byteLength(column)
  while (tableBytes + columnBytes > room) {
    if (tableBytes > columnBytes) tableBytes--
    else columnBytes--
  }
  const parts = [clip(table, tableBytes), ...(column === null ? [] : [clip(column, columnBytes)]), label]
  return parts.join('_')
}

/** At most so many bytes, cut between characters. */
export function clip(text: string, bytes: number): string {
  let clipped = ''
  let used = 0
  for (const character of text) {
    used += Buffer.byteLength(character)
    if (used > bytes) break
    clipped += character
  }
  return clipped
}
