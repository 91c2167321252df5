import { describe, expect, test } from 'vitest'
import type { ColumnFacts, TableFacts } from '../table.ts'
import { alterations } from './alterations.ts'
import { choose } from './choose.ts'
import { defaultName } from './default-name.ts'
import type { PublicationRequest } from './request.ts'

const column = (name: string, more: Partial<ColumnFacts> = {}): ColumnFacts => ({
  name,
  type: { tag: 'int4' },
  typeName: 'integer',
  nullable: true,
  default: null,
  generated: 'no',
  identity: 'no',
  collation: null,
  comment: null,
  grants: null,
  statisticsTarget: null,
  options: [],
  usedBy: [],
  ...more,
})

const table = (more: Partial<TableFacts> = {}): TableFacts => ({
  schema: 'api',
  table: 'city',
  oid: '1',
  kind: 'table',
  persistence: 'permanent',
  owner: 'app',
  alterable: true,
  rowSecurityActive: false,
  foreignGrantors: [],
  rowEstimate: null,
  columns: [column('id')],
  primaryKey: null,
  indexes: [],
  constraints: [],
  triggers: [],
  rules: [],
  rowSecurity: { enabled: false, forced: false, policies: [] },
  grants: null,
  comment: null,
  options: [],
  tablespace: null,
  accessMethod: 'heap',
  replicaIdentity: 'default',
  sequences: [],
  publications: [],
  statistics: [],
  views: [],
  bound: [],
  ...more,
})

type Asked = Pick<PublicationRequest, 'key' | 'mode' | 'publish' | 'softDelete' | 'columns'>
const asked = (more: Partial<Asked> = {}): Asked => ({
  key: [],
  mode: 'replace',
  columns: [{ name: 'id', type: { tag: 'int4' }, nullable: true }],
  ...more,
})
const none = { added: [], retyped: [] }
const matview = { tag: 'materialized view', why: 'materialized view api.totals' } as const

describe('which publisher', () => {
  test.each<[string, TableFacts | null, Partial<Asked>, string, RegExp]>([
    ['no table yet', null, { key: ['id'] }, 'swap', /does not exist yet/],
    ['a key', table(), { key: ['id'] }, 'in-place', /by their key \(id\)/],
    ['no key, nothing depends', table(), {}, 'swap', /nothing but indexes and grants/],
    [
      'no key, a trigger',
      table({ triggers: [{ name: 'note', definition: '', enabled: 'origin', comment: null }] }),
      {},
      'in-place',
      /because of trigger note/,
    ],
    ['swap asked for, nothing against it', table(), { key: ['id'], publish: 'swap' }, 'swap', /the config asks for it/],
    [
      'swap asked for, a materialized view',
      table({ bound: [matview] }),
      { publish: 'swap' },
      'in-place',
      /swap was asked for, but .*api\.totals/,
    ],
    [
      'swap asked for, upsert',
      table(),
      { key: ['id'], mode: 'upsert', publish: 'swap' },
      'in-place',
      /mode upsert keeps rows/,
    ],
    [
      'swap asked for, softDelete',
      table(),
      { softDelete: 'gone', publish: 'swap' },
      'in-place',
      /softDelete keeps rows/,
    ],
    [
      'swap asked for, a column of its own',
      table({ columns: [column('id'), column('note')] }),
      { publish: 'swap' },
      'in-place',
      /does not fill the column "note"/,
    ],
    [
      'swap asked for, a generated column',
      table({ columns: [column('id'), column('twice', { generated: 'stored' })] }),
      { publish: 'swap' },
      'swap',
      /asks for it/,
    ],
    [
      'swap asked for, the table of another role',
      table({ alterable: false }),
      { publish: 'swap' },
      'in-place',
      /belongs to app/,
    ],
  ])('%s', (_, facts, more, publisher, why) => {
    const choice = choose(facts, asked(more), facts === null ? null : none)
    expect(choice.publisher).toBe(publisher)
    expect(choice.why).toMatch(why)
  })

  test('neither can: refused, with what is against each', () => {
    const publication = {
      name: 'changes',
      alterable: true,
      columns: null,
      filter: null,
      publishes: ['update'] as const,
    }
    const facts = table({ bound: [matview], primaryKey: null, publications: [publication] })
    expect(() => choose(facts, asked({ key: ['id'] }), none)).toThrow(
      expect.objectContaining({
        code: 'TARGET_DEPENDENTS',
        why: expect.stringMatching(/api\.totals; in place: publication changes/),
      }),
    )
  })

  test.each(['swap', 'in-place'] as const)(
    'rows that this role does not see: refused, whichever way (%s)',
    (publish) => {
      expect(() => choose(table({ rowSecurityActive: true }), asked({ publish }), none)).toThrow(
        expect.objectContaining({
          code: 'TARGET_UNSUITABLE',
          fix: 'connect as app with `alter table api.city no force row level security`, or as a role with `bypassrls`',
        }),
      )
    },
  )

  test('a type that has to be rewritten goes by swap, or not at all', () => {
    const columns = [{ name: 'id', type: { tag: 'int8' }, nullable: true, declared: true }] as const
    expect(choose(table(), asked({ key: ['id'], columns }), alterations(table(), columns)).publisher).toBe('swap')
    const bound = table({ bound: [matview] })
    expect(() => choose(bound, asked({ key: ['id'], columns }), alterations(bound, columns))).toThrow(
      expect.objectContaining({ code: 'TARGET_DEPENDENTS', why: expect.stringContaining('would rewrite the table') }),
    )
  })

  test('a view is no table', () => {
    expect(() => choose(table({ kind: 'view' }), asked(), none)).toThrow(
      expect.objectContaining({ code: 'TARGET_UNSUITABLE' }),
    )
  })
})

test('a declared type that is narrower is refused; one that is not declared leaves the target as it is', () => {
  const narrower = [{ name: 'id', type: { tag: 'int2' }, nullable: true }] as const
  expect(alterations(table(), narrower)).toEqual(none)
  expect(() => alterations(table(), [{ ...narrower[0], declared: true }])).toThrow(
    expect.objectContaining({ code: 'SCHEMA_NARROWED' }),
  )
})

test("names are PostgreSQL's own: at most 63 bytes, cut between characters, numbered when taken", () => {
  expect(defaultName('city', null, 'pkey', new Set(['city_pkey']))).toBe('city_pkey1')
  const long = defaultName('ü'.repeat(31), 'x'.repeat(60), 'not_null', new Set())
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(63)
  expect(long).toMatch(/^ü+_x+_not_null$/)
})
