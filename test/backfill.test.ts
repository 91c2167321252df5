/** `sluice backfill` as processes on a real PostgreSQL: what is planned is done, is followed, survives a kill, and can be stopped. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createProject, type Project } from './support/project.ts'

// A test is many processes, one after the other.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

let project: Project

beforeAll(async () => {
  project = await createProject(`{
    cities: sync({ from: { csv: 'cities.csv' }, to: 'cities', key: ['id'] }),
    broken: sync({ from: { query: 'select nothing from nowhere' }, to: 'broken' }),
    slow: sync({ from: { query: 'select r.range as id, md5(r.range::text) as t from range(400000000) r' }, to: 'slow', key: ['id'] }),
  }`)
  await project.write('cities.csv', csv(10))
})
afterAll(async () => {
  await project[Symbol.asyncDispose]()
})

const csv = (rows: number): string =>
  `id,name\n${Array.from({ length: rows }, (_, at) => `${at + 1},n${at + 1}\n`).join('')}`

/** What the command prints with --json, as far as these tests look into it. */
interface Printed {
  readonly backfill: { readonly id: string; readonly state: string } | null
  readonly backfills: readonly { readonly id: string; readonly flow: string }[]
  readonly slices: readonly { readonly key: string; readonly state: string; readonly run: string | null }[]
  readonly error: { readonly code: string }
}

async function json(...args: string[]): Promise<{ readonly code: number | null; readonly value: Printed }> {
  const { code, stdout, stderr } = await project.sluice([...args, '--json'])
  try {
    return { code, value: JSON.parse(stdout) as Printed } // each test asserts what it reads
  } catch {
    throw new Error(`no JSON: ${stdout}\n${stderr}`)
  }
}

const count = async (): Promise<number | undefined> =>
  (await project.query<{ n: number }>('select count(*)::int as n from cities'))[0]?.n

async function until(look: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 300; round += 1) {
    if (await look()) return
    await sleep(200)
  }
  throw new Error('it does not come')
}

test('planned, done, shown; what is up to date stays; forced it is done again', async () => {
  const dry = await project.sluice(['backfill', 'cities', '--dry-run'])
  expect(dry).toMatchObject({ code: 0, stdout: 'cities: 1 slice to redo\n  run all: never published\n' })
  expect(await project.query("select to_regclass('public.cities') as there")).toEqual([{ there: null }])
  expect(await json('backfill', 'list')).toMatchObject({ code: 0, value: { backfills: [] } })

  const first = await project.sluice(['backfill', 'cities'])
  expect(first).toMatchObject({ code: 0, signal: null })
  expect(first.stdout).toMatch(/^BACKFILL .*\n\S+ +cities +done +1 +1 +0 /)
  expect(first.stderr).toMatch(/^backfill [0-9a-f-]{36}\n[^]*cities: done: 1 slice in /)
  expect(await count()).toBe(10)

  const again = await json('backfill', 'cities')
  expect(again).toMatchObject({ code: 0, value: { backfill: null, failed: [], skipped: [{ key: 'all' }] } })
  expect((await project.sluice(['backfill', 'cities'])).stdout).toMatch(
    /^cities: nothing to redo: 1 slice left: source unchanged/,
  )
  expect(await json('backfill', 'cities', '--dry-run')).toMatchObject({
    code: 0,
    value: { flow: 'cities', slices: [], skipped: [{ key: 'all' }] },
  })

  const forced = await json('backfill', 'cities', '--force', '--slice', 'all', '--at-once', '16')
  expect(forced).toMatchObject({
    code: 0,
    value: { backfill: { state: 'done', force: true, atOnce: 16, slices: { total: 1, succeeded: 1 } }, failed: [] },
  })
  const { backfills } = (await json('backfill', 'list', 'cities', '--limit', '5')).value
  expect(backfills).toHaveLength(2)
  const id = backfills[0]?.id ?? ''
  expect(id).toBe(forced.value.backfill?.id)
  const shown = await json('backfill', 'show', id.slice(-12))
  expect(shown.value).toMatchObject({ backfill: { id }, slices: [{ key: 'all', state: 'succeeded', error: null }] })
  expect(await json('runs', 'cities', '--limit', '1')).toMatchObject({
    value: { runs: [{ id: shown.value.slices[0]?.run, trigger: 'backfill', backfill: id, outcome: 'succeeded' }] },
  })
  expect((await project.sluice(['backfill', 'show', id, '--state', 'failed'])).stdout).toContain('cities: done')
  expect(await json('backfill', 'list', 'broken')).toMatchObject({ value: { backfills: [] } })
})

test('what makes no sense is refused, and nothing is begun', async () => {
  const odd: readonly (readonly [code: string, ...args: string[]])[] = [
    ['USAGE', 'backfill'],
    ['FLOW_UNKNOWN', 'backfill', 'citis'],
    ['FLOW_UNKNOWN', 'backfill', 'list', 'citis'],
    ['USAGE', 'backfill', 'cities', '--slice', 'x'],
    ['USAGE', 'backfill', 'cities', '--from', '2026-01-01'],
    ['USAGE', 'backfill', 'cities', '--to', '2026-01-01', '--dry-run'],
    ['USAGE', 'backfill', 'cities', '--at-once', '17'],
    ['USAGE', 'backfill', 'cities', '--at-once', 'two'],
    ['USAGE', 'backfill', 'cities', '--grain', 'day'],
    ['USAGE', 'backfill', 'show', 'ffffffff', '--state', 'odd'],
    ['USAGE', 'backfill', 'pause', 'ffffffff', '--force'],
    ...['show', 'pause', 'resume', 'retry', 'cancel'].map(
      (what) => ['BACKFILL_UNKNOWN', 'backfill', what, 'ffffffff'] as const,
    ),
  ]
  const before = (await json('backfill', 'list')).value.backfills.length
  for (const [code, ...args] of odd)
    expect(await json(...args), args.join(' ')).toMatchObject({ code: 2, value: { error: { code } } })
  expect((await json('backfill', 'list')).value.backfills).toHaveLength(before)
})

test('of a paused flow none begins', async () => {
  await project.sluice(['pause', 'cities', '--reason', 'because'])
  expect(await json('backfill', 'cities', '--force')).toMatchObject({
    code: 1,
    value: { error: { code: 'FLOW_PAUSED' } },
  })
  await project.sluice(['resume', 'cities'])
})

test('a slice that fails: why, exit 1, and again', async () => {
  await project.flows(`{
    cities: sync({ from: { csv: 'cities.csv' }, to: 'cities', key: ['id'], attempts: 1 }),
    slow: sync({ from: { query: 'select r.range as id, md5(r.range::text) as t from range(400000000) r' }, to: 'slow', key: ['id'] }),
  }`)
  await project.sluice(['run', 'cities'])
  await project.write('cities.csv', csv(2))
  const failed = await project.sluice(['backfill', 'cities'])
  expect(failed).toMatchObject({ code: 1, signal: null })
  expect(failed.stderr).toMatch(/GUARD_SHRUNK: all: .*\n {2}why: .*\n {2}fix: /)
  expect(failed.stderr).not.toMatch(/^ {4}at /m)
  expect(failed.stdout).toMatch(/cities +failed +1 +0 +1 /)
  expect(await count()).toBe(10)
  const id = (await json('backfill', 'list')).value.backfills[0]?.id ?? ''
  expect(await json('backfill', 'show', id, '--state', 'failed')).toMatchObject({
    value: { slices: [{ key: 'all', state: 'failed', error: { code: 'GUARD_SHRUNK' } }] },
  })
  expect(await json('backfill', 'retry', id)).toMatchObject({
    code: 1,
    value: { failed: [{ error: { code: 'GUARD_SHRUNK' } }] },
  })
  await project.write('cities.csv', csv(12))
  expect(await json('backfill', 'retry', id)).toMatchObject({ code: 0, value: { backfill: { id, state: 'done' } } })
  expect(await count()).toBe(12)
  expect(await json('backfill', 'retry', id)).toMatchObject({ code: 2, value: { error: { code: 'BACKFILL_STATE' } } })
})

test('killed it stays as it was, and `resume` goes on; Ctrl-C cancels', async () => {
  const env = { SLUICE_LEASE_MS: '1500' }
  const first = project.start(['backfill', 'slow', '--json'], env)
  const state = async (): Promise<Readonly<Record<string, unknown>> | undefined> =>
    (
      await project.query(
        'select b.id, b.state, exists (select from sluice.attempt a join sluice.run r on r.id = a.run where r.backfill = b.id and a.outcome is null) as works from sluice.backfill b where b.flow = $1',
        ['slow'],
      )
    )[0]
  await until(async () => (await state())?.['works'] === true)
  first.process.kill('SIGKILL')
  await first.ended
  const id = String((await state())?.['id'])
  expect(await state()).toMatchObject({ state: 'running' })

  const second = project.start(['backfill', 'resume', id], env)
  let said = ''
  second.process.stderr?.on('data', (text: string) => (said += text))
  await until(async () => /slow all: \w+/.test(said))
  expect(
    await project.query(
      'select a.n from sluice.attempt a join sluice.run r on r.id = a.run where r.backfill = $1 order by a.n',
      [id],
    ),
  ).toEqual([{ n: 1 }, { n: 2 }])
  second.process.kill('SIGINT')
  const cancelled = await second.ended
  expect(cancelled.stderr).toContain('Ctrl-C: cancelling')
  expect(cancelled).toMatchObject({ code: 1, stdout: expect.stringMatching(/slow +cancelled +1 +0 /) as string })
  expect(await state()).toMatchObject({ state: 'cancelled', works: false })
  expect((await json('backfill', 'show', id)).value.backfill).toMatchObject({
    stopped: { reason: 'interrupted at the command line' },
  })
  expect(await project.query("select to_regclass('public.slow') as there")).toEqual([{ there: null }])
})

test('paused and cancelled from elsewhere, with a reason', async () => {
  const env = { SLUICE_LEASE_MS: '1500' }
  const first = project.start(['backfill', 'slow', '--force'], env)
  const open = async (): Promise<string | undefined> =>
    (
      await project.query<{ id: string }>(
        "select b.id from sluice.backfill b where b.state = 'running' and exists (select from sluice.attempt a join sluice.run r on r.id = a.run where r.backfill = b.id and a.outcome is null)",
      )
    )[0]?.id
  await until(async () => (await open()) !== undefined)
  const id = (await open()) ?? ''
  expect(await json('backfill', 'pause', id, '--reason', 'too hot')).toMatchObject({
    code: 0,
    value: { backfill: { state: 'paused', stopped: { reason: 'too hot' } } },
  })
  expect(await json('backfill', 'pause', id)).toMatchObject({ code: 2, value: { error: { code: 'BACKFILL_STATE' } } })
  // What runs goes on: so does the command, until that is cancelled.
  expect((await project.sluice(['backfill', 'cancel', id, '--reason', 'too slow'])).stdout).toMatch(
    /^slow: cancelled by \S+: too slow; 0 of 1 slice done/,
  )
  expect(await first.ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/slow: cancelled by \S+: too slow/) as string,
  })
})
