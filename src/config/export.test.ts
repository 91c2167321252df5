import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../lib/json.ts'
import { exportFlow } from './export.ts'

/** What the code means to whoever runs it. */
function evaluate(code: string): Record<string, Json> {
  // The code under test is what is to be run.
  // oxlint-disable-next-line typescript/no-implied-eval
  const run = new Function('sync', 'env', 'secret', 'file', `return { ${code} }`) as (
    ...builders: readonly unknown[]
  ) => Record<string, Json>
  return run(
    (options: object) => ({ kind: 'sync', ...options }),
    ($env: string, more = {}) => ({ $env, ...more }),
    ($secret: string) => ({ $secret }),
    ($file: string) => ({ $file }),
  )
}

test('as a person would write it', () => {
  const definition = {
    kind: 'sync',
    from: { file: { $file: 'sql/teachers.sql' }, params: { since: '2024-01-01' } },
    to: 'api_teacher_data',
    key: ['id'],
    columns: { lat: { type: 'numeric(9,6)', policy: 'error', from: 'latitude' }, 'home town': { from: 'home' } },
    afterPublish: 'grant select on api_teacher_data to reader;\nanalyze api_teacher_data',
    every: '2h',
    after: ['school_data'],
  }
  const { entry, imports, config } = exportFlow('teacher_data', definition)
  expect(entry).toBe(`teacher_data: sync({
  from: { file: file('sql/teachers.sql'), params: { since: '2024-01-01' } },
  to: 'api_teacher_data',
  key: ['id'],
  columns: {
    lat: { type: 'numeric(9,6)', policy: 'error', from: 'latitude' },
    'home town': { from: 'home' },
  },
  afterPublish: \`grant select on api_teacher_data to reader;
analyze api_teacher_data\`,
  every: '2h',
  after: ['school_data'],
}),`)
  expect(imports).toEqual(['file', 'sync'])
  expect(config).toMatch(/^import \{ defineConfig, file, sync \} from 'sluice'\n\nexport default defineConfig\(\{/)
  expect(config).toContain("\n    teacher_data: sync({\n      from: { file: file('sql/teachers.sql')")
})

test('whatever a definition holds, the code means exactly that', () => {
  const odd = fc.constantFrom(
    "it's",
    'a\nb',
    '`${x}`\n',
    '\\',
    '\r\n',
    '\u2028',
    '\ud800',
    '$file',
    '__proto__',
    '',
    'ab\tc\n\td',
    '"',
  )
  const value = fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 })
  const json = fc.oneof(
    value,
    odd,
    fc.dictionary(fc.oneof(odd, fc.string()), fc.oneof(value, odd, fc.array(odd))),
    fc.record({ $env: odd, or: odd }),
    fc.record({ $file: odd }),
    fc.record({ $secret: odd }),
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,8}$/), fc.dictionary(odd, json), (name, options) => {
      // -0 is 0 to JSON.
      const definition = JSON.parse(JSON.stringify({ from: options, kind: 'sync' })) as Json
      const { entry } = exportFlow(name, definition)
      expect(JSON.stringify(sorted(evaluate(entry)[name]))).toBe(JSON.stringify(sorted(definition)))
    }),
    { numRuns: 500 },
  )
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .map(([key, item]) => [key, sorted(item)])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))
}
