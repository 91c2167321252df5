/** What comes from where, left to right: what flows read, the flows, what they write, the endpoints that serve it. Pure. */
import type { FlowEnd } from '../flows/flow.ts'

export interface LineageNode {
  /** `flow:teacher_data`, `warehouse/table:analytics.teachers`, `endpoint:teacher-data`. */
  readonly id: string
  /** `source`: only read; `target`: written by a flow, whether others read it or not. */
  readonly tag: 'source' | 'flow' | 'target' | 'endpoint'
  readonly name: string
  /** Of sources, targets and endpoints. */
  readonly store: string | null
}

export interface LineageEdge {
  readonly from: string
  readonly to: string
  /** `after`: the second waits for the first. */
  readonly tag: 'reads' | 'writes' | 'after' | 'serves'
}

export interface Lineage {
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly LineageEdge[]
}

export interface LineageFlow {
  readonly name: string
  readonly after: readonly string[]
  readonly reads: readonly FlowEnd[]
  readonly writes: readonly FlowEnd[]
}

export interface LineageEndpoint {
  readonly name: string
  readonly store: string
  /** `schema.table`; null: a query, which serves what its flows write. */
  readonly table: string | null
  readonly flows: readonly string[]
}

export function lineageOf(flows: readonly LineageFlow[], endpoints: readonly LineageEndpoint[]): Lineage {
  const nodes = new Map<string, LineageNode>()
  const edges = new Map<string, LineageEdge>()
  const link = (from: string, to: string, tag: LineageEdge['tag']): void =>
    void edges.set(JSON.stringify([from, to, tag]), { from, to, tag })
  for (const flow of flows)
    nodes.set(flowId(flow.name), { id: flowId(flow.name), tag: 'flow', name: flow.name, store: null })
  // Targets first: what one flow writes and another reads is one thing.
  for (const { name, writes } of flows) {
    for (const end of writes) {
      nodes.set(endId(name, end), { id: endId(name, end), tag: 'target', name: end.name, store: end.store })
      link(flowId(name), endId(name, end), 'writes')
    }
  }
  for (const { name, reads, after } of flows) {
    for (const end of reads) {
      const id = endId(name, end)
      if (!nodes.has(id)) nodes.set(id, { id, tag: 'source', name: end.name, store: end.store })
      link(id, flowId(name), 'reads')
    }
    for (const upstream of after) if (nodes.has(flowId(upstream))) link(flowId(upstream), flowId(name), 'after')
  }
  for (const { name, store, table, flows: named } of endpoints) {
    const id = `endpoint:${name}`
    nodes.set(id, { id, tag: 'endpoint', name, store })
    const served =
      table === null
        ? flows
            .filter((flow) => named.includes(flow.name))
            .flatMap((flow) => flow.writes.map((end) => endId(flow.name, end)))
        : [endId('', { store, tag: 'table', name: table })]
    for (const from of served) {
      if (!nodes.has(from)) nodes.set(from, { id: from, tag: 'source', name: table ?? from, store })
      link(from, id, 'serves')
    }
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] }
}

const flowId = (name: string): string => `flow:${name}`

/** A query is its flow's alone, whatever its first line says. */
function endId(flow: string, { store, tag, name }: FlowEnd): string {
  return tag === 'query' ? `${store}/query:${flow}` : `${store}/${tag}:${name}`
}
