/** Real processes, killed and stopped at every commit edge: content and totals are the same afterwards. */
import { fork, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Failpoint } from '../../src/lib/failpoint.ts'
import type { RunRecord } from '../../src/runs/engine.ts'
import { ensure } from '../../src/runs/ensure.ts'
import { defaultLeases } from '../../src/runs/context.ts'
import { readRunRecord } from '../../src/runs/records.ts'
import { request } from '../../src/runs/request.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { ask, openHarness, testFlow, until, type Harness } from './harness.ts'

const definitions = [
  { name: 'two', options: { table: 'two', slices: 2, lines: 2 } },
  { name: 'away', options: { table: 'away', slices: 2, target: 'elsewhere' } },
  { name: 'long', options: { table: 'long', workMs: 3000 } },
  { name: 'deaf', options: { table: 'deaf', workMs: 2500, deaf: true } },
]
const leaseMs = 3000

let made: TestDatabase
let elsewhere: TestDatabase
let harness: Harness
let folder: string
const children = new Set<ChildProcess>()

beforeAll(async () => {
  made = await createDatabase({ max: 20 })
  elsewhere = await createDatabase({ store: 'elsewhere' })
  folder = await mkdtemp(join(tmpdir(), 'sluice-crash-'))
  harness = await openHarness(
    made.database,
    definitions.map((flow) => testFlow(flow.name, flow.options)),
    { databases: [elsewhere.database], leases: { leaseMs, beatMs: leaseMs / 3 } },
  )
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})
afterAll(async () => {
  await harness[Symbol.asyncDispose]()
  await made[Symbol.asyncDispose]()
  await elsewhere[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

interface Started {
  readonly child: ChildProcess
  readonly over: Promise<{
    readonly code: number | null
    readonly signal: NodeJS.Signals | null
    readonly said: string
  }>
}

function start(mode: 'ensure' | 'work', id: string, trap = '', lease = leaseMs): Started {
  const child = fork(
    fileURLToPath(new URL('child.ts', import.meta.url)),
    [made.url, JSON.stringify(definitions), mode, id, elsewhere.url, String(lease)],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--conditions=sluice-source'],
      env: { ...process.env, SLUICE_FAILPOINT: trap },
    },
  )
  children.add(child)
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const over = new Promise<{ code: number | null; signal: NodeJS.Signals | null; said: string }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, said }))
  })
  return { child, over }
}

const read = async (id: string): Promise<RunRecord> => {
  const run = await readRunRecord(harness.engine.state.db, harness.engine.state, id)
  if (run === undefined) throw new Error('no run')
  return run
}

/** The content of a flow's table, and that nothing of the run is left open. */
async function settledContent(id: string, flow: string): Promise<unknown> {
  const there = flow === 'away' ? elsewhere : made
  const rows = await there.query<{ slice: string; attempt: number }>(
    `select slice, attempt from ${flow} where run = $1 order by slice`,
    [id],
  )
  const open = await made.query('select 1 from sluice.attempt where run = $1 and outcome is null', [id])
  const held = await made.query('select 1 from sluice.slice where lease_token is not null or publishing is not null')
  const jobs = await made.query('select 1 from sluice_jobs.job')
  expect({ open, held, jobs }).toEqual({ open: [], held: [], jobs: [] })
  return rows.map((row) => row.slice)
}

const edges: readonly Failpoint[] = [
  'claim:before-commit',
  'claim:after-commit',
  'attempt:planned',
  'publish:before-begin',
  'publish:fenced',
  'in-place:compared',
  'publish:applied',
  'publish:before-commit',
  'publish:after-commit',
  'attempt:before-outcome',
  'outcome:before-commit',
  'outcome:after-commit',
]

describe('killed', () => {
  const cases = [
    ...edges.map((edge) => ['two', edge] as const),
    ...edges.slice(3, 9).map((edge) => ['away', edge] as const),
    ['away', 'publish:between-commits'] as const,
  ]
  test.concurrent.for(cases)(
    '%s at %s: the run goes on, and the totals are the same',
    { timeout: 60_000 },
    async ([flow, edge], context) => {
      const { id } = await request(harness.engine, ask(flow, { options: { from: `${flow}-${edge}` } }))
      const { over } = start('ensure', id, `${edge}=kill@${join(folder, `${flow}-${edge}`.replaceAll(':', '-'))}`)
      context.expect(await over).toMatchObject({ signal: 'SIGKILL' })
      await ensure(harness.engine, id, 'test')
      const run = await read(id)
      context.expect(run).toMatchObject({ outcome: 'succeeded', rows: 2 })
      context.expect(run.attempts.at(-1)?.outcome).toBe('succeeded')
    },
  )
  test('nothing is left', async () => {
    for (const flow of ['two', 'away'] as const) {
      const there = flow === 'away' ? elsewhere : made
      expect(await there.query(`select slice from ${flow} order by 1`)).toEqual([{ slice: 's0' }, { slice: 's1' }])
    }
    expect(await settledContent('00000000-0000-0000-0000-000000000000', 'two')).toEqual([])
  })

  test('between the commits of two databases: recorded, not published again', { timeout: 60_000 }, async () => {
    const { id } = await request(harness.engine, ask('away', { options: { from: 'adopt' } }))
    const { over } = start('ensure', id, `publish:between-commits=kill`)
    expect(await over).toMatchObject({ signal: 'SIGKILL' })
    expect(
      await made.query("select publishing is null as known from sluice.slice where flow = 'away' and key = 's0'"),
    ).toEqual([{ known: false }])
    const before = await elsewhere.query('select publication, result from sluice_publication where slice = $1', ['s0'])
    expect(before).toMatchObject([{ result: { run: id } }])
    await ensure(harness.engine, id, 'test')
    expect(await read(id)).toMatchObject({ outcome: 'succeeded' })
    expect(await settledContent(id, 'away')).toEqual(['s0', 's1'])
  })

  test(
    'while it works, with the leases of production: another worker goes on within 30 s of the last heartbeat',
    { timeout: 90_000 },
    async () => {
      await using usual = await openHarness(made.database, [testFlow('long', { table: 'long', workMs: 3000 })], {
        leases: defaultLeases,
        project: 'usual',
      })
      void usual
      const { id } = await request(harness.engine, ask('long'))
      const first = start('work', '', '', defaultLeases.leaseMs)
      const lost = await until(async () => (await read(id)).attempts[0])
      const second = start('work', '', '', defaultLeases.leaseMs)
      await until(
        async () =>
          (await made.query("select 1 from sluice.worker where roles = '{worker}' and stopped_at is null")).length >= 2,
      )
      first.child.kill('SIGKILL')
      const run = await until(async () => {
        const now = await read(id)
        return now.outcome !== null && now
      }, 60_000)
      const [interrupted, next] = run.attempts
      expect(interrupted).toMatchObject({
        outcome: 'interrupted',
        worker: lost.worker,
        error: { code: 'RUN_INTERRUPTED' },
      })
      expect(next).toMatchObject({ outcome: 'succeeded' })
      expect((next?.startedAt.getTime() ?? Infinity) - (interrupted?.heartbeatAt.getTime() ?? 0)).toBeLessThan(30_000)
      second.child.kill('SIGTERM')
      expect(await second.over).toMatchObject({ code: 0 })
    },
  )
})

describe('while it ends the attempt of a worker that is gone', () => {
  /** A run whose only attempt was broken off, and whose lease is over. */
  async function abandoned(from: string): Promise<string> {
    const { id } = await request(harness.engine, ask('two', { options: { from } }))
    const { over } = start('ensure', id, 'attempt:planned=kill')
    expect(await over).toMatchObject({ signal: 'SIGKILL' })
    await made.query('update sluice.attempt set lease_until = sluice.now() where run = $1', [id])
    expect(await read(id)).toMatchObject({ outcome: null, attempts: [{ outcome: null }] })
    return id
  }
  const once = { outcome: 'succeeded', rows: 2, attempts: [{ outcome: 'interrupted' }, { outcome: 'succeeded' }] }

  test.for([
    ['reap:before-commit', null],
    ['reap:after-commit', 'interrupted'],
  ] as const)('killed at %s: it is ended once, by somebody', { timeout: 60_000 }, async ([edge, outcome]) => {
    const id = await abandoned(`kill-${edge}`)
    const { over } = start('ensure', id, `${edge}=kill`)
    expect(await over).toMatchObject({ signal: 'SIGKILL' })
    expect(await read(id)).toMatchObject({ outcome: null, attempts: [{ outcome }] })
    await ensure(harness.engine, id, 'test')
    const run = await read(id)
    expect(run).toMatchObject(once)
    expect(run.attempts).toHaveLength(2)
    expect(await settledContent(id, 'two')).toEqual(['s0', 's1'])
  })

  test.for(['reap:before-commit', 'reap:after-commit'] as const)(
    'stopped at %s: another does it, and the one that wakes up changes nothing',
    { timeout: 60_000 },
    async (edge) => {
      const id = await abandoned(`stop-${edge}`)
      const mark = join(folder, `stop-${edge}`.replaceAll(':', '-'))
      const { child, over } = start('ensure', id, `${edge}=stop@${mark}`)
      await until(() => Promise.resolve(existsSync(mark)))
      await ensure(harness.engine, id, 'test')
      const run = await read(id)
      expect(run).toMatchObject(once)
      child.kill('SIGCONT')
      await over
      expect(await read(id)).toEqual(run)
      expect(await settledContent(id, 'two')).toEqual(['s0', 's1'])
    },
  )
})

describe('stopped past the end of its lease', () => {
  const places = [
    'claim:after-commit',
    'attempt:planned',
    'publish:before-begin',
    'publish:fenced',
    'publish:applied',
    'publish:before-commit',
    'publish:after-commit',
    'attempt:before-outcome',
    'outcome:before-commit',
  ] as const
  const cases = [
    ...places.map((place) => ['two', place] as const),
    ...places.slice(2, 6).map((place) => ['away', place] as const),
    ['away', 'publish:between-commits'] as const,
  ]
  test.for(cases)(
    '%s at %s: another goes on, and the one that wakes up changes nothing',
    { timeout: 60_000 },
    async ([flow, place]) => {
      const there = flow === 'away' ? elsewhere : made
      const { id } = await request(harness.engine, ask(flow, { options: { from: `stop-${flow}-${place}` } }))
      const mark = join(folder, `stop-${flow}-${place}`.replaceAll(':', '-'))
      const { child, over } = start('ensure', id, `${place}=stop@${mark}`)
      await until(() => Promise.resolve(existsSync(mark)))
      await ensure(harness.engine, id, 'test')
      const run = await read(id)
      expect(run).toMatchObject({
        outcome: 'succeeded',
        rows: 2,
        attempts: [{ outcome: 'interrupted' }, { outcome: 'succeeded' }],
      })
      const picture = async (): Promise<unknown> => [
        await there.query(`select ctid, slice, run, attempt, at from ${flow} order by slice`),
        await made.query('select * from sluice.run where id = $1', [id]),
        await made.query('select * from sluice.attempt where run = $1 order by n', [id]),
        await made.query('select * from sluice.slice where flow = $1 order by key', [flow]),
        await made.query('select * from sluice.log where run = $1 order by id', [id]),
      ]
      const before = await picture()
      child.kill('SIGCONT')
      expect(await over).toMatchObject({ code: 0 })
      expect(await picture()).toEqual(before)
      await settledContent(id, flow)
    },
  )

  test(
    'inside the claim: the others wait no longer than a lease, and it changes nothing',
    { timeout: 60_000 },
    async () => {
      const { id } = await request(harness.engine, ask('two', { options: { from: 'stop-claim' } }))
      const mark = join(folder, 'stop-claim')
      const { child, over } = start('ensure', id, `claim:before-commit=stop@${mark}`)
      await until(() => Promise.resolve(existsSync(mark)))
      await ensure(harness.engine, id, 'test')
      const run = await read(id)
      expect(run).toMatchObject({ outcome: 'succeeded', attempts: [{ n: 1, outcome: 'succeeded' }] })
      child.kill('SIGCONT')
      await over
      expect(await read(id)).toEqual(run)
      await settledContent(id, 'two')
    },
  )

  test(
    'nobody has gone on: the attempt ends itself as LEASE_LOST, and publishes nothing',
    { timeout: 60_000 },
    async () => {
      const { id } = await request(harness.engine, ask('deaf'))
      const mark = join(folder, 'alone')
      const { child, over } = start('ensure', id, `attempt:planned=stop@${mark}`)
      await until(() => Promise.resolve(existsSync(mark)))
      await sleep(leaseMs + 500)
      child.kill('SIGCONT')
      await over
      const run = await read(id)
      expect(run.attempts[0]).toMatchObject({ outcome: 'interrupted' })
      expect(['LEASE_LOST', 'RUN_INTERRUPTED']).toContain(run.attempts[0]?.error?.code)
      // The command that woke up went on with the run, as attempt 2.
      expect(run).toMatchObject({ outcome: 'succeeded' })
      expect(await made.query('select attempt from deaf')).toEqual([{ attempt: 2 }])
    },
  )
})
