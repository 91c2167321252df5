/** Flows made in the console, beside a `sluice up` in a process of its own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FlowName } from '../../src/flows/flow.ts'
import { openSluice, type Sluice } from '../../src/sluice.ts'
import { until } from '../runs/harness.ts'
import { createProject, type Project, type Running } from '../support/project.ts'

const cities = (more: object = {}): object => ({
  kind: 'sync',
  from: { csv: 'data/cities.csv' },
  to: 'console_cities',
  key: ['id'],
  ...more,
})
const flow = (name: string): FlowName => name as FlowName // names of tests are names

describe.each([18, 14] as const)('made in the console, on PostgreSQL %i', (version) => {
  let project: Project
  let up: Running
  let sluice: Sluice
  const opened: Sluice[] = []

  const open = async (config = 'sluice.config.ts'): Promise<Sluice> => {
    process.env['DATABASE_URL'] = project.url
    const one = await openSluice({ directory: project.directory, config, requestedBy: 'test' })
    opened.push(one)
    return one
  }
  /** A process loads a file once: a changed config is another one. */
  const changed = async (file: string, flows: string): Promise<void> => {
    const head = `import { defineConfig, env, sync } from 'sluice'\nexport default defineConfig({ database: env('DATABASE_URL'), `
    await project.write(file, `${head} warehouse: { duckdb: ':memory:' }, flows: ${flows} })\n`)
  }
  const ended = async (name: string, more: number = 1) =>
    await until(async () => {
      const runs = await sluice.engine.runs({ flow: flow(name), operation: 'apply', limit: 50 })
      const done = runs.filter(({ outcome }) => outcome !== null)
      return done.length >= more && done
    })

  beforeAll(async () => {
    // Reads only: an embedded DuckDB file belongs to one process, an in-memory one to everybody.
    project = await createProject(`{ filed: sync({ from: { csv: 'data/cities.csv' }, to: 'filed', key: ['id'] }) }`, {
      version,
      top: `warehouse: { duckdb: ':memory:' },`,
    })
    await project.write('data/cities.csv', 'id,name\n1,Aachen\n2,Berlin\n')
    await project.write('sql/late.sql', "select 1 as id, 'one' as name\n")
    await project.write('.env', 'SECRET=sesame\n')
    sluice = await open()
    up = project.start(['up', '--only', 'worker,scheduler'], { SLUICE_LEASE_MS: '3000' })
    await until(async () => (await sluice.engine.alive()).worker)
  })
  afterAll(async () => {
    up.process.kill('SIGTERM')
    await up.ended
    for (const one of opened) await one.close()
    await project[Symbol.asyncDispose]()
  })

  test('checked as the file is, each fault named by its path', async () => {
    const refused = async (name: string, definition: unknown): Promise<string> => {
      const error = await sluice.definitions.save(name, definition, 'ann', null).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
      return (error as { why: string }).why
    }
    expect(await refused('a', cities({ evry: '2h' }))).toContain('evry: unknown key; did you mean "every"?')
    expect(await refused('a', cities({ mode: 'append' }))).toContain('cursor: mode append needs a cursor')
    expect(await refused('-a b', cities())).toContain('the flow: a name has letters')
    expect(await refused('a', cities({ to: 'filed' }))).toContain(
      'to: the flow filed publishes into this table already',
    )
    expect(await refused('a', cities({ after: ['a'] }))).toContain('after: a flow cannot come after itself')
    expect(await refused('a', cities({ after: ['nobody'] }))).toContain('after: no flow is called "nobody"')
    expect(await refused('a', { kind: 'magic' })).toContain('kind: "magic" is no kind of flow')
    for (const nothing of [null, 7, 'text', [], {}]) await refused('a', nothing)
    let deep: unknown = 'x'
    for (let n = 0; n < 100_000; n += 1) deep = [deep]
    expect(await refused('a', cities({ from: { file: { $file: 'sql/late.sql' }, params: { deep } } }))).toContain(
      'nested',
    )
    expect(await sluice.definitions.list()).toHaveLength(1)
  })

  test('what it reads lies in the project, and is not hidden', async () => {
    await mkdir(join(project.directory, '..', 'outside-of-it'), { recursive: true })
    await writeFile(join(project.directory, '..', 'outside-of-it', 'a.csv'), 'id\n1\n')
    await symlink(join(project.directory, '..', 'outside-of-it'), join(project.directory, `data/link${version}`))
    await symlink(join(project.directory, '.env'), join(project.directory, `data/env${version}.csv`))
    const from = async (source: object): Promise<unknown> =>
      await sluice.definitions.plan('a', { ...cities(), from: source }).catch((thrown: unknown) => thrown)
    for (const path of [
      '/etc/passwd',
      '../outside-of-it/a.csv',
      'data/../../outside-of-it/a.csv',
      `data/link${version}/a.csv`,
      `data/env${version}.csv`,
      '.env',
      'data/../.env',
      '.sluice/postgres.json',
      'file:///etc/passwd',
      'http://127.0.0.1/x.csv',
      'node_modules/sluice/package.json',
    ]) {
      expect(await from({ csv: path }), path).toMatchObject({ code: 'CONFIG_INVALID' })
      expect(await from({ file: { $file: path } }), path).toMatchObject({ code: 'CONFIG_INVALID' })
      const counted = {
        kind: 'rollup',
        from: { csv: path },
        at: 'at',
        to: 'counted',
        grains: ['day'],
        measures: { n: 'count' },
      }
      expect(await sluice.definitions.plan('a', counted).catch((thrown: unknown) => thrown), path).toMatchObject({
        code: 'CONFIG_INVALID',
      })
    }
    for (const option of ['beforePublish', 'afterPublish']) {
      const planned = sluice.definitions.plan('a', cities({ [option]: { $file: '.env' } }))
      await expect(planned).rejects.toMatchObject({ code: 'CONFIG_INVALID', why: expect.stringContaining('hidden') })
    }
  })

  test('planned without being saved, saved, done by the running worker at once, exported', async () => {
    const plan = await sluice.definitions.plan('made', cities())
    expect(plan).toMatchObject({ changes: 'new', slices: [{ action: 'run', why: 'never published' }] })
    expect(plan.steps.join('\n')).toContain('create public.console_cities')
    expect(await sluice.definitions.list()).toHaveLength(1)
    await expect(sluice.definitions.get('made')).rejects.toMatchObject({ code: 'FLOW_UNKNOWN' })

    const saved = await sluice.definitions.save('made', cities(), 'ann', null)
    expect(saved).toMatchObject({
      origin: 'console',
      version: 1,
      changedBy: 'ann',
      problem: null,
      stores: ['warehouse', 'database'],
    })
    const [record] = await sluice.run(['made'])
    expect(record).toMatchObject({ outcome: 'succeeded', rows: 2 })
    const [by] = await project.query(
      'select w.roles from sluice.attempt a join sluice.worker w on w.id = a.worker where a.run = $1',
      [record?.id],
    )
    expect(by).toEqual({ roles: ['worker', 'scheduler'] })
    expect((await sluice.status(['made']))[0]).toMatchObject({ state: 'fresh', rows: 2, note: null })

    const { config, entry, imports } = await sluice.definitions.export('made')
    expect(entry).toContain("made: sync({ from: { csv: 'data/cities.csv' }, to: 'console_cities', key: ['id'] }),")
    expect(imports).toEqual(['sync'])
    expect(config).toContain("import { defineConfig, sync } from 'sluice'")
    expect((await sluice.definitions.plan('made', cities())).changes).toBe('nothing')
    expect((await sluice.definitions.plan('made', cities({ every: '1h' }))).changes).toBe('timing')
    expect((await sluice.definitions.plan('made', cities({ mode: 'upsert' }))).changes).toBe('content')
  })

  test('changed: the version that was meant, or nobody; the schedule is kept by the running scheduler', async () => {
    await expect(sluice.definitions.save('made', cities(), 'bob', null)).rejects.toMatchObject({
      code: 'FLOW_VERSION_CONFLICT',
    })
    await expect(sluice.definitions.save('made', cities(), 'bob', 7)).rejects.toMatchObject({
      code: 'FLOW_VERSION_CONFLICT',
    })
    const both = await Promise.allSettled([
      sluice.definitions.save('made', cities({ every: '1s' }), 'bob', 1),
      sluice.definitions.save('made', cities({ every: '2s' }), 'eve', 1),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const runs = await ended('made', 3)
    expect(runs[0]).toMatchObject({ trigger: 'schedule' })
    // The same again is no new version.
    const { definition, version: now } = await sluice.definitions.get('made')
    expect(await sluice.definitions.save('made', definition, 'bob', now)).toMatchObject({ version: now })
    expect(await sluice.definitions.versions('made')).toMatchObject([
      { version: 2, origin: 'console' },
      { version: 1, origin: 'console', createdBy: 'ann' },
    ])
    expect(await sluice.engine.outdated()).toEqual([])
  })

  test('another handle sees it, and what it says is what was saved', async () => {
    const other = await open()
    expect(other.flows.map(({ name }) => name)).toContain('made')
    await sluice.definitions.save('second', { ...cities(), to: 'second', after: ['made'] }, 'ann', null)
    const [status] = await other.status(['second'])
    expect(status).toMatchObject({ name: 'second', state: 'never' })
    expect((await other.definitions.lineage()).edges).toContainEqual({
      from: 'flow:made',
      to: 'flow:second',
      tag: 'after',
    })
    const listed = await project.sluice(['status', '--json'])
    expect(listed.stdout).toContain('"second"')
  })

  test('a name of the file is the file’s', async () => {
    for (const name of ['filed']) {
      await expect(sluice.definitions.save(name, cities(), 'ann', null)).rejects.toMatchObject({
        code: 'FLOW_READ_ONLY',
      })
      await expect(sluice.definitions.plan(name, cities())).rejects.toMatchObject({ code: 'FLOW_READ_ONLY' })
      await expect(sluice.definitions.remove(name, 'ann')).rejects.toMatchObject({ code: 'FLOW_READ_ONLY' })
    }
    expect((await sluice.definitions.export('filed')).entry).toBe(
      "filed: sync({ from: { csv: 'data/cities.csv' }, to: 'filed', key: ['id'] }),",
    )
  })

  test('removed: nothing of it is due or done any more, its history and its table stay', async () => {
    await expect(sluice.definitions.remove('made', 'ann')).rejects.toMatchObject({ code: 'FLOW_IN_USE' })
    await sluice.definitions.remove('second', 'ann')
    await sluice.definitions.remove('made', 'ann')
    await expect(sluice.definitions.remove('made', 'ann')).rejects.toMatchObject({ code: 'FLOW_UNKNOWN' })
    await expect(sluice.run(['made'])).rejects.toMatchObject({ code: 'FLOW_UNKNOWN' })
    const before = await sluice.engine.countRuns({ flow: flow('made') })
    await sleep(2500)
    expect(await sluice.engine.countRuns({ flow: flow('made') })).toBe(before)
    expect(await sluice.engine.runs({ flow: flow('made'), outcomes: ['waiting', 'running'], limit: 9 })).toEqual([])
    expect(await sluice.definitions.versions('made')).toHaveLength(2)
    expect(await project.query('select count(*)::int as rows from console_cities')).toEqual([{ rows: 2 }])
    const again = await sluice.definitions.save('made', cities(), 'ann', null)
    expect(again.version).toBe(3)
    expect((await sluice.run(['made']))[0]?.outcome).toMatch(/succeeded|skipped/)
  })

  test('a run that goes on while its flow is changed ends under the definition that it began with', async () => {
    const slow = { kind: 'sync', from: { query: 'select i as id from range(3) t(i)' }, to: 'slow', key: ['id'] }
    const first = await sluice.definitions.save('slow', { ...slow, afterPublish: 'select pg_sleep(2)' }, 'ann', null)
    const { id } = await sluice.engine.request({
      operation: 'apply',
      flow: flow('slow'),
      slices: null,
      options: {},
      trigger: 'api',
      requestedBy: 'ann',
    })
    await until(async () => (await sluice.engine.run(id)).attempts[0]?.phase?.name === 'publish')
    const second = await sluice.definitions.save(
      'slow',
      { ...slow, from: { query: 'select i as id from range(5) t(i)' } },
      'ann',
      1,
    )
    expect(second.definitionHash).not.toBe(first.definitionHash)
    await sluice.engine.ensure(id)
    expect(await sluice.engine.run(id)).toMatchObject({ outcome: 'succeeded', rows: 3, attempts: [{ n: 1 }] })
    const [slice] = await sluice.engine.slices({ flow: flow('slow'), limit: 1 })
    expect(slice?.definitionHash).toBe(first.definitionHash)
    expect((await sluice.run(['slow']))[0]).toMatchObject({ outcome: 'succeeded', rows: 5 })
  })

  test('a file that a definition names has changed: whoever opens the project next makes a version of it', async () => {
    await sluice.definitions.save(
      'late',
      { ...cities(), from: { file: { $file: 'sql/late.sql' } }, to: 'late' },
      'ann',
      null,
    )
    await project.write('sql/late.sql', "select 1 as id, 'two' as name\n")
    const other = await open()
    expect(await other.definitions.get('late')).toMatchObject({ version: 2, changedBy: 'a file that it names' })
    await until(async () => (await sluice.engine.outdated()).length === 0)
    await sluice.run(['late'])
    expect(await project.query('select name from late')).toEqual([{ name: 'two' }])
  })

  test('the file takes a name over: it wins, says so, and the versions stay', async () => {
    await sluice.definitions.save('taken', { ...cities(), to: 'taken' }, 'ann', null)
    await sluice.definitions.save('gone', { ...cities(), to: 'gone', after: ['taken'] }, 'ann', null)
    await changed(
      'second.config.ts',
      `{
      filed: sync({ from: { csv: 'data/cities.csv' }, to: 'filed', key: ['id'] }),
      taken: sync({ from: { csv: 'data/cities.csv' }, to: 'taken', key: ['id'], every: '1d' }),
      other: sync({ from: { csv: 'data/cities.csv' }, to: 'slow', key: ['id'] }),
    }`,
    )
    const other = await open('second.config.ts')
    expect(await other.definitions.get('taken')).toMatchObject({
      origin: 'file',
      version: 2,
      tookOver: { version: 1, by: 'ann' },
      problem: null,
    })
    expect((await other.status(['taken']))[0]?.note).toContain('the file wins')
    expect((await other.doctor()).map(({ severity, about }) => `${severity} ${about}`)).toContain('warning taken')
    await expect(other.definitions.save('taken', cities(), 'ann', 2)).rejects.toMatchObject({ code: 'FLOW_READ_ONLY' })
    // What comes after it still does; what publishes into a table that is the file's now does not.
    expect(await other.definitions.get('gone')).toMatchObject({ problem: null })
    expect(await other.definitions.get('slow')).toMatchObject({
      origin: 'console',
      timing: null,
      problem: {
        code: 'CONFIG_INVALID',
        why: expect.stringContaining('the flow other publishes into this table already'),
      },
    })
    expect((await other.doctor()).find(({ about }) => about === 'slow')).toMatchObject({ severity: 'problem' })
    // Exported into the file as it was: nothing to say.
    await changed(
      'third.config.ts',
      `{
      filed: sync({ from: { csv: 'data/cities.csv' }, to: 'filed', key: ['id'] }),
      taken: sync({ from: { csv: 'data/cities.csv' }, to: 'taken', key: ['id'], every: '1d' }),
      ${(await other.definitions.export('gone')).entry}
    }`,
    )
    const third = await open('third.config.ts')
    expect(await third.definitions.get('gone')).toMatchObject({ origin: 'file', tookOver: null })
    expect((await third.definitions.versions('gone')).map(({ origin }) => origin)).toEqual(['file', 'console'])
  })
})
