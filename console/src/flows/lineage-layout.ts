/** Lineage left to right: which boxes there are around a flow, and where they stand. Pure. */
import type { Lineage } from '../client/model/lineage.ts'

type Node = Lineage['nodes'][number]
type Edge = Lineage['edges'][number]

/** What the flow comes from and what comes of it, through other flows, too; not its siblings. */
export function around(lineage: Lineage, id: string): Lineage {
  const reach = (from: 'from' | 'to', to: 'from' | 'to'): ReadonlySet<string> => {
    const seen = new Set([id])
    const waiting = [id]
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop())
      for (const edge of lineage.edges)
        if (edge[from] === at && !seen.has(edge[to])) {
          seen.add(edge[to])
          waiting.push(edge[to])
        }
    return seen
  }
  const up = reach('to', 'from')
  const down = reach('from', 'to')
  const inside = (edge: Edge): boolean =>
    (up.has(edge.from) && up.has(edge.to)) || (down.has(edge.from) && down.has(edge.to))
  return {
    nodes: lineage.nodes.filter((node) => up.has(node.id) || down.has(node.id)),
    edges: lineage.edges.filter(inside),
  }
}

export interface Placed {
  readonly node: Node
  /** From the left, from 0. */
  readonly column: number
  /** From the top, in rows; halves stand between. */
  readonly row: number
}

/** A column right of all that lead to it; within a column beside what it comes from. A ring (which no plan allows) ends somewhere. */
export function place({ nodes, edges }: Lineage): readonly Placed[] {
  const columns = new Map(nodes.map((node) => [node.id, 0]))
  for (let round = 0; round < nodes.length; round += 1) {
    let moved = false
    for (const { from, to } of edges) {
      const least = (columns.get(from) ?? 0) + 1
      if ((columns.get(to) ?? 0) < least && least < nodes.length) {
        columns.set(to, least)
        moved = true
      }
    }
    if (!moved) break
  }
  const rows = new Map<string, number>()
  const placed: Placed[] = []
  const last = Math.max(0, ...columns.values())
  for (let column = 0; column <= last; column += 1) {
    const here = nodes.filter((node) => columns.get(node.id) === column)
    const wish = (node: Node): number => {
      const before = edges.filter((edge) => edge.to === node.id && rows.has(edge.from))
      return before.reduce((sum, edge) => sum + (rows.get(edge.from) ?? 0), 0) / Math.max(1, before.length)
    }
    const ordered = here
      .map((node) => ({ node, wish: wish(node) }))
      .sort((a, b) => a.wish - b.wish || a.node.name.localeCompare(b.node.name))
    let free = 0
    for (const { node, wish: wanted } of ordered) {
      const row = Math.max(free, wanted)
      free = row + 1
      rows.set(node.id, row)
      placed.push({ node, column, row })
    }
  }
  return placed
}

/**
 * As much of the text as `room` holds, cut in its middle so that both ends can be read; of a path the end, which names the file. Cut by
 * what it measures, since twenty of the letter `m` are twice as wide as twenty digits.
 */
export function shortened(text: string, room: number, widthOf: (text: string) => number): string {
  if (widthOf(text) <= room) return text
  const letters = [...text]
  for (let kept = letters.length - 1; kept > 1; kept -= 1) {
    const head = text.includes('/') ? 0 : Math.ceil(kept / 2)
    const cut = `${letters.slice(0, head).join('')}…${letters.slice(letters.length - (kept - head)).join('')}`
    if (widthOf(cut) <= room) return cut
  }
  return '…'
}
