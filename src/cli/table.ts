import { stripVTControlCharacters } from 'node:util'

export interface Column {
  readonly title: string
  readonly align?: 'right'
}

/** Aligned columns, two spaces between, no trailing spaces. Cells may be coloured. Pure. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const all = [columns.map((column) => column.title), ...rows]
  const widths = columns.map((_, at) => Math.max(...all.map((row) => width(row[at] ?? ''))))
  return all
    .map((row) =>
      columns
        .map((column, at) => {
          const cell = row[at] ?? ''
          const gap = ' '.repeat((widths[at] ?? 0) - width(cell))
          return column.align === 'right' ? gap + cell : cell + gap
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const segmenter = new Intl.Segmenter('en')

/** Characters as a reader counts them. */
function width(text: string): number {
  return [...segmenter.segment(stripVTControlCharacters(text))].length
}
