import { describe, expect, it } from 'vitest'
import type { Lineage } from '../client/model/lineage.ts'
import { around, place, shortened } from './lineage-layout.ts'

const node = (id: string): Lineage['nodes'][number] => ({
  id,
  tag: id.startsWith('flow') ? 'flow' : id.startsWith('s') ? 'source' : 'target',
  name: id,
  store: null,
})
const edge = (from: string, to: string, tag: Lineage['edges'][number]['tag'] = 'reads') => ({ from, to, tag })

const lineage: Lineage = {
  nodes: ['s1', 's2', 'flow:a', 'flow:b', 't1', 't2', 's3', 'flow:c', 't3'].map(node),
  edges: [
    edge('s1', 'flow:a'),
    edge('flow:a', 't1', 'writes'),
    edge('t1', 'flow:b'),
    edge('s2', 'flow:b'),
    edge('flow:b', 't2', 'writes'),
    edge('s3', 'flow:c'),
    edge('flow:c', 't3', 'writes'),
    edge('s1', 'flow:c'),
  ],
}

describe('around a flow', () => {
  it('is what it comes from and what comes of it, through other flows', () => {
    expect(around(lineage, 'flow:b').nodes.map(({ id }) => id)).toEqual(['s1', 's2', 'flow:a', 'flow:b', 't1', 't2'])
    expect(around(lineage, 'flow:a').nodes.map(({ id }) => id)).toEqual(['s1', 'flow:a', 'flow:b', 't1', 't2'])
  })

  it('draws no edge to who is not there', () => {
    const { nodes, edges } = around(lineage, 'flow:a')
    const ids = new Set(nodes.map(({ id }) => id))
    expect(edges.every(({ from, to }) => ids.has(from) && ids.has(to))).toBe(true)
  })
})

describe('places', () => {
  it('go to the right along every edge, and no two are the same', () => {
    const placed = place(lineage)
    const column = new Map(placed.map((each) => [each.node.id, each.column]))
    for (const { from, to } of lineage.edges) expect(column.get(to)).toBeGreaterThan(column.get(from) ?? Number.NaN)
    expect(new Set(placed.map((each) => `${each.column} ${each.row}`)).size).toBe(lineage.nodes.length)
  })

  it('a ring does not hang', () => {
    const ring: Lineage = { nodes: ['a', 'b'].map(node), edges: [edge('a', 'b'), edge('b', 'a')] }
    expect(place(ring)).toHaveLength(2)
  })
})

describe('a text that is cut', () => {
  const letters = (text: string): number => text.length

  it('keeps both ends, of a path the end', () => {
    expect(shortened('public.api_teacher_data', 12, letters)).toBe('public…_data')
    expect(shortened('short', 12, letters)).toBe('short')
    expect(shortened('/data/2026/airports.csv', 13, letters)).toBe('…airports.csv')
  })

  it('is as long as what it measures allows', () => {
    const wide = (text: string): number => [...text].reduce((sum, letter) => sum + (letter === 'm' ? 3 : 1), 0)
    expect(shortened('mmmmmmmm', 13, wide)).toBe('mm…mm')
    expect(shortened('iiiiiiii', 13, wide)).toBe('iiiiiiii')
    expect(shortened('mm', 1, wide)).toBe('…')
  })
})
