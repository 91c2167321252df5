import { expect, test } from 'vitest'
import { lineageOf, type LineageEndpoint, type LineageFlow } from './lineage.ts'

const table = (store: string, name: string) => ({ store, tag: 'table', name }) as const
const query = (name: string) => ({ store: 'warehouse', tag: 'query', name }) as const

const flows: readonly LineageFlow[] = [
  { name: 'a', after: [], reads: [query('select 1')], writes: [table('database', 'public.a')] },
  { name: 'b', after: ['a', 'gone'], reads: [query('select 1')], writes: [table('database', 'public.b')] },
  { name: 'c', after: [], reads: [table('database', 'public.a')], writes: [table('elsewhere', 'public.a')] },
]
const endpoint = (more: Partial<LineageEndpoint>): LineageEndpoint => ({
  name: 'rows',
  store: 'database',
  table: null,
  flows: [],
  ...more,
})

test('left to right: what is read, the flow, what is written; the same table is one thing', () => {
  const { nodes, edges } = lineageOf(flows, [])
  expect(nodes.map(({ id, tag }) => `${tag} ${id}`).toSorted()).toEqual([
    'flow flow:a',
    'flow flow:b',
    'flow flow:c',
    // Two queries that begin alike are two.
    'source warehouse/query:a',
    'source warehouse/query:b',
    'target database/table:public.a',
    'target database/table:public.b',
    'target elsewhere/table:public.a',
  ])
  expect(edges.map(({ from, to, tag }) => `${from} ${tag} ${to}`).toSorted()).toEqual([
    'database/table:public.a reads flow:c',
    'flow:a after flow:b',
    'flow:a writes database/table:public.a',
    'flow:b writes database/table:public.b',
    'flow:c writes elsewhere/table:public.a',
    'warehouse/query:a reads flow:a',
    'warehouse/query:b reads flow:b',
  ])
})

test('endpoints come last: by their table, by the flows of their query, and whoever writes it', () => {
  const { nodes, edges } = lineageOf(flows, [
    endpoint({ name: 'of table', table: 'public.a' }),
    endpoint({ name: 'of query', flows: ['a', 'b'] }),
    endpoint({ name: 'of nobody', table: 'public.other' }),
  ])
  expect(edges.filter(({ tag }) => tag === 'serves').map(({ from, to }) => `${from} ${to}`)).toEqual([
    'database/table:public.a endpoint:of table',
    'database/table:public.a endpoint:of query',
    'database/table:public.b endpoint:of query',
    'database/table:public.other endpoint:of nobody',
  ])
  const ids = new Set(nodes.map(({ id }) => id))
  expect(edges.filter(({ from, to }) => !ids.has(from) || !ids.has(to))).toEqual([])
})
