/** An answer of an endpoint, whatever its shape, as rows and columns. Pure. */

export type Row = Readonly<Record<string, unknown>>

export interface Answered {
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
  /** The cursor of the next page; null: there is none. */
  readonly next: string | null
  readonly total: number | null
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `page` has its rows in `items`; `list` is an array; `one` is a row; `distinct` has a list for each name: a row of each value. */
export function answered(body: unknown): Answered {
  if (Array.isArray(body)) return table(body, null, null)
  if (!isRow(body)) return table([], null, null)
  if (Array.isArray(body['items']) && 'next' in body)
    return table(
      body['items'],
      typeof body['next'] === 'string' ? body['next'] : null,
      typeof body['total'] === 'number' ? body['total'] : null,
    )
  const lists = Object.entries(body).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]))
  if (lists.length > 0 && lists.length === Object.keys(body).length) {
    const longest = Math.max(...lists.map(([, values]) => values.length))
    const rows = Array.from({ length: longest }, (_, index) =>
      Object.fromEntries(lists.map(([name, values]) => [name, values[index]])),
    )
    return { columns: lists.map(([name]) => name), rows, next: null, total: null }
  }
  return table([body], null, null)
}

function table(values: readonly unknown[], next: string | null, total: number | null): Answered {
  const rows = values.map((value) => (isRow(value) ? value : { value }))
  return { columns: [...new Set(rows.flatMap((row) => Object.keys(row)))], rows, next, total }
}

/** A value in a cell: as it came, null told apart from empty. */
export function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}
