/** What one text has that another has not, line by line. Pure. */
export interface DiffLine {
  readonly tag: 'same' | 'gone' | 'new'
  readonly text: string
}

/** The shortest way from one to the other (longest common run of lines). For definitions: some hundred lines at most. */
export function diff(before: string, after: string): readonly DiffLine[] {
  const old = before.split('\n')
  const now = after.split('\n')
  // common[i][j]: how many lines old from i and now from j have in common.
  const common = Array.from({ length: old.length + 1 }, () => Array.from(now, () => 0))
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0
  for (let i = old.length - 1; i >= 0; i -= 1) {
    const row = common[i]
    if (row === undefined) continue
    for (let j = now.length - 1; j >= 0; j -= 1)
      row[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  }
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < old.length || j < now.length) {
    const [gone, fresh] = [old[i], now[j]]
    if (gone !== undefined && gone === fresh) {
      lines.push({ tag: 'same', text: gone })
      i += 1
      j += 1
    } else if (gone !== undefined && (fresh === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ tag: 'gone', text: gone })
      i += 1
    } else {
      lines.push({ tag: 'new', text: fresh ?? '' })
      j += 1
    }
  }
  return lines
}
