import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ended } from './support/cli.ts'
import { createProject, type Project } from './support/project.ts'

interface FlowVerdict {
  readonly verdict: string
  readonly compared: number
  readonly missing: number
  readonly extra: number
  readonly changed: number
  readonly error: { readonly code: string } | null
  readonly examples: readonly {
    readonly key: Record<string, string> | null
    readonly count: number
    readonly difference: string
    readonly columns: readonly string[]
  }[]
}

const verdictOf = ({ stdout }: Ended): FlowVerdict => (JSON.parse(stdout) as { flows: [FlowVerdict] }).flows[0]
const stateOf = async (project: Project): Promise<string> => {
  const { stdout } = await project.sluice(['status', '--json'])
  return (JSON.parse(stdout) as { flows: [{ state: string }] }).flows[0].state
}
const ok = (ended: Ended): Ended => {
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended
}

describe.each([18, 14] as const)('a sync by key on PostgreSQL %i', (version) => {
  let project: Project
  const count = async (): Promise<number> =>
    Number((await project.query<{ n: string }>('select count(*) as n from people'))[0]?.n)

  beforeAll(async () => {
    project = await createProject(`{ people: sync({ from: { table: 'people' }, to: 'people', key: ['id'] }) }`, {
      version,
    })
    await project.warehouse(
      `create table people as select i::integer as id, 'name ' || i as name, case when i % 3 = 0 then null else i * 1.5 end as score from range(10000) t(i)`,
    )
  })
  afterAll(() => project[Symbol.asyncDispose]())

  test('is created and filled, with its key', async () => {
    ok(await project.sluice(['run', 'people']))
    expect(await count()).toBe(10_000)
    const keys = await project.query(
      `select 1 from pg_constraint where conrelid = 'people'::regclass and contype = 'p'`,
    )
    expect(keys).toHaveLength(1)
  })

  test('is skipped while the source is unchanged, with the reason, and runs when forced', async () => {
    const again = ok(await project.sluice(['run', 'people']))
    expect(again.stdout + again.stderr).toMatch(/skipped/)
    expect(again.stdout + again.stderr).toMatch(/source unchanged/)
    const forced = ok(await project.sluice(['run', 'people', '--force']))
    expect(forced.stdout + forced.stderr).not.toMatch(/skipped/)
    expect(await stateOf(project)).toBe('fresh')
  })

  test('is verified identical, and every difference made by hand is named', async () => {
    expect(verdictOf(ok(await project.sluice(['verify', 'people', '--json'])))).toMatchObject({
      verdict: 'identical',
      compared: 10_000,
      missing: 0,
      extra: 0,
      changed: 0,
    })
    await project.query(`update people set name = 'someone else' where id = 7`)
    await project.query('delete from people where id = 8')
    await project.query(`insert into people (id, name) values (-1, 'extra')`)
    const differs = await project.sluice(['verify', 'people', '--json'])
    expect(differs.code).toBe(3)
    const verdict = verdictOf(differs)
    expect(verdict).toMatchObject({ verdict: 'differs', missing: 1, extra: 1, changed: 1 })
    expect(verdict.examples.toSorted((a, b) => a.difference.localeCompare(b.difference))).toEqual([
      { key: { id: '7' }, count: 1, difference: 'changed', columns: ['name'] },
      { key: { id: '-1' }, count: 1, difference: 'extra', columns: [] },
      { key: { id: '8' }, count: 1, difference: 'missing', columns: [] },
    ])
    ok(await project.sluice(['run', 'people', '--force']))
    ok(await project.sluice(['verify', 'people']))
  })

  test('keeps the old rows when the source fails, is empty or shrinks, and says so everywhere', async () => {
    await project.warehouse('alter table people rename to gone')
    const failed = await project.sluice(['run', 'people'])
    expect(failed.code).toBe(1)
    expect(failed.stderr).toMatch(/people does not exist/)
    expect(await count()).toBe(10_000)
    expect(await stateOf(project)).toBe('failed')

    await project.warehouse('create table people as select id, name, score from gone limit 0')
    const empty = await project.sluice(['run', 'people'])
    expect(empty.code).toBe(1)
    expect(empty.stderr).toMatch(/GUARD_EMPTY/)
    expect(await count()).toBe(10_000)

    await project.warehouse('insert into people select id, name, score from gone where id < 1000')
    const shrunk = await project.sluice(['run', 'people'])
    expect(shrunk.code).toBe(1)
    expect(shrunk.stderr).toMatch(/1,000 rows.*90 %.*10,000 rows/)
    expect(await count()).toBe(10_000)

    ok(await project.sluice(['run', 'people', '--force']))
    expect(await count()).toBe(1_000)
    expect(await stateOf(project)).toBe('fresh')
  })

  test('fails on repeated and null keys, naming them, and publishes nothing', async () => {
    await project.warehouse('insert into people select id, name, score from gone where id in (5, 6)')
    const repeated = await project.sluice(['run', 'people'])
    expect(repeated.code).toBe(1)
    expect(repeated.stderr).toMatch(/KEY_DUPLICATE/)
    expect(repeated.stderr).toMatch(/5/)
    await project.warehouse('delete from people where id in (5, 6)', `insert into people values (null, 'nobody', null)`)
    const missing = await project.sluice(['run', 'people'])
    expect(missing.code).toBe(1)
    expect(missing.stderr).toMatch(/KEY_NULL/)
    expect(await count()).toBe(1_000)
    const left = await project.query(
      `select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'sluice_staging'`,
    )
    expect(left).toEqual([])
  })
})

const flows = `{
      bag: sync({ from: { query: 'select grade, note from bag' }, to: 'app.bag' }),
      marked: sync({ from: { table: 'marked' }, to: 'marked', key: ['id'], softDelete: 'is_deleted' }),
      merged: sync({ from: { table: 'merged' }, to: 'merged', key: ['id'], mode: 'upsert', cursor: 'at', lookback: '1h' }),
      appended: sync({ from: { table: 'appended' }, to: 'appended', mode: 'append', cursor: 'at', lookback: 0 }),
      latest: sync({ from: { table: 'latest' }, to: 'latest', key: ['id'], latestBy: 'at' }),
    }`

describe('other ways to publish', () => {
  let project: Project
  beforeAll(async () => {
    project = await createProject(flows)
    await project.query('create schema app')
    await project.query(
      'create table marked (id integer primary key, name text, is_deleted boolean not null default false)',
    )
    await project.warehouse(
      `create table bag as select 'g' || (i % 5) as grade, case when i % 2 = 0 then null else 'é "x"' end as note from range(1000) t(i)`,
      `create table marked as select i::integer as id, 'n' || i as name from range(100) t(i)`,
      `create table merged as select i::integer as id, timestamp '2025-01-01' + interval (i) minute as at, i as v from range(100) t(i)`,
      `create table appended as select timestamp '2025-01-01' + interval (i) minute as at, i as v from range(100) t(i)`,
      `create table latest as select (i % 10)::integer as id, timestamp '2025-01-01' + interval (i) minute as at, i as v from range(100) t(i)`,
    )
    ok(await project.sluice(['run', '--all']))
  })
  afterAll(() => project[Symbol.asyncDispose]())
  const rows = async (text: string): Promise<unknown[]> => project.query(text)

  test('without a key, rows are a multiset: repeated ones arrive as often as they are there', async () => {
    expect(
      await rows(
        'select count(*)::int as n, count(note)::int as notes, count(distinct grade)::int as grades from app.bag',
      ),
    ).toEqual([{ n: 1_000, notes: 500, grades: 5 }])
    ok(await project.sluice(['verify', 'bag']))
    await project.query(`delete from app.bag where ctid in (select ctid from app.bag where note is null limit 2)`)
    const verdict = verdictOf(await project.sluice(['verify', 'bag', '--json']))
    expect(verdict).toMatchObject({ verdict: 'differs', missing: 2, extra: 0, changed: 0 })
    expect(verdict.examples.every(({ key, difference }) => key === null && difference === 'missing')).toBe(true)
    await project.warehouse(`insert into bag values ('g0', 'new'), ('g0', 'new')`)
    ok(await project.sluice(['run', 'bag']))
    ok(await project.sluice(['verify', 'bag']))
  })

  test('softDelete marks what left the source, and brings back what returns', async () => {
    await project.warehouse('delete from marked where id < 10')
    ok(await project.sluice(['run', 'marked']))
    expect(
      await rows('select count(*)::int as n, count(*) filter (where is_deleted)::int as gone from marked'),
    ).toEqual([{ n: 100, gone: 10 }])
    ok(await project.sluice(['verify', 'marked']))
    await project.warehouse(`insert into marked values (3, 'back')`)
    ok(await project.sluice(['run', 'marked']))
    expect(await rows('select id, name, is_deleted from marked where id = 3')).toEqual([
      { id: 3, name: 'back', is_deleted: false },
    ])
  })

  test('upsert changes and adds, from the cursor less the lookback, and never deletes', async () => {
    await project.warehouse(
      `delete from merged where id = 50`,
      `update merged set v = -1 where id in (10, 60)`,
      `insert into merged values (200, timestamp '2025-01-02', 200)`,
    )
    ok(await project.sluice(['run', 'merged']))
    // Row 10 is older than the lookback reaches: not read again.
    expect(await rows('select id, v::int as v from merged where id in (10, 50, 60, 200) order by id')).toEqual([
      { id: 10, v: 10 },
      { id: 50, v: 50 },
      { id: 60, v: -1 },
      { id: 200, v: 200 },
    ])
  })

  test('append adds each new row once, also the ones that share the newest cursor value', async () => {
    await project.warehouse(
      `insert into appended values (timestamp '2025-01-01 01:39:00', 1000), (timestamp '2025-01-02', 1001)`,
    )
    ok(await project.sluice(['run', 'appended']))
    ok(await project.sluice(['run', 'appended', '--force']))
    expect(await rows('select count(*)::int as n, count(distinct v)::int as d from appended')).toEqual([
      { n: 102, d: 102 },
    ])
  })

  test('upsert reads everything again when the definition changes, so that older rows get the new column', async () => {
    await project.flows(
      flows.replace(
        "from: { table: 'merged' }",
        "from: { query: 'select id, merged.at, v, v * 2 as twice from merged' }",
      ),
    )
    ok(await project.sluice(['run', 'merged']))
    expect(await rows('select count(*)::int as n from merged where twice is null')).toEqual([{ n: 1 }])
    // The one that left the source: an upsert never deletes, and nobody knows its value.
    expect(await rows('select id from merged where twice is null')).toEqual([{ id: 50 }])
  })

  test('latestBy chooses the newest of each key', async () => {
    expect(await rows('select count(*)::int as n, min(v)::int as low, max(v)::int as high from latest')).toEqual([
      { n: 10, low: 90, high: 99 },
    ])
    ok(await project.sluice(['verify', 'latest']))
    await project.query('update latest set v = 0 where id = 3')
    expect(verdictOf(await project.sluice(['verify', 'latest', '--json']))).toMatchObject({
      missing: 0,
      extra: 0,
      changed: 1,
    })
  })

  test('the guard judges what latestBy leaves', async () => {
    await project.warehouse('update latest set id = 1')
    const shrunk = await project.sluice(['run', 'latest'])
    expect(shrunk.code).toBe(1)
    expect(shrunk.stderr).toMatch(/GUARD_SHRUNK/)
    expect(await rows('select count(*)::int as n from latest')).toEqual([{ n: 10 }])
  })
})
