import { realpathSync } from 'node:fs'
import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SluiceError } from '../lib/error.ts'
import { env, file, rollup, secret, sync } from './define.ts'
import { loadConfig } from './load.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-config-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

let folders = 0

/** A new folder with these files. */
async function folder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = join(root, String(folders++))
  await mkdir(path)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return path
}

async function refusal(work: Promise<unknown>): Promise<SluiceError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof SluiceError)) throw new Error(`not a SluiceError: ${String(error)}`)
  return error
}

const good = { from: { query: 'select 1 as id' }, to: 'a' } as const

const beside = {
  from: 'e',
  at: 'at',
  grains: ['day' as const],
  by: ['blog', 'author', 'country'],
  measures: { n: 'count' as const },
}

describe('each mistake has its message', () => {
  const cases: readonly (readonly [string, object, string])[] = [
    ['an unknown key', { projct: 'x' }, 'projct: unknown key; did you mean "project"?'],
    ['a key that is like no other', { state: { zzzzzz: 1 } }, 'state.zzzzzz: unknown key; known are schema'],
    [
      'an unknown key of a flow',
      { flows: { a: { ...sync(good), keys: ['id'] } } },
      'flows.a.keys: unknown key; did you mean "key"?',
    ],
    [
      'a page of a rollup that is none',
      { flows: { a: sync(good) }, api: { analytics: { views: 'a', posts: 'b' } } },
      'api.analytics.views: no rollup is called "a"; there is none\napi.analytics.posts: no rollup is called "b"; there is none',
    ],
    [
      'a page of a rollup that lacks what it asks for',
      {
        flows: {
          v: rollup({
            from: 'e',
            at: 'at',
            to: 'v',
            grains: ['day'],
            by: ['blog', 'author'],
            measures: { n: 'count' },
          }),
        },
        api: { analytics: { views: 'v', viewCount: 'n', posts: 'v', postCount: 'n' } },
      },
      'api.analytics.views: v lacks "country" in `by`\napi.analytics.posts: v lacks "country" in `by`',
    ],
    [
      'a page of a measure that is none',
      {
        flows: {
          v: rollup({
            from: 'e',
            at: 'at',
            to: 'v',
            grains: ['day'],
            by: ['blog', 'author', 'country'],
            measures: { views: 'count' },
          }),
        },
        api: { analytics: { views: 'v', viewCount: 'view', posts: 'v', postCount: 'views' } },
      },
      'api.analytics.viewCount: no measure is called "view"; did you mean "views"?',
    ],
    [
      'a page of rollups with other weeks and clocks',
      {
        flows: {
          v: rollup({ ...beside, to: 'v', zone: 'Europe/Paris', weekStart: 'sunday' }),
          p: rollup({ ...beside, to: 'p' }),
        },
        api: { analytics: { views: 'v', viewCount: 'n', posts: 'p', postCount: 'n' } },
      },
      'api.analytics.posts: p has the zone UTC, and v has Europe/Paris; they have to be the same\napi.analytics.posts: p has the weekStart monday, and v has sunday; they have to be the same',
    ],
    ['a wrong type', { flows: { a: { ...sync(good), every: 5 } } }, 'flows.a.every: expected text, given 5'],
    [
      'a duration that is none',
      { flows: { a: sync({ ...good, every: '2 hrs' }) } },
      'flows.a.every: "2 hrs" is not a duration such as 30m, 2h, 1d or 2 weeks',
    ],
    [
      'a duration of nothing',
      { flows: { a: sync({ ...good, every: '0s' }) } },
      'flows.a.every: "0s" has to be longer than nothing',
    ],
    [
      'a word that is not one of a few',
      { flows: { a: { ...sync(good), mode: 'upsrt' } } },
      'flows.a.mode: "upsrt" is not one of "replace", "upsert", "append"; did you mean "upsert"?',
    ],
    [
      'a missing option',
      { flows: { a: { kind: 'sync', from: good.from } } },
      'flows.a.to: is missing: text or { table }',
    ],
    [
      'an empty source',
      { flows: { a: { ...sync(good), from: {} } } },
      'flows.a.from: needs { query } or { table } or { file } or { parquet } or { csv } or { json }',
    ],
    [
      'a misspelt source',
      { flows: { a: { ...sync(good), from: { qury: 'select 1' } } } },
      'flows.a.from.qury: unknown key; did you mean "query"?',
    ],
    [
      'two sources',
      { flows: { a: { ...sync(good), from: { query: 'select 1', table: 't' } } } },
      'flows.a.from: "query" and "table" exclude each other',
    ],
    [
      'an option that belongs to another source',
      { flows: { a: { ...sync(good), from: { query: 'select 1', params: {} } } } },
      'flows.a.from.params: does not go with "query"',
    ],
    ['a flow without its builder', { flows: { a: good } }, 'flows.a: a flow is written with its builder: sync({ … })'],
    [
      'a kind that is none',
      { flows: { a: { ...good, kind: 'snyc' } } },
      'flows.a.kind: "snyc" is no kind of flow; this version has sync',
    ],
    [
      'a number out of range',
      { flows: { a: sync({ ...good, guard: { minRows: -1 } }) } },
      'flows.a.guard.minRows: -1 is less than 0',
    ],
    ['an empty text', { flows: { a: sync({ ...good, from: { query: '' } }) } }, 'flows.a.from.query: "" is empty'],
    ['an empty list', { flows: { a: sync({ ...good, key: [] }) } }, 'flows.a.key: [] is an empty list'],
    [
      'a value that JSON has not',
      { flows: { a: { ...sync(good), late: new Date(0) } } },
      'flows.a.late: a config is plain JSON, and this is a Date',
    ],
    ['a function', { project: () => 'x' }, 'project: a config is plain JSON, and this is a function'],
    [
      'a name with a space',
      { flows: { 'a b': sync(good) } },
      'flows["a b"]: a name has letters, digits, _ and - only, and does not begin with -',
    ],
    [
      'a name of 64 bytes',
      { flows: { ['a'.repeat(64)]: sync(good) } },
      `flows.${'a'.repeat(64)}: a name has at most 63 bytes`,
    ],
    [
      'a cron that is none',
      { flows: { a: sync({ ...good, cron: '61 * * * *' }) } },
      'flows.a.cron: "61 * * * *": Invalid value for minute: 61',
    ],
    [
      'a cron that is a date',
      { flows: { a: sync({ ...good, cron: '2026-01-01T00:00:00' }) } },
      'flows.a.cron: "2026-01-01T00:00:00" is a date, not a cron pattern',
    ],
    [
      'a cron that is never due',
      { flows: { a: sync({ ...good, cron: '0 0 31 2 *' }) } },
      'flows.a.cron: "0 0 31 2 *" is never due',
    ],
    [
      'a zone that is none',
      { flows: { a: sync({ ...good, cron: '0 5 * * *', zone: 'Europe/Berln' }) } },
      'flows.a.zone: "Europe/Berln" is no time zone; write one as Europe/Berlin or UTC',
    ],
    [
      'both every and cron',
      { flows: { a: sync({ ...good, every: '1h', cron: '0 5 * * *' }) } },
      'flows.a.cron: `every` and `cron` exclude each other',
    ],
    [
      'an offset of nothing',
      { flows: { a: sync({ ...good, offset: '5m' }) } },
      'flows.a.offset: an offset moves `every`, which is not given',
    ],
    [
      'a zone of nothing',
      { flows: { a: sync({ ...good, every: '1h', zone: 'UTC' }) } },
      'flows.a.zone: a zone belongs to `cron`, which is not given',
    ],
    [
      'after an unknown flow',
      { flows: { abcd: sync({ ...good, after: ['abce'] }) } },
      'flows.abcd.after: no flow is called "abce"; did you mean "abcd"?',
    ],
    [
      'after itself',
      { flows: { a: sync({ ...good, after: ['a'] }) } },
      'flows.a.after: a flow cannot come after itself',
    ],
    [
      'a circle',
      {
        flows: {
          a: sync({ ...good, after: ['c'] }),
          b: sync({ ...good, to: 'b', after: ['a'] }),
          c: sync({ ...good, to: 'c', after: ['b'] }),
        },
      },
      'flows.a.after: is a circle: a → c → b → a',
    ],
    [
      'an unknown store',
      { flows: { a: sync({ ...good, from: { query: 's', store: 'warehous' } }) } },
      'flows.a.from.store: no store is called "warehous"; did you mean "warehouse"?',
    ],
    [
      'a source that is no DuckDB',
      { flows: { a: sync({ ...good, from: { query: 's', store: 'database' } }) } },
      'flows.a.from.store: a sync reads from DuckDB, and database is postgres',
    ],
    [
      'a target that is no PostgreSQL',
      { flows: { a: sync({ ...good, to: { table: 'a', store: 'warehouse' } }) } },
      'flows.a.to.store: a sync publishes into PostgreSQL, and warehouse is duckdb',
    ],
    [
      'a store that is built in',
      { stores: { database: { postgres: 'x' } } },
      'stores.database: is written as `database` at the top of the config',
    ],
    [
      'the concurrency of no store',
      { concurrency: { databas: 1 } },
      'concurrency.databas: no store is called "databas"; did you mean "database"?',
    ],
    ['objects that are not built', { objects: 'gs://bucket' }, 'objects: this version keeps objects in a folder'],
    ['a key twice', { flows: { a: sync({ ...good, key: ['id', 'id'] }) } }, 'flows.a.key: names "id" twice'],
    [
      'a key by its old name',
      { flows: { a: sync({ ...good, key: ['ident'], columns: { id: { from: 'ident' } } }) } },
      'flows.a.key: names "ident", which `columns` renames: the target has "id"',
    ],
    [
      'one table, two flows',
      { flows: { a: sync(good), b: sync({ ...good, to: 'public.a' }) } },
      'flows.b.to: the flow a publishes into this table already',
    ],
    [
      "Sluice's own schema",
      { flows: { a: sync({ ...good, to: 'sluice.run' }) } },
      "flows.a.to: the schema sluice is Sluice's own",
    ],
    [
      'upsert without a key',
      { flows: { a: sync({ ...good, mode: 'upsert' }) } },
      'flows.a.key: mode upsert needs a key',
    ],
  ]
  test.each(cases)('%s', async (_, config, message) => {
    const error = await refusal(loadConfig({ directory: await folder(), config, variables: {} }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.why).toBe(message)
  })

  test('all at once, each with its line', async () => {
    const directory = await folder({
      'sluice.config.mjs': `// flows: every: is a comment
export default {
  project: 'x',
  flows: {
    first: { kind: 'sync', from: { query: 'select 1 -- every: 1' }, to: 'a', every: '2 hrs' },
    second: {
      kind: 'sync',
      from: { query: 'select 1' },
      to: 'b',
      every: 'never',
      colums: {},
    },
  },
}
`,
    })
    const error = await refusal(loadConfig({ directory }))
    const path = join(directory, 'sluice.config.mjs')
    expect(error.summary).toBe('The config has 3 faults')
    expect(error.why.split('\n')).toEqual([
      `flows.first.every: "2 hrs" is not a duration such as 30m, 2h, 1d or 2 weeks (${path}:5)`,
      `flows.second.every: "never" is not a duration such as 30m, 2h, 1d or 2 weeks (${path}:10)`,
      `flows.second.colums: unknown key; did you mean "columns"? (${path}:11)`,
    ])
    expect(error.where.file).toBe(`${path}:5`)
  })

  test('what may be a secret is not shown', async () => {
    const config = {
      database: { postgrs: 'postgres://u:hunter2@h/d' },
      notify: [{ webhook: { url: 'https://h/hunter2' } }],
      stores: { a: { postgres: ['hunter2'] }, b: 'postgres://u:hunter2@h/d' },
    }
    const error = await refusal(loadConfig({ directory: await folder(), config, variables: {} }))
    expect(error.why.split('\n').length).toBeGreaterThanOrEqual(4)
    expect(JSON.stringify(error)).not.toContain('hunter2')
  })
})

describe('finding and loading', () => {
  test('no config', async () => {
    const directory = await folder({ 'below/x': '' })
    await writeFile(join(directory, 'sluice.config.mjs'), 'export default {}')
    const error = await refusal(loadConfig({ directory: join(directory, 'below') }))
    expect(error.code).toBe('CONFIG_NOT_FOUND')
    expect(error.fix).toContain('sluice init')
  })

  test('a named config that is not there', async () => {
    expect((await refusal(loadConfig({ directory: await folder(), config: 'x.ts' }))).code).toBe('CONFIG_NOT_FOUND')
  })

  test('two configs', async () => {
    const directory = await folder({
      'sluice.config.mjs': 'export default {}',
      'sluice.config.js': 'export default {}',
    })
    const error = await refusal(loadConfig({ directory }))
    expect(error.why).toContain('sluice.config.js and sluice.config.mjs')
  })

  test('a config that throws tells where', async () => {
    const directory = await folder({ 'sluice.config.mjs': "\n\nthrow new Error('no such thing')\n" })
    const error = await refusal(loadConfig({ directory }))
    expect(error).toMatchObject({ code: 'CONFIG_FAILED', why: 'no such thing' })
  })

  test('a config that exports nothing', async () => {
    const directory = await folder({ 'sluice.config.mjs': 'export const config = {}' })
    expect(await refusal(loadConfig({ directory }))).toMatchObject({
      code: 'CONFIG_INVALID',
      why: 'it has no default export',
    })
  })

  test('the project is named by package.json, else by its folder', async () => {
    const named = await folder({ 'package.json': '{"name":"@acme/schools"}' })
    expect((await loadConfig({ directory: named, config: {} })).project).toBe('@acme/schools')
    const bare = await folder()
    expect((await loadConfig({ directory: bare, config: {} })).project).toBe(bare.split('/').at(-1))
    expect((await loadConfig({ directory: named, config: { project: 'p' } })).project).toBe('p')
  })
})

describe('flows', () => {
  test('timing in milliseconds, stores by name', async () => {
    const config = {
      stores: { lake: { duckdb: env('LAKE') } },
      flows: {
        a: sync({ ...good, from: { query: 'select 1', store: 'lake' }, every: '2h', offset: '5m', late: '1 hour' }),
        b: sync({
          ...good,
          to: 'b',
          cron: '0 5 * * *',
          zone: 'Europe/Berlin',
          after: ['a'],
          sourceEvery: '1d',
          maxAge: '1w',
        }),
      },
    }
    // LAKE is not set, and nobody needs it yet.
    const { flows } = await loadConfig({ directory: await folder(), config, variables: {} })
    expect(flows.map(({ flow }) => flow.stores)).toEqual([
      ['lake', 'database'],
      ['warehouse', 'database'],
    ])
    expect(flows[0]?.flow.timing).toEqual({
      schedule: { tag: 'every', every: 7_200_000, offset: 300_000 },
      late: 3_600_000,
      sourceEvery: null,
      catchUp: 'latest',
      maxAge: null,
      overlap: 'wait',
      after: [],
      attempts: 3,
      publishTimeout: 600_000,
      timeout: null,
    })
    expect(flows[1]?.flow.timing).toMatchObject({
      schedule: { tag: 'cron', cron: '0 5 * * *', zone: 'Europe/Berlin' },
      late: 1_800_000,
      sourceEvery: 86_400_000,
      maxAge: 604_800_000,
      after: ['a'],
    })
    expect(flows[0]?.definition).toEqual(config.flows.a)
  })

  test('templates are read, rendered with params of flow over config, and hashed by what they say', async () => {
    const directory = await folder({ 'sql/t.sql': 'select {{ a | literal }} as {{ b | identifier }}, {{ c }}' })
    const config = {
      params: { a: env('WHO'), b: 'x', c: 1 },
      flows: { f: sync({ from: { file: file('sql/t.sql'), params: { b: 'y"z' } }, to: 'f' }) },
    }
    const load = async (who: string) =>
      (await loadConfig({ directory, config, variables: { WHO: who } })).flows[0]?.flow
    const first = await load("O'Hara")
    expect(first?.options).toMatchObject({ from: { tag: 'query', query: `select 'O''Hara' as "y""z", 1` } })
    expect((await load("O'Hara"))?.definitionHash).toBe(first?.definitionHash)
    expect((await load('Ann'))?.definitionHash).not.toBe(first?.definitionHash)
  })

  test('a template that names nothing known tells flow, file and line', async () => {
    const directory = await folder({ 'sql/t.sql': 'select 1,\n  {{ tenent }}\n' })
    const config = { flows: { f: sync({ from: { file: file('sql/t.sql') }, to: 'f' }) } }
    const error = await refusal(loadConfig({ directory, config }))
    expect(error).toMatchObject({ code: 'TEMPLATE_INVALID', where: { flow: 'f', file: 'sql/t.sql:2' } })
  })

  test('files that are missing or outside', async () => {
    const directory = await folder({ 'sql/t.sql': 'select 1' })
    await symlink('/etc', join(directory, 'link'))
    const load = (path: string) =>
      refusal(loadConfig({ directory, config: { flows: { f: sync({ from: { file: file(path) }, to: 'f' }) } } }))
    expect(await load('sql/none.sql')).toMatchObject({
      code: 'FILE_NOT_FOUND',
      where: { flow: 'f', file: 'sql/none.sql' },
    })
    expect(await load('sql')).toMatchObject({ code: 'FILE_NOT_FOUND' })
    for (const path of ['../t.sql', '/etc/passwd', 'sql/../../t.sql', 'link/passwd'])
      expect(await load(path), path).toMatchObject({ code: 'PATH_ESCAPES' })
    const above = {
      flows: {
        f: rollup({ from: { parquet: '../x.parquet' }, at: 'at', to: 'f', grains: ['day'], measures: { n: 'count' } }),
      },
    }
    expect(await refusal(loadConfig({ directory, config: above }))).toMatchObject({ code: 'PATH_ESCAPES' })
    const outside = { flows: { f: sync({ from: { parquet: '../x.parquet' }, to: 'f' }) } }
    expect(await refusal(loadConfig({ directory, config: outside }))).toMatchObject({ code: 'PATH_ESCAPES' })
  })

  test('a project that was moved or cloned has the same flows', async () => {
    const hash = async (directory: string, csv: string) =>
      (await loadConfig({ directory, config: { flows: { f: sync({ from: { csv }, to: 'f' }) } } })).flows[0]?.flow
        .definitionHash
    const [here, there] = [await folder(), await folder()]
    const first = await hash(here, 'data/*.csv')
    expect(await hash(there, './data/*.csv')).toBe(first)
    expect(await hash(there, join(realpathSync(there), 'data/*.csv'))).toBe(first)
    expect(await hash(there, '/srv/data/*.csv')).not.toBe(first)
    expect(await hash(there, 'other/*.csv')).not.toBe(first)
  })

  test('schedule, guard and attempts do not change what a flow is; its source does', async () => {
    const directory = await folder()
    const hash = async (options: object) =>
      (await loadConfig({ directory, config: { flows: { f: { ...sync(good), ...options } } } })).flows[0]?.flow
        .definitionHash
    const same = await hash({})
    for (const options of [
      { every: '1h' },
      { guard: { minRows: 0 } },
      { attempts: 1 },
      { publish: 'swap' },
      { mode: 'replace' },
    ])
      expect(await hash(options)).toBe(same)
    for (const options of [{ from: { query: 'select 2 as id' } }, { to: 'b' }, { key: ['id'] }])
      expect(await hash(options)).not.toBe(same)
  })

  test('a config keeps its hashes and definitions on its way through JSON, whatever the order of its keys', async () => {
    const directory = await folder()
    const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,20}$/)
    const flow = fc.record(
      {
        from: fc.oneof(
          fc.record({ query: fc.string({ minLength: 1, unit: 'grapheme' }) }),
          fc.record({ table: fc.string({ minLength: 1 }) }),
        ),
        key: fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }),
        columns: fc.dictionary(fc.stringMatching(/^[A-Z]{1,5}$/), fc.record({ type: fc.constantFrom('text', 'int8') })),
        every: fc.constantFrom('1h', '30m', '2 days'),
      },
      { requiredKeys: ['from'] },
    )
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, flow, { minKeys: 1, maxKeys: 4, noNullPrototype: true }), async (parts) => {
        const flows = Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, sync({ ...part, to: key })]))
        const there = (await loadConfig({ directory, config: { flows } })).flows
        const back = (await loadConfig({ directory, config: reversed({ flows }) as object })).flows
        const hashes = (loaded: typeof there) =>
          Object.fromEntries(loaded.map((one) => [one.flow.name, one.flow.definitionHash]))
        expect(hashes(back)).toEqual(hashes(there))
        expect(JSON.parse(JSON.stringify(there.map((one) => one.definition)))).toEqual(
          there.map((one) => one.definition),
        )
      }),
      { numRuns: 50 },
    )
  })
})

/** The same value through JSON, with the keys of every object in reverse. */
function reversed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toReversed())
      : inner,
  )
}

describe('references', () => {
  const config = { database: env('DB', { or: 'embedded' }), flows: {} }
  const environment = async (variables: Record<string, string>, files: Record<string, string> = {}) =>
    (await loadConfig({ directory: await folder(files), config, variables })).environment

  test('the environment wins over .env, .env over what stands in for it', async () => {
    const reference = env('DB', { or: 'embedded' })
    expect((await environment({ DB: 'a' }, { '.env': 'DB=b' })).resolve(reference)).toEqual({ value: 'a', from: 'DB' })
    expect((await environment({}, { '.env': 'DB="b c"\n' })).resolve(reference)).toEqual({
      value: 'b c',
      from: 'DB in .env',
    })
    expect((await environment({})).resolve(reference)).toEqual({ value: 'embedded', from: 'DB is not set' })
  })

  test('unset names the variable and who needs it; empty is no value, even where something could stand in', async () => {
    const { resolve } = await environment({ EMPTY: '' })
    const unset = await refusal(Promise.resolve().then(() => resolve(env('NOWHERE'), { store: 'warehouse' })))
    expect(unset).toMatchObject({ code: 'VARIABLE_UNSET', where: { store: 'warehouse' } })
    expect(unset.summary).toContain('NOWHERE')
    expect(unset.why).toContain('store warehouse needs it')
    const empty = await refusal(Promise.resolve().then(() => resolve(env('EMPTY', { or: 'embedded' }))))
    expect(empty).toMatchObject({ code: 'VARIABLE_UNSET', summary: 'The environment variable EMPTY is empty' })
  })

  test('secrets: variable, capitals, file; never in the message', async () => {
    const files = { 'token.txt': 'from file\n' }
    const directory = await folder(files)
    const open = async (variables: Record<string, string>) =>
      (await loadConfig({ directory, config, variables })).environment
    const reference = secret('ops-hook')
    expect((await open({ 'ops-hook': 'a', OPS_HOOK: 'b' })).resolve(reference).value).toBe('a')
    expect((await open({ OPS_HOOK: 'b', OPS_HOOK_FILE: 'x' })).resolve(reference).value).toBe('b')
    expect((await open({ OPS_HOOK_FILE: join(directory, 'token.txt') })).resolve(reference).value).toBe('from file')
    const unset = await refusal(open({}).then(({ resolve }) => resolve(reference)))
    expect(unset.fix).toContain('OPS_HOOK_FILE')
    const lost = await refusal(open({ OPS_HOOK_FILE: '/nowhere' }).then(({ resolve }) => resolve(reference)))
    expect(lost.why).toContain('/nowhere')
  })
})
