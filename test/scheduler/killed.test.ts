import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { openClockwork } from '../support/clockwork.ts'
import { flows } from './flows.ts'

const script = fileURLToPath(new URL('./process.ts', import.meta.url))

function schedule(url: string, failpoint: string | null): ChildProcess {
  return spawn(process.execPath, [script, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(failpoint === null ? {} : { SLUICE_FAILPOINT: failpoint }) },
  })
}

const edges = ['schedule:inserted', 'schedule:before-commit', 'schedule:after-commit'] as const

test('three schedulers, one killed at every edge: no occurrence twice, none lost', { timeout: 60_000 }, async () => {
  await using own = await createDatabase()
  await using work = await openClockwork(own.database, flows)
  await work.engine.queue()
  const [begun] = await own.query<{ decided_to: Date }>('select min(decided_to) as decided_to from sluice.schedule')
  const alive = new Set<ChildProcess>()
  const start = async (failpoint: string | null): Promise<ChildProcess> => {
    const child = schedule(own.url, failpoint)
    alive.add(child)
    child.once('exit', () => alive.delete(child))
    if (child.stdout !== null) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    return child
  }
  // Runs end at once, as if a worker were very fast.
  let working = true
  const worker = (async () => {
    while (working) {
      await own.query(
        `update sluice.run set outcome = 'succeeded', frozen_at = sluice.now(), finished_at = sluice.now() where outcome is null`,
      )
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  let killed = 0
  try {
    await Promise.all([start(null), start(null)])
    for (const edge of edges) {
      const child = await start(`${edge}=kill`)
      const [, signal] =
        child.exitCode === null && child.signalCode === null ? await once(child, 'exit') : [null, child.signalCode]
      expect(signal).toBe('SIGKILL')
      killed += 1
    }
    // One is killed at a moment that nobody has chosen.
    const [victim] = alive
    victim?.kill('SIGKILL')
    await start(null)
    // However busy the machine: there is something to have been lost.
    const fewest = async (): Promise<number> => {
      const [least] = await own.query<{ n: string }>(
        `select min((select count(*) from sluice.occurrence o where o.flow = s.flow)) as n from sluice.schedule s`,
      )
      return Number(least?.n)
    }
    await expect.poll(fewest, { timeout: 20_000, interval: 100 }).toBeGreaterThan(12)
  } finally {
    for (const child of alive) child.kill('SIGTERM')
    await Promise.all([...alive].map((child) => once(child, 'exit')))
    // What waits is run by one that comes later.
    const last = work.scheduler()
    await expect
      .poll(
        async () => {
          await last.tick()
          const [left] = await own.query<{ waiting: string }>(
            `select count(*) as waiting from sluice.occurrence where state = 'waiting'`,
          )
          return Number(left?.waiting)
        },
        { timeout: 15_000, interval: 20 },
      )
      .toBe(0)
    working = false
    await worker
  }
  expect(killed).toBe(edges.length)

  // None lost: every half second since the beginning, in each flow.
  const gaps = await own.query<{ flow: string; expected: string; found: string }>(
    `select s.flow, floor(extract(epoch from s.decided_to) * 2) - floor(extract(epoch from $1::timestamptz) * 2) as expected, (
       select count(*) from sluice.occurrence o where o.flow = s.flow) as found
     from sluice.schedule s order by s.flow`,
    [begun?.decided_to],
  )
  expect(gaps).toHaveLength(4)
  for (const { expected, found } of gaps) {
    // Flows are registered within one transaction, a few microseconds apart.
    expect(Math.abs(Number(found) - Number(expected))).toBeLessThanOrEqual(1)
    expect(Number(found)).toBeGreaterThan(10)
  }
  const [holes] = await own.query<{ holes: string }>(`
    select count(*) as holes from (
      select due_at - lag(due_at) over (partition by flow order by due_at) as step from sluice.occurrence) s
    where step <> interval '500 milliseconds'`)
  expect(holes?.holes).toBe('0')
  // No occurrence twice, none without its run, and no run without its occurrence.
  const [counted] = await own.query<{ occurrences: string; runs: string; joined: string; dues: string }>(`
    select (select count(*) from sluice.occurrence where state = 'run') as occurrences, (select count(*) from sluice.run) as runs,
      (select count(*) from sluice.occurrence o join sluice.run r on r.id = o.run and r.due_at = o.due_at and r.flow = o.flow) as joined,
      (select count(distinct (flow, due_at)) from sluice.run) as dues`)
  expect(Number(counted?.occurrences)).toBeGreaterThan(40)
  expect(new Set([counted?.occurrences, counted?.runs, counted?.joined, counted?.dues]).size).toBe(1)
  // Each run has its job, and only those.
  const jobs = await own.query<{ run: string }>(`select data ->> 'run' as run from sluice_jobs.job`)
  const runs = await own.query<{ id: string }>(`select id from sluice.run`)
  expect(jobs.map(({ run }) => run).toSorted()).toEqual(runs.map(({ id }) => id).toSorted())
})

test('a scheduler that is stopped in its transaction holds nobody up', { timeout: 60_000 }, async () => {
  await using own = await createDatabase()
  const [flow] = flows
  if (flow === undefined) throw new Error('no flow')
  await using work = await openClockwork(own.database, [flow])
  await work.engine.queue()
  const child = schedule(own.url, 'schedule:before-commit=stop')
  try {
    const held = async (): Promise<number> =>
      (
        await own.query(
          // It has written its occurrences: then it holds its flow, too.
          `select 1 from pg_stat_activity a join pg_locks l on l.pid = a.pid
           where a.datname = current_database() and a.state = 'idle in transaction'
             and l.relation = 'sluice.occurrence'::regclass and l.mode = 'RowExclusiveLock'`,
        )
      ).length
    await expect.poll(held, { timeout: 10_000 }).toBe(1)
    const scheduler = work.scheduler()
    await scheduler.tick()
    expect(await own.query('select 1 from sluice.occurrence')).toHaveLength(0)
    // The server ends the session of the stopped one.
    await expect
      .poll(async () => (await scheduler.tick(), (await own.query('select 1 from sluice.occurrence')).length), {
        timeout: 20_000,
      })
      .toBeGreaterThan(10)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})
