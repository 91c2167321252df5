/** The order of a table in the URL: `rows` upward, `-rows` downward. Pure. */
export interface Sort {
  readonly id: string
  readonly desc: boolean
}

export function parseSort(text: string | undefined): Sort[] {
  if (text === undefined || text === '' || text === '-') return []
  return text.startsWith('-') ? [{ id: text.slice(1), desc: true }] : [{ id: text, desc: false }]
}

export function writeSort(sorting: readonly Sort[]): string | undefined {
  const [first] = sorting
  return first === undefined ? undefined : `${first.desc ? '-' : ''}${first.id}`
}
