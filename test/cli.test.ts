/** The command line against a real PostgreSQL, as processes: what a user sees and a script branches on. */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { type Ended, sluice, write } from './support/cli.ts'

// A test is a dozen processes, one after the other.
vi.setConfig({ testTimeout: 180_000 })

let root: string
let folders = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function query<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<R>(text)).rows
  } finally {
    await client.end()
  }
}

/** What commands print with --json, as far as these tests look into it. */
interface Printed {
  readonly flows: readonly {
    readonly lastRun: object
    readonly examples: readonly { readonly key: { readonly id: string }; readonly difference: string }[]
  }[]
  readonly runs: readonly {
    readonly id: string
    readonly flow: string
    readonly outcome: string
    readonly reason: string
    readonly error: unknown
  }[]
  readonly left: unknown
  readonly lines: readonly unknown[]
  readonly target: string
  readonly schedules: unknown
  readonly due: readonly { readonly dueAt: string }[]
  readonly findings: readonly { readonly severity: string; readonly about: string }[]
}

interface Project {
  readonly directory: string
  readonly url: string
  /** Runs a command there, with DATABASE_URL set. */
  readonly call: (...argv: string[]) => Promise<Ended>
  readonly json: (...argv: string[]) => Promise<{ readonly code: number | null; readonly value: Printed }>
}

/** A project with a database of its own and these flows. */
async function project(
  flows: string,
  files: Readonly<Record<string, string>> = {},
  server = inject('postgres18'),
): Promise<Project> {
  const name = `cli_${process.pid}_${folders++}`
  await query(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const directory = join(root, name)
  await write(directory, {
    'sluice.config.mts': `import { defineConfig, env, sync } from 'sluice'
export default defineConfig({ project: 'p', database: env('DATABASE_URL'), flows: { ${flows} } })
`,
    ...files,
  })
  const call = (...argv: string[]) => sluice(directory, argv, { env: { DATABASE_URL: url.href } })
  return {
    directory,
    url: url.href,
    call,
    async json(...argv) {
      const { code, stdout, stderr } = await call(...argv, '--json')
      try {
        return { code, value: JSON.parse(stdout) as Printed } // each test asserts what it reads
      } catch {
        throw new Error(`no JSON: ${stdout}\n${stderr}`)
      }
    },
  }
}

const csv = (rows: number): string =>
  `id,name\n${Array.from({ length: rows }, (_, at) => `${at + 1},n${at + 1}\n`).join('')}`
const cities = "cities: sync({ from: { csv: 'cities.csv' }, to: 'cities', key: ['id'], every: '1h' })"

const keys = (value: object): string[] => Object.keys(value)

describe.each([18, 14] as const)('on PostgreSQL %i', (version) => {
  test('run, status, verify, runs, logs, and the same again', async () => {
    const { call, json, url } = await project(cities, { 'cities.csv': csv(10) }, inject(`postgres${version}`))

    const never = await json('status')
    expect(never.value).toMatchObject({ flows: [{ name: 'cities', state: 'never', rows: null, lastRun: null }] })

    const dry = await json('run', 'cities', '--dry-run')
    expect(dry).toMatchObject({ code: 0, value: { plans: [{ flow: 'cities', slices: [{ action: 'run' }] }] } })
    expect(await query(url, "select to_regclass('public.cities') as there")).toEqual([{ there: null }])

    const first = await json('run', 'cities')
    expect(first).toMatchObject({
      code: 0,
      value: { runs: [{ flow: 'cities', outcome: 'succeeded', rows: 10 }], left: [] },
    })
    expect(await query(url, 'select count(*)::int as n from cities')).toEqual([{ n: 10 }])

    const again = await json('run', '--all')
    expect(again).toMatchObject({ code: 0, value: { runs: [{ outcome: 'skipped' }] } })
    expect(again.value.runs[0]?.reason).not.toBe('')

    const status = await json('status')
    expect(status.code).toBe(0)
    expect(keys(status.value)).toEqual(['flows', 'recommendations', 'outdated'])
    expect(keys(status.value.flows[0] ?? {})).toEqual([
      'name',
      'kind',
      'state',
      'running',
      'rows',
      'asOf',
      'sourceAsOf',
      'dueAt',
      'lastRun',
    ])
    expect(keys(status.value.flows[0]?.lastRun ?? {})).toEqual([
      'id',
      'outcome',
      'startedAt',
      'finishedAt',
      'rows',
      'error',
    ])
    expect(status.value.flows[0]).toMatchObject({ state: 'fresh', rows: 10, running: false })

    const same = await json('verify')
    expect(same.code).toBe(0)
    expect(keys(same.value.flows[0] ?? {})).toEqual(
      'name slice verdict compared missing extra changed asOf sourceAsOf sourceChanged error examples'.split(' '),
    )
    expect(same.value.flows[0]).toMatchObject({ name: 'cities', slice: 'all', verdict: 'identical', compared: 10 })

    await query(
      url,
      "update cities set name = 'x' where id = 3; delete from cities where id = 5; insert into cities values (99, 'y')",
    )
    const differs = await json('verify', 'cities')
    expect(differs.code).toBe(3)
    expect(differs.value.flows[0]).toMatchObject({ verdict: 'differs', missing: 1, extra: 1, changed: 1 })
    expect((differs.value.flows[0]?.examples ?? []).map((one) => `${one.key.id} ${one.difference}`).toSorted()).toEqual(
      ['3 changed', '5 missing', '99 extra'],
    )
    const shown = await call('verify')
    expect(shown.stdout).toContain('id 3: differs in name')

    const runs = await json('runs', 'cities', '--limit', '2')
    expect(runs.value.runs).toHaveLength(2)
    const id = first.value.runs[0]?.id ?? ''
    const logs = await json('logs', id)
    expect(logs).toMatchObject({ code: 0, value: { run: { id, outcome: 'succeeded' } } })
    expect(logs.value.lines.length).toBeGreaterThan(0)
    const followed = await call('logs', id, '--follow', '--json')
    const events = followed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { tag: string })
    expect(events.at(-1)).toMatchObject({ tag: 'finished' })

    const ddl = await json('ddl', 'cities')
    expect(ddl.value.target).toMatch(/create table/i)
  })
})

test('the guard keeps the old rows; --force publishes; status says what to do', async () => {
  const { call, json, directory, url } = await project(cities, { 'cities.csv': csv(10) })
  await json('run', 'cities')
  await write(directory, { 'cities.csv': csv(2) })
  const shrunk = await call('run', 'cities')
  expect(shrunk.code).toBe(1)
  expect(shrunk.stderr).toContain('GUARD_SHRUNK')
  expect(shrunk.stderr).not.toMatch(/^ {4}at /m)
  expect(await query(url, 'select count(*)::int as n from cities')).toEqual([{ n: 10 }])
  const status = await json('status')
  expect(status).toMatchObject({
    code: 3,
    value: {
      flows: [{ state: 'failed', lastRun: { outcome: 'failed', error: { code: 'GUARD_SHRUNK' } } }],
      recommendations: [{ flow: 'cities', command: 'sluice run cities --force' }],
    },
  })
  expect((await json('run', 'cities', '--force')).code).toBe(0)
  expect(await query(url, 'select count(*)::int as n from cities')).toEqual([{ n: 2 }])
})

test('flows after one that fails are left, and say so; others run', async () => {
  const { json } = await project(
    `${cities},
     broken: sync({ from: { query: 'select nothing from nowhere' }, to: 'broken' }),
     later: sync({ from: { csv: 'cities.csv' }, to: 'later', after: ['broken'] })`,
    { 'cities.csv': csv(3) },
  )
  const { code, value } = await json('run', '--all')
  expect(code).toBe(1)
  const outcomes = Object.fromEntries(value.runs.map((run) => [run.flow, run.outcome]))
  expect(outcomes).toEqual({ cities: 'succeeded', broken: 'failed' })
  expect(value.left).toEqual([{ flow: 'later', reason: 'it comes after broken, which did not succeed' }])
  expect(value.runs.find((run) => run.flow === 'broken')?.error).toMatchObject({ code: 'STORE_QUERY' })
})

test('pause, resume, and names that are none', async () => {
  const { call, json } = await project(cities, { 'cities.csv': csv(3) })
  const paused = await json('pause', 'cities', '--reason', 'because')
  expect(paused).toMatchObject({ code: 0, value: { flow: { state: 'paused', paused: { reason: 'because' } } } })
  expect(await json('resume', 'cities')).toMatchObject({ code: 0, value: { flow: { state: 'never' } } })
  for (const command of ['run', 'status', 'verify', 'runs', 'pause', 'ddl']) {
    const refused = await json(command, 'citis')
    expect(refused, command).toMatchObject({
      code: 2,
      value: { error: { code: 'FLOW_UNKNOWN', fix: 'did you mean cities?' } },
    })
  }
  expect(await json('logs', 'ffffffff')).toMatchObject({ code: 2, value: { error: { code: 'RUN_UNKNOWN' } } })
  expect((await call('run', 'citis')).stderr).toMatch(/^FLOW_UNKNOWN: /)
})

test('schedule list and next, without doing anything', async () => {
  const { json } = await project(cities, { 'cities.csv': csv(3) })
  const list = await json('schedule', 'list')
  expect(list.value.schedules).toMatchObject([{ flow: 'cities', schedule: { tag: 'every', every: 3_600_000 } }])
  const next = await json('schedule', 'next', '--count', '3')
  const times = next.value.due.map((one) => Date.parse(one.dueAt))
  expect(times).toHaveLength(3)
  expect((times[2] ?? 0) - (times[0] ?? 0)).toBe(7_200_000)
  expect((times[0] ?? 1) % 3_600_000).toBe(0)
  expect(await json('runs')).toMatchObject({ value: { runs: [] } })
})

test('a server that is not there: a code, why, fix, no stack, no hang', async () => {
  const { directory } = await project(cities, { 'cities.csv': csv(3) })
  const env = { DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:1/none' }
  for (const command of ['status', 'run', 'doctor']) {
    const argv = command === 'run' ? ['run', 'cities'] : [command]
    const { code, stdout, stderr } = await sluice(directory, argv, { env, limit: 20_000 })
    expect(code, command).toBe(command === 'doctor' ? 3 : 1)
    expect(stdout + stderr).toContain('STORE_UNREACHABLE')
    expect(stdout + stderr).not.toMatch(/^ {4}at |hunter2/m)
  }
})

test('doctor looks at stores and flows', async () => {
  const { json } = await project(cities, { 'cities.csv': csv(3) })
  const { code, value } = await json('doctor')
  expect(value.findings.filter((one) => one.severity === 'problem')).toEqual([])
  expect(code).toBe(0)
  expect(value.findings.map((one) => one.about)).toContain('database')
})

test('a slice that a flow does not have is an error of the call, and no run', async () => {
  const { json } = await project(cities, { 'cities.csv': csv(3) })
  for (const argv of [
    ['run', 'cities', '--slice', 'x'],
    ['run', 'cities', '--slice', 'x', '--dry-run'],
  ])
    expect(await json(...argv)).toMatchObject({ code: 2, value: { error: { code: 'USAGE' } } })
  expect(await json('runs')).toMatchObject({ value: { runs: [] } })
  expect(await json('status')).toMatchObject({ code: 0, value: { flows: [{ state: 'never' }] } })
})

test('up works off what is asked for elsewhere, and ends at a signal', async () => {
  const { directory, url, json } = await project(cities, { 'cities.csv': csv(5) })
  let requested: Promise<unknown> | undefined
  const ended = await sluice(directory, ['up'], {
    env: { DATABASE_URL: url },
    started(child) {
      child.stderr?.on('data', (text: string) => {
        if (!text.includes('up; Ctrl-C ends it') || requested !== undefined) return
        requested = json('run', 'cities').finally(() => child.kill('SIGTERM'))
      })
    },
  })
  expect(await requested).toMatchObject({ code: 0, value: { runs: [{ outcome: 'succeeded', rows: 5 }] } })
  expect(ended).toMatchObject({ code: 0, signal: null })
  expect(ended.stderr).toMatch(/database: .*PostgreSQL/)
})

test('a flow that is defined anew while up holds the warehouse: refused without a stack, and not carried out later', async () => {
  const of = (query: string): string => `a: sync({ from: { query: '${query}' }, to: 'a' })`
  const { directory, url, call, json } = await project(of('select 1 as id'))
  const config = join(directory, 'sluice.config.mts')
  let refused: Promise<Ended> | undefined
  let looked: { readonly status: Ended; readonly json: Printed; readonly doctor: Ended } | undefined
  const served = await sluice(directory, ['up'], {
    env: { DATABASE_URL: url },
    started(child) {
      child.stderr?.on('data', (text: string) => {
        if (!text.includes('up; Ctrl-C ends it') || refused !== undefined) return
        refused = (async () => {
          await json('run', 'a')
          const text = await readFile(config, 'utf8')
          await writeFile(config, text.replace('select 1 as id', 'select 2 as id'))
          const ended = await call('run', 'a', '--force')
          looked = { status: await call('status'), json: (await json('status')).value, doctor: await call('doctor') }
          await sleep(6_000)
          return ended
        })().finally(() => child.kill('SIGTERM'))
      })
    },
  })
  const ended = await refused
  expect(ended).toMatchObject({ code: 2, signal: null })
  expect(ended?.stderr).toMatch(/WORKER_OUTDATED: [^]*fix: stop process \d+ and start `sluice up` again/)
  expect(ended?.stderr).not.toMatch(/^ {4}at |INTERNAL|Uncaught/m)
  expect(served.stderr.match(/a was defined anew: .* until `sluice up` is restarted/g)).toHaveLength(1)
  expect(looked?.status.stderr).toMatch(/a: it was defined anew; process \d+ on .* until `sluice up` is restarted/)
  expect(looked?.json).toMatchObject({
    outdated: [{ flow: 'a', pid: expect.any(Number) as number }],
    recommendations: [{ flow: 'a', command: 'sluice up', text: expect.stringContaining('defined anew') as string }],
  })
  expect(looked?.doctor).toMatchObject({ code: 3 })
  expect(looked?.doctor.stdout).toMatch(/WORKER_OUTDATED/)
  const { value } = await json('runs', 'a')
  expect(value.runs.map(({ outcome }) => outcome)).toEqual(['succeeded'])
  expect((await call('up', '--due')).code).toBe(0)
  expect(await query(url, 'select id from a')).toEqual([{ id: 1 }])
})

test('up --once ends without a terminal: 0 when all is well, 1 when not', async () => {
  const good = await project(cities, { 'cities.csv': csv(5) })
  const well = await good.call('up', '--once')
  expect(well.code).toBe(0)
  expect(well.stdout).toMatch(/^FLOW .*\ncities +sync +fresh +5 /)
  const bad = await project("a: sync({ from: { query: 'select nothing from nowhere' }, to: 'a' })")
  expect((await bad.call('up', '--once')).code).toBe(1)
})

test('verify --repair redoes what differs, under the guard, and compares again', async () => {
  const { directory, url, call, json } = await project(cities, { 'cities.csv': csv(10) })
  await call('run', 'cities')
  expect((await call('verify', '--repair')).stdout).not.toMatch(/repaired/)
  await query(url, "update cities set name = 'x' where id = 2")
  await query(url, 'delete from cities where id = 3')
  await query(url, "insert into cities values (99, 'y')")
  expect((await call('verify')).code).toBe(3)
  const repaired = await call('verify', '--repair')
  expect(repaired.stdout).toMatch(/identical[^]*cities: repaired by run /)
  expect(repaired.code).toBe(0)
  expect(await query(url, 'select count(*)::int as n from cities')).toEqual([{ n: 10 }])
  expect(await json('run', 'cities')).toMatchObject({ value: { runs: [{ outcome: 'skipped' }] } })
  // Whether the source is right is not for a repair to say.
  await write(directory, { 'cities.csv': csv(2) })
  const guarded = await call('verify', '--repair')
  expect(guarded.stdout).toMatch(/cities: not repaired: /)
  expect(guarded.code).toBe(1)
  expect(await query(url, 'select count(*)::int as n from cities')).toEqual([{ n: 10 }])
})

test('a project that was moved has nothing to do', async () => {
  const { directory, url, call } = await project(cities, { 'cities.csv': csv(5) })
  expect((await call('run', 'cities')).code).toBe(0)
  const moved = `${directory}-moved`
  await rename(directory, moved)
  const again = await sluice(moved, ['run', 'cities'], { env: { DATABASE_URL: url } })
  expect(again.stdout).toMatch(/cities +skipped .*source unchanged/)
})

test('SIGINT cancels what is followed, and nothing of it is published', async () => {
  const slow =
    "slow: sync({ from: { query: 'select r.range as id, md5(r.range::text) as t from range(400000000) r' }, to: 'slow', key: ['id'] })"
  const { directory, url, json } = await project(slow)
  let sent = false
  const ended = await sluice(directory, ['run', 'slow'], {
    env: { DATABASE_URL: url },
    started(child) {
      child.stderr?.on('data', () => {
        if (sent) return
        sent = true
        setTimeout(() => child.kill('SIGINT'), 500)
      })
    },
  })
  expect(ended.stderr).toContain('Ctrl-C: cancelling')
  expect(ended.code).toBe(1)
  expect(await json('runs', 'slow')).toMatchObject({
    value: { runs: [{ outcome: 'cancelled', reason: expect.stringContaining('interrupted') as string }] },
  })
})
