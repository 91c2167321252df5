/** The team of examples/schools: what their clients ask, answered as they expect it, and never rosier than it is. */
import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fill, generate } from '../../examples/schools/generate.ts'
import type { Cause } from '../access/access.ts'
import { openSluice, type Sluice } from '../sluice.ts'
import { createProject, type Project } from '../../test/support/project.ts'
import { buildApp } from './app.ts'
import { freshness, worstOf } from './data-sync.ts'
import type { Api } from './route.ts'

const schools = join(import.meta.dirname, '../../examples/schools')
/** The machine that tests may be busy; the default of 20 s is for people. */
const patient = { prefer: 'wait=60' }
const system: Cause = { actor: { by: 'system', id: null, name: 'test' }, requestId: null }

let project: Project
let sluice: Sluice
let app: Api
let token: string

/** Opens the project anew, as a restarted `sluice up` does: the warehouse's file is opened when it is first read. */
async function open(roles: readonly ('worker' | 'scheduler')[]): Promise<void> {
  process.env['DATABASE_URL'] = project.url
  sluice = await openSluice({ directory: project.directory })
  delete process.env['DATABASE_URL']
  if (roles.length > 0) await sluice.engine.start(roles)
  app = await buildApp(sluice, { version: '0.0.0-test', settings: sluice.apiSettings(), consoleFolder: null })
  token = (await sluice.access.tokens.create({ name: 'cron', role: 'operator' }, system)).secret
}

async function close(): Promise<void> {
  await app.close()
  await sluice.close()
}

async function ask(method: 'GET' | 'POST', path: string, body?: object, headers: Record<string, string> = {}) {
  const answer = await app.inject({
    method,
    url: `/api/data-sync/${path}`,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { payload: body }),
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.json<Record<string, unknown>>() }
}

beforeAll(async () => {
  project = await createProject('{}')
  const templates = (await readdir(join(schools, 'sql'))).map((name) => `sql/${name}`)
  for (const path of ['sluice.config.ts', ...templates])
    await project.write(path, await readFile(join(schools, path), 'utf8'))
  await fill(project.directory, generate())
  await open(['worker'])
}, 120_000)

afterAll(async () => {
  await close()
  await project[Symbol.asyncDispose]()
})

const recent = async () =>
  (await ask('GET', 'status')).body['recent_syncs'] as readonly {
    readonly sync_type: string
    readonly status: string
  }[]

describe('data-sync', { timeout: 180_000 }, () => {
  test('before anything ran nothing is fresh', async () => {
    expect((await ask('GET', 'status')).body).toEqual({
      data_freshness: {
        school_data_fresh: false,
        teacher_data_fresh: false,
        aggregated_data_fresh: false,
        filter_options_fresh: false,
        all_fresh: false,
      },
      recent_syncs: [],
    })
  })

  test('one sync makes its own data fresh, and not all', async () => {
    const answer = await ask('POST', 'trigger', { data_type: 'school_data' })
    expect(answer).toMatchObject({
      status: 200,
      body: {
        message: 'The data sync of school_data succeeded',
        data_type: 'school_data',
        force: false,
        outcome: 'succeeded',
        runs: [{ flow: 'school_data', outcome: 'succeeded', rows: 341, error: null }],
      },
    })
    const { body } = await ask('GET', 'status/')
    expect(body['data_freshness']).toMatchObject({
      school_data_fresh: true,
      teacher_data_fresh: false,
      all_fresh: false,
    })
    expect(body['recent_syncs']).toEqual([
      {
        sync_type: 'school_data',
        status: 'success',
        records_processed: 341,
        started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        completed_at: expect.stringMatching(/Z$/),
        error_message: null,
      },
    ])
  })

  test('all of them, with the slash at the end that Django clients send', async () => {
    const answer = await ask('POST', 'trigger/', { data_type: 'all', force: true }, patient)
    expect(answer).toMatchObject({ status: 200, body: { data_type: 'all', force: true, outcome: 'succeeded' } })
    expect((answer.body['runs'] as readonly { flow: string }[]).map(({ flow }) => flow)).toHaveLength(4)
    expect((await ask('GET', 'status')).body['data_freshness']).toEqual({
      school_data_fresh: true,
      teacher_data_fresh: true,
      aggregated_data_fresh: true,
      filter_options_fresh: true,
      all_fresh: true,
    })
  })

  test('what is fresh is skipped, which is no failure and says why', async () => {
    const answer = await ask('POST', 'trigger', { data_type: 'school_data' })
    expect(answer).toMatchObject({
      status: 200,
      body: { outcome: 'skipped', message: expect.stringContaining('was skipped: ') },
    })
    expect((await recent())[0]).toMatchObject({ status: 'skipped', error_message: expect.any(String) })
  })

  test('while the source is down the answer is 502 with the code, and everything says failed', async () => {
    await close()
    const warehouse = join(project.directory, '.sluice', 'warehouse.duckdb')
    await rename(warehouse, `${warehouse}.away`)
    await open(['worker'])
    const answer = await ask('POST', 'trigger', { data_type: 'teacher_data', force: true }, patient)
    const run = String(answer.body['run'])
    const record = await sluice.engine.run(run)
    expect(record).toMatchObject({ outcome: 'failed', error: { code: expect.any(String) } })
    expect(answer.status).toBe(502)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body).toMatchObject({
      status: 502,
      code: record.error?.code,
      why: record.error?.why,
      fix: record.error?.fix,
      message: expect.stringContaining('failed'),
      outcome: 'failed',
      runs: [{ flow: 'teacher_data', outcome: 'failed', error: { code: record.error?.code } }],
    })
    expect((await ask('GET', 'status')).body['data_freshness']).toMatchObject({
      teacher_data_fresh: false,
      all_fresh: false,
    })
    expect((await recent())[0]).toMatchObject({
      sync_type: 'teacher_data',
      status: 'failed',
      error_message: expect.stringContaining(String(record.error?.code)),
    })
    const command = await project.sluice(['status', 'teacher_data', '--json'])
    expect(command.code).toBe(3)
    expect(JSON.parse(command.stdout)).toMatchObject({
      flows: [{ state: 'failed', lastRun: { id: run, outcome: 'failed', error: { code: record.error?.code } } }],
    })
    const log = await sluice.engine.log(run, { limit: 500 })
    expect(log.some(({ level }) => level === 'error')).toBe(true)
    // Of all, one failure is a failure.
    expect((await ask('POST', 'trigger', { data_type: 'all', force: true }, patient)).status).toBe(502)
    await close()
    await rename(`${warehouse}.away`, warehouse)
    await open(['worker'])
    expect((await ask('POST', 'trigger', { data_type: 'all', force: true }, patient)).status).toBe(200)
  })

  test('a paused flow is refused; of all, the others go on', async () => {
    await app.inject({
      method: 'POST',
      url: '/api/flows/school_data/pause',
      headers: { authorization: `Bearer ${token}` },
      payload: { reason: 'the register is being rebuilt' },
    })
    expect(await ask('POST', 'trigger', { data_type: 'school_data' })).toMatchObject({
      status: 409,
      body: { code: 'FLOW_PAUSED', why: expect.stringContaining('the register is being rebuilt') },
    })
    const all = await ask('POST', 'trigger', { data_type: 'all', force: true }, patient)
    expect(all).toMatchObject({ status: 200, body: { outcome: 'succeeded' } })
    expect(all.body['runs']).toContainEqual({
      flow: 'school_data',
      run: null,
      outcome: 'skipped',
      rows: null,
      error: null,
      reason: expect.stringContaining('paused'),
    })
    expect((await ask('GET', 'status')).body['data_freshness']).toMatchObject({ all_fresh: false })
    await app.inject({
      method: 'POST',
      url: '/api/flows/school_data/resume',
      headers: { authorization: `Bearer ${token}` },
    })
  })

  test('an unknown kind of data, an unknown field or a wrong value is refused by name', async () => {
    expect(await ask('POST', 'trigger', { data_type: 'teacher_dat' })).toMatchObject({
      status: 404,
      body: { code: 'FLOW_UNKNOWN', fix: 'did you mean teacher_data?' },
    })
    expect(await ask('POST', 'trigger', { forced: true })).toMatchObject({
      status: 400,
      body: { why: expect.stringContaining('forced') },
    })
    expect((await ask('POST', 'trigger', { force: 'true' })).status).toBe(400)
    expect((await ask('GET', 'status?hours=1')).status).toBe(400)
  })

  test('without a worker it does not wait, and says so', async () => {
    await close()
    await open([])
    const began = performance.now()
    const answer = await ask('POST', 'trigger', { data_type: 'school_data', force: true })
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(answer).toMatchObject({
      status: 202,
      body: { outcome: null, runs: [{ outcome: null, reason: expect.stringContaining('no worker') }] },
    })
    await sluice.engine.start(['worker'])
    await expect
      .poll(async () => (await sluice.engine.run(String(answer.body['run']))).outcome, { timeout: 20_000 })
      .toBe('succeeded')
  })

  test('a trigger that is not waited for answers 202 and the run', async () => {
    const answer = await ask('POST', 'trigger', { data_type: 'school_data', force: true }, { prefer: 'wait=0' })
    expect(answer).toMatchObject({
      status: 202,
      headers: { location: `/api/runs/${String(answer.body['run'])}` },
      body: { outcome: null },
    })
  })
})

describe('what is said of several', () => {
  const run = (outcome: 'succeeded' | 'failed' | 'cancelled' | 'skipped' | null) => ({
    // As much of a record as is looked at.
    run: { outcome } as NonNullable<Parameters<typeof worstOf>[0][number]['run']>,
  })
  test.each([
    [['succeeded', 'failed', null], 'failed'],
    [['succeeded', 'cancelled'], 'cancelled'],
    [['succeeded', null], null],
    [['skipped', 'succeeded'], 'succeeded'],
    [['skipped', 'skipped'], 'skipped'],
  ] as const)('%j is %s', (outcomes, worst) => {
    expect(worstOf(outcomes.map(run)).outcome).toBe(worst)
  })

  test('no flow is not all fresh', () => {
    expect(freshness([])).toEqual({ all_fresh: false })
  })
})
