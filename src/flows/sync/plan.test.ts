import { beforeAll, expect, test } from 'vitest'
import { createDatabase } from '../../../test/support/database.ts'
import { parsePgType } from '../../transfer/pgtype.ts'
import type { SourceMark } from '../../transfer/source.ts'
import { readTable } from '../../stores/postgres/schema.ts'
import { whateverIsDue, type Flow, type FlowName, type SliceKey, type SliceRecord, type WorkRequest } from '../flow.ts'
import type { SyncOptions } from './config.ts'
import { planSync, refuseSync, whole, type SyncFacts } from './plan.ts'

const hour = 3_600_000
const now = new Date('2026-03-01T12:00:00Z')

const flow: Flow<SyncOptions> = {
  name: 'things' as FlowName,
  kind: 'sync',
  options: {
    store: 'warehouse',
    from: { tag: 'table', table: 'things', changed: null },
    to: { store: 'database', schema: 'public', table: 'things' },
    key: ['id'],
    mode: 'replace',
    cursor: null,
    lookback: { tag: 'number', by: 0 },
    softDelete: null,
    publish: null,
    columns: {},
    contract: 'evolve',
    latestBy: null,
    guard: { minRows: 1, maxShrink: 0.5 },
    beforePublish: null,
    afterPublish: null,
  },
  definitionHash: 'as it is',
  stores: ['warehouse', 'database'],
  timing: {
    schedule: null,
    late: hour,
    sourceEvery: 24 * hour,
    catchUp: 'latest',
    maxAge: null,
    overlap: 'wait',
    after: [],
    attempts: 3,
    publishTimeout: hour,
    timeout: null,
  },
}

const request: WorkRequest = whateverIsDue
const mark: SourceMark = { known: true, mark: { files: [['a', 1]] }, asOf: new Date(now.getTime() - hour) }
const id = { name: 'id', sourceType: 'INTEGER', type: parsePgType('integer'), nullable: true }
let facts: SyncFacts
beforeAll(async () => {
  await using created = await createDatabase()
  await created.query('create table things (id integer primary key)')
  const target = await readTable(created.database, { schema: 'public', table: 'things' })
  facts = { description: 'warehouse: things', mark, source: [id], target }
})

const published = (changed: Partial<SliceRecord> = {}): ReadonlyMap<SliceKey, SliceRecord> =>
  new Map([
    [
      whole.key,
      {
        ...whole,
        state: 'done',
        definitionHash: 'as it is',
        sourceMark: { mark: { files: [['a', 1]] }, columns: { id: 'integer' } },
        dueAt: null,
        asOf: new Date(now.getTime() - hour),
        rows: 10,
        ...changed,
      },
    ],
  ])

const actionOf = (
  changed: {
    facts?: Partial<SyncFacts>
    request?: Partial<WorkRequest>
    slices?: ReadonlyMap<SliceKey, SliceRecord>
  } = {},
) =>
  planSync(
    flow,
    { ...request, ...changed.request },
    { ...facts, ...changed.facts },
    { now, slices: changed.slices ?? published() },
  ).slices[0]

test('an unchanged source is skipped, and the reason says since when', () => {
  expect(actionOf()).toMatchObject({ action: 'skip', why: 'source unchanged since 2026-03-01T11:00:00.000Z' })
})

test('a source that should have been rebuilt and was not: the reason says so', () => {
  const old = published({ asOf: new Date(now.getTime() - 30 * hour) })
  expect(actionOf({ slices: old })?.why).toContain('should have been rebuilt by 2026-03-01T06:00:00.000Z')
})

test.each<[string, Parameters<typeof actionOf>[0], string]>([
  ['nothing was published yet', { slices: new Map() }, 'never published'],
  ['the source changed', { facts: { mark: { ...mark, mark: { files: [['a', 2]] } } } }, 'the source changed'],
  [
    'the store cannot tell',
    { facts: { mark: { known: false, why: 'it calls random()' } } },
    'unknown: it calls random()',
  ],
  ['the definition changed', { slices: published({ definitionHash: 'as it was' }) }, 'the definition changed'],
  ['somebody dropped the table', { facts: { target: null } }, 'the table is gone'],
  ['it is forced', { request: { force: true } }, 'forced'],
])('runs when %s', (_, changed, why) => {
  expect(actionOf(changed)).toMatchObject({ action: 'run', why: expect.stringContaining(why) })
})

test('an unknown mark that was published before is no proof that nothing changed', () => {
  const unknown = published({ sourceMark: { mark: null, columns: { id: 'integer' } } })
  expect(actionOf({ slices: unknown })).toMatchObject({ action: 'run' })
})

test('a slice, a range or a step that a sync does not have is refused', () => {
  for (const odd of [{ slices: ['2026-01' as SliceKey] }, { from: '2026-01-01' }, { step: 'purge' as const }])
    expect(refuseSync(flow, { ...request, ...odd })).toMatchObject({ code: 'USAGE' })
  expect(refuseSync(flow, { ...request, slices: [whole.key], force: true })).toBeNull()
  expect(actionOf({ request: { slices: [whole.key], force: true } })?.action).toBe('run')
})

test('the steps name the publisher and why', () => {
  const plan = planSync(flow, { ...request, force: true }, facts, { now, slices: published() })
  expect(plan.steps).toContain('publish in-place: rows are compared by their key (id)')
})
