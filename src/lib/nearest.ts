/** The candidate that was most likely meant, or null. Pure. */
export function nearest(given: string, candidates: Iterable<string>): string | null {
  const wanted = given.toLowerCase()
  let best: string | null = null
  let least = Infinity
  for (const candidate of candidates) {
    const far = distance(wanted, candidate.toLowerCase())
    if (far < least) {
      best = candidate
      least = far
    }
  }
  return least <= Math.max(1, Math.floor(given.length / 3)) ? best : null
}

/** Insertions, deletions, changes and swaps of neighbours that turn `a` into `b`. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const change = (above[column - 1] ?? 0) + (same ? 0 : 1)
      let cost = Math.min(change, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, (before[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    before = above
    above = current
  }
  return above[b.length] ?? a.length
}
